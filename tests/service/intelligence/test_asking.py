"""Asking over real HTTP: servers on loopback that answer as each vendor does, well and badly (B40, F-46)."""

import asyncio

import pytest

from app.intelligence import asking
from app.intelligence.prompt import build
from app.intelligence.types import AlertFacts, Asked, AskFailed, Fault, Subject, Usage
from app.platform.runtime import Runtime
from tests.support.clock import START
from tests.support.http_server import Answer, HttpServer
from tests.support.loopback import on_loopback
from tests.support.vendors.llm import ANALYSIS, LLMS, Llm

SUBJECT = Subject(7, "Disk full", "critical", "triggered", alerts=(AlertFacts("DiskFull", "firing", "critical"),))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here is stored."""
    return sqlite_url


class Vendor(Llm):
    """A provider whose server stands on loopback and answers in that vendor's format."""

    def __init__(self, rt: Runtime, server: HttpServer, name: str) -> None:
        super().__init__(server, name)
        self.rt = on_loopback(rt)

    def ask(self, at_most_seconds: float | None = None) -> Asked:
        """One analysis."""
        config = self.kind.config_model.model_validate(self.config)
        return asyncio.run(
            asking.ask(
                self.kind,
                config,
                build(SUBJECT),
                self.rt.outside,
                clock=self.rt.clock,
                roll=lambda: 0.5,
                at_most_seconds=at_most_seconds,
                incident_id=7,
            )
        )

    def fails(self, *answers: Answer, at_most_seconds: float | None = None) -> AskFailed:
        """Why there is no analysis after these answers."""
        self.server.answer(*answers)
        with pytest.raises(AskFailed) as failed:
            self.ask(at_most_seconds)
        return failed.value

    @property
    def tries(self) -> int:
        """How often it was asked."""
        return len(self.server.requests)

    @property
    def waited(self) -> float:
        """Seconds between the tries, in all."""
        return (self.rt.clock.now() - START).total_seconds()


@pytest.fixture(params=LLMS)
def vendor(request: pytest.FixtureRequest, rt: Runtime, http_server: HttpServer) -> Vendor:
    """Each of the vendors."""
    return Vendor(rt, http_server, request.param)


@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```", "Here it is:\n{}\nGood luck!"])
def test_an_analysis_comes_back_with_its_tokens_whatever_stands_around_it(vendor: Vendor, form: str) -> None:
    vendor.server.answer(vendor.saying(form.replace("{}", ANALYSIS)))
    asked = vendor.ask()
    assert asked.analysis.summary == "The disk is full."
    assert [each.incident_id for each in asked.analysis.recommendations] == [7]
    assert (asked.usage, asked.tries) == (Usage(120, 45, 165), 1)
    (request,) = vendor.server.requests
    assert request.method == "POST"
    assert vendor.sample.expect["json"].items() <= request.json().items()


def test_prose_cut_and_refused_answers_are_paid_for_once(vendor: Vendor) -> None:
    prose = vendor.fails(vendor.saying("The disk seems to be full."))
    assert (prose.fault, prose.usage.total_tokens) == (Fault.UNREADABLE, 165)
    assert vendor.fails(vendor.cut).fault is Fault.CUT
    if vendor.refused is not None:
        assert vendor.fails(vendor.refused).fault is Fault.REFUSED
    assert vendor.waited == 0


def test_a_wrong_key_and_an_unknown_model_are_not_tried_again(vendor: Vendor) -> None:
    assert vendor.fails(vendor.failing(401)).fault is Fault.UNAUTHORIZED
    assert vendor.fails(vendor.failing(404)).fault is Fault.NO_SUCH_MODEL
    assert vendor.tries == 2


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "5"}, {"Retry-After": "Mon, 02 Mar 2026 09:00:05 GMT"}, {"Retry-After-Ms": "5000"}]
)
def test_too_many_is_tried_again_when_the_vendor_says(vendor: Vendor, headers: dict[str, str]) -> None:
    vendor.server.answer(vendor.failing(429, headers))
    assert vendor.ask().tries == 2
    assert vendor.waited == 5.0


def test_too_many_for_longer_than_is_left_ends_at_once(vendor: Vendor) -> None:
    assert vendor.fails(vendor.failing(429, {"Retry-After": "34"})).fault is Fault.RATE_LIMITED
    assert (vendor.tries, vendor.waited) == (1, 0)


def test_trouble_at_the_vendor_is_tried_three_times(vendor: Vendor) -> None:
    assert vendor.fails(*[vendor.failing(500)] * 3).fault is Fault.SERVER_ERROR
    assert vendor.tries == 3
    assert vendor.waited == pytest.approx(0.375 + 0.75)


def test_a_broken_connection_is_tried_again(vendor: Vendor) -> None:
    vendor.server.answer(Answer(breaks=True))
    assert vendor.ask().tries == 2


def test_ten_megabytes_are_not_read(vendor: Vendor) -> None:
    assert vendor.fails(Answer(body=b'{"a": "' + b"x" * 10_000_000)).fault is Fault.TOO_LARGE
    assert vendor.tries == 1


def test_an_endless_answer_and_none_at_all_end_with_the_time_that_is_left(vendor: Vendor) -> None:
    assert vendor.fails(Answer(hangs=True), at_most_seconds=1.0).fault is Fault.TIMED_OUT
    assert vendor.fails(Answer(drips=True), at_most_seconds=1.0).fault is Fault.TIMED_OUT
    assert vendor.tries == 2


def test_a_redirect_is_not_followed(vendor: Vendor) -> None:
    assert vendor.fails(Answer(302, headers={"Location": f"{vendor.server.url}/x"})).fault is Fault.REJECTED
    assert vendor.tries == 1


def test_an_inner_address_is_not_called_unless_the_operator_allows_it(rt: Runtime, http_server: HttpServer) -> None:
    vendor = Vendor(rt, http_server, "openai")
    config = vendor.kind.config_model.model_validate({"api_key": "k", "base_url": "http://169.254.169.254/latest"})
    with pytest.raises(AskFailed, match="OUTBOUND_ALLOWED_NETWORKS") as failed:
        asyncio.run(
            asking.ask(vendor.kind, config, build(SUBJECT), vendor.rt.outside, clock=rt.clock, roll=lambda: 0.5)
        )
    assert failed.value.permanent
