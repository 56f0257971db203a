"""What a definition may say: good ones become plans, and every fault is named with its place."""

from typing import Any

import pytest

from app.pipeline.definitions import Names, chain, compile_plan, show
from app.pipeline.errors import DefinitionInvalid
from app.pipeline.presets import PRESETS
from app.pipeline.types import NodeType, Stage

NAMES = Names(("cpu", "disk", "memory"), ("local", "night-owl"), ("ops-room",), ("slack", "webhook"))
CHECK = {"id": "check", "type": "context", "config": {"checker_names": ["cpu"]}, "next": "tell"}
TELL = {"id": "tell", "type": "notify", "config": {"channels": ["ops-room"]}}


def flow(*nodes: Any, **outer: Any) -> dict[str, Any]:
    """A definition of these nodes."""
    return {"version": "1.0", "nodes": list(nodes), **outer}


def node(node_id: Any, kind: Any = "notify", after: Any = None, **config: Any) -> dict[str, Any]:
    """One node; `after` is the id of the next."""
    return {"id": node_id, "type": kind, "config": config, **({"next": after} if after is not None else {})}


def pick(**config: Any) -> dict[str, Any]:
    """A flow whose second node is this transform of the first."""
    return flow(node("check", "context", "pick"), node("pick", "transform", source_node="check", **config))


def deep(levels: int) -> Any:
    """Lists in lists."""
    return [] if levels == 0 else [deep(levels - 1)]


