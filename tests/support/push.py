"""A browser's half of web push: its keys, and reading what was encrypted for it, written from RFC 8291 and 8188."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.platform.webpush import Subscription, decode, encode


class Device:
    """One browser that is subscribed at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key = generate_private_key(SECP256R1())
        self.p256dh = encode(_point(self._key.public_key()))
        self.auth = encode(bytes(range(16)))

    @property
    def subscription(self) -> Subscription:
        """What the server may know of it."""
        return Subscription(self.endpoint, self.p256dh, self.auth)

    @property
    def as_json(self) -> dict[str, Any]:
        """What the browser's `toJSON` says."""
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": {"p256dh": self.p256dh, "auth": self.auth}}

    def reads(self, content: bytes) -> bytes:
        """The message inside of a push."""
        return decrypted(self._key, self.auth, content)

    def reads_json(self, content: bytes) -> Any:
        """The message inside of a push, as the service worker sees it."""
        return json.loads(self.reads(content))


def decrypted(key: EllipticCurvePrivateKey, auth: str, content: bytes) -> bytes:
    """What one aes128gcm record says. Raises InvalidTag when it is meant for somebody else."""
    salt, length = content[:16], content[20]
    assert int.from_bytes(content[16:20]) >= len(content)
    sender, sealed = content[21 : 21 + length], content[21 + length :]
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender)
    info = b"WebPush: info\x00" + _point(key.public_key()) + sender
    secret = HKDF(SHA256(), 32, decode(auth, 16, "auth"), info).derive(key.exchange(ECDH(), theirs))
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    plain = AESGCM(content_key).decrypt(nonce, sealed, None).rstrip(b"\x00")
    assert plain.endswith(b"\x02"), "the last record ends with its delimiter"
    return plain[:-1]


def _point(key: EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
