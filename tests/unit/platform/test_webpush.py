"""Web push by the letter: the appendix of RFC 8291, tokens as RFC 8292 wants them, and keys that are none."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.platform import webpush
from app.platform.webpush import KeyInvalid, Subscription
from tests.support.push import Device, decrypted

# RFC 8291, appendix A, and the message of section 5.
PLAIN = b"When I grow up, I want to be a watermelon"
SERVER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
APPENDIX = Subscription("https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV", PUBLIC, AUTH)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_message_of_the_appendix_comes_out_byte_by_byte() -> None:
    sealed = webpush.encrypt(
        PLAIN, APPENDIX, key=webpush.private_key_of(SERVER), salt=webpush.decode(SALT, 16, "the salt")
    )
    assert webpush.encode(sealed) == MESSAGE
    assert decrypted(webpush.private_key_of(BROWSER), AUTH, sealed) == PLAIN


def test_each_message_has_a_key_and_a_salt_of_its_own() -> None:
    device = Device("https://push.example.com/1")
    one, other = (webpush.encrypt(PLAIN, device.subscription) for _ in range(2))
    assert one[:16] != other[:16]
    assert one[21:86] != other[21:86]
    assert device.reads(one) == device.reads(other) == PLAIN


def test_largest_message_fits_into_one_record_and_a_larger_one_is_refused() -> None:
    device = Device("https://push.example.com/1")
    sealed = webpush.encrypt(b"x" * webpush.PLAIN_BYTES_AT_MOST, device.subscription)
    assert len(sealed) <= webpush.RECORD_BYTES
    with pytest.raises(ValueError, match="bytes"):
        webpush.encrypt(b"x" * (webpush.PLAIN_BYTES_AT_MOST + 1), device.subscription)


def test_token_is_signed_for_the_origin_of_the_push_service() -> None:
    key = webpush.private_key_of(SERVER)
    header = webpush.authorization(key, "https://push.example.net:8443/a/b", subject="mailto:ops@example.com", now=NOW)
    assert header.startswith("vapid t=")
    token, _, public = header.removeprefix("vapid t=").partition(", k=")
    signed, _, signature = token.rpartition(".")
    head, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims == {
        "aud": "https://push.example.net:8443", "exp": int(NOW.timestamp()) + 12 * 3600, "sub": "mailto:ops@example.com"
    }  # fmt: skip
    assert public == webpush.public_text(key)
    raw = webpush.decode(signature, 64, "the signature")
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    key.public_key().verify(encode_dss_signature(r, s), signed.encode(), ECDSA(SHA256()))


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", AUTH),
        (PUBLIC[:-4], AUTH),
        ("A" * 87, AUTH),
        (webpush.encode(b"\x04" + b"\x00" * 64), AUTH),
        (webpush.encode(b"\x04" + b"\xff" * 64), AUTH),
        (PUBLIC, ""),
        (PUBLIC, "AAAA"),
        (PUBLIC, "ä" * 22),
        ("💥", AUTH),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(KeyInvalid):
        webpush.check(Subscription("https://push.example.com/1", p256dh, auth))


def test_made_keys_can_be_used_and_no_two_are_the_same() -> None:
    keys = {webpush.new_private_key() for _ in range(5)}
    assert len(keys) == 5
    assert all(len(webpush.public_text(webpush.private_key_of(each))) == 87 for each in keys)


@pytest.mark.parametrize(
    "text", ["", "AAAA", webpush.encode(bytes(32)), webpush.encode(b"\xff" * 32), "no key at all!"]
)
def test_private_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(KeyInvalid):
        webpush.private_key_of(text)


def test_subscription_shows_no_key_when_it_is_printed() -> None:
    assert AUTH not in repr(APPENDIX)
    assert PUBLIC not in repr(APPENDIX)
