"""Schedules: entries must not overlap, overrides win, what has ended stays, and members give away only their own."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.accounts.types import Identity, User
from app.escalation.types import Assignee, AssigneeType, Level
from app.oncall import queries
from app.oncall.errors import (
    OverlappingSlot,
    ScheduleInUse,
    ScheduleNameTaken,
    ScheduleNotFound,
    WindowIsPast,
    WindowNotFound,
)
from app.oncall.types import Schedule, Window
from app.platform.errors import Forbidden, Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, people, rota
from tests.support.clock import FrozenClock
from tests.support.people import add_user

HOUR = timedelta(hours=1)


@pytest.fixture
def schedule(rt: Runtime, admin: User) -> Schedule:
    """An empty schedule."""
    return rota.create_schedule(rt, name="Duty", actor=admin, now=rt.clock.now())


@pytest.fixture
def ravi(rt: Runtime, admin: User) -> User:
    """A responder."""
    return add_user(rt, "Ravi", actor=admin)


@pytest.fixture
def noor(rt: Runtime, admin: User) -> User:
    """Another responder."""
    return add_user(rt, "Noor", actor=admin)


class Desk:
    """The admin who fills a schedule; hours count from the test's start."""

    def __init__(self, rt: Runtime, admin: User, schedule: Schedule) -> None:
        self.rt = rt
        self.admin = admin
        self.schedule = schedule
        self.start = rt.clock.now()

    def at(self, hour: float) -> datetime:
        """That many hours after the test's start."""
        return self.start + hour * HOUR

    def entry(self, user: User, begin: float, end: float) -> Window:
        """A fixed entry."""
        return rota.add_entry(self.rt, **self._window(user, begin, end), actor=self.admin)

    def override(self, user: User, begin: float, end: float, *, by: User | None = None) -> Window:
        """An override, by the admin or by somebody else."""
        identity = Identity(by or self.admin, "basic")
        return rota.add_override(self.rt, **self._window(user, begin, end), identity=identity)

    def void_override(self, override: Window, *, by: User | None = None) -> None:
        """End an override."""
        rota.void_override(
            self.rt,
            schedule_id=self.schedule.id,
            override_id=override.id,
            identity=Identity(by or self.admin, "basic"),
            now=self.rt.clock.now(),
        )

    def void_entry(self, entry: Window) -> None:
        """End an entry."""
        rota.void_entry(
            self.rt, schedule_id=self.schedule.id, entry_id=entry.id, actor=self.admin, now=self.rt.clock.now()
        )

    def on_call(self, hour: float, *, as_of: datetime | None = None) -> int | None:
        """Whose it is at that hour."""
        found = self.rt.db.read(lambda tx: queries.who_is_on_call(tx, [self.schedule.id], self.at(hour), as_of=as_of))
        slot = found[self.schedule.id]
        return slot.user_id if slot else None

    def _window(self, user: User, begin: float, end: float) -> dict[str, Any]:
        return {
            "schedule_id": self.schedule.id,
            "user_id": user.id,
            "start_time": self.at(begin),
            "end_time": self.at(end),
            "now": self.rt.clock.now(),
        }


@pytest.fixture
def desk(rt: Runtime, admin: User, schedule: Schedule) -> Desk:
    """Whoever fills the schedule."""
    return Desk(rt, admin, schedule)


