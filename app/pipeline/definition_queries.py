"""Reading pipeline definitions: the built-in ones first, then those that somebody made."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import Select

from app.checks.kinds import checkers
from app.intelligence import queries as intelligence
from app.intelligence.local import LOCAL
from app.notify import queries as notify
from app.notify.kinds import ALIASES, channel_kinds
from app.pipeline.definitions import Names, compile_plan, show
from app.pipeline.errors import DefinitionInactive, DefinitionMissing
from app.pipeline.models import DefinitionRow
from app.pipeline.presets import DESCRIPTIONS, PRESETS
from app.pipeline.types import PipelineDefinition, Plan
from app.platform.db import Tx
from app.platform.tables import fields_of


def get_definition(tx: Tx, name: str, *, lock: bool = False) -> PipelineDefinition:
    """The definition in its newest version, switched off or not. Raises DefinitionMissing.

    With `lock` it stays what it is until the transaction ends.
    """
    if name in PRESETS:
        return _built_in(name)
    statement = _definitions().where(DefinitionRow.name == name)
    found = tx.first(PipelineDefinition, statement.with_for_update() if lock else statement)
    if found is None:
        raise DefinitionMissing(name)
    return found


def list_definitions(tx: Tx) -> list[PipelineDefinition]:
    """Every definition: the built-in ones in their order, then the others by name."""
    made = tx.all(PipelineDefinition, _definitions().order_by(DefinitionRow.name))
    return [*map(_built_in, PRESETS), *made]


def get_plan(tx: Tx, name: str) -> Plan:
    """The plan to run by: of a built-in definition, or of the newest version of one that is switched on.

    Raises DefinitionMissing, DefinitionInactive, and DefinitionInvalid for one that this release no longer reads.
    """
    if name in PRESETS:
        return PRESETS[name]
    definition = get_definition(tx, name)
    if not definition.is_active:
        raise DefinitionInactive(name)
    return plan_of(definition)


def plan_of(definition: PipelineDefinition) -> Plan:
    """The plan that a stored definition says, switched off or not. Raises DefinitionInvalid."""
    if definition.is_built_in:
        return PRESETS[definition.name]
    return compile_plan(definition.name, definition.version, definition.config, names=None)


def usable_names(tx: Tx) -> list[str]:
    """The definitions that an alert source may name."""
    return [each.name for each in list_definitions(tx) if each.is_active]


def known_names(tx: Tx) -> Names:
    """What a definition may name now: channels also by their kind, and the local provider, which is always there."""
    kinds = [name for name, kind in channel_kinds().items() if kind.for_teams]
    return Names(
        checkers=tuple(checkers()),
        providers=(LOCAL, *intelligence.provider_names(tx)),
        channels=tuple(notify.channel_names(tx)),
        drivers=(*kinds, *ALIASES),
    )


def _built_in(name: str) -> PipelineDefinition:
    plan = PRESETS[name]
    return PipelineDefinition(
        id=None,
        name=name,
        description=DESCRIPTIONS[name],
        version=plan.version,
        config=show(plan),
        tags=[],
        is_active=True,
        created_by="",
        created_at=None,
        updated_at=None,
    )


def _definitions() -> "Select[Any]":
    return select(*fields_of(DefinitionRow, PipelineDefinition))
