"""The stages of a pipeline on the real server: which run, in which order, and what a kill in the middle of one costs.

A provider and a team channel listen on loopback in their vendors' formats; the pager's mail goes to a real SMTP sink.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kill.appliance import ADMIN_EMAIL, ADMIN_PASSWORD, Desk, Server, fresh_server
from tests.kill.calls import Caller, NoAnswer, basic
from tests.kill.checker import Violation
from tests.kill.facts import Store
from tests.kill.sink import Sink, running_sink
from tests.support.http_server import Answer, HttpServer, Request

PATIENCE_SECONDS = 60.0
DEATH_SECONDS = 30.0
POLL_SECONDS = 0.05
# A measuring thread that is stuck, and the longest that a first page may take meanwhile.
BLOCKS_SECONDS = 3
PAGE_SECONDS = 1.0
CHECKERS = ("memory", "process")
# Where a run can die; a run passes each of them.
PLACES = (
    "pipeline.after_claim", "pipeline.after_step", "pipeline.before_commit", "stage.after_check", "analyze.before_ask",
    "analyze.after_ask", "stage.after_analyze", "notify.before_send", "notify.after_send_before_record",
)  # fmt: skip
STAGES_OF = {
    "local-monitor": ("INGEST", "CHECK", "NOTIFY"),
    "local-smart": ("INGEST", "CHECK", "ANALYZE", "NOTIFY"),
    "direct": ("INGEST", "NOTIFY"),
    "health-checked": ("INGEST", "CHECK", "NOTIFY"),
    "ai-analyzed": ("INGEST", "ANALYZE", "NOTIFY"),
    "full": ("INGEST", "CHECK", "ANALYZE", "NOTIFY"),
}
THOUGHT = {
    "summary": "The queue of web-1 grows because its worker stopped.",
    "probable_cause": "The worker was stopped by a deployment.",
    "confidence": 0.7,
    "recommendations": [
        {"type": "process", "priority": "high", "title": "Start the worker", "description": "d", "actions": ["look"]}
    ],
}


@dataclass(frozen=True, slots=True)
class Ran:
    """One incident's run as the API shows it, and what left the house for it."""

    run: Mapping[str, Any]
    pages: int
    marked_pages: int
    questions: int
    messages: Sequence[Mapping[str, Any]]
    check_runs: int
    analyses: int
    first_page_at: str
    seconds: float

    @property
    def stages(self) -> list[tuple[str, str]]:
        """Each attempt at a stage and how it ended."""
        return [(each["stage"], each["status"]) for each in self.run["stages"]]


