"""`/intelligence/*` of document 001: what is recommended, and what this machine shows when somebody looks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from app.intelligence import kinds, queries
from app.intelligence.local import LOCAL, Examination
from app.intelligence.local.machine import Machine
from app.intelligence.types import RecommendationType
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.usecases import analyze
from app.usecases.analyze import Recommended
from app.web.api.accounts_schemas import In, Out
from app.web.api.config_schemas import ConfigFieldOut, config_fields
from app.web.deps import MAX_ID, ActorDep, NowDep, RuntimeDep

IncidentId = Annotated[int | None, Query(ge=1, le=MAX_ID)]
Kind = Annotated[RecommendationType | None, Query(description="Only recommendations of this type.")]


class HealthOut(Out):
    """Whether analyses can be made, and by whom; the local provider always can."""

    status: Literal["ok"] = "ok"
    provider: str
    active: str | None


class KindOut(Out):
    """One kind of provider: `configured` names those that were set up; the local one is there without."""

    provider: str
    label: str
    setup: str
    fields: list[ConfigFieldOut]
    configured: list[str]
    is_active: bool


class KindsOut(Out):
    """Every kind, and which is asked now."""

    active: str
    count: int
    providers: list[KindOut]


class RecommendationsOut(Out):
    """What is recommended, why, and how sure; `analysis_run_id` is null for a look of now, which is not kept."""

    incident_id: int | None
    provider: str
    analysis_run_id: int | None
    fallback_used: bool
    summary: str
    probable_cause: str
    confidence: float | None
    count: int
    recommendations: list[dict[str, Any]]
    found_at: datetime

    @classmethod
    def of(cls, found: Recommended, only: RecommendationType | None) -> "RecommendationsOut":
        """What was found, of one type where that is asked for."""
        told = [each for each in found.recommendations if isinstance(each, dict)]
        shown = [each for each in told if only is None or each.get("type") == only.value]
        fields = {name: getattr(found, name) for name in found.__slots__}
        return cls.model_validate({**fields, "recommendations": shown, "count": len(shown)})


class RecommendNow(In):
    """What to analyse now, and by whom: a provider's name, `local`, or nobody in particular."""

    incident_id: Annotated[int | None, Field(ge=1, le=MAX_ID)] = None
    analysis_type: RecommendationType | None = None
    provider: Annotated[str | None, Field(min_length=1, max_length=80)] = None


class SeenOut(Out):
    """What this machine shows now about one kind of trouble; `unseen` names what could not be looked at."""

    hostname: str
    found_at: datetime
    summary: str
    count: int
    recommendations: list[dict[str, Any]]
    unseen: list[dict[str, str]]

    @classmethod
    def told(cls, found: Examination, about: RecommendationType, now: datetime) -> dict[str, Any]:
        """The fields that every look has."""
        shown = [each.to_dict() for each in found.analysis.recommendations if each.type is about]
        return {
            "hostname": found.machine.hostname,
            "found_at": now,
            "summary": shown[0]["description"] if shown else f"Nothing about {about.value} stands out on this machine.",
            "count": len(shown),
            "recommendations": shown,
            "unseen": [{"part": each.part.value, "why": each.why} for each in found.machine.unseen],
        }


class GroupOut(Out):
    """A control group with a limit of its own."""

    name: str
    used_bytes: int
    limit_bytes: int
    percent: float
    oom_kills: int


class ProcessOut(Out):
    """A process; its command line is shown without secrets."""

    pid: int
    name: str
    command: str
    state: str
    rss_bytes: int
    cpu_percent: float


