"""The pages of pipeline runs as values: the list, and a run as a waterfall of its attempts with what each produced."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.alerts import queries as alerts
from app.alerts.types import AlertSource
from app.checks import kinds, queries as checks
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckRun
from app.incidents import queries as incidents
from app.incidents.types import Incident
from app.intelligence import queries as intelligence
from app.intelligence.errors import AnalysisMissing
from app.notify import queries as outbox
from app.pipeline import definition_queries as definitions, queries
from app.pipeline.queries import RunFilter
from app.pipeline.types import PipelineRun, Plan, RunStatus, Stage, StageExecution, StageStatus
from app.platform.db import Tx
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.analysis import Analysed, analysed
from app.web.ui.views.choices import Option
from app.web.ui.words import took

FILTERS = ("status", "pipeline", "incident_id")
EVERY_CHECK = PageQuery(page_size=100)
# An attempt of no time at all is still to be seen, in percent of the whole.
LEAST = 0.8
# What a stage's output is kept as, in words, and where on the page it stands.
PLACES = {
    "check-runs": ("checks", "#checks"),
    "analysis-run": ("analysis", "#analysis"),
    "run": ("messages", "#messages"),
}
NOT_BEGUN = "not begun"
NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as a bar: where it begins and how long it is, in percent of the whole run."""

    stage: StageExecution
    at: float
    length: float
    took: str
    reason: str
    said: str
    output: str
    produced: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a row of a list: what it was about, and what stopped it or else who asked for it."""

    run: PipelineRun
    took: str
    about: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of a run, by the name that people know it by."""

    run: CheckRun
    label: str


def run_list(tx: Tx, form: Form, page: PageQuery) -> dict[str, object]:
    """One page of runs, newest first. Raises Invalid for a filter that cannot be read."""
    status = form.value("status")
    filters = RunFilter(
        incident_id=form.maybe_id("incident_id"),
        status=RunStatus(status) if status in list(RunStatus) else None,
        pipeline=form.value("pipeline")[:100] or None,
    )
    found = queries.list_runs(tx, filters, page)
    about = incidents.incidents_by_id(tx, {run.incident_id for run in found.items if run.incident_id})
    sources = alerts.sources_by_id(tx, {run.source_id for run in found.items if run.source_id})
    names: list[Option] = [(each.name, each.name) for each in definitions.list_definitions(tx)]
    return {
        "page": Page([_row(run, about, sources) for run in found.items], found.total, found.page, found.page_size),
        "statuses": [("", "Status"), *((each.value, each.value.lower()) for each in RunStatus)],
        "pipelines": [("", "Pipeline"), *names],
        "is_filtered": any(form.value(name) for name in FILTERS),
    }


def run_page(tx: Tx, run_id: str, now: datetime) -> dict[str, object]:
    """One run. Raises RunNotFound."""
    run = queries.get_run(tx, run_id)
    stages = queries.stages_of(tx, run)
    sources = alerts.sources_by_id(tx, [run.source_id] if run.source_id else [])
    messages = outbox.messages_of_runs(tx, [run_id]).get(run_id, [])
    channels = outbox.channels_by_id(tx, [each.channel_id for each in messages if each.channel_id])
    return {
        "run": run,
        "line": run_line(run),
        "attempts": attempts(run, stages, now),
        "to_come": _to_come(run, stages),
        "to_come_said": NOT_BEGUN if run.completed_at is None else NOT_REACHED,
        "incident": incidents.get_incident(tx, run.incident_id) if run.incident_id else None,
        "source": next(iter(sources.values()), None),
        "has_definition": any(each.name == run.pipeline for each in definitions.list_definitions(tx)),
        "version": run.plan["version"] if run.plan else None,
        "checks": _checks(tx, run, stages),
        "analyses": _analyses(tx, stages),
        "messages": [(each, channels[each.channel_id].name if each.channel_id in channels else each.channel)
                     for each in messages],
    }  # fmt: skip


def run_line(run: PipelineRun) -> RunLine:
    """A run with how long it took."""
    return RunLine(run, took(run.total_duration_ms) if run.total_duration_ms is not None else "")


