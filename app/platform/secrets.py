"""Everything done with SECRET_KEY: one derived key per purpose, encryption at rest, signatures, token hashes.

Ciphertext is `<key id>.<Fernet token>`; the id says which SECRET_KEY made it, so that a rotation can read the old and
write the new. Nothing here is ever logged.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.platform.errors import PagerPalError

KEY_BYTES = 32
KEY_ID_LENGTH = 8
SALT = b"pagerpal/v1"


class SecretUnreadable(PagerPalError):
    """A stored secret was written under a SECRET_KEY that this process does not have, or was damaged."""

    default_code = "secret_unreadable"


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    """One SECRET_KEY, ready for use."""

    master: bytes
    key_id: str
    fernet: Fernet


class SecretBox:
    """Encrypts, signs and verifies under the keys derived from `secret_key`; `previous` ones are only read."""

    def __init__(self, secret_key: str, previous: Sequence[str] = ()) -> None:
        self._keys = [_key_of(text) for text in (secret_key, *previous)]
        self._signing: dict[tuple[str, str], bytes] = {}

    @property
    def key_id(self) -> str:
        """The id that new ciphertext begins with."""
        return self._keys[0].key_id

    def encrypt(self, text: str) -> str:
        """`text` as authenticated ciphertext for a database column."""
        key = self._keys[0]
        return f"{key.key_id}.{key.fernet.encrypt(text.encode()).decode('ascii')}"

    def decrypt(self, ciphertext: str) -> str:
        """What `encrypt` was given. Raises SecretUnreadable for another SECRET_KEY's or a damaged ciphertext."""
        key_id, _, token = ciphertext.partition(".")
        key = next((key for key in self._keys if key.key_id == key_id), None)
        if key is None:
            raise SecretUnreadable(
                "A stored secret was written under another SECRET_KEY; set the old key in SECRET_KEY_PREVIOUS."
            )
        try:
            return key.fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable("A stored secret is damaged; enter it again.") from None

    def sign(self, purpose: str, data: bytes) -> str:
        """HMAC-SHA256 of `data` under the key of `purpose`, as 64 hex digits."""
        return self._signature(self._keys[0], purpose, data)

    def signatures(self, purpose: str, data: bytes) -> list[str]:
        """What `sign` makes of it, first under this key, then under each previous one: for what is cut short."""
        return [self._signature(key, purpose, data) for key in self._keys]

    def verify(self, purpose: str, data: bytes, signature: str) -> bool:
        """True when `signature` was made by `sign` for the same purpose and data, with this or a previous key."""
        return any([same(self._signature(key, purpose, data), signature) for key in self._keys])

    def derive(self, purpose: str) -> bytes:
        """32 bytes that belong to this SECRET_KEY and `purpose` alone, for ciphers of other shapes."""
        return _derived(self._keys[0].master, purpose)

    def _signature(self, key: _Key, purpose: str, data: bytes) -> str:
        cached = self._signing.get((key.key_id, purpose))
        if cached is None:
            cached = self._signing[key.key_id, purpose] = _derived(key.master, f"sign/{purpose}")
        return hmac.new(cached, data, hashlib.sha256).hexdigest()


def hash_token(token: str) -> str:
    """SHA-256 of a random token as 64 hex digits: what is stored of keys, sessions and API tokens.

    No salt and no stretching: the tokens have 256 random bits, and the hash is looked up on every request.
    """
    return hashlib.sha256(_bytes(token)).hexdigest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Compares in constant time, as bytes: texts from headers may hold characters that `compare_digest` refuses."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _key_of(secret_key: str) -> _Key:
    master = _bytes(secret_key)
    return _Key(
        master=master,
        key_id=_derived(master, "key-id").hex()[:KEY_ID_LENGTH],
        fernet=Fernet(urlsafe_b64encode(_derived(master, "encrypt"))),
    )


def _derived(master: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 (RFC 5869), `purpose` as its info."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=SALT, info=purpose.encode()).derive(master)
