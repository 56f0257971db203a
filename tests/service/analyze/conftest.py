"""An incident, providers that answer as they are told, and what is kept of each analysis."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.accounts.types import User
from app.checks.types import CheckResult, CheckRun, CheckStatus, NewCheckRun, Thresholds
from app.incidents import queries as incidents
from app.incidents.types import Actor, Severity
from app.intelligence import queries
from app.intelligence.types import AnalysisRun, IntelligenceProvider
from app.platform.db import Tx
from app.platform.ports import HttpAnswer
from app.platform.runtime import Runtime
from app.usecases import answer, catalogue, run_checks
from app.usecases.analyze import analyze
from tests.service.intake.conftest import Tool
from tests.support.looks import look_briefly
from tests.support.people import add_admin
from tests.support.vendors.llm import ANALYSIS
from tests.support.world import World

KEY = "pl4inly-f4ke-key"


def says(text: str = ANALYSIS, status: int = 200) -> HttpAnswer:
    """OpenAI's answer in which the model says this."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165}
    body = {"model": "gpt-4o-mini-2024-07-18", "choices": [choice], "usage": usage}
    return HttpAnswer(status, {}, json.dumps(body).encode())


@dataclass
class Ward:
    """One house with incidents that are analysed."""

    rt: Runtime
    world: World
    admin: User

    def incident(self, title: str = "Checkout is slow", **values: Any) -> int:
        """An incident that somebody opened."""
        actor = Actor(self.admin.id, self.admin.name, self.admin.id, "api")
        now = self.rt.clock.now()
        return answer.open_incident(self.rt, title=title, severity=Severity.CRITICAL, actor=actor, now=now, **values).id

    def provider(self, name: str = "main", *, kind: str = "openai", is_active: bool = True) -> IntelligenceProvider:
        """A provider with a key."""
        return catalogue.create_provider(
            self.rt, name=name, provider=kind, config={"api_key": KEY}, is_active=is_active, actor=self.admin,
            now=self.rt.clock.now(),
        )  # fmt: skip

    def answers(self, *answers: HttpAnswer) -> None:
        """What the providers will say next."""
        self.world.http.next.extend(answers)

    def analyze(self, incident_id: int | None, **order: Any) -> AnalysisRun:
        """One analysis."""
        return asyncio.run(self.analyzing(incident_id, **order))

    async def analyzing(self, incident_id: int | None, **order: Any) -> AnalysisRun:
        """The same, to be run beside others."""
        return await analyze(self.rt, incident_id=incident_id, now=self.rt.clock.now(), trace_id="a" * 32, **order)

    def set(self, **settings: Any) -> None:
        """Change settings."""
        changed = self.rt.settings.model_copy(update=settings)
        self.rt = replace(self.rt, settings=changed)

    def runs(self, incident_id: int) -> list[AnalysisRun]:
        """Every analysis of the incident, oldest first."""
        return self.rt.db.read(lambda tx: queries.runs_of(tx, incident_id))[::-1]

    def story(self, incident_id: int) -> list[str]:
        """The lines that an analysis wrote."""
        told = self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))
        return [entry.text for entry in told if entry.text.startswith("Analysis")]

    @property
    def calls(self) -> int:
        """How often a provider was asked."""
        return len(self.world.http.calls)


def checked(ward: Ward, status: CheckStatus, *, checker: str = "disk", incident_id: int | None = None) -> CheckRun:
    """A check that somebody made."""
    result = CheckResult(status, f"{checker} is {status}", {"percent": 91}, checker)
    new = NewCheckRun(result, Thresholds(80, 90), 1.5, ward.rt.clock.now())

    def write(tx: Tx) -> CheckRun:
        return run_checks.record(tx, [new], trace_id="c" * 32, incident_id=incident_id)[0]

    return ward.rt.db.write(write)


@pytest.fixture(autouse=True)
def brief_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the local analysis finds on this machine is proved elsewhere."""
    look_briefly(monkeypatch)


@pytest.fixture
def ward(rt: Runtime, world: World) -> Ward:
    """A house with one admin."""
    return Ward(rt, world, add_admin(rt))


@pytest.fixture
def tool(ward: Ward) -> Tool:
    """A monitoring tool."""
    source, _ = catalogue.create_source(ward.rt, name="prod", actor=ward.admin, now=ward.rt.clock.now())
    return Tool(ward.rt, ward.admin, source)
