"""Alert sources and their keys. A key leaves this module once, in the clear, and is never stored so (B12)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.alerts import options, queries, sources
from app.alerts.errors import SourceInUse, SourceNameTaken
from app.alerts.types import AlertSource, Grouping
from app.escalation import queries as policies
from app.incidents import queries as incidents
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.redact import HIDDEN
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.catalogue.pipelines import require_pipeline

_audit = auditor("alert_source")

FIRST_SOURCE = "first-alert"
# What nobody changes of a source of PagerPal itself.
OWN = ("name", "driver")
WAKE = "sources"
KEEP_OLD_KEY_HOURS = 24
MAX_KEEP_HOURS = 30 * 24


def create_source(
    rt: Runtime,
    *,
    name: str,
    actor: User,
    now: datetime,
    driver: str = options.AUTO,
    team_id: int | None = None,
    escalation_policy_id: int | None = None,
    schedule_id: int | None = None,
    pipeline: str = "full",
    grouping: Grouping = Grouping.FINGERPRINT,
    group_labels: Sequence[str] = (),
    auto_resolve: bool = True,
    is_active: bool = True,
    config: Mapping[str, Any] | None = None,
) -> tuple[AlertSource, str]:
    """Add a source and its first key, which is given back this once. Raises Invalid, SourceNameTaken."""
    key = rt.ids.token()
    values = {
        "name": name,
        "driver": driver,
        "team_id": team_id,
        "escalation_policy_id": escalation_policy_id,
        "schedule_id": schedule_id,
        "pipeline": pipeline,
        "grouping": grouping,
        "group_labels": list(group_labels),
        "auto_resolve": auto_resolve,
        "is_active": is_active,
    }
    return rt.db.write(lambda tx: add_source(tx, rt, values, config or {}, key, actor=actor, now=now)), key


def add_source(
    tx: Tx,
    rt: Runtime,
    values: Mapping[str, Any],
    config: Mapping[str, Any],
    key: str,
    *,
    actor: User | None,
    now: datetime,
) -> AlertSource:
    """Add a source with this key inside the caller's transaction. Raises Invalid, SourceNameTaken."""
    _require_policy(tx, values)
    require_pipeline(tx, values.get("pipeline", sources.DEFAULTS["pipeline"]))
    source = sources.create_source(tx, values=_named(values), config=_sealed(rt, {}, config), now=now)
    sources.add_key(tx, source_id=source.id, key=key, now=now)
    tx.wake(WAKE)
    _audit(tx, "created", source.id, actor, None, _view(source), now)
    return source


def update_source(
    rt: Runtime,
    *,
    source_id: int,
    changes: Mapping[str, Any],
    actor: User,
    now: datetime,
    config: Mapping[str, Any] | None = None,
) -> AlertSource:
    """Change the named columns and the keys of `config` that are given: null takes one out, a secret `***` stays.

    Raises SourceNotFound, Invalid, SourceNameTaken.
    """
    return rt.db.write(
        lambda tx: change_source(tx, rt, source_id=source_id, changes=changes, actor=actor, now=now, config=config)
    )


def change_source(
    tx: Tx,
    rt: Runtime,
    *,
    source_id: int,
    changes: Mapping[str, Any],
    actor: User,
    now: datetime,
    config: Mapping[str, Any] | None = None,
) -> AlertSource:
    """The same as `update_source` inside the caller's transaction."""
    before = queries.get_source(tx, source_id)
    if before.is_internal and any(changes.get(name, getattr(before, name)) != getattr(before, name) for name in OWN):
        raise SourceInUse(f"The name and the driver of «{before.name}» belong to PagerPal itself.")
    _require_policy(tx, changes)
    if "pipeline" in changes:
        require_pipeline(tx, changes["pipeline"])
    sealed = before.config if config is None else _sealed(rt, before.config, config)
    after = sources.update_source(tx, source_id=source_id, changes=_named(changes), config=sealed, now=now)
    tx.wake(WAKE)
    _audit(tx, "changed", source_id, actor, _view(before), _view(after), now)
    return after


