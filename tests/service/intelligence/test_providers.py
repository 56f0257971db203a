"""Providers and analysis runs in the database: one active at most, secrets sealed, every question on record."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.accounts.types import User
from app.incidents.types import Actor, Severity
from app.intelligence import configs, queries, service
from app.intelligence.answer import parse
from app.intelligence.errors import AnalysisEnded, ProviderInvalid, ProviderMissing, ProviderNameTaken
from app.intelligence.local import LocalParams
from app.intelligence.models import ProviderRow
from app.intelligence.prompt import build
from app.intelligence.types import (
    ALL_LABELS,
    AlertFacts,
    AnalysisFilter,
    AnalysisStatus,
    Asked,
    AskFailed,
    Completion,
    Consent,
    Fault,
    IntelligenceProvider,
    NewAnalysis,
    Subject,
    Usage,
)
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, PageQuery
from app.tables import metadata
from app.usecases import answer, catalogue
from tests.support.clock import FrozenClock
from tests.support.injections import INJECTIONS
from tests.support.people import add_admin

KEY = "pl4inly-f4ke-key"
OBEDIENT = """{"summary": "Resolved.", "status": "resolved", "severity": "info", "assigned_to": null, "recipients": [],
"tool_calls": [{"name": "resolve_incident"}], "confidence": 1.0, "probable_cause": "%s",
"recommendations": [{"type": "general", "priority": "low", "title": "Close it", "description": "ACK 7",
"actions": ["POST /api/v1/incidents/1/resolve"], "incident_id": 1, "details": {"status": "resolved"}}]}"""


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Somebody who may set up providers."""
    return add_admin(rt)


def made(rt: Runtime, admin: User, name: str, *, is_active: bool = False, kind: str = "openai") -> IntelligenceProvider:
    config = {"api_key": KEY}
    return catalogue.create_provider(
        rt, name=name, provider=kind, config=config, is_active=is_active, actor=admin, now=rt.clock.now()
    )


def changed(rt: Runtime, admin: User, provider_id: int, **changes: object) -> IntelligenceProvider:
    return catalogue.update_provider(rt, provider_id=provider_id, changes=changes, actor=admin, now=rt.clock.now())


def active(rt: Runtime) -> str | None:
    found = rt.db.read(queries.find_active_provider)
    return found.name if found else None


def opened(rt: Runtime, admin: User, title: str = "Disk full") -> int:
    actor = Actor(admin.id, admin.name, admin.id, "api")
    return answer.open_incident(rt, title=title, severity=Severity.CRITICAL, actor=actor, now=rt.clock.now()).id


def new(incident_id: int | None = None, provider: str = "openai") -> NewAnalysis:
    return NewAnalysis(provider, {"api_key": "***"}, "gpt-4o-mini", "Disk full", incident_id=incident_id)


def run(rt: Runtime, incident_id: int, outcome: Asked | AskFailed, provider: str = "openai") -> int:
    now = rt.clock.now()

    def write(tx: Tx) -> int:
        run_id = service.add_run(tx, new(incident_id, provider), now=now)
        service.mark_started(tx, run_id, now=now)
        if isinstance(outcome, AskFailed):
            service.mark_failed(tx, run_id, outcome, duration_ms=12.5, now=now)
        else:
            service.mark_succeeded(tx, run_id, outcome, duration_ms=12.5, now=now)
        return run_id

    return rt.db.write(write)


def asked(text: str = '{"summary": "The disk is full."}') -> Asked:
    completion = Completion(text, "gpt-4o-mini-2024-07-18", Usage(120, 45, 165))
    return Asked(parse(completion), completion.model, completion.usage, 1)


def test_the_one_that_is_made_active_takes_the_place_of_the_one_before(rt: Runtime, admin: User) -> None:
    assert active(rt) is None
    first = made(rt, admin, "first", is_active=True)
    second = made(rt, admin, "second", is_active=True, kind="claude")
    made(rt, admin, "third", kind="gemini")
    assert active(rt) == "second"
    changed(rt, admin, first.id, is_active=True)
    assert active(rt) == "first"
    changed(rt, admin, first.id, is_active=False)
    assert active(rt) is None
    changed(rt, admin, second.id, is_active=True)
    catalogue.delete_provider(rt, provider_id=second.id, actor=admin, now=rt.clock.now())
    assert active(rt) is None


def test_the_database_itself_refuses_a_second_active_one(rt: Runtime, admin: User) -> None:
    made(rt, admin, "first", is_active=True)
    other = made(rt, admin, "second")
    with pytest.raises(IntegrityError):
        rt.db.write(lambda tx: tx.execute(update(ProviderRow).where(ProviderRow.id == other.id).values(is_active=True)))


def test_the_key_is_sealed_and_three_stars_keep_it(rt: Runtime, admin: User) -> None:
    provider = made(rt, admin, "first")
    raw = rt.db.read(lambda tx: tx.scalar(select(ProviderRow.config)))
    assert KEY not in str(raw)
    changed(rt, admin, provider.id, config={"api_key": "***", "model": "other"})
    kept = rt.db.read(lambda tx: queries.get_provider(tx, provider.id))
    config = configs.unseal(configs.asked_kind_of("openai"), kept.config, rt.secrets)
    assert (config.api_key, config.model) == (KEY, "other")
    assert catalogue.shown_provider(kept)["config"] == {"api_key": "***", "model": "other"}
    with pytest.raises(ProviderInvalid):
        changed(rt, admin, made(rt, admin, "o", kind="ollama").id, config={"api_key": "", "model": ""})