def test_entries_follow_each_other_and_must_not_overlap(desk: Desk, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    desk.entry(noor, 8, 16)
    for begin, end in ((7, 9), (-1, 1), (2, 3), (-1, 20)):
        with pytest.raises(OverlappingSlot):
            desk.entry(noor, begin, end)
    assert desk.on_call(7.99) == ravi.id
    assert desk.on_call(8) == noor.id
    assert desk.on_call(16) is None


def test_the_newest_override_wins(desk: Desk, admin: User, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    desk.override(noor, 2, 6)
    desk.override(admin, 3, 4)
    assert [desk.on_call(hour) for hour in (1, 2, 3, 4, 6)] == [ravi.id, noor.id, admin.id, noor.id, ravi.id]


def test_an_entry_of_another_schedule_is_in_nobodys_way(rt: Runtime, admin: User, desk: Desk, ravi: User) -> None:
    desk.entry(ravi, 0, 8)
    other = rota.create_schedule(rt, name="Other", actor=admin, now=rt.clock.now())
    Desk(rt, admin, other).entry(ravi, 0, 8)


def test_a_voided_entry_counts_no_longer_and_makes_room(desk: Desk, ravi: User, noor: User) -> None:
    entry = desk.entry(ravi, 1, 8)
    desk.void_entry(entry)
    assert desk.on_call(2) is None
    desk.entry(noor, 1, 8)
    assert desk.on_call(2) == noor.id
    with pytest.raises(WindowNotFound):
        desk.void_entry(entry)


def test_voiding_a_running_override_keeps_what_it_was(desk: Desk, clock: FrozenClock, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    override = desk.override(noor, 0, 8)
    clock.advance(hours=2)
    desk.void_override(override)
    assert (desk.on_call(1), desk.on_call(2)) == (noor.id, ravi.id)


def test_what_has_ended_stays_as_it_was(desk: Desk, clock: FrozenClock, ravi: User) -> None:
    entry, override = desk.entry(ravi, 0, 1), desk.override(ravi, 0, 1)
    clock.advance(hours=1)
    with pytest.raises(WindowIsPast):
        desk.void_entry(entry)
    with pytest.raises(WindowIsPast):
        desk.void_override(override)


def test_what_was_known_earlier_is_answerable(desk: Desk, clock: FrozenClock, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    clock.advance(hours=1)
    override = desk.override(noor, 3, 5)
    clock.advance(hours=1)
    desk.void_override(override)

    assert desk.on_call(4) == ravi.id
    assert desk.on_call(4, as_of=desk.at(0.5)) == ravi.id
    assert desk.on_call(4, as_of=desk.at(1.5)) == noor.id


@pytest.mark.parametrize(("begin", "end"), [(2, 2), (3, 2), (0, 24 * 366 * 6)])
def test_a_window_must_be_one(desk: Desk, ravi: User, begin: float, end: float) -> None:
    with pytest.raises(Invalid) as refused:
        desk.entry(ravi, begin, end)
    assert [each.path for each in refused.value.errors] == ["end_time"]


def test_an_inactive_user_takes_no_window(rt: Runtime, admin: User, desk: Desk, ravi: User) -> None:
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())
    for add in (desk.entry, desk.override):
        with pytest.raises(Invalid) as refused:
            add(ravi, 0, 8)
        assert [each.path for each in refused.value.errors] == ["user_id"]
    with pytest.raises(Invalid):
        rota.create_schedule(rt, name="Backup", escalation_to_user_id=ravi.id, actor=admin, now=rt.clock.now())


def test_a_member_gives_away_only_what_is_their_own(desk: Desk, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    desk.entry(noor, 8, 16)
    desk.override(noor, 2, 4, by=ravi)
    assert desk.on_call(3) == noor.id
    for begin, end in ((7, 9), (9, 10), (15, 17), (2, 5)):
        with pytest.raises(Forbidden):
            desk.override(ravi, begin, end, by=ravi)


def test_a_member_ends_only_their_own_override(desk: Desk, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    override = desk.override(noor, 2, 4)
    with pytest.raises(Forbidden):
        desk.void_override(override, by=ravi)
    assert desk.on_call(3) == noor.id
    desk.void_override(override, by=noor)
    assert desk.on_call(3) == ravi.id


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": " "}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"team_id": 99}, "team_id"),
        ({"escalation_to_user_id": 99}, "escalation_to_user_id"),
        ({"escalation_delay_minutes": -1}, "escalation_delay_minutes"),
    ],
)
def test_a_wrong_field_is_named(rt: Runtime, admin: User, values: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        rota.create_schedule(rt, **{"name": "Duty", **values}, actor=admin, now=rt.clock.now())
    assert [each.path for each in refused.value.errors] == [path]


def test_two_schedules_cannot_share_a_name(rt: Runtime, admin: User, schedule: Schedule) -> None:
    with pytest.raises(ScheduleNameTaken):
        rota.create_schedule(rt, name=schedule.name, actor=admin, now=rt.clock.now())


def test_a_schedule_that_is_paged_by_stays(rt: Runtime, admin: User, schedule: Schedule) -> None:
    source, _ = catalogue.create_source(rt, name="prod", schedule_id=schedule.id, actor=admin, now=rt.clock.now())
    levels = [Level(1, 5, (Assignee(AssigneeType.SCHEDULE, schedule.id),))]
    policy = catalogue.create_policy(rt, name="Climb", levels=levels, actor=admin, now=rt.clock.now())
    with pytest.raises(ScheduleInUse, match=r"alert source prod, escalation policy Climb"):
        rota.delete_schedule(rt, schedule_id=schedule.id, actor=admin, now=rt.clock.now())

    catalogue.update_source(rt, source_id=source.id, changes={"schedule_id": None}, actor=admin, now=rt.clock.now())
    catalogue.delete_policy(rt, policy_id=policy.id, actor=admin, now=rt.clock.now())
    rota.delete_schedule(rt, schedule_id=schedule.id, actor=admin, now=rt.clock.now())
    with pytest.raises(ScheduleNotFound):
        rt.db.read(lambda tx: queries.get_schedule(tx, schedule.id))
    assert rota.create_schedule(rt, name="Duty", actor=admin, now=rt.clock.now()).id != schedule.id


def test_who_comes_next_is_the_first_after_the_present_slot(rt: Runtime, desk: Desk, ravi: User, noor: User) -> None:
    desk.entry(ravi, 0, 8)
    desk.entry(noor, 10, 16)

    def following(hour: float) -> int | None:
        found = rt.db.read(lambda tx: queries.who_is_next(tx, [desk.schedule.id], desk.at(hour)))
        slot = found[desk.schedule.id]
        return slot.user_id if slot else None

    assert [following(hour) for hour in (-1, 1, 9, 11)] == [ravi.id, noor.id, noor.id, None]


def test_entries_and_overrides_are_listed_without_what_was_voided(rt: Runtime, desk: Desk, ravi: User) -> None:
    kept, gone = desk.entry(ravi, 0, 8), desk.entry(ravi, 9, 10)
    desk.override(ravi, 0, 1)
    desk.void_entry(gone)

    entries = rt.db.read(lambda tx: queries.list_entries(tx, desk.schedule.id, PageQuery()))
    assert [entry.id for entry in entries.items] == [kept.id]
    assert rt.db.read(lambda tx: queries.list_overrides(tx, desk.schedule.id, PageQuery())).total == 1
