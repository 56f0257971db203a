"""What the guided set-up writes, on both databases: all of a step or nothing of it, and what a test finds out."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.errors import SourceNameTaken
from app.checks import queries as checks
from app.escalation import queries as policies
from app.notify import circuits
from app.notify.types import NotificationStatus
from app.pipeline.definitions import compile_plan
from app.pipeline.errors import DefinitionInvalid, DefinitionNameTaken
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, deliver, set_up
from app.usecases.set_up import Choices, Connected, Line, Progress, State, Target, trying
from app.usecases.set_up.rules import shaped, suggested_name
from tests.support.people import add_admin


@pytest.fixture
def ada(rt: Runtime) -> User:
    """The admin who sets up."""
    return add_admin(rt)


def connect(rt: Runtime, ada: User, name: str = "grafana-prod", *, preset: str = "direct") -> Connected:
    """A source that pages Ada alone."""
    target = Target(person_id=ada.id)
    return set_up.connect_source(
        rt, preset=preset, name=name, driver="grafana", target=target, actor=ada, now=rt.clock.now()
    )


def policy_names(rt: Runtime) -> list[str]:
    """Every policy there is."""
    return [each.name for each in rt.db.read(lambda tx: policies.list_policies(tx, PageQuery())).items]


def test_source_comes_with_its_policy_or_not_at_all(rt: Runtime, ada: User) -> None:
    catalogue.create_source(rt, name="taken", actor=ada, now=rt.clock.now())
    with pytest.raises(SourceNameTaken):
        connect(rt, ada, "taken")
    assert policy_names(rt) == []

    made = connect(rt, ada)
    assert (made.policy_made, made.source.pipeline) == ("Page Ada", "direct")
    assert connect(rt, ada, "another").source.escalation_policy_id == made.source.escalation_policy_id
    assert policy_names(rt) == ["Page Ada"]


def test_somebody_has_to_be_paged(rt: Runtime, ada: User) -> None:
    with pytest.raises(Invalid, match="Somebody has to be paged"):
        set_up.connect_source(
            rt, preset="direct", name="x", driver="auto", target=Target(), actor=ada, now=rt.clock.now()
        )


def test_pipeline_of_its_own_is_made_with_the_source_that_follows_it(rt: Runtime, ada: User) -> None:
    source = connect(rt, ada, preset="full").source
    goal, choices = set_up.GOALS["full"], Choices(checkers=("cpu",), provider="local")

    def use(name: str, wanted: Choices) -> set_up.Used:
        return set_up.use_pipeline(
            rt, source_id=source.id, goal=goal, choices=wanted, name=name, actor=ada, now=rt.clock.now()
        )

    with pytest.raises(DefinitionInvalid):
        use("mine", Choices(channel="there is none"))
    assert use("mine", choices) == set_up.Used("mine", is_new=True)
    with pytest.raises(DefinitionNameTaken):
        use("mine", choices)
    after = rt.db.read(lambda tx: alerts.get_source(tx, source.id))
    assert after.pipeline == "mine"
    assert rt.db.read(lambda tx: set_up.goal_of(tx, after)) == goal
    assert use("", Choices()) == set_up.Used("full", is_new=False)


def test_this_host_is_watched_by_exactly_what_was_chosen(rt: Runtime, ada: User) -> None:
    made = set_up.watch_this_host(
        rt, preset="local-monitor", checkers=["memory", "network"], cadence_seconds=None,
        target=Target(person_id=ada.id), actor=ada, now=rt.clock.now(),
    )  # fmt: skip

    assert (made.source.is_internal, made.source.leads_somewhere) == (True, True)
    configs = rt.db.read(checks.configs)
    assert {name for name, each in configs.items() if each.cadence_seconds} - {"process"} == {"memory", "network"}


def test_progress_says_what_is_waited_for_and_what_went_wrong(rt: Runtime, ada: User) -> None:
    source = connect(rt, ada).source
    incident_id = set_up.try_out(rt, source_id=source.id, actor=ada, now=rt.clock.now())

    found = rt.db.read(lambda tx: set_up.progress(tx, rt.settings, incident_id, now=rt.clock.now()))

    states = {line.key.partition("-")[0]: line.state for line in found.lines}
    assert states == {
        "received": State.GOOD, "incident": State.GOOD, "message": State.WAITING, "node": State.WAITING,
    }  # fmt: skip
    assert not found.is_over
    assert not found.went_through


def test_page_that_waits_for_others_is_waited_for(rt: Runtime, ada: User) -> None:
    for name in ("first", "second"):
        source = connect(rt, ada, name).source
        incident_id = set_up.try_out(rt, source_id=source.id, actor=ada, now=rt.clock.now())
        asyncio.run(deliver.deliver_due(rt, rt.clock.now()))

    found = rt.db.read(lambda tx: set_up.progress(tx, rt.settings, incident_id, now=rt.clock.now()))

    (page,) = [line for line in found.lines if line.is_page]
    assert (page.state, page.advice) == (State.WAITING, "It leaves by itself.")


def test_page_by_a_way_that_does_not_work_is_not_waited_for(rt: Runtime, ada: User) -> None:
    source = connect(rt, ada).source
    incident_id = set_up.try_out(rt, source_id=source.id, actor=ada, now=rt.clock.now())
    failed: dict[str, Any] = {
        "channel": "email",
        "channel_id": None,
        "notification_id": 0,
        "error": "no",
        "is_certain": True,
    }
    rt.db.write(lambda tx: circuits.note_failure(tx, "people:email", now=rt.clock.now(), **failed))

    found = rt.db.read(lambda tx: set_up.progress(tx, rt.settings, incident_id, now=rt.clock.now()))

    (page,) = [line for line in found.lines if line.is_page]
    assert page.state is State.BAD
    assert "failed again and again" in page.said
    assert page.advice == "Set SMTP_HOST and SMTP_FROM in .env, start PagerPal again, and send the test again."


def test_nothing_went_through_without_a_page_that_left() -> None:
    there = Line("received", "Alert received", State.GOOD, "")
    page = Line("page", "Page", State.NONE, "", is_page=True)
    assert not Progress((there, page)).went_through
    assert Progress((there, replace(page, state=State.GOOD))).went_through
    assert not Progress((replace(there, state=State.BAD), replace(page, state=State.GOOD))).went_through


def test_every_status_of_a_message_has_a_line() -> None:
    waiting = {"pending", "in_flight", "retrying", "unknown", "failed", "exhausted"}
    assert {each.value for each in NotificationStatus} - waiting == {each.value for each in trying.SENDING_STATES}


@pytest.mark.parametrize("preset", list(set_up.GOALS))
def test_preset_that_was_changed_is_a_definition_of_the_same_nodes(preset: str) -> None:
    goal = set_up.GOALS[preset]
    said = shaped(goal.plan, Choices(checkers=("cpu",), provider="local", channel="ops"))
    plan = compile_plan(preset, 1, said, names=None)
    assert [node.id for node in plan.nodes] == [node.id for node in goal.plan.nodes]
    quiet = shaped(goal.plan, Choices(is_quiet=True))
    assert "notify" not in [node.id for node in compile_plan(preset, 1, quiet, names=None).nodes]


def test_suggested_name_is_one_that_definitions_may_have() -> None:
    assert suggested_name("direct", "Grafana, Prüfstand!") == "direct-grafana-pr-fstand"