def delete_source(rt: Runtime, *, source_id: int, actor: User, now: datetime) -> None:
    """Take a source out of use; its keys die at once. Raises SourceNotFound, SourceInUse (open incidents)."""

    def write(tx: Tx) -> None:
        before = queries.get_source(tx, source_id)
        if incidents.has_open_incidents(tx, source_id):
            raise SourceInUse(f"«{before.name}» has open incidents; resolve them first.")
        sources.delete_source(tx, source_id=source_id, now=now)
        tx.wake(WAKE)
        _audit(tx, "deleted", source_id, actor, _view(before), None, now)

    rt.db.write(write)


def regenerate_key(
    rt: Runtime, *, source_id: int, actor: User, now: datetime, keep_old_hours: int = KEEP_OLD_KEY_HOURS
) -> tuple[AlertSource, str]:
    """A new key, given back this once; the old one goes on for `keep_old_hours` (0 ends it at once).

    Raises SourceNotFound, Invalid.
    """
    if not 0 <= keep_old_hours <= MAX_KEEP_HOURS:
        message = f"must be between 0 and {MAX_KEEP_HOURS}"
        raise Invalid(f"keep_old_hours {message}.", [FieldError("keep_old_hours", message)])
    key = rt.ids.token()

    def write(tx: Tx) -> AlertSource:
        source = queries.get_source(tx, source_id)
        kept_for = timedelta(hours=keep_old_hours)
        added = sources.replace_key(tx, source_id=source_id, key=key, keep_old_for=kept_for, now=now)
        tx.wake(WAKE)
        after = {"prefix": added.prefix, "keep_old_hours": keep_old_hours}
        _audit(tx, "key_regenerated", source_id, actor, None, after, now)
        return source

    return rt.db.write(write), key


def add_key(tx: Tx, *, source_id: int, key: str, actor: User, now: datetime) -> None:
    """Another key beside the one that there is, inside the caller's transaction."""
    added = sources.add_key(tx, source_id=source_id, key=key, now=now)
    tx.wake(WAKE)
    _audit(tx, "key_added", source_id, actor, None, {"prefix": added.prefix}, now)


def revoke_key(rt: Runtime, *, source_id: int, key_id: int, actor: User, now: datetime) -> None:
    """End one key at once. Raises SourceNotFound, KeyNotFound."""

    def write(tx: Tx) -> None:
        queries.get_source(tx, source_id)
        ended = sources.revoke_key(tx, source_id=source_id, key_id=key_id, now=now)
        tx.wake(WAKE)
        _audit(tx, "key_revoked", source_id, actor, {"prefix": ended.prefix}, None, now)

    rt.db.write(write)


def first_source(rt: Runtime, *, now: datetime) -> str | None:
    """The key of the source that a new database gets, this once; None where there ever was a source."""
    key = rt.ids.token()

    def write(tx: Tx) -> str | None:
        if sources.has_any_source(tx):
            return None
        try:
            add_source(tx, rt, {"name": FIRST_SOURCE}, {}, key, actor=None, now=now)
        except SourceNameTaken:
            # Another process on the same database was quicker.
            return None
        return key

    return rt.db.write(write)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "name": values["name"].strip()} if "name" in values else dict(values)


def _sealed(rt: Runtime, stored: Mapping[str, Any], sent: Mapping[str, Any]) -> JsonObject:
    merged = options.merged_config(stored, sent)
    secret = merged.get(options.SECRET)
    is_new = secret is not None and secret != stored.get(options.SECRET)
    # What is stored was checked when it was sent; only its shape is looked at here, never its text.
    errors = options.config_errors(merged if is_new else {**merged, **({options.SECRET: HIDDEN} if secret else {})})
    if errors:
        raise Invalid("The configuration of the alert source is not valid.", errors)
    return {**merged, options.SECRET: rt.secrets.encrypt(str(secret))} if is_new else merged


def _require_policy(tx: Tx, values: Mapping[str, Any]) -> None:
    policy_id = values.get("escalation_policy_id")
    if policy_id is not None and policies.find_policy(tx, policy_id) is None:
        message = "names no escalation policy"
        raise Invalid("The alert source is not valid.", [FieldError("escalation_policy_id", message)])


def _view(source: AlertSource) -> JsonObject:
    shown: JsonObject = {name: getattr(source, name) for name in sources.FIELDS}
    return {**shown, "config": options.shown_config(source.config)}