BROKEN: dict[str, tuple[Any, str, str]] = {
    "no object": (["notify"], "config", "must be an object"),
    "no nodes key": ({"version": "1.0"}, "config.nodes", "must be a list"),
    "empty nodes": (flow(), "config.nodes", "1 to 50 nodes, and has none"),
    "too many nodes": (flow(*(node(f"n{i}", after=f"n{i + 1}") for i in range(51))), "config.nodes", "has 51"),
    "node is a word": (flow("notify"), "config.nodes[0]", "must be an object with id and type"),
    "unknown type": (flow(node("a", "shell")), "config.nodes[0].type", "«shell» is no type of node; there are ingest"),
    "no type": (flow({"id": "a"}), "config.nodes[0].type", "is missing; there are ingest, context"),
    "type is a list": (flow(node("a", ["notify"])), "config.nodes[0].type", "is missing"),
    "bad id": (flow(node("no spaces")), "config.nodes[0].id", "letters, digits"),
    "id of the delivery": (flow(node("ingest", "context")), "config.nodes[0].id", "every run calls its delivery"),
    "no id": (flow({"type": "notify"}), "config.nodes[0].id", "letters, digits"),
    "duplicate id": (
        flow(node("a", after="b"), node("b"), node("a")),
        "config.nodes[2].id",
        "«a» is the id of nodes[0]",
    ),
    "cycle": (
        flow(node("a", after="b"), node("b", after="c"), node("c", after="b")),
        "config.nodes[2].next",
        "makes a cycle: b → c → b",
    ),
    "cycle of one": (flow(node("a", after="a")), "config.nodes[0].next", "makes a cycle: a → a"),
    "unreachable chain": (
        flow(node("a"), node("b", after="c"), node("c")),
        "config.nodes[2]",
        "is unreachable: «c» does not follow from «a»",
    ),
    "second entry": (
        flow(node("a", after="c"), node("b", after="c"), node("c")),
        "config.nodes[1]",
        "begins at «a», and «b» is a second entry",
    ),
    "dangling next": (flow(node("a", after="nowhere")), "config.nodes[0].next", "leads to «nowhere», and there is no"),
    "next is a list": (flow(node("a", after=["b"])), "config.nodes[0].next", "must be the id of one node"),
    "ingest in the middle": (
        flow(node("a", "context", "b"), node("b", "ingest")),
        "config.nodes[1].type",
        "only the first node may ingest",
    ),
    "defaults are a number": (flow(TELL, defaults=3), "config.defaults", "must be an object"),
    "retries of the wrong type": (
        flow(TELL, defaults={"max_retries": "3"}),
        "config.defaults.max_retries",
        "whole number from 0 to 10",
    ),
    "retries out of range": (flow({**TELL, "max_retries": 11}), "config.nodes[0].max_retries", "from 0 to 10"),
    "true is no time": (flow({**TELL, "timeout_seconds": True}), "config.nodes[0].timeout_seconds", "1 to 3600"),
    "unknown outer key": (flow(TELL, schedule="daily"), "config.schedule", "is no key of a definition"),
    "unknown node key": (flow({**TELL, "retries": 1}), "config.nodes[0].retries", "is no key of a node"),
    "unknown config key": (flow(node("a", chanels=["x"])), "config.nodes[0].config.chanels", "there are channels"),
    "ingest takes nothing": (flow(node("a", "ingest", driver="grafana")), "config.nodes[0].config.driver", "are none"),
    "other version": ({**flow(TELL), "version": 2}, "config.version", 'must be "1.0"'),
    "config is a list": (flow({**TELL, "config": []}), "config.nodes[0].config", "must be an object"),
    "unknown checker": (
        flow(node("a", "context", checker_names=["cpu", "gpu"])),
        "config.nodes[0].config.checker_names[1]",
        "there is no checker «gpu»; there are cpu, disk, memory",
    ),
    "no checkers": (flow(node("a", "context", checker_names=[])), "config.nodes[0].config.checker_names", "1 to 50"),
    "params of another checker": (
        flow(node("a", "context", checker_names=["cpu"], params={"disk": {}})),
        "config.nodes[0].config.params.disk",
        "is not among the checker_names",
    ),
    "params that a checker does not know": (
        flow(node("a", "context", checker_names=["cpu"], params={"cpu": {"cores": 4}})),
        "config.nodes[0].config.params.cpu.cores",
        "not permitted",
    ),
    "unknown provider": (flow(node("a", "intelligence", provider="hal")), "config.nodes[0].config.provider", "«hal»"),
    "unknown channel": (flow(node("a", channels=["attic"])), "config.nodes[0].config.channels[0]", "are ops-room"),
    "channel named twice": (
        flow(node("a", channels=["ops-room", "ops-room"])),
        "config.nodes[0].config.channels[1]",
        "named twice",
    ),
    "unknown kind": (
        flow(node("a", drivers=["telex"])),
        "config.nodes[0].config.drivers[0]",
        "kind of channel «telex»",
    ),
    "template not closed": (
        flow(node("a", template="{{ incident.title")),
        "config.nodes[0].config.template",
        "is no Jinja template: unexpected end of template",
    ),
    "template with a word of its own": (
        flow(node("a", template="{% fetch 'x' %}")),
        "config.nodes[0].config.template",
        "unknown tag 'fetch'",
    ),
    "template out of the folder": (
        flow(node("a", template="file:../../secrets.j2")),
        "config.nodes[0].config.template",
        "file of the template folder",
    ),
    "source runs later": (
        flow(node("pick", "transform", "check", source_node="check"), node("check", "context")),
        "config.nodes[0].config.source_node",
        "«check» does not run before this node",
    ),
    "source is unknown": (
        flow(node("pick", "transform", source_node="ghost")),
        "config.nodes[0].config.source_node",
        "there is no node «ghost»",
    ),
    "no source": (flow(node("pick", "transform")), "config.nodes[0].config.source_node", "must be the id of a node"),
    "bad path": (pick(extract="checks..name"), "config.nodes[1].config.extract", "keys and indexes"),
    "call in a path": (pick(extract="checks[len()]"), "config.nodes[1].config.extract", "keys and indexes"),
    "bad operator": (
        pick(filter={"path": "a", "op": "like", "value": 1}),
        "config.nodes[1].config.filter.op",
        "must be one of eq, ne",
    ),
    "no value": (pick(filter={"op": "eq"}), "config.nodes[1].config.filter.value", "is missing"),
    "bad pattern": (
        pick(filter={"op": "matches", "value": "a(b"}),
        "config.nodes[1].config.filter.value",
        "opens a bracket and does not close it",
    ),
    "bad mapping": (pick(mapping={"name": "a[b]"}), "config.nodes[1].config.mapping.name", "keys and indexes"),
    "too deep": (flow(node("a", "context", params={"cpu": {"x": deep(20)}})), "config", "16 levels deep"),
    "too large": (flow(node("a", template="x" * 70_000)), "config", "64 KiB"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_definition_is_refused_with_the_place_and_the_reason(case: str) -> None:
    config, path, words = BROKEN[case]
    with pytest.raises(DefinitionInvalid) as refused:
        compile_plan("mine", 1, config, names=NAMES)
    found = {error.path: error.message for error in refused.value.errors}
    assert words in found.get(path, ""), found


def test_every_fault_is_named_at_once() -> None:
    config = flow(
        node("a", "shell", after="nowhere"),
        {**node("b", channels=["attic"]), "max_retries": -1},
        defaults={"timeout_seconds": 0},
        extra=1,
    )
    with pytest.raises(DefinitionInvalid) as refused:
        compile_plan("mine", 1, config, names=NAMES)
    assert [error.path for error in refused.value.errors] == [
        "config.extra",
        "config.defaults.timeout_seconds",
        "config.nodes[0].type",
        "config.nodes[1].max_retries",
        "config.nodes[1].config.channels[0]",
        "config.nodes[0].next",
        "config.nodes[1]",
    ]


def test_the_example_of_document_001_is_a_good_definition() -> None:
    config: Any = {
        "version": "1.0",
        "defaults": {"max_retries": 3, "timeout_seconds": 300},
        "nodes": [
            {"id": "check_health", "type": "context", "config": {"checker_names": ["cpu", "memory"]}, "next": "notify"},
            {"id": "notify", "type": "notify", "config": {"drivers": ["slack"]}},
        ],
    }
    plan = compile_plan("mine", 4, config, names=NAMES)
    assert (plan.name, plan.version, chain(plan)) == ("mine", 4, "check_health → notify")
    assert [each.stage for each in plan.nodes] == [Stage.CHECK, Stage.NOTIFY]
    assert plan.skipped == ()


def test_nodes_run_as_their_next_says_and_not_as_they_are_listed() -> None:
    plan = compile_plan("mine", 1, flow(TELL, CHECK, node("in", "ingest", "check")), names=NAMES)
    assert chain(plan) == "in → check → tell"


def test_a_node_takes_from_the_defaults_what_it_does_not_say() -> None:
    defaults = {"max_retries": 1, "timeout_seconds": 20}
    config = flow({**CHECK, "timeout_seconds": 5}, TELL, defaults=defaults)
    check, tell = compile_plan("mine", 1, config, names=NAMES).nodes
    assert (check.max_retries, check.timeout_seconds) == (1, 5.0)
    assert (tell.max_retries, tell.timeout_seconds) == (1, 20.0)


def test_a_definition_goes_on_after_a_channel_of_it_is_gone() -> None:
    plan = compile_plan("mine", 1, flow(node("a", channels=["attic"])), names=None)
    assert plan.nodes[0].config == {"channels": ["attic"]}


def test_a_definition_goes_on_with_a_template_that_is_no_longer_read() -> None:
    plan = compile_plan("mine", 1, flow(node("a", template="{{ oh")), names=None)
    assert plan.nodes[0].config == {"template": "{{ oh"}


def test_a_transform_may_take_from_another_transform() -> None:
    again = node("again", "transform", source_node="pick")
    first = {**pick(extract="checks")["nodes"][1], "next": "again"}
    plan = compile_plan("mine", 1, flow(node("check", "context", "pick"), first, again), names=NAMES)
    assert [each.type for each in plan.nodes[1:]] == [NodeType.TRANSFORM, NodeType.TRANSFORM]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_shown_and_read_again(name: str) -> None:
    preset = PRESETS[name]
    assert compile_plan(name, 1, show(preset), names=NAMES).nodes == preset.nodes
    assert chain(preset).startswith("ingest → ")
