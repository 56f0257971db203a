"""Each vendor's model, well and badly behaved: what becomes of the analysis of an incident (B40, F-46)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from app.intelligence.types import AnalysisStatus, Fault
from app.platform.addresses import AddressFilter
from app.platform.http import OutboundHttp
from app.usecases import catalogue
from tests.service.analyze.conftest import Ward
from tests.support.http_server import Answer, HttpServer
from tests.support.loopback import LOOPBACK
from tests.support.vendors.llm import ANALYSIS, LLMS, Llm


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is written down is tested on both kinds elsewhere."""
    return sqlite_url


@dataclass(frozen=True)
class Ending:
    """How a model behaves, and what must come of it; `fault` None is an analysis by the model itself."""

    name: str
    answers: Callable[[Llm], list[Answer | None]]
    fault: Fault | None
    tries: int = 1
    at_most_seconds: float | None = None


SOON = {"Retry-After": "5"}
LATER = {"Retry-After": "Mon, 02 Mar 2026 09:00:05 GMT"}
ENDINGS = (
    # First, since the date is one by the clock as the test finds it.
    Ending("429 and a date", lambda llm: [llm.failing(429, LATER)], None, tries=2),
    Ending("plain JSON", lambda llm: [llm.saying(ANALYSIS)], None),
    Ending("fenced JSON", lambda llm: [llm.saying(f"```json\n{ANALYSIS}\n```")], None),
    Ending("JSON in prose", lambda llm: [llm.saying(f"Here it is:\n{ANALYSIS}\nGood luck!")], None),
    Ending("429 and seconds", lambda llm: [llm.failing(429, SOON)], None, tries=2),
    Ending("429 for too long", lambda llm: [llm.failing(429, {"Retry-After": "34"})], Fault.RATE_LIMITED),
    Ending("prose", lambda llm: [llm.saying("The disk seems to be full.")], Fault.UNREADABLE),
    Ending("cut", lambda llm: [llm.cut], Fault.CUT),
    Ending("refused", lambda llm: [llm.refused], Fault.REFUSED),
    Ending("401", lambda llm: [llm.failing(401)], Fault.UNAUTHORIZED),
    Ending("404", lambda llm: [llm.failing(404)], Fault.NO_SUCH_MODEL),
    Ending("500", lambda llm: [llm.failing(500)] * 3, Fault.SERVER_ERROR, tries=3),
    Ending("10 MB", lambda _llm: [Answer(body=b'{"a": "' + b"x" * 10_000_000)], Fault.TOO_LARGE),
    Ending("hang", lambda _llm: [Answer(hangs=True)], Fault.TIMED_OUT, at_most_seconds=0.6),
    Ending("endless", lambda _llm: [Answer(drips=True)], Fault.TIMED_OUT, at_most_seconds=0.6),
)  # fmt: skip


@pytest.fixture(params=LLMS)
def llm(request: pytest.FixtureRequest, http_server: HttpServer) -> Llm:
    """Each of the vendors."""
    return Llm(http_server, request.param)


@pytest.fixture
async def house(ward: Ward, llm: Llm) -> AsyncIterator[Ward]:
    """A house in which this vendor is asked, over real HTTP."""
    catalogue.create_provider(
        ward.rt, name="main", provider=llm.name, config=llm.config, is_active=True, actor=ward.admin,
        now=ward.rt.clock.now(),
    )  # fmt: skip
    http = OutboundHttp(AddressFilter(LOOPBACK))
    yield replace(ward, rt=replace(ward.rt, outside=replace(ward.rt.outside, http=http)))
    await http.close()


async def test_whatever_a_model_does_there_is_an_analysis_and_what_went_wrong_is_on_record(
    house: Ward, llm: Llm
) -> None:
    for ending in ENDINGS:
        answers = ending.answers(llm)
        if None not in answers:
            await ends_as_it_should(house, llm, ending, [each for each in answers if each is not None])


async def ends_as_it_should(house: Ward, llm: Llm, ending: Ending, answers: list[Answer]) -> None:
    llm.server.requests.clear()
    llm.server.answer(*answers)
    incident_id = house.incident(ending.name)
    run = await house.analyzing(incident_id, at_most_seconds=ending.at_most_seconds)
    assert len(llm.server.requests) == ending.tries, ending.name
    assert run.status is AnalysisStatus.SUCCEEDED, ending.name
    assert run.summary, ending.name
    assert len(house.story(incident_id)) == 1, ending.name
    asked, *others = house.runs(incident_id)
    if ending.fault is None:
        assert (asked, others, run.fallback_used) == (run, [], False), ending.name
        assert (run.summary, run.total_tokens) == ("The disk is full.", llm.sample.usage.total_tokens), ending.name
        return
    assert (asked.provider, asked.status) == (llm.name, AnalysisStatus.FAILED), ending.name
    assert asked.error_message.startswith(f"{ending.fault.value}: "), ending.name
    assert others == [run], ending.name
    assert (run.provider, run.fallback_used) == ("local", True), ending.name
    assert run.error_message.startswith(f"{ending.fault.value}: main failed ("), ending.name


async def test_what_is_asked_is_in_the_vendors_own_form(house: Ward, llm: Llm) -> None:
    await house.analyzing(house.incident("Checkout is slow"))
    (request,) = llm.server.requests
    assert request.method == "POST"
    assert llm.sample.expect["json"].items() <= request.json().items()
    assert b"Checkout is slow" in request.body
