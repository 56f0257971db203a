"""Schedules that look like those of a real company, made through the use cases: for what is drawn and clicked."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.accounts.types import Identity, Team, User
from app.oncall.types import Cadence, RotationPlan, Schedule
from app.platform.runtime import Runtime
from app.platform.zones import instant_of
from app.usecases import people, rota
from tests.support.people import add_user

NAMES = ("Ravi", "Noor", "Lin", "Tomas", "Femi")
ZONE = "Europe/Berlin"
NINE = time(9)


@dataclass(frozen=True)
class Rota:
    """Who and what there is: `primary` goes round weekly, `night` daily, `data` is in another zone."""

    admin: User
    members: list[User]
    team: Team
    primary: Schedule
    night: Schedule
    data: Schedule

    def of(self, name: str) -> User:
        """The member of this name."""
        return next(user for user in self.members if user.name == name)


def plan(member_ids: list[int], start: date, **more: Any) -> RotationPlan:
    """A week each from Monday 09:00 on, unless told otherwise."""
    return RotationPlan(
        **{
            "timezone": ZONE,
            "cadence": Cadence.WEEKLY,
            "handoff_time": NINE,
            "handoff_weekday": 0 if more.get("cadence", Cadence.WEEKLY) is Cadence.WEEKLY else None,
            "start_date": start,
            "member_ids": tuple(member_ids),
            **more,
        }
    )


def at(day: date, hour: int = 9, zone: str = ZONE) -> datetime:
    """A full hour of a day in a zone, as an instant."""
    return instant_of(datetime.combine(day, time(hour)), ZoneInfo(zone))


def monday(rt: Runtime) -> date:
    """The Monday of this week."""
    today = rt.clock.now().astimezone(ZoneInfo(ZONE)).date()
    return today - timedelta(days=today.weekday())


def furnish(rt: Runtime, admin: User) -> Rota:
    """Three schedules (weekly, daily, in another zone), two overrides and a fixed entry, all around this week."""
    now = rt.clock.now()
    week = monday(rt)
    members = [add_user(rt, name, actor=admin, signs_in=True) for name in NAMES]
    ids = [user.id for user in members]
    team = people.create_team(rt, name="Platform", actor=admin, now=now)
    for user_id in ids:
        people.add_member(rt, team_id=team.id, user_id=user_id, actor=admin, now=now)

    def schedule(name: str, rotation: RotationPlan, **more: Any) -> Schedule:
        return rota.create_schedule(rt, name=name, rotation=rotation, actor=admin, now=now, **more)

    primary = schedule("Platform, primary", plan(ids[:4], week - timedelta(weeks=5)), timezone=ZONE, team_id=team.id)
    night = schedule(
        "Platform, nights",
        plan(ids[1:], week, cadence=Cadence.DAILY, handoff_time=time(20)),
        timezone=ZONE,
        team_id=team.id,
        escalation_to_user_id=ids[0],
    )
    data = schedule("Data", plan(ids[2:], week, handoff_weekday=2), timezone="America/New_York")
    _override(rt, admin, primary, ids[4], at(week + timedelta(days=5), 18), at(week + timedelta(days=6), 18), "wedding")
    _override(rt, admin, primary, ids[0], at(week + timedelta(days=9)), at(week + timedelta(days=10)), "dentist")
    rota.add_entry(
        rt,
        schedule_id=primary.id,
        user_id=ids[3],
        start_time=at(week + timedelta(days=16)),
        end_time=at(week + timedelta(days=18)),
        reason="release",
        actor=admin,
        now=now,
    )
    return Rota(admin, members, team, primary, night, data)


def _override(
    rt: Runtime, admin: User, schedule: Schedule, user_id: int, start: datetime, end: datetime, reason: str
) -> None:
    rota.add_override(
        rt,
        schedule_id=schedule.id,
        user_id=user_id,
        start_time=start,
        end_time=end,
        identity=Identity(user=admin, via="session"),
        now=rt.clock.now(),
        reason=reason,
    )
