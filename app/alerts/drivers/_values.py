"""How every driver reads a word, a time, a text or a label; the rules are the same for all tools.

Whatever a sender puts in, the result can be stored: strings of bounded length, aware UTC times, known words.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.alerts.drivers._base import ParsedAlert, Payload, PayloadRejected
from app.alerts.types import AlertStatus, Severity
from app.platform.errors import FieldError

MAX_ALERTS = 500
MAX_ERRORS = 50
MAX_LABELS = 200
MAX_KEY = 200
MAX_VALUE = 4096
MAX_NAME = 500
MAX_DESCRIPTION = 16384

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = {
    Severity.CRITICAL: (
        "critical crit fatal emergency emerg disaster page high error err major p1 p2 sev0 sev1 sev2 s1 1-critical"
    ),
    Severity.WARNING: "warning warn minor medium moderate average p3 sev3",
    Severity.INFO: "info information informational notice low none debug ok success p4 p5 sev4 sev5",
}
_SEVERITIES = {word: severity for severity, words in _WORDS.items() for word in words.split()}
_RESOLVED = frozenset(
    ("ok", "resolved", "closed", "recovered", "normal", "up", "success", "cleared", "inactive", "healthy")
)


def known_severity(word: Any) -> Severity | None:
    """The severity that `word` means in any of the tools' vocabularies, None for an unknown word or no word."""
    if not isinstance(word, str):
        return None
    return _SEVERITIES.get(word) or _SEVERITIES.get(word.strip().lower())


def severity_of(word: Any, status: AlertStatus) -> Severity | None:
    """As `known_severity`, but a firing alert always has one: what is not known is a warning."""
    return known_severity(word) or (Severity.WARNING if status is AlertStatus.FIRING else None)


def status_of(word: Any) -> AlertStatus:
    """Resolved for the words that mean it; firing for everything else, so that nothing is closed by a new word."""
    if isinstance(word, str) and (word in _RESOLVED or word.strip().lower() in _RESOLVED):
        return AlertStatus.RESOLVED
    return AlertStatus.FIRING


def text_of(value: Any) -> str:
    """A string as it is, nothing as "", and anything else as compact JSON: 3, 0.5, true, [1,2]."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def clip(text: str, limit: int) -> str:
    """`text`, or its first characters and an ellipsis where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def description_of(*candidates: Any) -> str:
    """The first candidate that says something, in a length that can be stored."""
    for candidate in candidates:
        text = text_of(candidate).strip()
        if text:
            return clip(text, MAX_DESCRIPTION)
    return ""


def id_of(value: Any) -> str:
    """An identifier as text: 0 is one, "" and null are not, and an object or a truth value never is."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def name_of(*candidates: Any, otherwise: str) -> str:
    """The first candidate that can be a name; of a list, its first item."""
    for candidate in candidates:
        name = id_of(candidate[0] if isinstance(candidate, list) and candidate else candidate)
        if name:
            return clip(name, MAX_NAME)
    return clip(otherwise, MAX_NAME)


def object_of(value: Any, path: str) -> Payload:
    """`value` if it is a JSON object. Raises PayloadRejected."""
    if not isinstance(value, dict):
        raise PayloadRejected(path, "needs a JSON object.")
    return value


def optional_object(value: Any) -> Payload:
    """`value` if it is a JSON object, else an empty one: for parts that only add detail."""
    return value if isinstance(value, dict) else {}


def labels_of(value: Any, path: str) -> dict[str, str]:
    """A label object as text to text, whole: identity is taken before clipping. Raises PayloadRejected."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PayloadRejected(path, "needs a JSON object of names and values.")
    for item in value.values():
        if type(item) is not str:
            return {key: text_of(item) for key, item in value.items() if item is not None}
    return value


