"""What an alert source may be set to, and what is wrong with a setting. Values in, values out; no database.

The signing secret goes through here as text: sealing it is the caller's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.alerts.types import Grouping, Severity
from app.platform.errors import FieldError
from app.platform.redact import HIDDEN
from app.platform.types import JsonObject
from app.platform.zones import zone_names

AUTO = "auto"
SECRET = "signing_secret"  # noqa: S105  the name of the key, not a secret
NAME_LENGTH = 120
TEXT_LENGTH = 500
MAX_LABELS = 20
MAX_RATE_PER_MINUTE = 1_000_000


def _text(value: Any) -> str | None:
    fits = isinstance(value, str) and 1 <= len(value.strip()) <= TEXT_LENGTH and "\x00" not in value
    return None if fits else f"must be text of 1 to {TEXT_LENGTH} characters"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _rate(value: Any) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_RATE_PER_MINUTE
    return None if fits else f"must be a whole number from 1 to {MAX_RATE_PER_MINUTE}"


def _zone(value: Any) -> str | None:
    return None if isinstance(value, str) and value in zone_names() else "must be a time zone such as Europe/Berlin"


def _names(value: Any) -> str | None:
    fits = isinstance(value, list) and len(value) <= MAX_LABELS and all(_text(each) is None for each in value)
    return None if fits else f"must be a list of at most {MAX_LABELS} names"


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "warning_urgency": _one_of("high", "low"),
    "timezone": _zone,
    "default_severity": _one_of(*(severity.value for severity in Severity)),
    "rate_per_minute": _rate,
    "environment": _text,
    "channels": _names,
    SECRET: _text,
    "timestamp_header": _text,
    "signature_header": _text,
    "topic_arn": _text,
    "allow_query_key": _flag,
}


def config_errors(config: Mapping[str, Any]) -> list[FieldError]:
    """Every wrong key and value, with its path as in `config.timezone`."""
    errors = []
    for key, value in config.items():
        check = CHECKS.get(key)
        wrong = "is no setting of an alert source" if check is None else check(value)
        if wrong is not None:
            errors.append(FieldError(f"config.{key}", wrong))
    return errors


def merged_config(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> JsonObject:
    """The configuration after a change: keys that were not sent stay, null and «» take theirs out.

    A secret that comes back as it was shown (`***`) stays as it is stored.
    """
    changed = {key: value for key, value in sent.items() if (key, value) != (SECRET, HIDDEN)}
    return {key: value for key, value in {**stored, **changed}.items() if value is not None and value != ""}


def shown_config(config: Mapping[str, Any]) -> JsonObject:
    """The configuration as people may see it: that there is a secret, never which."""
    return {key: HIDDEN if key == SECRET else value for key, value in config.items()}


def grouping_errors(grouping: Grouping, group_labels: list[str]) -> list[FieldError]:
    """What is wrong with how the source groups its alerts (B9)."""
    wrong = _names(group_labels)
    if wrong is not None:
        return [FieldError("group_labels", wrong)]
    if grouping is Grouping.LABELS and not group_labels:
        return [FieldError("group_labels", "needs at least one label name where grouping is by labels")]
    return []


def masked(key: str) -> str:
    """A key as it may be shown: enough to tell it from others, not enough to use it."""
    return f"{key[:8]}…{key[-4:]}"