@dataclass
class House:
    """A running server, its provider, its team channel and its tools."""

    server: Server
    sink: Sink
    store: Store
    provider: HttpServer
    team: HttpServer
    keys: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)

    def tool(self, name: str, pipeline: str) -> None:
        """A source with a person of its own: who was paged just now hears of the next incident in a bundle."""
        desk = Desk(self.server.port)
        user_id, self.emails[name] = desk.person(name)
        body = {
            "name": f"{name} tool",
            "driver": "generic",
            "escalation_policy_id": desk.policy(f"{name} policy", (30, [user_id])),
            "pipeline": pipeline,
            "grouping": "fingerprint",
        }
        with closing(Caller(self.server.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))) as caller:
            self.keys[name] = str(caller.post("/api/v1/alert-sources", body).expect(201)["api_key"])

    def post(self, tool: str) -> int | None:
        """A tool posts an alert; the id of its incident, None when the server died before it could answer."""
        with suppress(NoAnswer), closing(Caller(self.server.port, {"X-API-Key": self.keys[tool]})) as caller:
            body = {"name": f"{tool} alert", "severity": "critical", "labels": {"host": "web-1"}}
            return int(caller.post("/alerts/webhook", body).expect(202)["incident_ids"][0])
        return None

    def get(self, path: str) -> Any:
        """What the API shows there."""
        with closing(Caller(self.server.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))) as caller:
            return caller.get(f"/api/v1/{path}").expect(200)

    def _on_the_way(self, incident_id: int) -> bool:
        """Whether a message has not left yet: the lease of a send that died must run out first."""
        notes = self.get(f"notifications?incident_id={incident_id}")["items"]
        return not notes or any(each["sent_at"] is None for each in notes)

    def ended(self, incident_id: int | None, *, tool: str, since: float) -> Ran:
        """Wait until the incident's run has ended and everything is sent; what it did."""
        if incident_id is None:
            incident_id = self.get(f"incidents?q={tool}")["items"][0]["id"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        run: Mapping[str, Any] = {}
        while time.monotonic() < deadline:
            found = self.get(f"pipeline-runs?incident_id={incident_id}")["items"]
            if found and found[0]["completed_at"] and not self._on_the_way(incident_id):
                run = self.get(f"pipeline-runs/{found[0]['run_id']}")
                break
            time.sleep(POLL_SECONDS)
        mails = [mail for mail in self.sink.mails() if self.emails[tool] in mail.recipients]
        notes = self.get(f"notifications?incident_id={incident_id}")["items"]
        pages = [each for each in notes if each["kind"] == "page"]
        told = [request.json() for request in self.team.requests]
        count = f"SELECT count(*) AS n FROM {{}} WHERE incident_id = {incident_id}"  # noqa: S608  our own numbers
        return Ran(
            run=run,
            pages=len(mails),
            marked_pages=sum(mail.is_marked for mail in mails),
            questions=len(self.provider.requests),
            messages=[each for each in told if (each.get("incident") or {}).get("id") == incident_id],
            check_runs=int(self.store.rows(count.format("check_runs"))[0]["n"]),
            analyses=int(self.store.rows(f"{count.format('analysis_runs')} AND status = 'SUCCEEDED'")[0]["n"]),
            first_page_at=str(pages[0]["sent_at"]) if pages else "",
            seconds=time.monotonic() - since,
        )


def thought(_request: Request) -> Answer:
    """An answer in OpenAI's format (wire-formats §12)."""
    body = {
        "model": "gpt-4o-mini",
        "choices": [{"message": {"content": json.dumps(THOUGHT)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    return Answer(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@contextmanager
def house(folder: Path, database_url: str) -> Iterator[House]:
    """A running server with a provider and a team channel; checks are few and quick."""
    provider, team = HttpServer(), HttpServer()
    provider.start()
    team.start()
    provider.answer_by(thought)
    try:
        with running_sink(folder / "mails.jsonl") as sink, fresh_server(folder, database_url, sink.port) as server:
            server.start()
            made = House(server, sink, Store(database_url), provider, team)
            _set_up(made)
            yield made
    finally:
        provider.stop()
        team.stop()


def _set_up(made: House) -> None:
    thinker = {"api_key": "not-a-real-key", "base_url": made.provider.url}
    provider = {"name": "thinker", "provider": "openai", "config": thinker, "is_active": True}
    channel = {"name": "team", "driver": "webhook", "config": {"endpoint": f"{made.team.url}/team"}}
    with closing(Caller(made.server.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))) as caller:
        for checker in ("cpu", "disk", "network", "disk_common", "disk_linux"):
            caller.call("PATCH", f"/api/v1/checks/{checker}", b'{"enabled": false}').expect(200)
        caller.post("/api/v1/intelligence/providers", provider).expect(201)
        caller.post("/api/v1/channels", channel).expect(201)


def preset(made: House, pipeline: str) -> tuple[Ran, list[Violation]]:
    """One alert through one preset, and what is wrong with what came of it."""
    made.tool(pipeline, pipeline)
    since = time.monotonic()
    ran = made.ended(made.post(pipeline), tool=pipeline, since=since)
    wanted = STAGES_OF[pipeline]
    faults = []
    order = [
        (stage, "SUCCEEDED" if stage in wanted else "SKIPPED") for stage in ("INGEST", "CHECK", "ANALYZE", "NOTIFY")
    ]
    if ran.stages != order:
        faults.append(f"stages were {ran.stages}")
    if ran.run.get("status") != "NOTIFIED":
        faults.append(f"the run ended as {ran.run.get('status')}: {ran.run.get('last_error_message')}")
    text = " ".join(str(each.get("message")) for each in ran.messages)
    if ("CHECK" in wanted) != ("Checks on " in text):
        faults.append(f"checks in the team's message: {text!r}")
    if ("ANALYZE" in wanted) != ("Analysis (" in text):
        faults.append(f"analysis in the team's message: {text!r}")
    if {"CHECK", "ANALYZE"} <= set(wanted):
        analyses = made.get(f"analysis-runs?incident_id={ran.run.get('incident_id')}")["items"]
        if {each["checker_output_ref"] for each in analyses} != {ran.run.get("checker_output_ref")}:
            faults.append("the analysis does not name the checks before it")
    made_of = ran.run.get("stages", [{}])[0].get("output_snapshot", {})
    if (made_of.get("alerts_created"), made_of.get("incidents_created")) != (1, 1):
        faults.append(f"the first stage says {made_of}")
    faults += _page_first(ran)
    return ran, [Violation("preset", f"{pipeline}: {fault}") for fault in faults]


def hanging(made: House, *, page_seconds: float = PAGE_SECONDS) -> tuple[Ran, list[Violation]]:
    """An alert while the provider never answers and every measurement blocks for seconds."""
    made.tool("hanging", "full")
    made.provider.answer_by(lambda _request: Answer(hangs=True))
    made.server.kill()
    made.server.begin(failpoints=f"measure.in_thread=sleep:{BLOCKS_SECONDS}")
    made.server.wait_for_health_or_death()
    since = time.monotonic()
    incident_id = made.post("hanging")
    paged_after = None
    while paged_after is None and time.monotonic() < since + PATIENCE_SECONDS:
        is_paged = any(made.emails["hanging"] in mail.recipients for mail in made.sink.mails())
        paged_after = time.monotonic() - since if is_paged else None
        time.sleep(POLL_SECONDS)
    ran = made.ended(incident_id, tool="hanging", since=since)
    made.provider.answer_by(thought)
    faults = _page_first(ran)
    if paged_after is None or paged_after > page_seconds:
        faults.append(f"the page left after {paged_after} s")
    if ran.run.get("status") != "NOTIFIED" or not ran.run.get("intelligence_fallback_used"):
        faults.append(f"the run ended as {ran.run.get('status')}, without the local provider")
    return ran, [Violation("hang", fault) for fault in faults]


def _page_first(ran: Ran) -> list[str]:
    begun = [
        each["started_at"] for each in ran.run.get("stages", ()) if each["stage"] == "CHECK" and each["duration_ms"]
    ]
    if ran.pages != 1 or not ran.first_page_at:
        return [f"{ran.pages} pages instead of one"]
    if begun and not ran.first_page_at <= begun[0]:
        return [f"the page left at {ran.first_page_at}, the checks began at {begun[0]}"]
    return []


def killed_in(made: House, place: str) -> tuple[Ran, list[Violation]]:
    """An alert whose run dies at a place, and goes on when the server is started again."""
    tool = place.replace(".", "-").replace("_", "-")
    made.tool(tool, "full")
    made.provider.requests.clear()
    made.team.requests.clear()
    made.server.kill()
    made.server.begin(failpoints=f"{place}=kill")
    if not made.server.wait_for_health_or_death():
        made.server.start()
        return NOT_RUN, [Violation("kill", f"{place}: the server died before anything was posted")]
    since = time.monotonic()
    incident_id = made.post(tool)
    if not made.server.wait_for_death(DEATH_SECONDS):
        return NOT_RUN, [Violation("kill", f"{place} was not reached")]
    made.server.start()
    ran = made.ended(incident_id, tool=tool, since=since)
    return ran, [Violation("kill", f"{place}: {fault}") for fault in _faults(ran)]


def _faults(ran: Ran) -> Iterator[str]:
    if ran.run.get("status") != "NOTIFIED":
        yield f"the run ended as {ran.run.get('status')} with {ran.run.get('last_error_message')}"
    for stage in ("CHECK", "ANALYZE", "NOTIFY"):
        if ran.stages.count((stage, "SUCCEEDED")) != 1:
            yield f"{stage} succeeded {ran.stages.count((stage, 'SUCCEEDED'))} times"
    if ran.check_runs != len(CHECKERS):
        yield f"{ran.check_runs} checks were written down"
    if ran.questions > 2:
        yield f"the provider was asked {ran.questions} times"
    if ran.analyses != 1:
        yield f"{ran.analyses} analyses were kept"
    told = [each["notification_id"] for each in ran.messages]
    unmarked = [each for each in ran.messages if not each["possible_repeat"]]
    if len(set(told)) != 1 or len(unmarked) != 1:
        yield f"the team was told {told}, {len(unmarked)} of them not marked as a repeat"
    if ran.pages < 1 or ran.pages - ran.marked_pages > 1:
        yield f"{ran.pages} pages, {ran.marked_pages} of them marked"


NOT_RUN = Ran({"stages": []}, 0, 0, 0, [], 0, 0, "", 0.0)


def stages(folder: Path, database_url: str) -> tuple[list[tuple[str, str]], list[Violation]]:
    """Every preset, a provider that hangs, and a kill at every place: what happened in a table, and what was wrong."""
    lines, faults = [], []
    with house(folder, database_url) as made:
        for pipeline in STAGES_OF:
            ran, found = preset(made, pipeline)
            lines.append((pipeline, f"{' '.join(stage for stage, status in ran.stages if status == 'SUCCEEDED')}"))
            faults += found
        ran, found = hanging(made)
        lines.append(("provider hangs, checks block", f"team told after {ran.seconds:.1f} s, page before"))
        faults += found
        for place in PLACES:
            ran, found = killed_in(made, place)
            attempts = " ".join(f"{stage}:{status}" for stage, status in ran.stages)
            lines.append((f"killed at {place}", f"{ran.questions} question(s) asked; {attempts}"))
            faults += found
    return lines, faults