def tags_of(value: Any, path: str) -> dict[str, str]:
    """Labels given as an object, a list of "name:value" or "a:b,c"; a bare tag is "true". Raises PayloadRejected."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return labels_of(value, path)
    found: dict[str, str] = {}
    for tag in value:
        name, separator, rest = text_of(tag).strip().partition(":")
        if name:
            found[name] = rest if separator else "true"
    return found


def bounded(labels: dict[str, str]) -> dict[str, str]:
    """`labels` as they may be stored: at most 200, each value at most 4096 characters (clipped ones end in …)."""
    if len(labels) <= MAX_LABELS:
        for key, value in labels.items():
            if len(value) > MAX_VALUE or len(key) > MAX_KEY:
                break
        else:
            return labels
    return {clip(key, MAX_KEY): clip(value, MAX_VALUE) for key, value in list(labels.items())[:MAX_LABELS]}


def filled(**texts: Any) -> dict[str, str]:
    """Those of `texts` that say something, as labels or annotations."""
    return {name: text for name, text in ((name, text_of(value)) for name, value in texts.items()) if text}


def time_of(value: Any, notes: list[str]) -> datetime | None:
    """An instant in UTC from ISO 8601 or an epoch in s, ms, µs or ns (told apart by size), number or string.

    None when there is none: null, "", 0 and Go's zero time. What cannot be read is None too, and noted: an alert is
    not lost for its clock.
    """
    if value is None or value == "":
        return None
    try:
        if type(value) is str:
            return _time_in(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value)
    except (ValueError, OverflowError):
        pass
    notes.append(f"{clip(text_of(value), 60)!r} is not a time; it was left out.")
    return None


def _time_in(text: str) -> datetime | None:
    # An eight-digit number is a date in ISO 8601; an epoch of our times has ten digits or more.
    if len(text) > 8 and text.isascii() and text.replace(".", "", 1).isdecimal():
        return _epoch(float(text) if "." in text else int(text))
    time = datetime.fromisoformat(text)
    if time.year <= 1:
        return None
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _epoch(number: float) -> datetime | None:
    if number <= 0:
        return None
    if number > 1e17:
        return _EPOCH + timedelta(microseconds=number // 1000)
    if number > 1e14:
        return _EPOCH + timedelta(microseconds=number)
    if number > 1e11:
        return _EPOCH + timedelta(milliseconds=number)
    return _EPOCH + timedelta(seconds=number)


def key_of(value: Any) -> str:
    """A sender's group key as text, or "" for none; it is an identity, so it is never clipped."""
    return "" if value is None else text_of(value)


def entries_of(payload: Payload, key: str) -> list[Any]:
    """The list at `key`. Raises PayloadRejected."""
    entries = payload.get(key)
    if not isinstance(entries, list):
        raise PayloadRejected(key, "needs a list.")
    return entries


def collect(
    entries: list[Any], parse_one: Callable[[Payload], ParsedAlert | None], path: str = "alerts"
) -> tuple[list[ParsedAlert], list[str]]:
    """The alerts that `parse_one` makes of the entries (None: nothing to store), and a line for each refused one.

    Raises PayloadRejected when there were entries and all of them were refused.
    """
    alerts: list[ParsedAlert] = []
    refused: list[FieldError] = []
    for index, entry in enumerate(entries[:MAX_ALERTS]):
        try:
            if type(entry) is not dict:
                raise PayloadRejected("", "needs a JSON object.")
            alert = parse_one(entry)
        except PayloadRejected as refusal:
            place = f"{path}[{index}].{refusal.path}" if refusal.path else f"{path}[{index}]"
            refused.append(FieldError(place, refusal.reason))
        else:
            if alert is not None:
                alerts.append(alert)
    if refused and len(refused) == min(len(entries), MAX_ALERTS):
        raise PayloadRejected(refused[0].path, refused[0].message, refused[1:MAX_ERRORS])
    return alerts, _lines(refused, len(entries), path)


def _lines(refused: list[FieldError], total: int, path: str) -> list[str]:
    lines = [f"{error.path}: {error.message}" for error in refused[:MAX_ERRORS]]
    if len(refused) > MAX_ERRORS:
        lines.append(f"{path}: {len(refused) - MAX_ERRORS} more entries were refused.")
    if total > MAX_ALERTS:
        lines.append(f"{path}[{MAX_ALERTS}] to {path}[{total - 1}]: only {MAX_ALERTS} entries are taken per request.")
    return lines


def prefixed(prefix: str, labels: Mapping[str, str]) -> dict[str, str]:
    """`labels` with `prefix` before each name, so that a label cannot pass for another part of an identity."""
    return {prefix + name: value for name, value in labels.items()}
