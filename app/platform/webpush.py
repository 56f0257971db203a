"""Web push without a library: encrypting what a browser gets (RFC 8291, 8188) and proving who sends it (RFC 8292).

Keys are base64url texts without padding, as browsers hand them over: a public key is an uncompressed P-256 point of 65
bytes, a private one 32 bytes, `auth` 16 bytes.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD_BYTES = 4096
# One record: the header, the delimiter and the tag take the rest.
PLAIN_BYTES_AT_MOST = 3993
TOKEN_LASTS = timedelta(hours=12)
_POINT_BYTES, _AUTH_BYTES, _SALT_BYTES, _SCALAR_BYTES = 65, 16, 16, 32


class KeyInvalid(ValueError):
    """A key that is none; the message says which."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where one browser is pushed to, and what only it can read with."""

    endpoint: str
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


def new_private_key() -> str:
    """A fresh private key."""
    return encode(generate_private_key(SECP256R1()).private_numbers().private_value.to_bytes(_SCALAR_BYTES))


def private_key_of(text: str) -> EllipticCurvePrivateKey:
    """The private key. Raises KeyInvalid."""
    number = int.from_bytes(decode(text, _SCALAR_BYTES, "the private key"))
    try:
        return derive_private_key(number, SECP256R1())
    except ValueError as error:
        raise KeyInvalid("the private key is not valid") from error


def public_text(key: EllipticCurvePrivateKey) -> str:
    """The public half of a key, as browsers want it."""
    return encode(_point(key.public_key()))


def check(subscription: Subscription) -> None:
    """Raise KeyInvalid unless the browser's keys can be encrypted for."""
    _their_key(subscription)
    decode(subscription.auth, _AUTH_BYTES, "auth")


def encrypt(
    plain: bytes, subscription: Subscription, *, key: EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """`plain` as one aes128gcm record that only the browser can read. Raises KeyInvalid, ValueError when too long.

    A message has a `key` and a `salt` of its own, made here unless given.
    """
    if len(plain) > PLAIN_BYTES_AT_MOST:
        raise ValueError(f"a push may have {PLAIN_BYTES_AT_MOST} bytes")
    own = key or generate_private_key(SECP256R1())
    salt = salt or _salt_of(own)
    theirs = _their_key(subscription)
    auth = decode(subscription.auth, _AUTH_BYTES, "auth")
    own_point = _point(own.public_key())
    info = b"WebPush: info\0" + _point(theirs) + own_point
    secret = HKDF(SHA256(), 32, salt=auth, info=info).derive(own.exchange(ECDH(), theirs))
    content_key = HKDF(SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(secret)
    sealed = AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)
    return salt + RECORD_BYTES.to_bytes(4) + bytes([len(own_point)]) + own_point + sealed


def authorization(key: EllipticCurvePrivateKey, endpoint: str, *, subject: str, now: datetime) -> str:
    """The `Authorization` header by which a push service knows us: a token for its origin, good for 12 hours."""
    url = urlsplit(endpoint)
    expires_at = int((now + TOKEN_LASTS).timestamp())
    claims = {"aud": f"{url.scheme}://{url.netloc}", "exp": expires_at, "sub": subject}
    signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
    signature = encode(r.to_bytes(_SCALAR_BYTES) + s.to_bytes(_SCALAR_BYTES))
    return f"vapid t={signed}.{signature}, k={public_text(key)}"


def encode(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def decode(text: str, length: int, what: str) -> bytes:
    """The bytes of a base64url text. Raises KeyInvalid where they are not `length` many."""
    try:
        raw = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (Base64Error, ValueError) as error:
        raise KeyInvalid(f"{what} is not base64url") from error
    if len(raw) != length:
        raise KeyInvalid(f"{what} must have {length} bytes")
    return raw


def _their_key(subscription: Subscription) -> EllipticCurvePublicKey:
    point = decode(subscription.p256dh, _POINT_BYTES, "p256dh")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError as error:
        raise KeyInvalid("p256dh is not a point of P-256") from error


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _salt_of(key: EllipticCurvePrivateKey) -> bytes:
    """A salt that follows from a key which is used once: as little foreseeable as the key."""
    scalar = key.private_numbers().private_value.to_bytes(_SCALAR_BYTES)
    return HKDF(SHA256(), _SALT_BYTES, salt=None, info=b"webpush salt").derive(scalar)


def _json(value: dict[str, object]) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())
