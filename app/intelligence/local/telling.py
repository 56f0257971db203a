"""Puts a verdict into the words of an analysis. Values only: what people wrote is quoted, never followed."""

from collections.abc import Iterable
from dataclasses import replace

from app.intelligence.answer import TEXT_LIMIT, TITLE_LIMIT, plain
from app.intelligence.local import advice, words
from app.intelligence.local.judging import Grounds, Verdict
from app.intelligence.local.machine import File, Machine, Process
from app.intelligence.local.signs import Cause, Sign
from app.intelligence.local.sizes import named, percent, size
from app.intelligence.types import (
    Analysis,
    Evidence,
    PastIncident,
    Recommendation,
    RecommendationPriority as Priority,
    RecommendationType as Kind,
    SeverityChange,
)
from app.platform.types import JsonObject, JsonValue

SIGNS_TOLD = 3
RECOMMENDATIONS_AT_MOST = 6
PAST_TOLD = 3
ACTION_LIMIT = 400
# On another machine's incident only what cannot be well is worth a word.
ALARMING = 0.85
LIKELY = 0.4


def tell(verdict: Verdict, evidence: Evidence, machine: Machine) -> Analysis:
    """The analysis that a verdict makes."""
    about = [sign for sign in verdict.signs if not verdict.elsewhere or sign.weight >= ALARMING]
    leading = [sign for sign in about if sign.kind is verdict.kind]
    made = _recommendations(verdict, about, evidence, machine)
    return Analysis(
        summary=_clean(_summary(verdict, leading, evidence)),
        probable_cause=_clean(_cause(verdict, leading)),
        confidence=verdict.confidence,
        recommendations=tuple(_cleaned(each) for each in made[:RECOMMENDATIONS_AT_MOST]),
    )


def _summary(verdict: Verdict, leading: list[Sign], evidence: Evidence) -> str:
    what = _noun(verdict.kind)
    points = {Grounds.SAID: f"the words point at {what}", Grounds.PAST: f"incidents like it were about {what}"}
    if verdict.elsewhere:
        told = f"This is about {words.shown(verdict.elsewhere)}, which cannot be looked at from here"
        told += f"; {points[verdict.grounds]}." if verdict.grounds in points else "."
    elif verdict.grounds is Grounds.SEEN:
        how = "Most likely" if verdict.confidence >= LIKELY else "Perhaps"
        told = f"{how} {what}: {_joined(sign.text for sign in leading[:SIGNS_TOLD])}."
    elif verdict.grounds in points:
        told = f"Nothing stands out on this machine; {points[verdict.grounds]}."
    else:
        told = "Nothing stands out on this machine, and the incident does not say what is wrong."
    return " ".join([told, *_since(evidence.changes)])


def _cause(verdict: Verdict, leading: list[Sign]) -> str:
    if not leading:
        cause = "Not known."
    elif verdict.elsewhere:
        cause = f"Not known; on this machine {_joined(sign.text for sign in leading[:SIGNS_TOLD])}."
    else:
        cause = _sentence(leading[0])
    why = "; ".join(verdict.reasons)
    return f"{cause} {percent(100 * verdict.confidence)} sure: {why}."


def _recommendations(verdict: Verdict, about: list[Sign], evidence: Evidence, machine: Machine) -> list[Recommendation]:
    incident_id = evidence.subject.incident_id
    told: set[tuple[Cause, str]] = set()
    made = []
    if verdict.elsewhere or not about or about[0].kind is not verdict.kind:
        made.append(_first_look(verdict, incident_id))
    for sign in about:
        if (sign.cause, sign.about) not in told:
            told.add((sign.cause, sign.about))
            made.append(_recommendation(sign, machine, incident_id))
    details: JsonObject = {**made[0].details, "confidence": verdict.confidence, "why": list(verdict.reasons)}
    made[0] = replace(made[0], details=details)
    if evidence.past:
        made.insert(1, _like_before(evidence.past, incident_id))
    return made


def _recommendation(sign: Sign, machine: Machine, incident_id: int | None) -> Recommendation:
    sentences, details = _context(sign, machine)
    return Recommendation(
        type=sign.kind,
        priority=_priority(sign.weight),
        title=advice.title(sign),
        description=" ".join([_sentence(sign), *sentences]),
        details={"cause": sign.cause.value, **sign.figures, **details},
        actions=advice.steps(sign),
        incident_id=incident_id,
    )


def _first_look(verdict: Verdict, incident_id: int | None) -> Recommendation:
    where = words.shown(verdict.elsewhere) if verdict.elsewhere else "this machine"
    return Recommendation(
        type=verdict.kind,
        priority=Priority.MEDIUM,
        title=f"Look at {where} first",
        description=f"Nothing that was measured explains this; begin with {_noun(verdict.kind)} on {where}."
        if verdict.kind is not Kind.GENERAL
        else f"Nothing that was measured or said explains this; begin with the usual on {where}.",
        actions=advice.first_look(verdict.kind),
        incident_id=incident_id,
    )


def _like_before(past: tuple[PastIncident, ...], incident_id: int | None) -> Recommendation:
    """What became of incidents like this one; people's own words, quoted."""
    ranked = sorted(past, key=lambda each: (not each.resolution, -each.similarity))
    told = [_ended(each) for each in ranked[:PAST_TOLD]]
    return Recommendation(
        type=Kind.GENERAL,
        priority=Priority.MEDIUM,
        title=f"See how {named(len(past), 'incident')} like this one ended",
        description=" ".join(told),
        details={"incident_ids": [each.incident_id for each in ranked], "numbers": [each.number for each in ranked]},
        actions=tuple(f"Read incident #{each.number}" for each in ranked[:PAST_TOLD]),
        incident_id=incident_id,
    )


