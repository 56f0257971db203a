"""Pipeline definitions: every change is a version with its audit, and what a source names stays."""

from typing import Any

import pytest

from app.accounts import queries as people
from app.accounts.types import User
from app.pipeline import definition_queries as queries
from app.pipeline.definitions import chain
from app.pipeline.errors import (
    DefinitionBuiltIn,
    DefinitionChanged,
    DefinitionInactive,
    DefinitionInUse,
    DefinitionInvalid,
    DefinitionMissing,
    DefinitionNameTaken,
)
from app.pipeline.presets import PRESETS
from app.pipeline.types import PipelineDefinition, Plan
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue

CONFIG: dict[str, Any] = {
    "nodes": [{"id": "look", "type": "context", "next": "tell"}, {"id": "tell", "type": "notify"}]
}


@pytest.fixture
def made(rt: Runtime, admin: User) -> PipelineDefinition:
    """A definition of one's own."""
    return catalogue.create_definition(rt, name="calm", config=CONFIG, tags=["a"], actor=admin, now=rt.clock.now())


def change(rt: Runtime, admin: User, which: str = "calm", version: int | None = None, **changes: Any) -> Any:
    """Change a definition."""
    return catalogue.update_definition(
        rt, name=which, changes=changes, version=version, actor=admin, now=rt.clock.now()
    )  # fmt: skip


def plan(rt: Runtime, name: str) -> Plan:
    """The plan to run by."""
    return rt.db.read(lambda tx: queries.get_plan(tx, name))


def test_a_definition_is_made_changed_and_removed_with_its_audit(
    rt: Runtime, admin: User, made: PipelineDefinition
) -> None:
    assert (made.version, made.created_by, made.is_built_in) == (1, admin.email, False)
    assert chain(plan(rt, "calm")) == "look → tell"
    shorter = {"nodes": [{"id": "tell", "type": "notify"}]}
    assert change(rt, admin, config=shorter).version == 2
    assert plan(rt, "calm").version == 2
    assert change(rt, admin, description="").version == 2
    catalogue.delete_definition(rt, name="calm", actor=admin, now=rt.clock.now())
    with pytest.raises(DefinitionMissing):
        plan(rt, "calm")
    found = rt.db.read(lambda tx: people.list_audit(tx, PageQuery(), object_type="pipeline_definition"))
    assert [entry.action for entry in reversed(found.items)] == ["created", "changed", "deleted"]


def test_built_in_ones_come_first_and_stay_as_they_are(rt: Runtime, admin: User, made: PipelineDefinition) -> None:
    found = rt.db.read(queries.list_definitions)
    assert [each.name for each in found] == [*PRESETS, "calm"]
    assert plan(rt, "full") is PRESETS["full"]
    with pytest.raises(DefinitionBuiltIn):
        change(rt, admin, "full", description="mine")
    with pytest.raises(DefinitionBuiltIn):
        catalogue.delete_definition(rt, name="full", actor=admin, now=rt.clock.now())
    for name in ("full", "calm"):
        with pytest.raises(DefinitionNameTaken):
            catalogue.create_definition(rt, name=name, config=CONFIG, actor=admin, now=rt.clock.now())


def test_every_fault_is_named_and_nothing_is_stored(rt: Runtime, admin: User) -> None:
    config: Any = {"nodes": [{"id": "tell", "type": "notify", "config": {"channels": ["attic"]}}]}
    with pytest.raises(DefinitionInvalid) as refused:
        catalogue.create_definition(rt, name="a/b", config=config, actor=admin, now=rt.clock.now())
    assert [error.path for error in refused.value.errors] == ["name", "config.nodes[0].config.channels[0]"]
    assert len(rt.db.read(queries.list_definitions)) == len(PRESETS)


def test_a_change_of_an_old_version_is_refused(rt: Runtime, admin: User, made: PipelineDefinition) -> None:
    change(rt, admin, version=1, description="first")
    with pytest.raises(DefinitionChanged, match="its version is now 2"):
        change(rt, admin, version=1, description="second")


def test_a_source_may_name_what_is_switched_on_and_nothing_else(
    rt: Runtime, admin: User, made: PipelineDefinition
) -> None:
    source, _ = catalogue.create_source(rt, name="prod", pipeline="calm", actor=admin, now=rt.clock.now())
    assert source.pipeline == "calm"
    for changes in ({"is_active": False}, {"name": "other"}):
        with pytest.raises(DefinitionInUse, match="«prod»"):
            change(rt, admin, **changes)
    with pytest.raises(DefinitionInUse, match="«prod»"):
        catalogue.delete_definition(rt, name="calm", actor=admin, now=rt.clock.now())
    with pytest.raises(Invalid) as refused:
        catalogue.update_source(
            rt, source_id=source.id, changes={"pipeline": "ghost"}, actor=admin, now=rt.clock.now()
        )  # fmt: skip
    [error] = refused.value.errors
    assert (error.path, "full, calm" in error.message) == ("pipeline", True)


def test_a_definition_that_is_switched_off_runs_nothing(rt: Runtime, admin: User, made: PipelineDefinition) -> None:
    change(rt, admin, is_active=False)
    with pytest.raises(DefinitionInactive, match="«calm»"):
        plan(rt, "calm")
    with pytest.raises(Invalid):
        catalogue.create_source(rt, name="prod", pipeline="calm", actor=admin, now=rt.clock.now())
