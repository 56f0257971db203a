"""Schedules with their fixed entries and overrides. What has ended stays as it was (B19)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.permissions import Permission, allows
from app.accounts.service import record_audit
from app.accounts.types import Identity, User
from app.alerts import queries as alerts
from app.escalation import queries as policies
from app.escalation.types import AssigneeType
from app.oncall import queries, service
from app.oncall.errors import ScheduleInUse
from app.oncall.resolver import gaps
from app.oncall.types import Schedule, Window
from app.platform.db import Tx
from app.platform.errors import Forbidden
from app.platform.runtime import Runtime
from app.platform.types import JsonObject


def create_schedule(
    rt: Runtime,
    *,
    name: str,
    actor: User,
    now: datetime,
    team_id: int | None = None,
    timezone: str = "UTC",
    is_active: bool = True,
    escalation_delay_minutes: int = 15,
    escalation_to_user_id: int | None = None,
) -> Schedule:
    """Add a schedule, empty yet. Raises Invalid, ScheduleNameTaken."""
    values = {
        "name": name.strip(),
        "team_id": team_id,
        "timezone": timezone,
        "is_active": is_active,
        "escalation_delay_minutes": escalation_delay_minutes,
        "escalation_to_user_id": escalation_to_user_id,
    }

    def write(tx: Tx) -> Schedule:
        schedule = service.create_schedule(tx, values=values, now=now)
        _audit(tx, "created", schedule.id, actor, None, _view(schedule), now)
        return schedule

    return rt.db.write(write)


def update_schedule(
    rt: Runtime, *, schedule_id: int, changes: Mapping[str, Any], actor: User, now: datetime
) -> Schedule:
    """Change the named fields. Raises ScheduleNotFound, Invalid, ScheduleNameTaken."""

    def write(tx: Tx) -> Schedule:
        before = _view(queries.get_schedule(tx, schedule_id))
        schedule = service.update_schedule(tx, schedule_id=schedule_id, changes=_named(changes), now=now)
        _audit(tx, "changed", schedule_id, actor, before, _view(schedule), now)
        return schedule

    return rt.db.write(write)


def delete_schedule(rt: Runtime, *, schedule_id: int, actor: User, now: datetime) -> None:
    """Take a schedule out of use; its past stays. Raises ScheduleNotFound, ScheduleInUse."""

    def write(tx: Tx) -> None:
        before = queries.get_schedule(tx, schedule_id)
        using = [f"alert source {source.name}" for source in alerts.sources_using_schedule(tx, schedule_id)]
        naming = policies.policies_naming(tx, AssigneeType.SCHEDULE, schedule_id)
        using += [f"escalation policy {policy.name}" for policy in naming]
        if using:
            raise ScheduleInUse(f"Still used by: {', '.join(using)}. Change them first.")
        service.delete_schedule(tx, schedule_id=schedule_id, now=now)
        _audit(tx, "deleted", schedule_id, actor, _view(before), None, now)

    rt.db.write(write)


def add_entry(
    rt: Runtime,
    *,
    schedule_id: int,
    user_id: int,
    start_time: datetime,
    end_time: datetime,
    actor: User,
    now: datetime,
    reason: str = "",
) -> Window:
    """Add a fixed entry. Raises ScheduleNotFound, Invalid, OverlappingSlot."""

    def write(tx: Tx) -> Window:
        entry = service.add_entry(
            tx,
            schedule_id=schedule_id,
            user_id=user_id,
            start_time=start_time,
            end_time=end_time,
            reason=reason,
            now=now,
        )
        _audit(tx, "entry_added", schedule_id, actor, None, _window(entry), now)
        return entry

    return rt.db.write(write)


def void_entry(rt: Runtime, *, schedule_id: int, entry_id: int, actor: User, now: datetime) -> None:
    """Let an entry count no longer. Raises ScheduleNotFound, WindowNotFound, WindowIsPast."""

    def write(tx: Tx) -> None:
        entry = service.void_entry(tx, schedule_id=schedule_id, entry_id=entry_id, now=now)
        _audit(tx, "entry_voided", schedule_id, actor, _window(entry), None, now)

    rt.db.write(write)


def add_override(
    rt: Runtime,
    *,
    schedule_id: int,
    user_id: int,
    start_time: datetime,
    end_time: datetime,
    identity: Identity,
    now: datetime,
    reason: str = "",
) -> Window:
    """Add an override: an admin anywhere, a member where the whole window is their own now (B22).

    Raises ScheduleNotFound, Invalid, Forbidden.
    """

    def write(tx: Tx) -> Window:
        queries.get_schedule(tx, schedule_id)
        is_admin = allows(identity, Permission.MANAGE_SCHEDULES)
        if not is_admin and not _covers_alone(tx, schedule_id, identity.user.id, start_time, end_time):
            raise Forbidden("Only an admin may change windows of other people; ask for a swap instead.")
        override = service.add_override(
            tx,
            schedule_id=schedule_id,
            user_id=user_id,
            start_time=start_time,
            end_time=end_time,
            reason=reason,
            now=now,
        )
        _audit(tx, "override_added", schedule_id, identity.user, None, _window(override), now)
        return override

    return rt.db.write(write)


def void_override(rt: Runtime, *, schedule_id: int, override_id: int, identity: Identity, now: datetime) -> None:
    """Let an override count no longer: an admin any, a member one that is their own.

    Raises ScheduleNotFound, WindowNotFound, WindowIsPast, Forbidden.
    """

    def write(tx: Tx) -> None:
        override = service.void_override(tx, schedule_id=schedule_id, override_id=override_id, now=now)
        if override.user_id != identity.user.id and not allows(identity, Permission.MANAGE_SCHEDULES):
            raise Forbidden("Only an admin may end an override of somebody else.")
        _audit(tx, "override_voided", schedule_id, identity.user, _window(override), None, now)

    rt.db.write(write)


def _covers_alone(tx: Tx, schedule_id: int, user_id: int, start: datetime, end: datetime) -> bool:
    # Every instant of the window must be this person's own: then they may give it away.
    covered = queries.slots_of(tx, schedule_id, start, end)
    return not gaps(covered, start, end) and all(slot.user_id == user_id for slot in covered)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "name": values["name"].strip()} if "name" in values else dict(values)


def _view(schedule: Schedule) -> JsonObject:
    return {name: getattr(schedule, name) for name in service.FIELDS}


def _window(window: Window) -> JsonObject:
    return {
        "id": window.id,
        "user_id": window.user_id,
        "start_time": window.start_time.isoformat(),
        "end_time": window.end_time.isoformat(),
        "reason": window.reason,
    }


def _audit(
    tx: Tx,
    action: str,
    schedule_id: int,
    actor: User,
    before: JsonObject | None,
    after: JsonObject | None,
    now: datetime,
) -> None:
    record_audit(
        tx,
        actor=actor,
        action=action,
        object_type="schedule",
        object_id=schedule_id,
        before=before,
        after=after,
        now=now,
    )
