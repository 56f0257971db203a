"""When a tick is due, what it changes, and whether an event is mailed. Values only; every «no» has its reason."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from app.alarms.types import (
    PREFIX,
    SEVERITIES,
    Alarm,
    AlarmEvent,
    Detection,
    EngineHealth,
    EngineRun,
    EngineState,
    Found,
    Outcome,
    ParamSpec,
    RunStatus,
)
from app.platform.errors import FieldError
from app.platform.redact import redact, redact_text
from app.platform.types import JsonObject

TICK = timedelta(minutes=5)
# A tick that has not ended by then never will.
RUN_TAKES = timedelta(minutes=10)
# One that ends its process again and again must not end every process that comes after it.
TAKEN_UP_AT_MOST = 2
TAKEN_UP = "taken_up_again"
# A mail leaves a moment after its tick: a day later that moment must not cost another tick.
SLACK = timedelta(minutes=1)
ACTIVE_AT_MOST = 1000
UNKNOWN_TICKS_TOLD = 3
QUIET_TICKS = 3
# What was lost so often is tried every hour instead of every tick.
LOST_AT_ONCE = 3
LOST_PAUSE = timedelta(hours=1)
WARN_AFTER = timedelta(minutes=7)
BAD_AFTER = timedelta(minutes=15)

KEY_LENGTH = 500
DIGEST_LENGTH = 12
SUBJECT_LENGTH = 300
CONTEXT_LENGTH = 10_000
EXTRA_LENGTH = 16_384
NUMBER_AT_MOST = 1e300

MODULE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset({"modules", "run", "events"})
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def boundary_of(now: datetime) -> datetime:
    """The boundary at or before this instant."""
    return datetime.fromtimestamp(now.timestamp() // TICK.total_seconds() * TICK.total_seconds(), now.tzinfo)


def is_left(run: EngineRun) -> bool:
    """Whether somebody who leads now may go on with a tick that was begun: nobody has ended it."""
    return run.status is RunStatus.RUNNING and int(run.counters.get(TAKEN_UP, 0)) < TAKEN_UP_AT_MOST


def was_asked_since(alarm: Alarm, began_at: datetime) -> bool:
    """Whether an alarm's answer to what was asked since then is recorded.

    Much later than that is a clock that was wrong: it must not silence the alarm until that time comes.
    """
    return alarm.last_ran_at is not None and timedelta(0) <= alarm.last_ran_at - began_at < RUN_TAKES


def is_module_name(name: str) -> bool:
    """Whether a module may be called so; nothing that leads out of its folder is."""
    return MODULE_NAME.fullmatch(name) is not None


def entry_id_of(name: str) -> str:
    """The entry id of an alarm that is named with or without its prefix."""
    return name if name.startswith(PREFIX) else f"{PREFIX}{name}"


def is_entry_id(entry_id: str) -> bool:
    """Whether an alarm may be called so."""
    bare = entry_id.removeprefix(PREFIX)
    return entry_id.startswith(PREFIX) and is_module_name(bare) and bare not in RESERVED


# --- what a module gave -------------------------------------------------------------------------------------------


class Unusable(Exception):
    """What a module yielded is no detection; the message says which and why."""


def detections_of(told: Sequence[Any]) -> tuple[list[Detection], list[str]]:
    """What a module yielded, each entity once, with warnings about what was left out. Raises Unusable."""
    found: dict[str, Detection] = {}
    warnings = []
    for number, each in enumerate(told):
        detection, warning = _detection(each, number)
        warnings += [warning] if warning else []
        if detection.dedupe_key in found:
            warnings.append(f"detection {number} has the key of another, {detection.dedupe_key[:80]!r}: left out")
        found.setdefault(detection.dedupe_key, detection)
    return list(found.values()), warnings


def _detection(told: Any, number: int) -> tuple[Detection, str]:
    if not isinstance(told, Mapping):
        raise Unusable(f"detection {number} is no Detection")
    key, subject = told.get("dedupe_key"), told.get("subject")
    if not isinstance(key, str | int) or isinstance(key, bool) or not (key := _plain(key)):
        raise Unusable(f"detection {number} has no dedupe_key")
    if len(key) > KEY_LENGTH:
        raise Unusable(f"detection {number} has a dedupe_key of more than {KEY_LENGTH} characters")
    if not isinstance(subject, str) or not subject.strip():
        raise Unusable(f"detection {number} has no subject")
    extra, warning = told.get("extra_data") or {}, ""
    if not isinstance(extra, dict):
        raise Unusable(f"the extra_data of detection {number} is no dict")
    if len(json.dumps(extra)) > EXTRA_LENGTH:
        extra, warning = {}, f"the extra_data of detection {number} is too large and was left out"
    severity = told.get("severity") or "warning"
    if severity not in SEVERITIES:
        raise Unusable(f"detection {number} has the severity {severity!r}; there are {', '.join(SEVERITIES)}")
    detection = Detection(
        dedupe_key=_key(key),
        # All of it stands in mails and on pages: an address that is watched may hold its own password.
        subject=redact_text(_one_line(subject, SUBJECT_LENGTH)),
        body_context=redact_text(_clean(str(told.get("body_context") or ""))[:CONTEXT_LENGTH]),
        extra_data=cast(JsonObject, redact(_cleaned(extra))),
        recipients=tuple(recipients_of(told.get("recipients"))),
        severity=severity,
    )
    return detection, warning


def keys_of(told: Sequence[Any]) -> frozenset[str]:
    """Keys of entities, as their detections have them."""
    return frozenset(_key(_plain(key)) for key in told)


def _plain(key: str | int) -> str:
    return _clean(str(key)).strip()


def _key(key: str) -> str:
    """The key without its secrets, and still another one for each secret."""
    shown = redact_text(key)
    if shown == key:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{shown[: KEY_LENGTH - DIGEST_LENGTH - 1]}#{digest}"


def parts_of(event: AlarmEvent) -> tuple[str, str]:
    """The description and the context in what a mail about an event alone says; its subject stands between them."""
    text, mark = f"\n\n{event.content}", f"\n\n{event.subject}"
    at = text.find(mark)
    while at >= 0:
        after = text[at + len(mark) :]
        if not after or after.startswith("\n\n"):
            return text[:at].strip(), after.strip()
        at = text.find(mark, at + 1)
    return "", event.content


def recipients_of(given: Any) -> list[str]:
    """Recipients as a list, each once; a text is split at its commas."""
    words = given.split(",") if isinstance(given, str) else given or ()
    return list(dict.fromkeys(word for each in words if (word := _one_line(str(each), KEY_LENGTH))))


def _one_line(text: str, limit: int) -> str:
    return " ".join(_clean(text).split())[:limit]


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {_clean(name): _cleaned(each) for name, each in value.items()}
    return value


# --- what a tick changes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """What one tick of one alarm changes: entities that begin to fire, go on, and have cleared."""

    new: tuple[Detection, ...] = ()
    still: tuple[tuple[AlarmEvent, Detection], ...] = ()
    cleared: tuple[AlarmEvent, ...] = ()


def diff(active: Iterable[AlarmEvent], found: Found) -> Changes:
    """The difference between what holds and what was found.

    An unknown outcome changes nothing (B43), nor does an entity of which nothing is known. Of an answer that was cut
    nothing clears, and no more become active than may be: who yields without end must not fill the disk.
    """
    if found.outcome is Outcome.UNKNOWN:
        return Changes()
    events = {event.dedupe_key: event for event in active}
    seen = {detection.dedupe_key: detection for detection in found.detections}
    new = [detection for key, detection in seen.items() if key not in events]
    still = tuple((events[key], detection) for key, detection in seen.items() if key in events)
    if found.is_cut:
        return Changes(tuple(new[: max(0, ACTIVE_AT_MOST - len(events))]), still)
    well = events.keys() - seen.keys() - found.not_known
    return Changes(tuple(new), still, tuple(event for key, event in events.items() if key in well))


class MailState(StrEnum):
    """What became of the last mail that an event was put in."""

    NONE = "none"
    UNDER_WAY = "under_way"
    ARRIVED = "arrived"
    SUPPRESSED = "suppressed"
    LOST = "lost"


class MailReason(StrEnum):
    """Why an event is put into this tick's mail, or is not."""

    NEW = "new"
    NOT_TOLD_YET = "not_told_yet"
    RENOTIFY = "window_elapsed"
    MAILS_OFF = "mails_are_off"
    ACKNOWLEDGED = "acknowledged"
    UNDER_WAY = "mail_under_way"
    TOLD = "told_and_not_noted"
    ONCE = "told_once"
    WITHIN_WINDOW = "within_the_window"
    LOST_LATELY = "lost_a_short_time_ago"
    SAFE_MODE = "safe_mode"


