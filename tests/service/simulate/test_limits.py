"""What the simulation leaves open, and says so: safe mode, workers that are off, what has passed, what never ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.accounts.types import User
from app.alerts import queries as alerts
from app.escalation.types import Assignee, AssigneeType, Level
from app.platform.runtime import Runtime
from app.usecases import catalogue, intake, simulate
from app.usecases.intake.on_request import TEST_LABEL
from app.usecases.simulate import Action, Simulation
from tests.support.people import add_admin, add_user


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever is paged when nobody else is."""
    return add_admin(rt)


@pytest.fixture
def source_id(rt: Runtime, admin: User) -> int:
    """A source whose policy pages Ravi for 15 minutes, twenty times over."""
    ravi = add_user(rt, "Ravi", actor=admin)
    levels = tuple(
        Level(number, 0 if number < 20 else 15, (Assignee(AssigneeType.USER, ravi.id),)) for number in range(1, 21)
    )
    made = catalogue.create_policy(rt, name="Loud", levels=levels, repeat=20, actor=admin, now=rt.clock.now())
    source, _ = catalogue.create_source(rt, name="prod", escalation_policy_id=made.id, actor=admin, now=rt.clock.now())
    return source.id


@pytest.fixture
def ask(rt: Runtime, source_id: int) -> Callable[..., Simulation]:
    """Asks about the source, in a process whose settings may differ."""

    def asked(*, hours: float = 0, payload: Any = None, **settings: Any) -> Simulation:
        process = replace(rt, settings=rt.settings.model_copy(update=settings))
        now = rt.clock.now()
        at = now + timedelta(hours=hours)
        return simulate.simulate_page(process, source_id=source_id, payload=payload, at=at, now=now)

    return asked


def said(simulation: Simulation) -> str:
    """All notes."""
    return "\n".join(note.text for note in simulation.notes)


def test_no_more_than_the_limit_is_shown(ask: Callable[..., Simulation]) -> None:
    simulation = ask()
    assert len(simulation.pages) == 200
    assert "the first 200 pages" in said(simulation)


def test_nothing_but_reads_are_asked_of_the_database(rt: Runtime, ask: Callable[..., Simulation]) -> None:
    asked: list[str] = []
    event.listen(rt.db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    ask()
    reads = [statement for statement in asked if statement.startswith("SELECT") and "FOR UPDATE" not in statement]
    assert reads
    assert set(asked) - set(reads) <= {"BEGIN"}


def test_safe_mode_is_said_and_needs_no_provider(ask: Callable[..., Simulation]) -> None:
    simulation = ask(notification_sending_enabled=False)
    assert "Safe mode" in said(simulation)
    assert simulation.pages
    assert not any(page.problem for page in simulation.pages)


def test_what_is_not_set_up_is_said_once_and_at_each_page(ask: Callable[..., Simulation]) -> None:
    simulation = ask()
    assert said(simulation).count("Nothing gets out by email") == 1
    assert all("SMTP_HOST" in page.problem for page in simulation.pages)


def test_without_the_escalation_worker_level_one_is_paged_and_nothing_advances(ask: Callable[..., Simulation]) -> None:
    simulation = ask(escalation_worker_enabled=False)
    assert [(page.level, page.user_name) for page in simulation.pages] == [(1, "Ravi")]
    assert "escalation worker is switched off" in said(simulation)


def test_what_is_open_counts_for_a_time_to_come_and_not_for_one_that_has_passed(
    rt: Runtime, source_id: int, ask: Callable[..., Simulation]
) -> None:
    result = intake.send_test_alert(rt, now=rt.clock.now(), source_id=source_id)
    [alert] = rt.db.read(lambda tx: alerts.alerts_of_incident(tx, result.incident_ids[0]))
    again = {"name": alert.name, "fingerprint": f"test-{alert.labels[TEST_LABEL]}"}
    actions = [ask(hours=hours, payload=again).affected[0].action for hours in (-1, 0, 1)]
    assert actions == [Action.CREATE, Action.ATTACH, Action.ATTACH]


def test_a_day_is_looked_ahead(rt: Runtime, admin: User) -> None:
    levels = (Level(1, 23 * 60, (Assignee(AssigneeType.USER, admin.id),)),)
    made = catalogue.create_policy(rt, name="Slow", levels=levels, repeat=5, actor=admin, now=rt.clock.now())
    source, _ = catalogue.create_source(rt, name="slow", escalation_policy_id=made.id, actor=admin, now=rt.clock.now())
    now = rt.clock.now()
    simulation = simulate.simulate_page(rt, source_id=source.id, at=now, now=now)
    assert [page.after_minutes for page in simulation.pages] == [0, 23 * 60]
    assert "the first 24 hours" in said(simulation)
