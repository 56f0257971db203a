"""Pipeline definitions: made, changed and removed by admins, each change with its audit (B35).

What an alert source names stays and stays switched on: a delivery of the next moment must find it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.accounts.service import auditor
from app.accounts.types import User
from app.alerts import queries as alerts
from app.pipeline import definition_queries as queries, definition_service as definitions
from app.pipeline.definitions import compile_plan
from app.pipeline.errors import DefinitionInUse
from app.pipeline.types import PipelineDefinition, Plan
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid, NotFound
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, JsonValue

_audit = auditor("pipeline_definition")


def create_definition(
    rt: Runtime,
    *,
    name: str,
    config: JsonValue,
    actor: User,
    now: datetime,
    description: str = "",
    tags: Sequence[str] = (),
    is_active: bool = True,
) -> PipelineDefinition:
    """Add a definition. Raises DefinitionInvalid with every fault, DefinitionNameTaken."""
    return rt.db.write(
        lambda tx: add_definition(
            tx,
            name=name,
            config=config,
            actor=actor,
            now=now,
            description=description,
            tags=tags,
            is_active=is_active,
        )
    )


def add_definition(
    tx: Tx,
    *,
    name: str,
    config: JsonValue,
    actor: User,
    now: datetime,
    description: str = "",
    tags: Sequence[str] = (),
    is_active: bool = True,
) -> PipelineDefinition:
    """The same inside the caller's transaction."""
    made = definitions.create_definition(
        tx,
        name=name,
        config=config,
        description=description,
        tags=tags,
        is_active=is_active,
        created_by=actor.email,
        now=now,
    )
    _audit(tx, "created", name, actor, None, shown_definition(made), now)
    return made


def update_definition(
    rt: Runtime, *, name: str, changes: Mapping[str, Any], actor: User, now: datetime, version: int | None = None
) -> PipelineDefinition:
    """Change the named fields (name, description, config, tags, is_active), with `version` only that version.

    Raises DefinitionMissing, DefinitionBuiltIn, DefinitionChanged, DefinitionInvalid, DefinitionNameTaken, and
    DefinitionInUse where sources name it and would find it no more.
    """

    def write(tx: Tx) -> PipelineDefinition:
        before = definitions.own_definition(tx, name)
        if changes.get("name", name) != name or not changes.get("is_active", True):
            _require_unused(tx, name)
        after = definitions.update_definition(tx, name, changes=changes, version=version, now=now)
        if after.version != before.version:
            _audit(tx, "changed", name, actor, shown_definition(before), shown_definition(after), now)
        return after

    return rt.db.write(write)


def delete_definition(rt: Runtime, *, name: str, actor: User, now: datetime) -> None:
    """Remove a definition that no source names. Raises DefinitionMissing, DefinitionBuiltIn, DefinitionInUse."""

    def write(tx: Tx) -> None:
        before = shown_definition(definitions.own_definition(tx, name))
        _require_unused(tx, name)
        definitions.delete_definition(tx, name)
        _audit(tx, "deleted", name, actor, before, None, now)

    rt.db.write(write)


def check_definition(rt: Runtime, *, name: str, config: JsonValue) -> Plan:
    """What a definition would do, without keeping it. Raises DefinitionInvalid with every fault."""
    return compile_plan(name, 0, config, names=rt.db.read(queries.known_names))


def require_pipeline(tx: Tx, name: str) -> None:
    """Refuse an alert source a definition that is not there or switched off; what there is stays until the commit.

    Raises Invalid, which names those that there are.
    """
    try:
        is_usable = queries.get_definition(tx, name, lock=True).is_active
    except NotFound:
        is_usable = False
    if not is_usable:
        message = f"names no pipeline that is switched on; there are {', '.join(queries.usable_names(tx))}"
        raise Invalid("The alert source is not valid.", [FieldError("pipeline", message)])


def shown_definition(definition: PipelineDefinition) -> JsonObject:
    """A definition as people may see it, without its times."""
    return {
        "id": definition.id,
        "name": definition.name,
        "description": definition.description,
        "version": definition.version,
        "config": definition.config,
        "tags": definition.tags,
        "is_active": definition.is_active,
        "built_in": definition.is_built_in,
        "created_by": definition.created_by,
    }


def _require_unused(tx: Tx, name: str) -> None:
    sources = alerts.sources_using_pipeline(tx, name)
    if sources:
        raise DefinitionInUse(name, [source.name for source in sources])
