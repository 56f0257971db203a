"""Writing pipeline definitions inside the caller's transaction. What runs goes on by the plan that it began with."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from app.pipeline import definition_queries as queries
from app.pipeline.definitions import compile_plan
from app.pipeline.errors import DefinitionBuiltIn, DefinitionChanged, DefinitionInvalid, DefinitionNameTaken
from app.pipeline.models import DefinitionRow
from app.pipeline.presets import PRESETS
from app.pipeline.types import PipelineDefinition
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.types import JsonObject, JsonValue

FIELDS = ("name", "description", "config", "tags", "is_active")
# Words that stand where a name would in an address.
RESERVED = ("new", "validate")
DESCRIPTION_LENGTH = 2000
TAGS_AT_MOST = 20
TAG_LENGTH = 60

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def create_definition(
    tx: Tx,
    *,
    name: str,
    config: JsonValue,
    description: str = "",
    tags: Sequence[str] = (),
    is_active: bool = True,
    created_by: str,
    now: datetime,
) -> PipelineDefinition:
    """Add a definition as its version 1. Raises DefinitionInvalid, DefinitionNameTaken."""
    values: JsonObject = {
        "name": name, "description": description, "config": config, "tags": list(tags), "is_active": is_active,
    }  # fmt: skip
    _require_valid(tx, values, version=1)
    _write(tx, name, lambda: tx.insert(
        DefinitionRow, **values, version=1, created_by=created_by, created_at=now, updated_at=now
    ))  # fmt: skip
    return queries.get_definition(tx, name)


def update_definition(
    tx: Tx, name: str, *, changes: Mapping[str, Any], version: int | None = None, now: datetime
) -> PipelineDefinition:
    """Change the named fields; what says something new is a new version. Whether it is used is for the caller to know.

    With `version` only if nobody saved another meanwhile. Raises DefinitionMissing, DefinitionBuiltIn,
    DefinitionChanged, DefinitionInvalid, DefinitionNameTaken.
    """
    before = own_definition(tx, name)
    if version is not None and version != before.version:
        raise DefinitionChanged(name, before.version)
    values: JsonObject = {field: getattr(before, field) for field in FIELDS} | dict(changes)
    if all(values[field] == getattr(before, field) for field in FIELDS):
        return before
    _require_valid(tx, values, version=before.version + 1)
    changed = update(DefinitionRow).where(DefinitionRow.id == before.id)
    _write(tx, values["name"], lambda: tx.execute(
        changed.values(**values, version=before.version + 1, updated_at=now)
    ))  # fmt: skip
    return queries.get_definition(tx, values["name"])


def delete_definition(tx: Tx, name: str) -> None:
    """Remove a definition; runs keep theirs. Raises DefinitionMissing, DefinitionBuiltIn."""
    tx.execute(delete(DefinitionRow).where(DefinitionRow.id == own_definition(tx, name).id))


def own_definition(tx: Tx, name: str) -> PipelineDefinition:
    """A definition that somebody made, locked for this transaction. Raises DefinitionMissing, DefinitionBuiltIn."""
    found = queries.get_definition(tx, name, lock=True)
    if found.is_built_in:
        raise DefinitionBuiltIn(name)
    return found


def _write(tx: Tx, name: str, statement: Any) -> None:
    try:
        with tx.connection.begin_nested():
            statement()
    except IntegrityError:
        raise DefinitionNameTaken(name) from None
    tx.publish("pipelines", name=name)


def _require_valid(tx: Tx, values: Mapping[str, Any], *, version: int) -> None:
    if values["name"] in PRESETS:
        raise DefinitionNameTaken(values["name"])
    errors = _outer_errors(values)
    try:
        compile_plan(values["name"], version, values["config"], names=queries.known_names(tx))
    except DefinitionInvalid as wrong:
        errors += wrong.errors
    if errors:
        raise DefinitionInvalid(errors)


def _outer_errors(values: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    if not _NAME.fullmatch(values["name"]):
        errors.append(
            FieldError("name", "must be 1 to 80 letters, digits, «.», «-» and «_», as it stands in addresses")
        )
    elif values["name"] in RESERVED:
        errors.append(FieldError("name", f"must not be {' or '.join(RESERVED)}: that stands for something else"))
    if len(values["description"]) > DESCRIPTION_LENGTH:
        errors.append(FieldError("description", f"must have at most {DESCRIPTION_LENGTH} characters"))
    if len(values["tags"]) > TAGS_AT_MOST or not all(1 <= len(tag) <= TAG_LENGTH for tag in values["tags"]):
        errors.append(FieldError("tags", f"must be at most {TAGS_AT_MOST} words of 1 to {TAG_LENGTH} characters"))
    return errors
