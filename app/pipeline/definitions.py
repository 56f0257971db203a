"""What a pipeline definition may say, and the plan that a good one is read into (001, B35).

A definition without an `ingest` node begins with its own first node: the delivery that asks for a run has ingested
already. Values in, values out; what a definition may name is handed in.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.checks.errors import CheckerMissing, CheckInvalid
from app.checks.kinds import checked_params, get_checker
from app.notify.channels._base import FILE_PREFIX, is_template_name
from app.pipeline import transform
from app.pipeline.errors import DefinitionInvalid
from app.pipeline.graph import Graph
from app.pipeline.presets import TIMEOUT_SECONDS
from app.pipeline.types import Node, NodeType, Plan
from app.platform.errors import FieldError
from app.platform.templates import syntax_fault
from app.platform.types import JsonObject, JsonValue

FORMAT = "1.0"
NODES_AT_MOST = 50
BYTES_AT_MOST = 65_536
DEPTH_AT_MOST = 16
NAMES_AT_MOST = 50
ERRORS_AT_MOST = 100
RETRIES_AT_MOST = 10
SECONDS_AT_MOST = 3600
CLIPPED = 40

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CONFIG_KEYS = ("version", "defaults", "nodes")
_TRIES_KEYS = ("max_retries", "timeout_seconds")
_NODE_KEYS = ("id", "type", "config", "next", *_TRIES_KEYS)
_KEYS_OF = {
    NodeType.INGEST: (),
    NodeType.CONTEXT: ("checker_names", "params"),
    NodeType.INTELLIGENCE: ("provider",),
    NodeType.NOTIFY: ("channels", "drivers", "template"),
    NodeType.TRANSFORM: transform.KEYS,
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a definition may name at this moment: checkers, providers, team channels and kinds of these."""

    checkers: Sequence[str]
    providers: Sequence[str]
    channels: Sequence[str]
    drivers: Sequence[str]


def compile_plan(name: str, version: int, config: JsonValue, *, names: Names | None) -> Plan:
    """The plan that a definition says. Raises DefinitionInvalid, which names every fault.

    With `names` None nobody asks whether what it names still exists: a definition that was good when it was saved goes
    on after a channel of it is gone.
    """
    errors = _size_errors(config)
    if errors or not isinstance(config, dict):
        raise DefinitionInvalid(errors or [FieldError("config", "must be an object of nodes")])
    said: JsonObject = config
    errors = _outer_errors(said) + _nodes_errors(said.get("nodes"), names)
    if errors:
        raise DefinitionInvalid(errors[:ERRORS_AT_MOST])
    # Who says nothing of retries gets as many as the installation allows.
    defaults = {"max_retries": None, "timeout_seconds": TIMEOUT_SECONDS, **said.get("defaults", {})}
    order = Graph(said["nodes"]).order
    return Plan(name, version, tuple(_node(said["nodes"][place], defaults) for place in order))


def show(plan: Plan) -> JsonObject:
    """The plan as the configuration of a definition, the presets' too."""
    following = [*plan.nodes[1:], None]
    return {
        "version": FORMAT,
        "defaults": {"timeout_seconds": _plain(TIMEOUT_SECONDS)},
        "nodes": [_shown(node, after) for node, after in zip(plan.nodes, following, strict=True)],
    }


def chain(plan: Plan) -> str:
    """The nodes in their order, on one line: `ingest → check → notify`."""
    return " → ".join(node.id for node in plan.nodes)


def _node(said: Mapping[str, Any], defaults: Mapping[str, Any]) -> Node:
    tries = {**defaults, **{key: said[key] for key in _TRIES_KEYS if key in said}}
    config = said.get("config", {})
    return Node(said["id"], NodeType(said["type"]), config, tries["max_retries"], float(tries["timeout_seconds"]))


def _shown(node: Node, after: Node | None) -> JsonObject:
    shown: JsonObject = {"id": node.id, "type": node.type.value, "config": node.config}
    if node.max_retries is not None:
        shown["max_retries"] = node.max_retries
    if node.timeout_seconds != TIMEOUT_SECONDS:
        shown["timeout_seconds"] = _plain(node.timeout_seconds)
    return {**shown, "next": after.id} if after is not None else shown


def _plain(seconds: float) -> float:
    return int(seconds) if seconds.is_integer() else seconds