class MemoryOut(SeenOut):
    """Memory and swap, and who holds the most; null is what could not be had."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    available_percent: float | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    stalled_percent: float | None = None
    oom_kills: int | None = None
    groups: list[GroupOut] = Field(default_factory=list)
    top_processes: list[ProcessOut] = Field(default_factory=list)


class MountOut(Out):
    """A file system; `inodes_percent` is null where it has no fixed number of inodes."""

    path: str
    kind: str
    total_bytes: int
    free_bytes: int
    used_percent: float
    inodes_percent: float | None


class FileOut(Out):
    """A file that takes up space; `holder` is the program that keeps a deleted one open."""

    path: str
    size_bytes: int
    holder: str


class DiskOut(SeenOut):
    """File systems, and what lies in the places that were looked into; `complete` when all of it was seen in time."""

    mounts: list[MountOut]
    silent_mounts: list[str]
    large_files: list[FileOut] = Field(default_factory=list)
    old_files: list[FileOut] = Field(default_factory=list)
    deleted_and_held: list[FileOut] = Field(default_factory=list)
    complete: bool = False


def health(rt: RuntimeDep) -> HealthOut:
    """Whether analyses can be made."""
    active = rt.db.read(queries.find_active_provider)
    return HealthOut(provider=active.provider if active else LOCAL, active=active.name if active else None)


def list_kinds(rt: RuntimeDep) -> KindsOut:
    """Every kind of provider, and which is asked."""
    rows = rt.db.read(lambda tx: queries.list_providers(tx, PageQuery(page=1, page_size=MAX_PAGE_SIZE))).items
    active = next((row.provider for row in rows if row.is_active), LOCAL)
    known = [
        KindOut(
            provider=name,
            label=kind.label,
            setup=kind.setup,
            fields=config_fields(kind.config_model),
            configured=[row.name for row in rows if row.provider == name],
            is_active=name == active,
        )
        for name, kind in kinds.all_kinds().items()
    ]
    return KindsOut(active=active, count=len(known), providers=known)


async def show(rt: RuntimeDep, incident_id: IncidentId = None, analysis_type: Kind = None) -> RecommendationsOut:
    """An incident's newest analysis, else a fresh local one; no provider is ever asked."""
    return RecommendationsOut.of(await analyze.recommend(rt, incident_id=incident_id), analysis_type)


async def recommend(
    rt: RuntimeDep, actor: ActorDep, now: NowDep, body: RecommendNow | None = None
) -> RecommendationsOut:
    """Analyse now, by whom is asked for, and keep it; without an incident and a provider just look at this machine."""
    body = body or RecommendNow()
    if body.incident_id is None and body.provider in (None, LOCAL):
        return RecommendationsOut.of(await analyze.recommend(rt), body.analysis_type)
    run = await analyze.analyze_by_hand(rt, incident_id=body.incident_id, actor=actor, now=now, provider=body.provider)
    return RecommendationsOut.of(Recommended.of_run(run), body.analysis_type)


async def look_at_memory(rt: RuntimeDep) -> MemoryOut:
    """Memory as it is now."""
    found = await analyze.look_here(rt, RecommendationType.MEMORY)
    told = SeenOut.told(found, RecommendationType.MEMORY, rt.clock.now())
    return MemoryOut.model_validate({**told, **_memory(found.machine)})


async def look_at_disk(rt: RuntimeDep) -> DiskOut:
    """File systems as they are now."""
    found = await analyze.look_here(rt, RecommendationType.DISK)
    told = SeenOut.told(found, RecommendationType.DISK, rt.clock.now())
    return DiskOut.model_validate({**told, **_disk(found.machine)})


def _memory(machine: Machine) -> dict[str, Any]:
    memory, processes = machine.memory, machine.processes
    shown = [ProcessOut.model_validate(each) for each in (processes.by_memory if processes else ())]
    if memory is None:
        return {"top_processes": shown}
    names = MemoryOut.model_fields.keys() - SeenOut.model_fields.keys() - {"groups", "top_processes"}
    figures = {name: getattr(memory, name) for name in names}
    groups = [GroupOut.model_validate(each) for each in memory.groups]
    return {**figures, "groups": groups, "top_processes": shown}


def _disk(machine: Machine) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "mounts": [MountOut.model_validate(each) for each in machine.mounts],
        "silent_mounts": list(machine.silent_mounts),
    }
    if machine.files is not None:
        for name, files in (
            ("large_files", machine.files.large),
            ("old_files", machine.files.old),
            ("deleted_and_held", machine.files.deleted),
        ):
            shown[name] = [FileOut.model_validate(each) for each in files]
        shown["complete"] = machine.files.is_complete
    return shown
