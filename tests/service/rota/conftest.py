"""An admin, three responders and a desk from which schedules are kept, on each kind of database."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from app.accounts.types import Identity, User
from app.notify.queries import list_notifications
from app.notify.types import NotificationFilter, NotificationKind
from app.oncall import queries
from app.oncall.types import Cadence, RotationPlan, Schedule, Slot, Swap, Window
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import rota
from tests.support.people import add_admin, add_user

# The test's clock stands on Monday, 2 March 2026, 09:00 UTC: the hand-off of the weekly rotations here.
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def weekly(*members: User, **changes: Any) -> RotationPlan:
    """A weekly rotation from Monday at 09:00 on."""
    values: dict[str, Any] = {
        "timezone": "UTC",
        "cadence": Cadence.WEEKLY,
        "handoff_time": time(9),
        "start_date": date(2026, 3, 2),
        "member_ids": tuple(member.id for member in members),
    }
    return RotationPlan(**{**values, **changes})


@dataclass
class Duty:
    """One schedule, the people around it, and what they do to it; `now` is the test's clock."""

    rt: Runtime
    admin: User
    ravi: User
    noor: User
    kim: User
    schedules: list[Schedule] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The instant on the test's clock."""
        return self.rt.clock.now()

    @property
    def schedule_id(self) -> int:
        """The schedule that was made last."""
        return self.schedules[-1].id

    def make(self, rotation: RotationPlan | None = None, **values: Any) -> Schedule:
        """A schedule."""
        name = f"Duty {len(self.schedules) + 1}"
        made = rota.create_schedule(
            self.rt, **{"name": name, **values}, rotation=rotation, actor=self.admin, now=self.now
        )
        self.schedules.append(made)
        return made

    def change(self, effective_from: datetime | None = None, **changes: Any) -> Schedule:
        """Save other values, a rotation among them."""
        return rota.update_schedule(
            self.rt,
            schedule_id=self.schedule_id,
            changes=changes,
            effective_from=effective_from,
            actor=self.admin,
            now=self.now,
        )

    def override(self, user: User, start: datetime, end: datetime, *, by: User | None = None) -> Window:
        """An override, by the admin or by somebody else."""
        return rota.add_override(self.rt, **self._window(user, start, end), identity=self._as(by))

    def change_override(
        self, override: Window, user: User, start: datetime, end: datetime, *, by: User | None = None
    ) -> Window:
        """Another override in the place of one."""
        window = self._window(user, start, end)
        return rota.change_override(self.rt, override_id=override.id, **window, identity=self._as(by))

    def hand_off(self, to: User, *, by: User | None = None, at: datetime | None = None) -> rota.Handoff:
        """A hand-off, now or later."""
        return rota.hand_off(
            self.rt, schedule_id=self.schedule_id, to_user_id=to.id, identity=self._as(by), now=self.now, at=at
        )

    def ask(self, by: User, start: datetime, end: datetime, *, to: User | None = None) -> Swap:
        """A swap request."""
        return rota.request_swap(
            self.rt,
            schedule_id=self.schedule_id,
            start_time=start,
            end_time=end,
            to_user_id=to.id if to else None,
            identity=self._as(by),
            now=self.now,
        )

    def accept(self, swap: Swap, by: User) -> Swap:
        """Take the slot."""
        return rota.accept_swap(
            self.rt, schedule_id=self.schedule_id, swap_id=swap.id, identity=self._as(by), now=self.now
        )

    def decline(self, swap: Swap, by: User) -> Swap:
        """Refuse to take the slot."""
        return rota.decline_swap(
            self.rt, schedule_id=self.schedule_id, swap_id=swap.id, identity=self._as(by), now=self.now
        )

    def cancel(self, swap: Swap, by: User) -> Swap:
        """Take the request back."""
        return rota.cancel_swap(
            self.rt, schedule_id=self.schedule_id, swap_id=swap.id, identity=self._as(by), now=self.now
        )

    def slots(self, start: datetime, end: datetime) -> list[Slot]:
        """Who covers what."""
        return self.rt.db.read(lambda tx: queries.slots_of(tx, self.schedule_id, start, end))

    def who(self, at: datetime, *, as_of: datetime | None = None) -> str | None:
        """The name of whoever is on call."""
        found = self.rt.db.read(lambda tx: queries.who_is_on_call(tx, [self.schedule_id], at, as_of=as_of))
        slot = found[self.schedule_id]
        names = {user.id: user.name for user in (self.admin, self.ravi, self.noor, self.kim)}
        return names[slot.user_id] if slot else None

    def _as(self, user: User | None) -> Identity:
        return Identity(user or self.admin, "basic")

    def _window(self, user: User, start: datetime, end: datetime) -> dict[str, Any]:
        return {
            "schedule_id": self.schedule_id,
            "user_id": user.id,
            "start_time": start,
            "end_time": end,
            "now": self.now,
        }


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever sets things up."""
    return add_admin(rt)


def new_duty(rt: Runtime, admin: User) -> Duty:
    """A desk with nothing on it, and three responders around it."""
    ravi, noor, kim = (add_user(rt, name, actor=admin) for name in ("Ravi", "Noor", "Kim"))
    return Duty(rt, admin, ravi, noor, kim)


@pytest.fixture
def duty(rt: Runtime, admin: User) -> Duty:
    """A desk with nothing on it."""
    return new_duty(rt, admin)


def told(duty: Duty) -> list[tuple[str, str, str]]:
    """Who has been written to since the beginning: name, subject and text, in order."""
    everything = PageQuery(page_size=200)
    rows = duty.rt.db.read(lambda tx: list_notifications(tx, NotificationFilter(), everything).items)
    return [
        (row.facts["user_name"], row.facts["title"], row.facts["text"])
        for row in sorted(rows, key=lambda row: row.id)
        if row.kind is NotificationKind.HANDOFF
    ]
