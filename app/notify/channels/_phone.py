"""Phone numbers as vendors want them, shared by the channels that call or text one."""

import re

from app.notify.channels._base import DeliveryFailed

_NUMBER = re.compile(r"\+?[1-9]\d{5,14}")
_BETWEEN = re.compile(r"[\s().\-\u00a0]+")


def number_of(address: str) -> str:
    """An address as E.164 (ITU-T), such as +4915112345678. Raises DeliveryFailed, for good, for anything else."""
    digits = _BETWEEN.sub("", address)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    if not _NUMBER.fullmatch(digits):
        raise DeliveryFailed("the phone number is not in international form, such as +4915112345678", permanent=True)
    return digits if digits.startswith("+") else f"+{digits}"