def _ended(past: PastIncident) -> str:
    took = ""
    if past.resolved_at is not None:
        minutes = max(0, int((past.resolved_at - past.created_at).total_seconds() // 60))
        took = f" after {named(minutes, 'minute')}" if minutes < 120 else f" after {named(minutes // 60, 'hour')}"
    note = f": «{words.shown(past.resolution, 300)}»" if past.resolution.strip() else ", nobody wrote how"
    verb = "was resolved" if past.resolved_at is not None else "is over"
    return f"#{past.number} «{words.shown(past.title, 80)}» {verb}{took}{note}."


def _context(sign: Sign, machine: Machine) -> tuple[list[str], JsonObject]:
    """Who is behind a sign, as far as that was seen."""
    processes = machine.processes
    if sign.kind is Kind.MEMORY and processes and processes.by_memory:
        shown = [f"{each.name} (pid {each.pid}) {size(each.rss_bytes)}" for each in processes.by_memory[:3]]
        top = [_shown(each) for each in processes.by_memory]
        return [f"Most is held by {_joined(shown)}."], {"top_processes": top}
    if sign.kind is Kind.CPU and processes and processes.by_cpu:
        shown = [f"{each.name} (pid {each.pid}) {percent(each.cpu_percent)}" for each in processes.by_cpu[:3]]
        top = [_shown(each) for each in processes.by_cpu]
        return [f"Busiest, in percent of one core: {_joined(shown)}."], {"top_processes": top}
    if sign.cause is Cause.SPACE and machine.files:
        return _files_on(sign.about, machine)
    return [], {}


def _files_on(path: str, machine: Machine) -> tuple[list[str], JsonObject]:
    files = machine.files
    if files is None:
        return [], {}
    large = [each for each in files.large if _mount_of(each.path, machine) == path]
    old = [each for each in files.old if _mount_of(each.path, machine) == path]
    deleted = [each for each in files.deleted if _mount_of(each.path, machine) == path]
    told = []
    if deleted:
        shown = [f"{each.holder} {size(each.size_bytes)}" for each in deleted[:3]]
        told.append(f"Deleted files are still held open by {_joined(shown)}: their space comes back when it ends.")
    if large:
        told.append(f"Large files there: {_joined(f'{each.path} ({size(each.size_bytes)})' for each in large[:3])}.")
    details: JsonObject = {
        "large_files": [_file(each) for each in large],
        "old_files": [_file(each) for each in old],
        "deleted_and_held": [_file(each) for each in deleted],
        "complete": files.is_complete,
    }
    return told, details


def _mount_of(path: str, machine: Machine) -> str:
    """The mount on which a path lies: the longest that it begins with."""
    holding = [
        mount.path for mount in machine.mounts if f"{path}/".startswith(f"{mount.path.rstrip('/')}/")
    ]  # fmt: skip
    return max(holding, key=len, default="")


def _file(file: File) -> JsonObject:
    shown: JsonObject = {"path": file.path, "size_bytes": file.size_bytes}
    return {**shown, "holder": file.holder} if file.holder else shown


def _shown(process: Process) -> JsonObject:
    return {
        "pid": process.pid,
        "name": process.name,
        "command": process.command,
        "rss_bytes": process.rss_bytes,
        "cpu_percent": process.cpu_percent,
    }


def _since(changes: tuple[SeverityChange, ...]) -> Iterable[str]:
    """The last change for the worse, with its time."""
    worse = [change for change in changes if _rank(change.after) > _rank(change.before)]
    if worse:
        last = max(worse, key=lambda change: change.at)
        yield (
            f"Worse since {last.at:%H:%M} UTC: {words.shown(last.alert, 80)} went from {words.shown(last.before, 20)} "
            f"to {words.shown(last.after, 20)}."
        )


def _rank(severity: str) -> int:
    return {"info": 1, "warning": 2, "critical": 3}.get(severity, 0)


def _priority(weight: float) -> Priority:
    if weight >= 0.85:
        return Priority.CRITICAL
    if weight >= 0.55:
        return Priority.HIGH
    return Priority.MEDIUM if weight >= 0.35 else Priority.LOW


def _noun(kind: Kind) -> str:
    return {
        Kind.MEMORY: "memory", Kind.DISK: "a disk", Kind.CPU: "the CPU", Kind.PROCESS: "a process",
        Kind.NETWORK: "the network", Kind.GENERAL: "something else",
    }[kind]  # fmt: skip


def _sentence(sign: Sign) -> str:
    """The text of a sign with a full stop; a name at its beginning is written as it is."""
    is_name = bool(sign.about) and sign.text.startswith(sign.about)
    return f"{sign.text}." if is_name else f"{sign.text[:1].upper()}{sign.text[1:]}."


def _cleaned(made: Recommendation) -> Recommendation:
    """Whoever may name a file or a process of this machine may write into what we tell: it is text, and short."""
    return replace(
        made,
        title=_clean(made.title, TITLE_LIMIT),
        description=_clean(made.description),
        details={name: _clean_json(value) for name, value in made.details.items()},
        actions=tuple(_clean(each, ACTION_LIMIT) for each in made.actions),
    )


def _clean(text: str, limit: int = TEXT_LIMIT) -> str:
    return " ".join(plain(text, limit).split())


def _clean_json(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return _clean(value, ACTION_LIMIT)
    if isinstance(value, list):
        return [_clean_json(each) for each in value]
    return {name: _clean_json(each) for name, each in value.items()} if isinstance(value, dict) else value


def _joined(texts: Iterable[str]) -> str:
    *most, last = list(texts)
    return f"{', '.join(most)} and {last}" if most else last
