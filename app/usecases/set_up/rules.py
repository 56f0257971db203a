"""What a preset becomes by what somebody chose over it. Values in, a configuration out."""

import re
from itertools import pairwise

from app.pipeline.presets import TIMEOUT_SECONDS
from app.pipeline.types import Node, NodeType, Plan
from app.platform.types import JsonObject
from app.usecases.set_up.types import Choices

FORMAT = "1.0"
NAME_LENGTH = 80
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def shaped(preset: Plan, choices: Choices) -> JsonObject:
    """The preset as a configuration of its own, with what was chosen over it."""
    nodes = [node for node in preset.nodes if node.type is not NodeType.NOTIFY or not choices.is_quiet]
    said: list[JsonObject] = [
        {"id": node.id, "type": node.type.value, "config": _config(node, choices)} for node in nodes
    ]
    for node, after in pairwise(said):
        node["next"] = after["id"]
    return {"version": FORMAT, "defaults": {"timeout_seconds": TIMEOUT_SECONDS}, "nodes": list(said)}


def suggested_name(preset: str, source: str) -> str:
    """A name for a pipeline of one source, as definitions may be called: `direct-grafana-prod`."""
    return _NOT_IN_NAMES.sub("-", f"{preset}-{source.lower()}").strip("-._")[:NAME_LENGTH].rstrip("-._")


def _config(node: Node, choices: Choices) -> JsonObject:
    if node.type is NodeType.CONTEXT and choices.checkers is not None:
        return {**node.config, "checker_names": list(choices.checkers)}
    if node.type is NodeType.INTELLIGENCE and choices.provider is not None:
        return {**node.config, "provider": choices.provider}
    if node.type is NodeType.NOTIFY and choices.channel is not None:
        return {**node.config, "channels": [choices.channel]}
    return node.config
