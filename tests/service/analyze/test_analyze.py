"""An incident is analysed once, by the provider that is wanted or by the local one, and what came of it is kept."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from app.incidents.errors import IncidentNotFound
from app.incidents.types import SYSTEM
from app.intelligence import service
from app.intelligence.types import (
    AlertFacts,
    AnalysisFailed,
    AnalysisRun,
    AnalysisStatus,
    Evidence,
    Fault,
    NewAnalysis,
    Subject,
)
from app.platform import failpoints
from app.platform.bus import Bus
from app.platform.db import Db
from app.platform.failpoints import Action, FailpointRaised
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import Runtime
from app.platform.secrets import SecretBox
from app.platform.types import JsonValue
from app.usecases.analyze import close_orphans, recording
from app.usecases.analyze.order import Order, Paid
from tests.service.analyze.conftest import Ward, says

Dies: TypeAlias = Callable[[str | None], None]
SUCCEEDED, FAILED, RUNNING = AnalysisStatus.SUCCEEDED, AnalysisStatus.FAILED, AnalysisStatus.RUNNING


def kept(run: AnalysisRun) -> tuple[str, AnalysisStatus, bool]:
    return run.provider, run.status, run.fallback_used


def begun(ward: Ward, incident_id: int | None, provider: str = "openai", **config: JsonValue) -> int:
    """Somebody else begins an analysis."""
    new = NewAnalysis(provider, config, "m", "x", incident_id=incident_id)
    return ward.rt.db.write(lambda tx: service.add_run(tx, new, now=ward.rt.clock.now()))


def test_the_active_provider_is_asked_and_its_answer_is_kept_with_what_it_cost(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    ward.answers(says())
    run = ward.analyze(incident_id, pipeline_run_id="r" * 32)
    assert ward.runs(incident_id) == [run]
    assert kept(run) == ("openai", SUCCEEDED, False)
    assert (run.summary, run.probable_cause, run.confidence) == ("The disk is full.", "Logs are not rotated.", 0.7)
    assert (run.prompt_tokens, run.completion_tokens, run.total_tokens) == (120, 45, 165)
    assert (run.trace_id, run.pipeline_run_id, run.recommendations_count) == ("a" * 32, "r" * 32, 1)
    assert run.provider_config == {"api_key": "***"}
    assert ward.story(incident_id) == ["Analysis by main: The disk is full."]


def test_a_prompt_is_not_written_while_a_transaction_is_open(ward: Ward) -> None:
    ward.set(intelligence_labels=("*",))
    ward.provider()
    said = {f"note{number}": "a1b2 and so on. " * 250 for number in range(30)}
    alert = AlertFacts("Long", "firing", "critical", "x " * 8000, labels=said, annotations=said)
    subject = Subject(ward.incident(), "Long", "critical", "triggered", "", alerts=(alert,) * 10)
    order = Order(Evidence(subject, (), ()), "a" * 32, "", None, is_requested=False, checks_ref="", actor=SYSTEM)
    begun = time.process_time()
    assert isinstance(ward.rt.db.write(lambda tx: recording.begin(tx, ward.rt, order, now=ward.rt.clock.now())), Paid)
    assert time.process_time() - begun < 0.1


def test_the_local_provider_answers_while_none_is_active_and_that_is_no_fallback(ward: Ward) -> None:
    ward.provider(is_active=False)
    incident_id = ward.incident()
    run = ward.analyze(incident_id)
    assert kept(run) == ("local", SUCCEEDED, False)
    assert run.error_message == ""
    assert ward.calls == 0
    assert ward.story(incident_id)[0].startswith("Analysis by the local provider: ")


def test_a_provider_is_chosen_by_its_name_and_local_is_one(ward: Ward) -> None:
    ward.provider()
    ward.provider("second", kind="mistral", is_active=False)
    ward.answers(says())
    assert kept(ward.analyze(ward.incident("a"), provider="second")) == ("mistral", SUCCEEDED, False)
    assert kept(ward.analyze(ward.incident("b"), provider="local")) == ("local", SUCCEEDED, False)
    assert ward.calls == 1


def test_when_the_provider_fails_the_local_one_answers_and_the_failure_stays_on_record(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    ward.answers(HttpAnswer(401, {}, b""))
    run = ward.analyze(incident_id, pipeline_run_id="r" * 32)
    failed, answered = ward.runs(incident_id)
    assert run == answered
    assert kept(failed) == ("openai", FAILED, False)
    assert failed.error_message.startswith("unauthorized: ")
    assert kept(answered) == ("local", SUCCEEDED, True)
    assert answered.error_message.startswith("unauthorized: main failed (the provider does not accept the API key")
    (line,) = ward.story(incident_id)
    assert line.startswith("Analysis by the local provider, because main failed (the provider does not accept")


def test_a_provider_that_is_gone_or_cannot_be_used_is_made_up_for(ward: Ward, rt: Runtime) -> None:
    gone = ward.analyze(ward.incident("a"), provider="nobody")
    assert kept(gone) == ("local", SUCCEEDED, True)
    assert gone.error_message == "no_such_provider: there is no provider named 'nobody'"
    ward.provider()
    ward.rt = replace(rt, secrets=SecretBox("another-key-that-never-sealed-anything"))
    unreadable = ward.analyze(ward.incident("b"))
    assert kept(unreadable) == ("local", SUCCEEDED, True)
    assert unreadable.error_message.startswith("misconfigured: main is not set up: ")
    assert ward.calls == 0


def test_without_the_fallback_the_failure_is_raised_with_what_it_is(ward: Ward) -> None:
    ward.set(orchestration_intelligence_fallback_enabled=False, intelligence_calls_per_hour=2)
    ward.provider()
    incident_id = ward.incident()
    for outcome, fault, is_retryable in (
        (HttpAnswer(401, {}, b""), Fault.UNAUTHORIZED, False),
        (HttpFailed("could not connect"), Fault.UNREACHABLE, True),
        (says(), Fault.BUDGET_SPENT, True),
    ):
        ward.world.http.down = outcome if isinstance(outcome, HttpFailed) else None
        ward.world.http.next.clear()
        if isinstance(outcome, HttpAnswer):
            ward.answers(outcome)
        with pytest.raises(AnalysisFailed, match=fault.value.replace("_", " ")) as failed:
            ward.analyze(incident_id, pipeline_run_id="r" * 32)
        assert (failed.value.fault, failed.value.retryable) == (fault, is_retryable)
    assert [run.provider for run in ward.runs(incident_id)] == ["openai", "openai"]
    assert kept(ward.analyze(incident_id, provider="local")) == ("local", SUCCEEDED, False)


def test_there_is_one_analysis_of_an_incident_unless_somebody_asks(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    ward.answers(says(), says())
    first = ward.analyze(incident_id, pipeline_run_id="1" * 32)
    assert ward.analyze(incident_id, pipeline_run_id="2" * 32) == first
    assert ward.analyze(incident_id, provider="local") == first
    assert (ward.calls, len(ward.story(incident_id))) == (1, 1)
    second = ward.analyze(incident_id, is_requested=True)
    assert second.id != first.id
    assert ward.calls == 2


def test_the_budget_of_the_hour_is_for_all_incidents_together(ward: Ward) -> None:
    ward.set(intelligence_calls_per_hour=2)
    ward.provider()
    ward.answers(says(), HttpAnswer(400, {}, b""), says())
    found = [ward.analyze(ward.incident(str(number)), is_requested=number == 2) for number in range(3)]
    assert [kept(run) for run in found] == [
        ("openai", SUCCEEDED, False), ("local", SUCCEEDED, True), ("local", SUCCEEDED, True),
    ]  # fmt: skip
    assert found[2].error_message == "budget_spent: the budget of 2 questions an hour is spent"
    ward.rt.clock.advance(hours=1)  # type: ignore[attr-defined]
    assert kept(ward.analyze(ward.incident("later")))[0] == "openai"


def test_what_another_asks_about_the_incident_is_not_asked_and_paid_twice(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    run_id = ward.rt.db.write(
        lambda tx: service.add_run(
            tx, NewAnalysis("openai", {}, "m", "x", incident_id=incident_id), now=ward.rt.clock.now()
        )
    )
    by_button = ward.analyze(incident_id, is_requested=True)
    assert (by_button.id, by_button.status) == (run_id, AnalysisStatus.PENDING)
    by_pipeline = ward.analyze(incident_id, pipeline_run_id="r" * 32)
    assert kept(by_pipeline) == ("local", SUCCEEDED, True)
    assert by_pipeline.error_message == "under_way: another question about this incident is under way"
    assert ward.calls == 0


def test_an_unknown_incident_is_refused(ward: Ward) -> None:
    with pytest.raises(IncidentNotFound):
        ward.analyze(7)


# --- a process that dies ------------------------------------------------------------------------------------------


@pytest.fixture
def dies() -> Iterator[Dies]:
    """Ends the process, as it were, at a named place; None lets it live."""

    def at(place: str | None) -> None:
        failpoints.disarm()
        if place:
            failpoints._armed[place] = Action("raise", 1.0)

    yield at
    failpoints.disarm()


@pytest.mark.parametrize("place", ["analyze.before_ask", "analyze.after_ask"])
def test_a_process_that_dies_while_it_asks_is_made_up_for_without_paying_again(
    ward: Ward, dies: Dies, place: str
) -> None:
    ward.provider()
    incident_id = ward.incident()
    ward.answers(says())
    dies(place)
    with pytest.raises(FailpointRaised):
        ward.analyze(incident_id, pipeline_run_id="r" * 32)
    dies(None)
    paid = ward.calls
    run = ward.analyze(incident_id, pipeline_run_id="r" * 32)
    left, answered = ward.runs(incident_id)
    assert kept(left) == ("openai", FAILED, False)
    assert left.error_message == "interrupted: the process ended before there was an answer"
    assert run == answered
    assert kept(answered) == ("local", SUCCEEDED, True)
    assert ward.calls == paid <= 1
    assert ward.analyze(incident_id, pipeline_run_id="r" * 32) == run, "the same run of the pipeline has its analysis"


def test_a_process_that_dies_while_the_local_provider_answers_does_not_ask_the_other_again(
    ward: Ward, dies: Dies
) -> None:
    ward.provider()
    incident_id = ward.incident()
    ward.answers(HttpAnswer(400, {}, b""))
    dies("analyze.before_local")
    with pytest.raises(FailpointRaised):
        ward.analyze(incident_id, pipeline_run_id="r" * 32)
    dies(None)
    ward.analyze(incident_id, pipeline_run_id="r" * 32)
    assert [kept(run) for run in ward.runs(incident_id)] == [
        ("openai", FAILED, False), ("local", FAILED, True), ("local", SUCCEEDED, True),
    ]  # fmt: skip
    assert ward.runs(incident_id)[-1].error_message.startswith("rejected: openai failed (")
    assert ward.calls == 1


def test_without_the_fallback_a_dead_process_fails_its_stage_and_the_next_try_asks_once_more(
    ward: Ward, dies: Dies
) -> None:
    ward.set(orchestration_intelligence_fallback_enabled=False)
    ward.provider()
    incident_id = ward.incident()
    ward.answers(says(), says())
    dies("analyze.after_ask")
    with pytest.raises(FailpointRaised):
        ward.analyze(incident_id, pipeline_run_id="r" * 32)
    dies(None)
    with pytest.raises(AnalysisFailed, match="interrupted") as failed:
        ward.analyze(incident_id, pipeline_run_id="r" * 32)
    assert failed.value.retryable
    assert kept(ward.analyze(incident_id, pipeline_run_id="r" * 32)) == ("openai", SUCCEEDED, False)
    assert ward.calls == 2


class Takeover:
    """The `Http` port during whose answer another process closes the run and has the local provider answer."""

    def __init__(self, ward: Ward, incident_id: int) -> None:
        self.ward, self.incident_id = ward, incident_id

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        await self.ward.analyzing(self.incident_id, pipeline_run_id="r" * 32)
        return says()


def test_a_process_that_was_taken_for_dead_gives_back_what_the_other_found(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    slow = replace(ward, rt=replace(ward.rt, outside=replace(ward.rt.outside, http=Takeover(ward, incident_id))))
    run = slow.analyze(incident_id, pipeline_run_id="r" * 32)
    assert kept(run) == ("local", SUCCEEDED, True)
    assert [kept(each) for each in ward.runs(incident_id)] == [("openai", FAILED, False), ("local", SUCCEEDED, True)]
    assert len(ward.story(incident_id)) == 1


def test_what_a_dead_process_left_behind_is_closed_once_nobody_can_be_asking_any_more(ward: Ward) -> None:
    quick, slow, host = ward.incident("a"), ward.incident("b"), None
    begun(ward, quick)
    begun(ward, slow, timeout_seconds=120)
    begun(ward, host, "local")
    for seconds, closed in ((34, 0), (1, 2), (99, 0), (1, 1), (1, 0)):
        now = ward.rt.clock.now() + timedelta(seconds=seconds)
        ward.rt.clock.set(now)  # type: ignore[attr-defined]
        assert asyncio.run(close_orphans(ward.rt, now)) == closed
    assert ward.runs(slow)[0].error_message.startswith("interrupted: ")


def test_somebody_who_asks_again_does_not_wait_for_a_dead_process(ward: Ward) -> None:
    ward.provider()
    incident_id = ward.incident()
    begun(ward, incident_id)
    ward.rt.clock.advance(seconds=36)  # type: ignore[attr-defined]
    ward.answers(says())
    assert kept(ward.analyze(incident_id, is_requested=True)) == ("openai", SUCCEEDED, False)
    assert [run.status for run in ward.runs(incident_id)] == [FAILED, SUCCEEDED]


# --- a storm ------------------------------------------------------------------------------------------------------


class SlowHttp:
    """The `Http` port: answers after the others have had their turn."""

    def __init__(self) -> None:
        self.calls = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        self.calls += 1
        for _ in range(20):
            await asyncio.sleep(0)
        return says()


def test_in_a_storm_nobody_is_asked_twice_about_one_incident_nor_beyond_the_budget(ward: Ward) -> None:
    ward.set(intelligence_calls_per_hour=5)
    ward.provider()
    incident_ids = [ward.incident(str(number)) for number in range(8)]
    http = SlowHttp()
    several = Db(ward.rt.settings.database_url, bus=Bus())
    crowd = replace(ward, rt=replace(ward.rt, db=several, outside=replace(ward.rt.outside, http=http)))

    async def storm() -> None:
        asked = [crowd.analyzing(each, is_requested=turn == 1) for turn in range(2) for each in incident_ids]
        await asyncio.gather(*asked)

    asyncio.run(storm())
    several.dispose()
    assert http.calls == 5
    paid = [run.incident_id for each in incident_ids for run in ward.runs(each) if run.provider == "openai"]
    assert len(paid) == 5
    assert all(any(run.status is SUCCEEDED for run in ward.runs(each)) for each in incident_ids)