def _row(run: PipelineRun, about: Mapping[int, Incident], sources: Mapping[int, AlertSource]) -> RunLine:
    incident, source = about.get(run.incident_id or 0), sources.get(run.source_id or 0)
    asked_by = source.name if source else run.source or "by hand"
    return replace(
        run_line(run), about=incident.title if incident else "no incident", said=run.last_error_message or asked_by
    )


def attempts(run: PipelineRun, stages: Sequence[StageExecution], now: datetime) -> list[Attempt]:
    """The attempts on one scale, from the first to the last of them; what runs still goes on until now."""
    spans = [(each.started_at or run.created_at, each.completed_at or _still(each, now)) for each in stages]
    if not spans:
        return []
    begin, end = min(start for start, _ in spans), max(stop for _, stop in spans)
    whole = max((end - begin).total_seconds(), 0.001)
    return [
        _attempt(stage, (start - begin).total_seconds() / whole, (stop - start).total_seconds() / whole, now)
        for stage, (start, stop) in zip(stages, spans, strict=True)
    ]


def _still(stage: StageExecution, now: datetime) -> datetime:
    begun = stage.started_at or now
    return max(now, begun) if stage.status is StageStatus.RUNNING else begun


def _attempt(stage: StageExecution, at: float, length: float, now: datetime) -> Attempt:
    width = min(100.0, max(LEAST, 100 * length))
    lasted = stage.duration_ms
    if lasted is None and stage.started_at is not None and stage.status is StageStatus.RUNNING:
        lasted = max(0.0, (now - stage.started_at).total_seconds() * 1000)
    words = took(lasted) if lasted is not None else ""
    reason = stage.output_snapshot.get("reason", "")
    return Attempt(
        stage=stage,
        at=round(min(100 * at, 100 - width), 2),
        length=round(width, 2),
        took="" if stage.status is StageStatus.SKIPPED else words,
        reason=str(reason).replace("_", " ") if reason else "",
        said=f"{stage.node_id}, attempt {stage.attempt}: {stage.status.value.lower()} {words}".strip(),
        output=json.dumps(stage.output_snapshot, indent=2, ensure_ascii=False) if stage.output_snapshot else "",
        produced=_produced(stage),
    )


def _produced(stage: StageExecution) -> tuple[str, str] | None:
    """What a stage made, and the place on the page where it stands."""
    if stage.status is StageStatus.SKIPPED:
        return None
    kind = stage.output_ref.partition(":")[0]
    # What a transform makes is kept in the run itself and is no message.
    if kind == "run" and stage.stage is not Stage.NOTIFY:
        return None
    return PLACES.get(kind)


def _to_come(run: PipelineRun, stages: Sequence[StageExecution]) -> list[str]:
    if run.plan is None:
        return []
    begun = {each.node_id for each in stages}
    # The delivery itself was ingest, whatever the definition calls that node.
    nodes = (node for node in Plan.from_json(run.plan).nodes if node.stage is not Stage.INGEST)
    return [node.id for node in nodes if node.id not in begun]


def _checks(tx: Tx, run: PipelineRun, stages: Sequence[StageExecution]) -> list[Checked]:
    traces = set(_refs(stages, "check-runs"))
    found = [
        check
        for trace_id in sorted(traces)
        for check in checks.list_runs(
            tx, CheckRunFilter(trace_id=trace_id, incident_id=run.incident_id), EVERY_CHECK
        ).items
    ]
    called = kinds.checkers()
    return [
        Checked(each, called[each.checker_name].label if each.checker_name in called else "")
        for each in sorted(found, key=lambda check: check.id)
    ]


def _analyses(tx: Tx, stages: Sequence[StageExecution]) -> list[Analysed]:
    found = []
    for ref in _refs(stages, "analysis-run"):
        try:
            found.append(analysed(intelligence.get_run(tx, int(ref))))
        except (AnalysisMissing, ValueError):
            # Retention may have removed it; the snapshot of the stage still says what it found.
            continue
    return found


def _refs(stages: Sequence[StageExecution], kind: str) -> list[str]:
    refs = (each.output_ref.partition(":") for each in stages)
    return [rest for name, _, rest in refs if name == kind and rest]
