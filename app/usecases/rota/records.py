"""How schedules and their windows stand in the audit."""

from app.accounts.service import auditor
from app.oncall.service import FIELDS
from app.oncall.types import RotationPlan, Schedule, Swap, Window
from app.platform.types import JsonObject

# What somebody did to a schedule.
record = auditor("schedule")


def schedule_view(schedule: Schedule, rotation: RotationPlan | None) -> JsonObject:
    """A schedule with its rotation as the audit keeps it."""
    columns: JsonObject = {name: getattr(schedule, name) for name in FIELDS}
    return {**columns, "rotation": rotation_view(rotation)}


def rotation_view(plan: RotationPlan | None) -> JsonObject | None:
    """A rotation as the audit keeps it; None where there is none."""
    if plan is None or not plan.member_ids:
        return None
    return {
        "cadence": plan.cadence.value,
        "shift_length_hours": plan.shift_length_hours,
        "handoff_time": f"{plan.handoff_time:%H:%M}",
        "handoff_weekday": plan.handoff_weekday,
        "start_date": plan.start_date.isoformat(),
        "member_ids": list(plan.member_ids),
        "skips_absent": plan.skips_absent,
    }


def window_view(window: Window) -> JsonObject:
    """A stored window as the audit keeps it."""
    return {
        "id": window.id,
        "user_id": window.user_id,
        "start_time": window.start_time.isoformat(),
        "end_time": window.end_time.isoformat(),
        "reason": window.reason,
    }


def swap_view(swap: Swap) -> JsonObject:
    """A swap request as the audit keeps it."""
    return {
        "id": swap.id,
        "from_user_id": swap.from_user_id,
        "to_user_id": swap.to_user_id,
        "start_time": swap.start_time.isoformat(),
        "end_time": swap.end_time.isoformat(),
        "status": swap.status.value,
    }
