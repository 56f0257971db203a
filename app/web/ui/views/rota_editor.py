"""The form of a schedule with its rotation; every button posts all of it, so that nothing is lost without scripts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.oncall.rules import MAX_SHIFT_HOURS, rotation_errors
from app.oncall.types import Cadence, Rotation, RotationPlan, Schedule
from app.platform.errors import FieldError, Invalid
from app.web.deps import MAX_ID
from app.web.ui.forms import Form
from app.web.ui.views.choices import Option
from app.web.ui.views.rota_days import monday_of
from app.web.ui.words import zone_of

T = TypeVar("T")

MEMBERS = "member_ids"
MEMBER_PATH = f"rotation.{MEMBERS}["
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DIGITS = 10
NOW, HANDOFF, AT = "now", "handoff", "at"


@dataclass(frozen=True, slots=True)
class Editor:
    """The form as it stands; `base` is the version of the rotation that it began with."""

    form: Form
    base: Rotation | None = None

    @property
    def members(self) -> list[str]:
        """Who is in the rotation, in order; a place with nobody chosen is left out."""
        return self.form.every(MEMBERS)

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are typed: the one that is chosen."""
        return zone_of(self.form.value("timezone"))


def new_editor(timezone: str, now: datetime) -> Editor:
    """The form of another schedule: a weekly rotation from this Monday on, nobody in it yet."""
    today = now.astimezone(zone_of(timezone)).date()
    return Editor(
        Form.of(
            name="",
            timezone=timezone,
            team_id="",
            escalation_to_user_id="",
            escalation_delay_minutes="15",
            is_active=True,
            **_rotation_fields(None, monday_of(today)),
        )
    )


def editor_of(schedule: Schedule, rotations: list[Rotation], now: datetime) -> Editor:
    """A stored schedule in the form; where a change is planned it is that one which is edited, from its own time on."""
    base = rotations[-1] if rotations else None
    zone = zone_of(schedule.timezone)
    fields = _rotation_fields(base.plan if base else None, monday_of(now.astimezone(zone).date()))
    if base and base.effective_from > now:
        fields |= {"effective": AT, "effective_from": typed(base.effective_from, zone)}
    form = Form.of(
        name=schedule.name,
        timezone=schedule.timezone,
        team_id=schedule.team_id or "",
        escalation_to_user_id=schedule.escalation_to_user_id or "",
        escalation_delay_minutes=schedule.escalation_delay_minutes,
        is_active=schedule.is_active,
        **fields,
    )
    return Editor(form, base)


def reshaped(form: Form) -> Form | None:
    """The form after one of the buttons at its members (add, up, down, drop); None where it was another button."""
    do, _, number = form.value("do", "save").partition("-")
    # With the empty ones, because the buttons count them, too.
    members = list(form.values.get(MEMBERS, ()))
    at = int(number) if number.isascii() and number.isdigit() and int(number) < len(members) else None
    if do == "drop" and at is not None:
        del members[at]
    elif do == "up" and at:
        members[at - 1], members[at] = members[at], members[at - 1]
    elif do == "down" and at is not None:
        members[at : at + 2] = reversed(members[at : at + 2])
    elif do != "add":
        return None
    return replace(form, values={**form.values, MEMBERS: tuple(each for each in members if each.strip())})


def plan_of(form: Form) -> RotationPlan | None:
    """The rotation that is typed; None without members. Raises Invalid with every field that is wrong."""
    errors: list[FieldError] = []

    def read(name: str, parse: Callable[[str], T], sentence: str) -> T | None:
        try:
            return parse(form.value(name))
        except ValueError:
            errors.append(FieldError(name, sentence))
            return None

    timezone = read("timezone", _zone, "Choose one from the list.")
    cadence = read("cadence", Cadence, "Choose one from the list.")
    handoff_time = read("handoff_time", _time, "Write a time of day, such as 09:00.")
    start_date = read("start_date", date.fromisoformat, "Write a date, such as 2026-05-31.")
    weekday = hours = None
    if cadence is Cadence.WEEKLY:
        weekday = read("handoff_weekday", _whole(0, len(WEEKDAYS) - 1), "Choose one from the list.")
    if cadence is Cadence.CUSTOM:
        sentence = f"Write a whole number of hours from 1 to {MAX_SHIFT_HOURS}."
        hours = read("shift_length_hours", _whole(1, MAX_SHIFT_HOURS), sentence)
    members = read(MEMBERS, lambda _: _ids(form.every(MEMBERS)), "Choose people from the list.")
    if timezone is None or cadence is None or handoff_time is None or start_date is None or members is None or errors:
        raise Invalid("Please look at the rotation.", errors)
    plan = RotationPlan(
        timezone=timezone,
        cadence=cadence,
        handoff_time=handoff_time,
        start_date=start_date,
        member_ids=members,
        handoff_weekday=weekday,
        shift_length_hours=hours,
        skips_absent=form.is_on("skips_absent"),
    )
    wrong = rotation_errors(plan)
    if wrong:
        raise Invalid("Please look at the rotation.", wrong)
    return plan if members else None


def effective_of(form: Form, boundary: datetime | None, zone: ZoneInfo, now: datetime) -> datetime:
    """From when on the typed rotation rules; `boundary` is the next hand-off. Raises Invalid."""
    choice = form.value("effective", NOW)
    if choice == AT:
        return form.instant("effective_from", zone)
    return boundary if choice == HANDOFF and boundary is not None else now


def member_errors(form: Form) -> Mapping[int, str]:
    """What is wrong with single members, by their place."""
    own = {name: words for name, words in form.errors.items() if name.startswith(MEMBER_PATH)}
    return {int(name.removeprefix(MEMBER_PATH).partition("]")[0]): words for name, words in own.items()}


def member_id(text: str) -> int | None:
    """The person whom a choice stands for; None where it is none of the list."""
    try:
        return _whole(1, MAX_ID)(text)
    except ValueError:
        return None


def weekday_options() -> list[Option]:
    """The days on which a weekly rotation can change hands."""
    return [(str(index), name) for index, name in enumerate(WEEKDAYS)]


def typed(at: datetime, zone: ZoneInfo) -> str:
    """An instant as a field of date and time holds it."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _rotation_fields(plan: RotationPlan | None, monday: date) -> dict[str, object]:
    if plan is None:
        plan = RotationPlan("", Cadence.WEEKLY, time(9), monday, ())
    weekday = plan.handoff_weekday if plan.handoff_weekday is not None else plan.start_date.weekday()
    return {
        "cadence": plan.cadence.value,
        "shift_length_hours": plan.shift_length_hours or 12,
        "handoff_time": f"{plan.handoff_time:%H:%M}",
        "handoff_weekday": weekday,
        "start_date": plan.start_date.isoformat(),
        MEMBERS: plan.member_ids,
        "skips_absent": plan.skips_absent,
        "effective": HANDOFF,
        "effective_from": "",
    }


def _time(text: str) -> time:
    # Browsers may send seconds; a hand-off has none.
    return datetime.strptime(text[:5], "%H:%M").time()  # noqa: DTZ007  a time of day has no zone of its own


def _zone(text: str) -> str:
    if zone_of(text).key != text:
        raise ValueError(text)
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > DIGITS or not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return parse


def _ids(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(_whole(1, MAX_ID)(text) for text in texts)
