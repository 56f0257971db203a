"""The on-call page and a schedule's page as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.oncall import queries
from app.oncall.types import Schedule, SlotSource
from app.platform.db import Tx
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING, active_people, team_options, user_options, zones
from app.web.ui.views.duty import AHEAD, Stretch, duties_of, stretches
from app.web.ui.words import zone_of


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One stretch of the next days in the schedule's own zone; without a user it is a gap."""

    key: str
    user: User | None
    from_said: str
    to_said: str
    entry_id: int | None
    override_id: int | None


def oncall_page(tx: Tx, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """Every schedule with who has it, the ones that are switched off last."""
    schedules = queries.list_schedules(tx, EVERYTHING).items
    duties = duties_of(tx, schedules, now, zone)
    return {"duties": sorted(duties, key=lambda duty: not duty.schedule.is_active)}


def schedule_page(tx: Tx, schedule_id: int, now: datetime, forms: Mapping[str, Form]) -> dict[str, object]:
    """One schedule: now, the next 14 days, its settings. Raises ScheduleNotFound."""
    schedule = queries.get_schedule(tx, schedule_id)
    zone = zone_of(schedule.timezone)
    duty = queries.duties(tx, [schedule_id], now, now + AHEAD)[schedule_id]
    ahead = stretches(duty, now, now + AHEAD)
    names = people.users_by_id(tx, {each.slot.user_id for each in ahead if each.slot})
    return {
        "schedule": schedule,
        "duty": duties_of(tx, [schedule], now, zone)[0],
        "slots": [_row(each, names, now, zone) for each in ahead],
        "is_empty": all(each.slot is None for each in ahead),
        "candidates": user_options(active_people(tx)),
        "backup": people.find_user(tx, schedule.escalation_to_user_id) if schedule.escalation_to_user_id else None,
        "form": forms.get("details", schedule_form(schedule)),
        "entry_form": forms.get("entry", _next_entry(ahead, now, zone)),
        **schedule_choices(tx),
    }


def schedule_choices(tx: Tx) -> dict[str, object]:
    """What the selects of a schedule's form offer."""
    return {"zones": zones(), "teams": team_options(tx), "people": [("", "nobody"), *user_options(active_people(tx))]}


def new_schedule_form(timezone: str) -> Form:
    """The form of another schedule."""
    return Form.of(
        name="", timezone=timezone, team_id="", escalation_to_user_id="", escalation_delay_minutes="15", is_active=True
    )


def schedule_form(schedule: Schedule) -> Form:
    """A stored schedule as its form."""
    return Form.of(
        name=schedule.name,
        timezone=schedule.timezone,
        team_id=schedule.team_id or "",
        escalation_to_user_id=schedule.escalation_to_user_id or "",
        escalation_delay_minutes=schedule.escalation_delay_minutes,
        is_active=schedule.is_active,
    )


def _next_entry(ahead: list[Stretch], now: datetime, zone: ZoneInfo) -> Form:
    # The first gap is what somebody most likely wants to fill; else a week from tomorrow.
    gap = next((each for each in ahead if each.slot is None), None)
    start = gap.start if gap else now + timedelta(days=1)
    local = start.astimezone(zone).replace(second=0, microsecond=0)
    end = local + timedelta(days=7)
    return Form.of("entry", user_id="", start_time=_typed(local), end_time=_typed(end))


def _typed(local: datetime) -> str:
    return f"{local:%Y-%m-%dT%H:%M}"


def _row(stretch: Stretch, names: Mapping[int, User], now: datetime, zone: ZoneInfo) -> SlotRow:
    slot = stretch.slot
    return SlotRow(
        key=slot.id if slot else f"gap-{stretch.start.isoformat()}",
        user=names.get(slot.user_id) if slot else None,
        from_said="now" if stretch.start == now and slot is None else _moment(stretch.start, zone),
        to_said=_moment(stretch.end, zone),
        entry_id=slot.window_id if slot and slot.source is SlotSource.ENTRY else None,
        override_id=slot.window_id if slot and slot.source is SlotSource.OVERRIDE else None,
    )


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"