def _size_errors(config: JsonValue) -> list[FieldError]:
    """Whether it is small enough to be looked at; depth first, so that measuring it cannot fail."""
    level, depth = [config], 0
    while level:
        depth += 1
        if depth > DEPTH_AT_MOST:
            return [FieldError("config", f"must not be nested more than {DEPTH_AT_MOST} levels deep")]
        level = [inner for each in level if isinstance(each, dict | list)
                 for inner in (each.values() if isinstance(each, dict) else each)]  # fmt: skip
    if len(json.dumps(config, ensure_ascii=False).encode(errors="replace")) > BYTES_AT_MOST:
        return [FieldError("config", f"must not be larger than {BYTES_AT_MOST // 1024} KiB")]
    return []


def _outer_errors(config: Mapping[str, Any]) -> list[FieldError]:
    errors = _unknown_keys(config, _CONFIG_KEYS, "config", "a definition")
    if config.get("version", FORMAT) != FORMAT:
        errors.append(FieldError("config.version", f'must be "{FORMAT}", the form of definitions that is known here'))
    defaults = config.get("defaults", {})
    if not isinstance(defaults, dict):
        return [*errors, FieldError("config.defaults", f"must be an object of {' and '.join(_TRIES_KEYS)}")]
    errors += _unknown_keys(defaults, _TRIES_KEYS, "config.defaults", "the defaults")
    return errors + _tries_errors(defaults, "config.defaults")


def _nodes_errors(nodes: Any, names: Names | None) -> list[FieldError]:
    if not isinstance(nodes, list):
        return [FieldError("config.nodes", "must be a list of nodes")]
    if not 1 <= len(nodes) <= NODES_AT_MOST:
        return [FieldError("config.nodes", f"must have 1 to {NODES_AT_MOST} nodes, and has {len(nodes) or 'none'}")]
    errors = []
    for index, node in enumerate(nodes):
        at = f"config.nodes[{index}]"
        if isinstance(node, dict):
            errors += _node_errors(node, at, names)
        else:
            errors.append(FieldError(at, "must be an object with id and type"))
    return errors + Graph(nodes).errors()


def _node_errors(node: Mapping[str, Any], at: str, names: Names | None) -> list[FieldError]:
    errors = _unknown_keys(node, _NODE_KEYS, at, "a node") + _tries_errors(node, at)
    if not _is_id(node.get("id")):
        errors.append(FieldError(f"{at}.id", "must be 1 to 64 letters, digits, «-» and «_»"))
    elif node["id"] == NodeType.INGEST and node.get("type") != NodeType.INGEST:
        errors.append(FieldError(f"{at}.id", "is what every run calls its delivery; choose another id for this node"))
    if node.get("next") is not None and not isinstance(node["next"], str):
        errors.append(FieldError(f"{at}.next", "must be the id of one node, or be left out where the pipeline ends"))
    kind, config = node.get("type"), node.get("config", {})
    if not isinstance(config, dict):
        errors.append(FieldError(f"{at}.config", "must be an object"))
        config = {}
    if kind not in list(NodeType):
        said = f"«{kind[:CLIPPED]}» is no type of node" if isinstance(kind, str) else "is missing"
        return [*errors, FieldError(f"{at}.type", f"{said}; there are {', '.join(NodeType)}")]
    return errors + _config_errors(NodeType(kind), config, f"{at}.config", names)


def _config_errors(kind: NodeType, config: Mapping[str, Any], at: str, names: Names | None) -> list[FieldError]:
    errors = _unknown_keys(config, _KEYS_OF[kind], at, f"a node of type {kind}")
    if kind is NodeType.CONTEXT:
        errors += _names_errors(config, "checker_names", at, "checker", names.checkers if names else None)
        errors += _params_errors(config, f"{at}.params", names)
    elif kind is NodeType.INTELLIGENCE:
        errors += _name_errors(config, "provider", at, names.providers if names else None)
    elif kind is NodeType.NOTIFY:
        errors += _names_errors(config, "channels", at, "channel", names.channels if names else None)
        errors += _names_errors(config, "drivers", at, "kind of channel", names.drivers if names else None)
        errors += _template_errors(config, f"{at}.template", is_new=names is not None)
    elif kind is NodeType.TRANSFORM:
        errors += [FieldError(f"{at}.{error.path}", error.message) for error in transform.config_errors(config)]
    return errors


