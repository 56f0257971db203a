"""Analyses of an incident as its page shows them: text and numbers; the only links are to incidents of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.intelligence import queries
from app.intelligence.kinds import all_kinds
from app.intelligence.local import LOCAL
from app.intelligence.types import UNFINISHED, AnalysisRun, AnalysisStatus
from app.platform.db import Tx
from app.platform.types import JsonValue
from app.web.ui.words import took

# From which confidence on a word is used.
CONFIDENCE = ((0.75, "high", "ok"), (0.4, "medium", "info"), (0.0, "low", "warning"))
PRIORITIES = {"critical": ("dot", "critical"), "high": ("triangle", "warning"), "medium": ("square", "info"),
              "low": ("dash", "")}  # fmt: skip
INCIDENTS_LINKED = 5
TENTHS_BELOW = 10


@dataclass(frozen=True, slots=True)
class Advice:
    """One recommendation; `look` is the mark of its priority, `incident_ids` are others that are worth a look."""

    title: str
    type: str
    priority: str
    look: tuple[str, str]
    description: str
    actions: list[str]
    incident_ids: list[int]


@dataclass(frozen=True, slots=True)
class Analysed:
    """One analysis: who made it, how sure they are, what it cost; `reason` says why there is none, or a fallback."""

    run: AnalysisRun
    who: str
    confidence: str
    tone: str
    cost: str
    reason: str
    advice: list[Advice]


@dataclass(frozen=True, slots=True)
class Analyses:
    """The analysis that counts, those before it, whoever is being asked now, and why the last try gave nothing."""

    current: Analysed | None
    older: list[Analysed]
    running: Analysed | None
    failed: Analysed | None


def analysis_of(tx: Tx, incident_id: int) -> Analyses:
    """Every analysis of the incident, sorted for its page."""
    runs = [analysed(run) for run in queries.runs_of(tx, incident_id)]
    ended = [each for each in runs if each.run.status not in UNFINISHED]
    current = next((each for each in ended if each.run.status is AnalysisStatus.SUCCEEDED), None)
    newest = ended[0] if ended else None
    return Analyses(
        current=current,
        older=[each for each in ended if each is not current],
        running=next((each for each in runs if each.run.status in UNFINISHED), None),
        failed=newest if newest is not current else None,
    )


def analysed_in_words(run: AnalysisRun) -> tuple[str, str]:
    """What came of asking, in one sentence, and its tone."""
    if run.status in UNFINISHED:
        return "It is being analysed already; the answer appears here.", "good"
    if run.fallback_used:
        return f"The local analysis answered instead: {reason_of(run)}.", "warn"
    return f"Analysed by {who_of(run)}.", "good"


def who_of(run: AnalysisRun) -> str:
    """Who was asked: the kind of provider."""
    kind = all_kinds().get(run.provider)
    return kind.label if kind else run.provider


def reason_of(run: AnalysisRun) -> str:
    """Why there was no analysis by the provider that was wanted, without the machine's word for it."""
    word, _, said = run.error_message.partition(": ")
    return said or word


def analysed(run: AnalysisRun) -> Analysed:
    """One analysis as a page shows it."""
    confidence, tone = _confidence(run.confidence)
    return Analysed(
        run=run,
        who=who_of(run),
        confidence=confidence,
        tone=tone,
        cost=_cost(run),
        reason=reason_of(run),
        advice=[_advice(each, run) for each in run.recommendations if isinstance(each, dict)],
    )


def _confidence(value: float | None) -> tuple[str, str]:
    if value is None:
        return "", ""
    word, tone = next((word, tone) for least, word, tone in CONFIDENCE if value >= least)
    return f"{word} confidence, {value:.0%}".replace("%", " %"), tone


def _cost(run: AnalysisRun) -> str:
    parts = [run.model_name] if run.model_name else []
    if run.total_tokens is not None:
        parts.append(f"{run.total_tokens} tokens")
    if run.completed_at is not None:
        parts.append(took(run.duration_ms))
    return ", ".join(parts)


def _advice(said: Mapping[str, JsonValue], run: AnalysisRun) -> Advice:
    priority = _text(said.get("priority"))
    return Advice(
        title=_text(said.get("title")),
        type=_text(said.get("type")),
        priority=priority,
        look=PRIORITIES.get(priority, PRIORITIES["low"]),
        description=_text(said.get("description")),
        actions=[_text(each) for each in _list(said.get("actions"))],
        # Only our own provider names incidents; a model's numbers are text.
        incident_ids=_incidents(said.get("details")) if run.provider == LOCAL else [],
    )


def _incidents(details: JsonValue) -> list[int]:
    named = _list(details.get("incident_ids")) if isinstance(details, dict) else []
    return [each for each in named if isinstance(each, int)][:INCIDENTS_LINKED]


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
