"""People and incidents for the tests of the watch."""

from collections.abc import Callable
from datetime import datetime

import pytest

from app.accounts.types import Role, Urgency
from app.escalation.types import Assignee, AssigneeType, Level, Plan
from app.incidents import queries, service as incidents
from app.incidents.types import Incident, NewIncident, Severity
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import paging, people
from tests.support.duty import Duty
from tests.support.people import add_admin
from tests.support.statements import Statements
from tests.support.world import World

Opener = Callable[..., int]
Story = Callable[[int], list[str]]


@pytest.fixture
def duty(rt: Runtime, world: World) -> Duty:
    """Ada and whom a test names; time moves when it says so."""
    return Duty(rt, world, add_admin(rt, "Ada"))


@pytest.fixture
def statements(rt: Runtime) -> Statements:
    """Counts what is asked of the database."""
    return Statements(rt.db)


@pytest.fixture
def admin(rt: Runtime) -> int:
    """An admin who can be reached by email; returns the id."""
    user = people.create_admin(
        rt, email="ada@example.com", name="Ada", password="a-long-enough-passphrase", now=rt.clock.now()
    )
    assert user.role is Role.ADMIN
    return user.id


@pytest.fixture
def opener(rt: Runtime) -> Opener:
    """Opens an incident now, paged to `user_id` unless told that nobody was paged; returns its id."""
    numbers = iter(range(1, 1000))

    def open_incident(*, paged_to: int | None = None) -> int:
        now = rt.clock.now()
        return rt.db.write(lambda tx: _open(tx, f"key-{next(numbers)}", paged_to, now))

    return open_incident


@pytest.fixture
def story(rt: Runtime) -> Story:
    """The texts of an incident's timeline."""
    return lambda incident_id: [entry.text for entry in rt.db.read(lambda tx: queries.timeline_of(tx, incident_id))]


def _open(tx: Tx, key: str, paged_to: int | None, now: datetime) -> int:
    new = NewIncident(f"Incident {key}", "", Severity.CRITICAL, None, key)
    incident: Incident = incidents.open_many(tx, [new], now=now)[0]
    if paged_to is not None:
        level = Level(1, 15, (Assignee(AssigneeType.USER, paged_to),))
        paging.start(tx, [paging.Order(incident, Plan("test", (level,)), Urgency.HIGH)], now=now)
    return incident.id