def _names_errors(
    config: Mapping[str, Any], key: str, at: str, what: str, known: Sequence[str] | None
) -> list[FieldError]:
    if key not in config:
        return []
    said = config[key]
    if not isinstance(said, list) or not 1 <= len(said) <= NAMES_AT_MOST:
        return [FieldError(f"{at}.{key}", f"must be a list of 1 to {NAMES_AT_MOST} names, or be left out")]
    errors = []
    for index, name in enumerate(said):
        if not isinstance(name, str):
            errors.append(FieldError(f"{at}.{key}[{index}]", "must be a name"))
        elif name in said[:index]:
            errors.append(FieldError(f"{at}.{key}[{index}]", f"«{name[:CLIPPED]}» is named twice"))
        elif known is not None and name not in known:
            errors.append(FieldError(f"{at}.{key}[{index}]", _no_such(what, name, known)))
    return errors


def _name_errors(config: Mapping[str, Any], key: str, at: str, known: Sequence[str] | None) -> list[FieldError]:
    name = config.get(key)
    if key not in config:
        return []
    if not isinstance(name, str):
        return [FieldError(f"{at}.{key}", "must be a name, or be left out")]
    if known is not None and name not in known:
        return [FieldError(f"{at}.{key}", _no_such(key, name, known))]
    return []


def _params_errors(config: Mapping[str, Any], at: str, names: Names | None) -> list[FieldError]:
    """Parameters stand under the name of their checker."""
    params = config.get("params", {})
    if not isinstance(params, dict):
        return [FieldError(at, "must be an object with the parameters of each checker under its name")]
    chosen = config.get("checker_names")
    errors = []
    for name, own in params.items():
        place = f"{at}.{name[:CLIPPED]}"
        if isinstance(chosen, list) and name not in chosen:
            errors.append(FieldError(place, "is not among the checker_names"))
        elif not isinstance(own, dict):
            errors.append(FieldError(place, "must be an object of parameters"))
        elif names is not None:
            errors += _checker_errors(name, own, place)
    return errors


def _checker_errors(name: str, params: Mapping[str, Any], at: str) -> list[FieldError]:
    try:
        checked_params(get_checker(name), params)
    except CheckerMissing as missing:
        return [FieldError(at, missing.message)]
    except CheckInvalid as wrong:
        return [FieldError(at + error.path.removeprefix("params"), error.message) for error in wrong.errors]
    return []


def _template_errors(config: Mapping[str, Any], at: str, *, is_new: bool) -> list[FieldError]:
    template = config.get("template", "")
    if not isinstance(template, str):
        return [FieldError(at, "must be a Jinja template, or `file:name.j2` in the template folder")]
    if template.startswith(FILE_PREFIX) and not is_template_name(template):
        return [FieldError(at, "must name a file of the template folder, as in `file:name.j2`")]
    # One that was saved runs on: its message is told in the built-in words (B32).
    wrong = syntax_fault(template) if is_new and not template.startswith(FILE_PREFIX) else None
    return [FieldError(at, f"is no Jinja template: {wrong}")] if wrong else []


def _tries_errors(said: Mapping[str, Any], at: str) -> list[FieldError]:
    errors = []
    retries, seconds = said.get("max_retries", 0), said.get("timeout_seconds", 1)
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= RETRIES_AT_MOST:
        errors.append(FieldError(f"{at}.max_retries", f"must be a whole number from 0 to {RETRIES_AT_MOST}"))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= SECONDS_AT_MOST:
        errors.append(FieldError(f"{at}.timeout_seconds", f"must be a number of seconds from 1 to {SECONDS_AT_MOST}"))
    return errors


def _unknown_keys(said: Mapping[str, Any], known: tuple[str, ...], at: str, what: str) -> list[FieldError]:
    there_are = f"there are {', '.join(known)}" if known else "there are none"
    return [
        FieldError(f"{at}.{key[:CLIPPED]}", f"is no key of {what}; {there_are}") for key in said if key not in known
    ]


def _no_such(what: str, name: str, known: Sequence[str]) -> str:
    there_are = f"there are {', '.join(known[:NAMES_AT_MOST])}" if known else "there is none yet"
    return f"there is no {what} «{name[:CLIPPED]}»; {there_are}"


def _is_id(said: Any) -> bool:
    return isinstance(said, str) and _ID.fullmatch(said) is not None
