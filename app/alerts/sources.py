"""Writing alert sources and their keys inside the caller's transaction.

A key is stored as its SHA-256 with its first characters; whoever made it hands it out once. Two keys of a source may
be active while it is being rotated, never more (B12).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as people
from app.alerts import options, queries
from app.alerts.detection import find_driver
from app.alerts.errors import KeyNotFound, SourceInUse, SourceNameTaken
from app.alerts.models import DeliveryRow, SourceKeyRow, SourceRow
from app.alerts.types import AlertSource, DeliveryOutcome, Grouping, SourceKey
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.secrets import hash_token
from app.platform.types import JsonObject

DEFAULTS: Mapping[str, Any] = {
    "driver": options.AUTO,
    "team_id": None,
    "escalation_policy_id": None,
    "schedule_id": None,
    "pipeline": "full",
    "grouping": Grouping.FINGERPRINT,
    "group_labels": [],
    "auto_resolve": True,
    "is_active": True,
}
FIELDS = ("name", *DEFAULTS)
KEPT_KEYS = 2
# What PagerPal posts to itself is written in the plainest words that there are.
INTERNAL_DRIVER = "generic"
# PagerPal's own source by which checks of the hosts speak.
CHECKS_SOURCE = "checks"
ALARMS_SOURCE = "alarms"
ERROR_LENGTH = 2000


def create_source(tx: Tx, *, values: Mapping[str, Any], config: JsonObject, now: datetime) -> AlertSource:
    """Add a source; `values` has `name` and any of DEFAULTS, `config` has its secret sealed already.

    Raises Invalid, SourceNameTaken. Whether the policy and the pipeline exist is for the caller to know.
    """
    columns = {**DEFAULTS, **values}
    _require_valid(tx, columns)
    try:
        with tx.connection.begin_nested():
            source_id = tx.insert(SourceRow, **columns, config=config, created_at=now, updated_at=now)
    except IntegrityError:
        raise SourceNameTaken(columns["name"]) from None
    return queries.get_source(tx, source_id)


def internal_source(tx: Tx, *, name: str, pipeline: str, now: datetime) -> AlertSource:
    """PagerPal's own source of that name, made at the first need; without a key nothing outside can post to it.

    Where people have called one of theirs so before, it is called «PagerPal» and its name.
    """
    for each in queries.internal_names(name):
        source = queries.find_internal_source(tx, name) or _create_internal(tx, name, each, pipeline, now)
        if source is not None:
            return source
    raise SourceNameTaken(name)


def _create_internal(tx: Tx, name: str, shown: str, pipeline: str, now: datetime) -> AlertSource | None:
    values = {"name": shown, "driver": INTERNAL_DRIVER, "pipeline": pipeline, "is_internal": True}
    try:
        source = create_source(tx, values=values, config={}, now=now)
    except SourceNameTaken:
        # Another process was quicker, or people have a source of this name.
        return queries.find_internal_source(tx, name)
    tx.publish("sources")
    return source


def update_source(
    tx: Tx, *, source_id: int, changes: Mapping[str, Any], config: JsonObject, now: datetime
) -> AlertSource:
    """Change the named columns, and the whole configuration. Raises SourceNotFound, Invalid, SourceNameTaken."""
    source = queries.get_source(tx, source_id)
    columns = {name: getattr(source, name) for name in FIELDS} | dict(changes)
    _require_valid(tx, columns)
    try:
        with tx.connection.begin_nested():
            tx.execute(
                update(SourceRow).where(SourceRow.id == source_id).values(**columns, config=config, updated_at=now)
            )
    except IntegrityError:
        raise SourceNameTaken(columns["name"]) from None
    return queries.get_source(tx, source_id)


def delete_source(tx: Tx, *, source_id: int, now: datetime) -> None:
    """Take a source out of use for good: its keys die, its name is free again, its history stays readable.

    Raises SourceNotFound, SourceInUse for a source of PagerPal itself. Open incidents are for the caller to know.
    """
    source = queries.get_source(tx, source_id)
    if source.is_internal:
        raise SourceInUse(f"«{source.name}» belongs to PagerPal itself and stays.")
    for key in queries.keys_of(tx, source_id, now=now):
        revoke_key(tx, source_id=source_id, key_id=key.id, now=now)
    tx.execute(
        update(SourceRow)
        .where(SourceRow.id == source_id)
        .values(
            name=f"{source.name} (deleted {source_id})",
            is_active=False,
            team_id=None,
            escalation_policy_id=None,
            schedule_id=None,
            config={},
            deleted_at=now,
            updated_at=now,
        )
    )


def add_key(tx: Tx, *, source_id: int, key: str, now: datetime) -> SourceKey:
    """Store a key that was made for this source."""
    key_id = tx.insert(
        SourceKeyRow,
        source_id=source_id,
        key_hash=hash_token(key),
        prefix=key[:8],
        masked=options.masked(key),
        created_at=now,
    )
    return next(each for each in queries.keys_of(tx, source_id, now=now) if each.id == key_id)


def replace_key(tx: Tx, *, source_id: int, key: str, keep_old_for: timedelta, now: datetime) -> SourceKey:
    """Store a new key; the newest old one goes on for `keep_old_for`, any older one ends at once."""
    tx.scalar(select(SourceRow.id).where(SourceRow.id == source_id).with_for_update())
    newest_first = queries.keys_of(tx, source_id, now=now)
    for position, old in enumerate(newest_first):
        if position > KEPT_KEYS - 2 or not keep_old_for:
            revoke_key(tx, source_id=source_id, key_id=old.id, now=now)
        else:
            ends = min(now + keep_old_for, old.expires_at or datetime.max.replace(tzinfo=now.tzinfo))
            tx.execute(update(SourceKeyRow).where(SourceKeyRow.id == old.id).values(expires_at=ends))
    return add_key(tx, source_id=source_id, key=key, now=now)


def revoke_key(tx: Tx, *, source_id: int, key_id: int, now: datetime) -> SourceKey:
    """End one key. Raises KeyNotFound for one that is not active or not this source's."""
    key = next((each for each in queries.keys_of(tx, source_id, now=now) if each.id == key_id), None)
    if key is None:
        raise KeyNotFound(key_id)
    tx.execute(update(SourceKeyRow).where(SourceKeyRow.id == key_id).values(revoked_at=now))
    return key