MAILED = frozenset({MailReason.NEW, MailReason.NOT_TOLD_YET, MailReason.RENOTIFY})


def may_mail(alarm: Alarm, event: AlarmEvent, mail: MailState, *, is_sending: bool, now: datetime) -> MailReason:
    """Whether an event that was active before is mailed in this tick.

    `is_sending` False is safe mode: what was written and suppressed is not written again at every tick (B34).
    """
    if not alarm.enabled:
        return MailReason.MAILS_OFF
    if event.acked_at is not None:
        return MailReason.ACKNOWLEDGED
    if mail is MailState.UNDER_WAY:
        return MailReason.UNDER_WAY
    if mail is MailState.SUPPRESSED and not is_sending:
        return MailReason.SAFE_MODE
    if mail is MailState.LOST and _was_lost_lately(event, now):
        return MailReason.LOST_LATELY
    if event.last_notified is None:
        # It may have left, and the process ended before that was noted.
        return MailReason.TOLD if mail is MailState.ARRIVED else MailReason.NOT_TOLD_YET
    if not alarm.renotification_window_hours:
        return MailReason.ONCE
    window = timedelta(hours=alarm.renotification_window_hours)
    return MailReason.RENOTIFY if now - event.last_notified >= window - SLACK else MailReason.WITHIN_WINDOW