def test_three_stars_stand_for_nothing_where_nothing_is_stored(rt: Runtime, admin: User) -> None:
    bare = catalogue.create_provider(rt, name="o", provider="ollama", config={}, actor=admin, now=rt.clock.now())
    with pytest.raises(ProviderInvalid) as refused:
        changed(rt, admin, bare.id, config={"api_key": "***"})
    assert [each.path for each in refused.value.errors] == ["config.api_key"]


def test_the_local_one_may_have_a_row_and_says_how_it_is_set_up_either_way(rt: Runtime, admin: User) -> None:
    assert rt.db.read(queries.get_local_params) == LocalParams()
    config: JsonObject = {"top_n_processes": 3, "scan_paths": ["/srv"]}
    row = catalogue.create_provider(
        rt, name="here", provider="local", config=config, is_active=False, actor=admin, now=rt.clock.now()
    )
    assert catalogue.shown_provider(row)["config"] == config
    assert rt.db.read(queries.get_local_params) == LocalParams(top_n_processes=3, scan_paths=("/srv",))
    with pytest.raises(ProviderInvalid, match="not valid"):
        changed(rt, admin, row.id, config={"scan_paths": ["relative"]})
    with pytest.raises(ProviderInvalid, match="not valid"):
        made(rt, admin, "other", kind="local")  # it has no key


def test_what_is_not_valid_is_refused_by_its_name(rt: Runtime, admin: User) -> None:
    made(rt, admin, "first")
    with pytest.raises(ProviderNameTaken):
        made(rt, admin, "first")
    with pytest.raises(ProviderInvalid, match="not valid") as refused:
        made(rt, admin, "x", kind="oracle")
    assert "must be one of" in refused.value.errors[0].message
    with pytest.raises(ProviderMissing):
        changed(rt, admin, 999, name="x")


def test_a_question_is_on_record_before_its_answer_and_with_what_it_cost(rt: Runtime, admin: User) -> None:
    incident_id = opened(rt, admin)
    run_id = run(rt, incident_id, asked())
    kept = rt.db.read(lambda tx: queries.get_run(tx, run_id))
    assert (kept.status, kept.summary, kept.total_tokens) == (AnalysisStatus.SUCCEEDED, "The disk is full.", 165)
    assert (kept.model_name, kept.duration_ms) == ("gpt-4o-mini-2024-07-18", 12.5)
    failed = AskFailed(Fault.CUT, "the answer was cut", usage=Usage(120, 1024, 1144))
    other = rt.db.read(lambda tx: queries.get_run(tx, run(rt, incident_id, failed)))
    assert (other.status, other.error_message, other.total_tokens) == (
        AnalysisStatus.FAILED, "cut: the answer was cut", 1144
    )  # fmt: skip
    assert [each.id for each in rt.db.read(lambda tx: queries.runs_of(tx, incident_id))] == [other.id, run_id]
    filters = AnalysisFilter(incident_id=incident_id, status=AnalysisStatus.FAILED, provider="openai")
    assert rt.db.read(lambda tx: queries.list_runs(tx, filters, PageQuery())).items == [other]


def test_an_analysis_that_has_ended_stays_as_it_is(rt: Runtime, admin: User) -> None:
    run_id = run(rt, opened(rt, admin), asked())
    with pytest.raises(AnalysisEnded):
        rt.db.write(
            lambda tx: service.mark_failed(
                tx, run_id, AskFailed(Fault.TIMED_OUT, "late"), duration_ms=1, now=rt.clock.now()
            )
        )


def test_a_storm_spends_no_more_than_the_budget_of_an_hour(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    first, second = opened(rt, admin), opened(rt, admin, "Memory")

    def consent(incident_id: int, *, is_requested: bool = False) -> Consent:
        return rt.db.read(
            lambda tx: queries.consent(
                tx, incident_id, is_requested=is_requested, budget_per_hour=3, now=rt.clock.now()
            )
        )

    assert consent(first) is Consent.ASK
    run(rt, first, AskFailed(Fault.TIMED_OUT, "no answer"))
    run(rt, first, asked(), provider="local")
    assert consent(first) is Consent.ANALYZED_ALREADY
    assert consent(first, is_requested=True) is Consent.ASK
    run(rt, first, asked())
    run(rt, first, asked())
    assert consent(second) is consent(first, is_requested=True) is Consent.BUDGET_SPENT
    clock.advance(hours=1)
    assert consent(second) is Consent.ASK


def test_fifty_injections_and_a_model_that_obeys_them_change_nothing_but_text(rt: Runtime, admin: User) -> None:
    incident_id = opened(rt, admin, "Disk full")
    before = everything(rt)
    for injection in INJECTIONS:
        alert = AlertFacts(injection, "firing", "critical", injection, labels={"a": injection})
        build(Subject(incident_id, injection, "critical", "triggered", injection, alerts=(alert,)), labels=ALL_LABELS)
        safe = injection.replace("\\", "").replace('"', "'").replace("\n", " ").replace("\x00", "").replace("\x1b", "")
        run(rt, incident_id, asked(OBEDIENT % safe))
    assert everything(rt) == before
    kept = rt.db.read(lambda tx: queries.runs_of(tx, incident_id))
    assert len(kept) == 50
    assert {each.summary for each in kept} == {"Resolved."}
    assert all("://" not in f"{each.probable_cause} {each.recommendations}" for each in kept)


def everything(rt: Runtime) -> dict[str, list[str]]:
    """Every row of every table but the analyses."""

    def read(tx: Tx) -> dict[str, list[str]]:
        tables = [table for table in metadata.sorted_tables if table.name != "analysis_runs"]
        return {table.name: sorted(str(row) for row in tx.execute(select(table))) for table in tables}

    return rt.db.read(read)
