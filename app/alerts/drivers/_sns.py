"""Amazon SNS: is this envelope really from Amazon, and about a topic of ours. Pure: the caller fetches the certificate.

Rules: AWS documentation, «Verifying the signatures of Amazon SNS messages». Whoever may choose the certificate's
address may sign anything, so the whole address is matched, not just its host.
"""

import re
from base64 import b64decode
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import load_pem_x509_certificate

from app.alerts.drivers._base import Headers, Payload, SignatureInvalid, SourceOptions
from app.alerts.drivers._values import time_of

OLDEST = timedelta(hours=1)
HOST = r"https://sns\.[a-z0-9-]{3,}\.amazonaws\.com(?:\.cn)?"
CERTIFICATE_URL = re.compile(HOST + r"/SimpleNotificationService-[0-9A-Za-z]+\.pem", re.ASCII)
SUBSCRIBE_URL = re.compile(HOST + r"/\?[!-~]+", re.ASCII)
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def is_subscribe_url(url: str) -> bool:
    """Whether a SubscribeURL leads to Amazon SNS over https, and nowhere else."""
    return SUBSCRIBE_URL.fullmatch(url) is not None


def signing_certificate_url(payload: Payload, headers: Headers) -> str | None:
    """Where the certificate of an envelope is. None for what SNS does not sign: raw delivery and EventBridge.

    Raises SignatureInvalid when an envelope names no certificate, or one that is not Amazon's.
    """
    if "Type" not in payload:
        return None
    url = payload.get("SigningCertURL", payload.get("SigningCertUrl"))
    if not isinstance(url, str) or CERTIFICATE_URL.fullmatch(url) is None:
        raise SignatureInvalid("The SNS message does not name a signing certificate of Amazon SNS.")
    return url


def verify_sns(payload: Payload, pem: bytes, options: SourceOptions, now: datetime) -> None:
    """Checks topic, age (at most 1 h) and RSA signature (version 1 SHA-1, 2 SHA-256) of an envelope.

    `pem` is the certificate from `signing_certificate_url`. Raises SignatureInvalid.
    """
    if options.topic_arn and payload.get("TopicArn") != options.topic_arn:
        raise SignatureInvalid("The SNS message is about another topic than the one this source is for.")
    sent_at = time_of(payload.get("Timestamp"), [])
    if sent_at is None or now - sent_at > OLDEST:
        raise SignatureInvalid("The SNS message has no time, or is more than one hour old.")
    version = payload.get("SignatureVersion")
    if version not in ("1", "2"):
        raise SignatureInvalid("The SNS message has no signature of version 1 or 2.")
    try:
        key = load_pem_x509_certificate(pem).public_key()
        signature = b64decode(payload["Signature"], validate=True)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        raise SignatureInvalid("The SNS signature or its certificate cannot be read.") from None
    if not isinstance(key, RSAPublicKey):
        raise SignatureInvalid("The SNS certificate holds no RSA key.")
    try:
        # SHA-1 is what Amazon signs version 1 with; topics can be switched to version 2.
        key.verify(signature, _signed_text(payload), PKCS1v15(), SHA256() if version == "2" else SHA1())  # noqa: S303
    except InvalidSignature:
        raise SignatureInvalid("The SNS signature does not fit the message.") from None


def _signed_text(payload: Payload) -> bytes:
    keys = NOTIFICATION if payload.get("Type") == "Notification" else CONFIRMATION
    parts = []
    for key in keys:
        value = payload.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise SignatureInvalid(f"The SNS message's {key} is not text.")
        parts.append(f"{key}\n{value}\n")
    return "".join(parts).encode()