def _was_lost_lately(event: AlarmEvent, now: datetime) -> bool:
    return event.mail_tries >= LOST_AT_ONCE and event.mailed_at is not None and now - event.mailed_at < LOST_PAUSE


def tells_unknown(alarm: Alarm, unknown_ticks: int) -> bool:
    """Whether the recipients are told now that the alarm cannot know: once, at the third such tick in a row (B43)."""
    return alarm.enabled and unknown_ticks >= UNKNOWN_TICKS_TOLD and alarm.unknown_told_at is None


def is_quiet(alarm: Alarm, *, has_history: bool) -> bool:
    """Whether an alarm that used to detect something has found nothing lately: it may be broken without a sound."""
    return has_history and alarm.quiet_ticks >= QUIET_TICKS


def health_of(last: EngineRun | None, *, now: datetime) -> EngineHealth:
    """How the engine is doing, by its last finished tick."""
    next_tick_at = boundary_of(now) + TICK
    state, reason = _state_of(last, now)
    return EngineHealth(state, reason, last, next_tick_at, math.ceil((next_tick_at - now).total_seconds()))


def _state_of(last: EngineRun | None, now: datetime) -> tuple[EngineState, str]:
    if last is None or last.finished_at is None:
        return EngineState.UNKNOWN, "The engine has not run yet."
    age = now - last.finished_at
    minutes = int(age.total_seconds() // 60)
    if age >= BAD_AFTER:
        return EngineState.BAD, f"The last tick ended {minutes} minutes ago."
    if last.status is RunStatus.INTERRUPTED:
        return EngineState.WARN, "The last tick was interrupted."
    ran = int(last.counters.get("alarms", 0))
    if last.errors and last.errors >= ran:
        return EngineState.BAD, "No alarm could be evaluated in the last tick."
    if last.errors:
        what = "1 alarm" if last.errors == 1 else f"{last.errors} alarms"
        return EngineState.WARN, f"{what} could not be evaluated in the last tick."
    if age >= WARN_AFTER:
        return EngineState.WARN, f"The last tick ended {minutes} minutes ago."
    return EngineState.OK, "The last tick ended without an error."


# --- parameters ---------------------------------------------------------------------------------------------------


def checked_params(specs: Sequence[ParamSpec], params: Mapping[str, Any]) -> tuple[JsonObject, list[FieldError]]:
    """The parameters that a module runs with, defaults filled in, and what is wrong, each with its path."""
    known = {spec.name: spec for spec in specs}
    errors = [
        FieldError(f"params.{name[:80]}", f"is not read by this module; it reads {', '.join(known) or 'none'}")
        for name in params
        if name not in known
    ]
    values: JsonObject = {}
    for name, spec in known.items():
        given = params.get(name)
        if given is None:
            if spec.required:
                errors.append(FieldError(f"params.{name}", "is required"))
            values[name] = spec.default
            continue
        wrong = _wrong(spec, given)
        errors += [FieldError(f"params.{name}", wrong)] if wrong else []
        values[name] = float(given) if spec.type == "float" and not wrong else given
    return values, errors


_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "float": ((int, float), "a number"),
    "int": ((int,), "a whole number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "dict": ((dict,), "an object"),
}


def _wrong(spec: ParamSpec, given: Any) -> str:
    kinds, word = _KINDS[spec.type]
    number: Any = given if spec.type in ("float", "int") else None
    if not isinstance(given, kinds) or (isinstance(given, bool) and spec.type != "bool"):
        return f"must be {word}"
    if isinstance(given, float) and not math.isfinite(given):
        return "must be a finite number"
    if number is not None and abs(number) > NUMBER_AT_MOST:
        return "is too large a number"
    if spec.choices and given not in spec.choices:
        return f"must be one of {', '.join(map(str, spec.choices))}"
    if number is not None and spec.minimum is not None and number < spec.minimum:
        return f"must be at least {spec.minimum:g}"
    if number is not None and spec.maximum is not None and number > spec.maximum:
        return f"must be at most {spec.maximum:g}"
    return ""
