"""`/api/v1/pipelines`: what happens to an incident after intake, by definition; the built-in ones are read-only."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from app.pipeline import definition_queries as queries
from app.pipeline.definitions import chain
from app.pipeline.errors import DefinitionInvalid
from app.pipeline.types import NodeType, PipelineDefinition, Plan, Stage
from app.platform.runtime import Runtime
from app.platform.types import JsonValue, Page
from app.usecases import catalogue
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.pages import PageOut, page_out
from app.web.deps import IdentityDep, NowDep, PageDep, RuntimeDep

DefinitionName = Annotated[str, Path(min_length=1, max_length=100)]
LongText = Annotated[str, Field(max_length=2000)]
Tags = Annotated[list[ShortText], Field(max_length=20)]


class DefinitionOut(Out):
    """A pipeline definition in its newest version; a built-in one has no id and no times."""

    id: int | None
    name: str
    description: str
    version: int
    config: dict[str, Any]
    tags: list[str]
    is_active: bool
    built_in: bool
    created_by: str
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(cls, definition: PipelineDefinition) -> "DefinitionOut":
        """The definition as the API shows it."""
        times = {"created_at": definition.created_at, "updated_at": definition.updated_at}
        return cls.model_validate({**catalogue.shown_definition(definition), **times})


class DefinitionNew(In):
    """A definition to be made; `config` has `version`, `defaults` and `nodes`."""

    name: ShortText
    description: LongText = ""
    config: dict[str, Any]
    tags: Tags = Field(default_factory=list)
    is_active: bool = True


class DefinitionChange(In):
    """What is to be changed; with `version` only that version, so that nobody's change is lost."""

    name: ShortText = ""
    description: LongText = ""
    config: dict[str, Any] = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)
    is_active: bool = True
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1


class DefinitionCandidate(Out):
    """A definition to be looked at and not kept; without `config` the stored one is."""

    config: Any = None


class Fault(Out):
    """One wrong place."""

    path: str
    message: str


class NodeOut(Out):
    """One node as it would run; `max_retries` null: as many as the installation allows."""

    id: str
    type: NodeType
    stage: Stage | None
    config: dict[str, Any]
    max_retries: int | None
    timeout_seconds: float


class Verdict(Out):
    """Whether a definition can be followed: its nodes in their order, or every fault."""

    valid: bool
    errors: list[Fault]
    nodes: list[NodeOut]
    chain: str


def list_definitions(rt: RuntimeDep, page: PageDep) -> PageOut[DefinitionOut]:
    """One page of definitions: the built-in ones first, then the others by name."""
    found = rt.db.read(queries.list_definitions)
    begin = (page.page - 1) * page.page_size
    shown = found[begin : begin + page.page_size]
    return page_out(Page(shown, len(found), page.page, page.page_size), DefinitionOut.of)


def show(name: DefinitionName, rt: RuntimeDep) -> DefinitionOut:
    """One definition."""
    return DefinitionOut.of(rt.db.read(lambda tx: queries.get_definition(tx, name)))


def create(body: DefinitionNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> DefinitionOut:
    """Add a definition."""
    return DefinitionOut.of(catalogue.create_definition(rt, **body.model_dump(), actor=identity.user, now=now))


def change(
    name: DefinitionName, body: DefinitionChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep
) -> DefinitionOut:
    """Change the fields that are sent; what says something new is a new version."""
    changes = body.model_dump(exclude_unset=True)
    version = changes.pop("version", None)
    changed = catalogue.update_definition(
        rt, name=name, changes=changes, version=version, actor=identity.user, now=now
    )  # fmt: skip
    return DefinitionOut.of(changed)


def delete(name: DefinitionName, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove a definition that no alert source names."""
    catalogue.delete_definition(rt, name=name, actor=identity.user, now=now)


def validate(name: DefinitionName, rt: RuntimeDep, body: DefinitionCandidate | None = None) -> Verdict:
    """Say whether a definition can be followed, and what is wrong; nothing is kept. `name` need not exist."""
    try:
        plan = catalogue.check_definition(rt, name=name, config=_candidate(rt, name, body))
    except DefinitionInvalid as wrong:
        faults = [Fault(path=error.path, message=error.message) for error in wrong.errors]
        return Verdict(valid=False, errors=faults, nodes=[], chain="")
    return _good(plan)


def _candidate(rt: Runtime, name: str, body: DefinitionCandidate | None) -> JsonValue:
    if body is not None and "config" in body.model_fields_set:
        config: JsonValue = body.config
        return config
    return rt.db.read(lambda tx: queries.get_definition(tx, name)).config


def _good(plan: Plan) -> Verdict:
    nodes = [NodeOut.model_validate(node) for node in plan.nodes]
    return Verdict(valid=True, errors=[], nodes=nodes, chain=chain(plan))
