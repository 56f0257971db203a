"""The pages of pipeline definitions as values: the list, a definition as a drawing, its form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.alerts import queries as alerts
from app.pipeline import definition_queries as queries, queries as runs
from app.pipeline.definitions import chain
from app.pipeline.errors import DefinitionInvalid
from app.pipeline.presets import PRESETS
from app.pipeline.queries import RunFilter
from app.pipeline.types import STAGE_OF, Node, NodeType, PipelineDefinition, PipelineRun, Plan, Stage
from app.platform.db import Tx
from app.platform.errors import FieldError
from app.platform.types import JsonObject, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.choices import Option

LATEST = PageQuery(page_size=8)
CLIPPED_ID = 34
CLIPPED_WORDS = 46
# The drawing's own units; it is as wide as a phone shows it.
WIDTH, BOX_HEIGHT, STEP, BEND = 360, 60, 88, 44
KINDS = {
    NodeType.INGEST: "Ingest",
    NodeType.CONTEXT: "Checks",
    NodeType.INTELLIGENCE: "Analysis",
    NodeType.NOTIFY: "Team message",
    NodeType.TRANSFORM: "Transform",
}
_KEY_ORDER = ("version", "defaults", "nodes", "id", "type", "config", "next", "max_retries", "timeout_seconds")
STARTER: JsonObject = {
    "version": "1.0",
    "defaults": {"max_retries": 3, "timeout_seconds": 300},
    "nodes": [
        {"id": "check", "type": "context", "config": {"checker_names": ["cpu", "memory", "disk"]}, "next": "tell"},
        {"id": "tell", "type": "notify", "config": {}},
    ],
}


@dataclass(frozen=True, slots=True)
class DefinitionLine:
    """A definition as a row of the list."""

    definition: PipelineDefinition
    chain: str
    used: str
    last_run: PipelineRun | None


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the drawing; one that is `left_out` is a stage that a built-in definition does without."""

    id: str
    short_id: str
    kind: str
    said: str
    y: int
    node: Node | None

    @property
    def is_left_out(self) -> bool:
        """Whether it stands there only to say that it does not run."""
        return self.node is None