def has_any_source(tx: Tx) -> bool:
    """Whether people ever had a source, deleted ones included; PagerPal's own do not count."""
    return tx.scalar(select(SourceRow.id).where(SourceRow.is_internal.is_(False)).limit(1)) is not None


def settle_quarantined(tx: Tx, *, delivery_id: int, driver: str, error: str | None) -> bool:
    """Write how parsing again went: `error` None takes the delivery out of quarantine. Whether it still was in it."""
    values: dict[str, Any] = {"error": (error or "")[:ERROR_LENGTH]}
    if error is None:
        values |= {"outcome": DeliveryOutcome.REPARSED, "driver": driver}
    done = tx.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.outcome == DeliveryOutcome.QUARANTINED)
        .values(**values)
    )
    return done.rowcount == 1


def _require_valid(tx: Tx, columns: Mapping[str, Any]) -> None:
    errors: list[FieldError] = []
    if not 1 <= len(columns["name"]) <= options.NAME_LENGTH:
        errors.append(FieldError("name", f"must have 1 to {options.NAME_LENGTH} characters"))
    if columns["driver"] != options.AUTO and find_driver(columns["driver"]) is None:
        errors.append(FieldError("driver", "names no driver"))
    if columns["escalation_policy_id"] is not None and columns["schedule_id"] is not None:
        errors.append(FieldError("schedule_id", "give either an escalation policy or a schedule"))
    if columns["schedule_id"] is not None and not oncall.schedules_by_id(tx, [columns["schedule_id"]]):
        errors.append(FieldError("schedule_id", "names no schedule"))
    if columns["team_id"] is not None and people.find_team(tx, columns["team_id"]) is None:
        errors.append(FieldError("team_id", "names no team"))
    errors += options.grouping_errors(columns["grouping"], columns["group_labels"])
    if errors:
        raise Invalid("The alert source is not valid.", errors)
