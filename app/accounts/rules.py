"""Decisions about people on values only: addresses, passwords, time zones, and how long a failed sign-in waits."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from app.accounts.errors import invalid
from app.accounts.types import ContactMethod, NotificationRule, Reach
from app.platform.zones import zone_names

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1024
MAX_TEXT_LENGTH = 200
MAX_DELAY_MINUTES = 24 * 60

SESSION_IDLE = timedelta(hours=12)
SESSION_ABSOLUTE = timedelta(days=7)
TOUCH_EVERY = timedelta(minutes=5)

BACKOFF_WINDOW = timedelta(minutes=15)
FREE_TRIES_PER_ACCOUNT = 5
FREE_TRIES_PER_ADDRESS = 10
LONGEST_WAIT_SECONDS = 60

CODE_LIFETIME = timedelta(minutes=15)
CODE_PAUSE = timedelta(minutes=1)
CODE_TRIES = 5

# Simple on purpose: an offline appliance mails to names such as `ops@pager.local`, which public checkers refuse.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[^\s@<>(),;:\"\\\[\]\x00-\x1f]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,10}}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_COMMON_STEMS = (
    "password", "passw0rd", "p@ssword", "p@ssw0rd", "qwerty", "qwertz", "azerty", "letmein", "welcome", "iloveyou",
    "admin", "administrator", "changeme", "secret", "login", "master", "dragon", "monkey", "football", "baseball",
    "sunshine", "princess", "superman", "batman", "trustno", "whatever", "starwars", "computer", "internet",
    "pagerpal", "pager", "oncall", "default", "guest", "root", "test", "abc", "qwertyuiop", "asdfghjkl", "zxcvbnm",
    "1q2w3e4r", "1qaz2wsx", "q1w2e3r4", "summer", "winter", "spring", "autumn", "shadow", "michael", "jordan",
)  # fmt: skip
_RUNS = "01234567890123456789 98765432109876543210 abcdefghijklmnopqrstuvwxyz qwertyuiopasdfghjklzxcvbnm"


def normal_email(text: str, path: str = "email") -> str:
    """The address, trimmed and case-folded. Raises Invalid when it cannot be one."""
    email = text.strip().casefold()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise invalid(path, "is not an email address")
    return email


def normal_phone(text: str, path: str = "phone") -> str:
    """The number in international form (E.164) without blanks. Raises Invalid when it has no country code."""
    phone = re.sub(r"[\s()./-]", "", text)
    if not _PHONE.fullmatch(phone):
        raise invalid(path, "must be in international form, such as +15550100")
    return phone


def normal_name(text: str, path: str = "name") -> str:
    """A name with single blanks. Raises Invalid when it is empty, too long or holds control characters."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_TEXT_LENGTH:
        raise invalid(path, f"must have 1 to {MAX_TEXT_LENGTH} characters")
    if not name.isprintable():
        raise invalid(path, "holds characters that cannot be shown")
    return name


def known_zone(name: str) -> str:
    """An IANA time zone name, as it is. Raises Invalid for a name that is none."""
    if name not in zone_names():
        raise invalid("timezone", "is not a time zone name such as Europe/Vienna")
    return ZoneInfo(name).key


def check_delay(minutes: int) -> int:
    """A rule's delay in minutes. Raises Invalid outside of 0 to one day."""
    if not 0 <= minutes <= MAX_DELAY_MINUTES:
        raise invalid("delay_minutes", f"must be between 0 and {MAX_DELAY_MINUTES}")
    return minutes


def check_password(password: str, *, email: str, name: str) -> None:
    """Raise Invalid with the reason when a new password is too short, too long, or one that everybody tries first."""
    if len(password) < MIN_PASSWORD_LENGTH:
        raise invalid("password", f"needs at least {MIN_PASSWORD_LENGTH} characters; 15 or more are better")
    if len(password) > MAX_PASSWORD_LENGTH:
        raise invalid("password", f"may have at most {MAX_PASSWORD_LENGTH} characters")
    if is_common(password) or password.casefold() in _about(email, name):
        raise invalid("password", "is one of those that everybody tries first")


def is_common(password: str) -> bool:
    """Whether a password is a well-known word with decoration, one character repeated, or a run of the keyboard."""
    plain = password.casefold()
    stem = plain.strip("0123456789!?.,#$%&*@_- ")
    if stem in _COMMON_STEMS or stem * 2 == plain or len(set(plain)) < 4:
        return True
    half = plain[: len(plain) // 2]
    return plain in _RUNS or (len(half) * 2 == len(plain) and half * 2 == plain and len(half) < 8)


def _about(email: str, name: str) -> set[str]:
    local = email.partition("@")[0]
    return {email, local, name.casefold(), name.casefold().replace(" ", "")}


def backoff_seconds(failures: Sequence[datetime], *, free_tries: int, now: datetime) -> int:
    """How many seconds a further try must wait, given the times of the failed ones within the window.

    The first `free_tries` cost nothing; then the wait doubles from 1 s up to a minute, counted from the last failure,
    so that nobody is ever locked out for good.
    """
    recent = sorted(at for at in failures if at > now - BACKOFF_WINDOW)
    beyond = len(recent) - free_tries
    if beyond < 0:
        return 0
    wait = min(LONGEST_WAIT_SECONDS, 2 ** min(beyond, 10))
    left = (recent[-1] + timedelta(seconds=wait) - now).total_seconds()
    return max(0, ceil(left))


def session_is_alive(*, last_seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether a session may still be used: within its idle and its absolute limit (B3)."""
    return now < expires_at and now < last_seen_at + SESSION_IDLE


def is_usable(method: ContactMethod) -> bool:
    """Whether pages may go there: verified, and its owner did not opt out."""
    return method.verified_at is not None and method.opted_out_at is None


def reaches(rules: Sequence[NotificationRule], methods: Sequence[ContactMethod]) -> list[Reach]:
    """The ways to a person in the order of their rules' delays; rules on unusable contact methods fall out."""
    usable = {method.id: method for method in methods if is_usable(method)}
    ways = [
        Reach(rule.user_id, method.id, method.channel, method.address, rule.delay_minutes)
        for rule in rules
        if (method := usable.get(rule.contact_method_id)) is not None
    ]
    return sorted(ways, key=lambda way: (way.delay_minutes, way.contact_method_id))