@dataclass(frozen=True, slots=True)
class Bend:
    """The way of what a transform takes from an earlier node, with its tip, as paths."""

    line: str
    tip: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A definition drawn from top to bottom; beside it what transforms take from earlier nodes."""

    boxes: list[Box]
    bends: list[Bend]
    box_width: int
    height: int
    said: str
    width: int = WIDTH
    box_height: int = BOX_HEIGHT
    gap: int = STEP - BOX_HEIGHT


def definition_list(tx: Tx) -> dict[str, object]:
    """Every definition with what it does, who uses it and when it ran last."""
    lines = [_line(tx, each) for each in queries.list_definitions(tx)]
    return {
        "built_in": [line for line in lines if line.definition.is_built_in],
        "own": [line for line in lines if not line.definition.is_built_in],
    }


def definition_page(tx: Tx, name: str) -> dict[str, object]:
    """One definition. Raises DefinitionMissing."""
    definition = queries.get_definition(tx, name)
    plan, faults = _plan(definition)
    return {
        "definition": definition,
        "drawing": drawing(plan) if plan else None,
        "faults": faults,
        "config": config_text(definition.config),
        "sources": alerts.sources_using_pipeline(tx, name),
        "runs": runs.list_runs(tx, RunFilter(pipeline=name), LATEST).items,
    }


def pipeline_options(tx: Tx) -> list[Option]:
    """The definitions that an alert source may name, each with its nodes."""
    usable = [each for each in queries.list_definitions(tx) if each.is_active]
    return [(each.name, f"{each.name}: {_chain(each)}") for each in usable]


def definition_form(definition: PipelineDefinition | None, *, name: str = "") -> Form:
    """The form of a definition, or of another one that begins as `definition` is."""
    if definition is None:
        return Form.of(name=name, description="", tags="", config=config_text(STARTER), version="")
    return Form.of(
        name=name,
        description=definition.description,
        tags=", ".join(definition.tags),
        config=config_text(definition.config),
        version=definition.version,
    )


def config_text(config: Mapping[str, Any]) -> str:
    """A configuration as people edit it; databases keep its keys in an order of their own."""
    return json.dumps(_in_order(config), indent=2, ensure_ascii=False)


def drawing(plan: Plan) -> Drawing:
    """The plan as boxes below each other."""
    boxes = [_box(place, each) for place, each in enumerate(_with_left_out(plan))]
    places = {box.id: box.y + BOX_HEIGHT // 2 for box in boxes if box.node}
    bends = [
        (places[box.node.config["source_node"]], places[box.id])
        for box in boxes
        if box.node and box.node.type is NodeType.TRANSFORM
    ]
    box_width = WIDTH - BEND - 2 if bends else WIDTH - 2
    right = box_width + 1
    return Drawing(
        boxes=boxes,
        bends=[_bend(right, a, b) for a, b in bends],
        box_width=box_width,
        height=len(boxes) * STEP - (STEP - BOX_HEIGHT) + 2,
        said=", then ".join(f"{box.kind} ({box.id})" for box in boxes if box.node),
    )


def _bend(right: int, begin: int, end: int) -> Bend:
    out = right + BEND
    return Bend(f"M{right} {begin}C{out} {begin} {out} {end} {right + 2} {end}", f"M{right + 7} {end - 4}l-5 4 5 4")


def _line(tx: Tx, definition: PipelineDefinition) -> DefinitionLine:
    used = len(alerts.sources_using_pipeline(tx, definition.name))
    last = runs.list_runs(tx, RunFilter(pipeline=definition.name), PageQuery(page_size=1)).items
    words = f"{used} {'source' if used == 1 else 'sources'}" if used else "not used"
    return DefinitionLine(definition, _chain(definition), words, next(iter(last), None))


def _chain(definition: PipelineDefinition) -> str:
    plan, _ = _plan(definition)
    return chain(plan) if plan else "cannot be followed"


def _plan(definition: PipelineDefinition) -> tuple[Plan | None, list[FieldError]]:
    try:
        return queries.plan_of(definition), []
    except DefinitionInvalid as wrong:
        return None, wrong.errors


def _with_left_out(plan: Plan) -> Sequence[Node | Stage]:
    """The nodes; those of a built-in definition among the four stages that there are."""
    if plan.name not in PRESETS:
        return plan.nodes
    by_stage = {node.stage: node for node in plan.nodes}
    return [by_stage.get(stage, stage) for stage in Stage]


def _box(place: int, each: Node | Stage) -> Box:
    y = place * STEP + 1
    if isinstance(each, Node):
        return Box(each.id, _clipped(each.id, CLIPPED_ID), KINDS[each.type], _clipped(node_said(each)), y, each)
    kind = next(KINDS[node_type] for node_type, stage in STAGE_OF.items() if stage is each)
    return Box(each.value.lower(), each.value.lower(), kind, "left out", y, None)


def node_said(node: Node) -> str:
    """What a node works on, in words."""
    config = node.config
    if node.type is NodeType.CONTEXT:
        return ", ".join(config.get("checker_names", [])) or "every quick check that is switched on"
    if node.type is NodeType.INTELLIGENCE:
        return str(config.get("provider", "the active provider"))
    if node.type is NodeType.NOTIFY:
        return ", ".join([*config.get("channels", []), *config.get("drivers", [])]) or "the channels of the source"
    if node.type is NodeType.TRANSFORM:
        return f"{config.get('extract', 'everything')} of {config['source_node']}"
    return "the delivery, already done"


def _clipped(text: str, limit: int = CLIPPED_WORDS) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _in_order(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_order(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    known = [key for key in _KEY_ORDER if key in value]
    return {key: _in_order(value[key]) for key in [*known, *(key for key in value if key not in known)]}
