"""The six definitions that every appliance has (001 «Pick a pipeline preset», B35).

Each is the fixed order ingest, check, analyze, notify without the stages it does not name.
"""

from app.pipeline.types import STAGE_OF, Node, NodeType, Plan, Stage

TIMEOUT_SECONDS = 300.0
# The names that stage rows of presets have always had.
_NODE_TYPES = {stage: node_type for node_type, stage in STAGE_OF.items()}

DESCRIPTIONS = {
    "local-monitor": "Watch this server: its checks, then your team channels.",
    "local-smart": "Watch this server, with an analysis of what was found.",
    "direct": "Pass alerts on to your team channels.",
    "health-checked": "Alerts with the state of this server beside them.",
    "ai-analyzed": "Alerts with an analysis of the likely cause.",
    "full": "Alerts with checks and an analysis.",
}
_STAGES = {
    "local-monitor": (Stage.INGEST, Stage.CHECK, Stage.NOTIFY),
    "local-smart": (Stage.INGEST, Stage.CHECK, Stage.ANALYZE, Stage.NOTIFY),
    "direct": (Stage.INGEST, Stage.NOTIFY),
    "health-checked": (Stage.INGEST, Stage.CHECK, Stage.NOTIFY),
    "ai-analyzed": (Stage.INGEST, Stage.ANALYZE, Stage.NOTIFY),
    "full": (Stage.INGEST, Stage.CHECK, Stage.ANALYZE, Stage.NOTIFY),
}


def _plan(name: str, stages: tuple[Stage, ...]) -> Plan:
    nodes = tuple(_node(stage, _NODE_TYPES[stage]) for stage in stages)
    return Plan(name, 1, nodes, skipped=tuple(stage for stage in Stage if stage not in stages))


def _node(stage: Stage, node_type: NodeType) -> Node:
    return Node(stage.value.lower(), node_type, {}, None, TIMEOUT_SECONDS)


PRESETS = {name: _plan(name, stages) for name, stages in _STAGES.items()}
