"""Making, changing and deleting schedules and their rotations. Who was on call stays as it was (B17)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.types import User
from app.alerts import queries as alerts
from app.escalation import queries as policies
from app.escalation.types import AssigneeType
from app.oncall import queries, service
from app.oncall.errors import ScheduleInUse
from app.oncall.types import RotationPlan, Schedule
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.rota.records import record, schedule_view

ROTATION = "rotation"


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
    rotation: RotationPlan | None = None,
) -> Schedule:
    """Add a schedule; its rotation, if any, counts from its start date on. Raises Invalid, ScheduleNameTaken."""
    values = {
        "name": name.strip(),
        "team_id": team_id,
        "timezone": timezone,
        "is_active": is_active,
        "escalation_delay_minutes": escalation_delay_minutes,
        "escalation_to_user_id": escalation_to_user_id,
    }

    def write(tx: Tx) -> Schedule:
        schedule = service.create_schedule(tx, values=values, rotation=rotation, now=now)
        record(tx, "created", schedule.id, actor, None, _view(tx, schedule, now), now)
        service.look_again(tx, [schedule.id], now=now)
        return schedule

    return rt.db.write(write)


def update_schedule(
    rt: Runtime,
    *,
    schedule_id: int,
    changes: Mapping[str, Any],
    actor: User,
    now: datetime,
    effective_from: datetime | None = None,
) -> Schedule:
    """Change the named fields; `rotation` among them is a RotationPlan, or None for none.

    Another rotation rules from `effective_from` on, from now where None, and what had been planned for later no
    longer counts. Raises ScheduleNotFound, Invalid, ScheduleNameTaken.
    """
    columns = {name: value for name, value in changes.items() if name != ROTATION}
    if "name" in columns:
        columns["name"] = columns["name"].strip()

    def write(tx: Tx) -> Schedule:
        before = _view(tx, service.lock_schedule(tx, schedule_id), now)
        schedule = service.update_schedule(tx, schedule_id=schedule_id, changes=columns, now=now)
        begins = effective_from or now
        if ROTATION in changes:
            service.change_rotation(tx, schedule_id=schedule_id, plan=changes[ROTATION], effective_from=begins, now=now)
        after = _view(tx, schedule, begins)
        record(tx, "changed", schedule_id, actor, before, after, now)
        service.look_again(tx, [schedule_id], now=now)
        return schedule

    return rt.db.write(write)


def delete_schedule(rt: Runtime, *, schedule_id: int, actor: User, now: datetime) -> None:
    """Take a schedule out of use; its past stays. Raises ScheduleNotFound, ScheduleInUse."""

    def write(tx: Tx) -> None:
        before = _view(tx, service.lock_schedule(tx, schedule_id), now)
        using = [f"alert source {source.name}" for source in alerts.sources_using_schedule(tx, schedule_id)]
        naming = policies.policies_naming(tx, AssigneeType.SCHEDULE, schedule_id)
        using += [f"escalation policy {policy.name}" for policy in naming]
        if using:
            raise ScheduleInUse(f"Still used by: {', '.join(using)}. Change them first.")
        service.delete_schedule(tx, schedule_id=schedule_id, now=now)
        record(tx, "deleted", schedule_id, actor, before, None, now)
        service.look_again(tx, [schedule_id], now=now)

    rt.db.write(write)


def _view(tx: Tx, schedule: Schedule, at: datetime) -> JsonObject:
    rotation = queries.rotation_at(tx, schedule.id, at)
    return schedule_view(schedule, rotation.plan if rotation else None)
