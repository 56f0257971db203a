"""A transform takes what its configuration says, and never anything else."""

from typing import Any

import pytest

from app.pipeline import transform
from app.pipeline.errors import TransformFailed
from app.platform.types import JsonObject

CHECKED: JsonObject = {
    "checks_failed": 2,
    "checks": [
        {"name": "cpu", "status": "ok", "value": 12.5, "tags": ["host"]},
        {"name": "disk", "status": "critical", "value": 97, "tags": ["host", "storage"]},
        {"name": "disk_linux", "status": "warning", "value": 85, "tags": []},
    ],
}


def made(outputs: Any = CHECKED, **config: Any) -> Any:
    """What a transform of `check` makes of these outputs."""
    wanted = {"source_node": "check", **config}
    assert transform.config_errors(wanted) == []
    found = transform.apply(wanted, {"check": outputs})
    assert found["source_node"] == "check"
    return found["transformed"]


def kept_names(**wanted: Any) -> list[str]:
    """The names of the checks that a filter keeps."""
    return [each["name"] for each in made(extract="checks", filter=wanted)]


def test_without_anything_it_hands_the_output_on() -> None:
    assert made() == CHECKED


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("checks_failed", 2),
        ("checks[1].name", "disk"),
        ("checks[1].tags[1]", "storage"),
        ("checks[9].name", None),
        ("checks.name", None),
        ("checks_failed.name", None),
        ("nothing.at.all", None),
    ],
)
def test_a_path_leads_to_its_value_or_to_null(path: str, found: Any) -> None:
    assert made(extract=path) == found


@pytest.mark.parametrize(
    ("op", "path", "value", "kept"),
    [
        ("eq", "status", "ok", ["cpu"]),
        ("ne", "status", "ok", ["disk", "disk_linux"]),
        ("in", "status", ["critical", "warning"], ["disk", "disk_linux"]),
        ("contains", "tags", "storage", ["disk"]),
        ("contains", "name", "linux", ["disk_linux"]),
        ("gte", "value", 85, ["disk", "disk_linux"]),
        ("lte", "value", 85, ["cpu", "disk_linux"]),
        ("gte", "status", 85, []),
        ("gte", "status", "ok", ["cpu", "disk_linux"]),
        ("matches", "name", "^disk(_linux)?$", ["disk", "disk_linux"]),
        ("matches", "value", "9", []),
        ("eq", "absent", None, ["cpu", "disk", "disk_linux"]),
    ],
)
def test_a_filter_keeps_what_compares(op: str, path: str, value: Any, kept: list[str]) -> None:
    assert kept_names(op=op, path=path, value=value) == kept


def test_a_filter_without_a_path_looks_at_the_elements_themselves() -> None:
    assert made([1, "1", True, 2], filter={"op": "eq", "value": 1}) == [1]


def test_a_mapping_makes_new_keys_of_an_object_or_of_each_element() -> None:
    assert made(mapping={"failed": "checks_failed", "first": "checks[0].name"}) == {"failed": 2, "first": "cpu"}
    picked = made(extract="checks", filter={"path": "value", "op": "gte", "value": 90}, mapping={"what": "name"})
    assert picked == [{"what": "disk"}]


def test_a_skipped_source_makes_nulls_and_no_failure() -> None:
    skipped = {"reason": "no provider"}
    assert made(skipped, extract="checks", filter={"op": "eq", "value": 1}) is None
    assert made(skipped, mapping={"summary": "summary"}) == {"summary": None}


def test_it_does_not_change_what_it_was_given() -> None:
    before = repr(CHECKED)
    made(extract="checks", filter={"path": "name", "op": "eq", "value": "cpu"}, mapping={"a": "name"})
    assert repr(CHECKED) == before


@pytest.mark.parametrize(
    "path", ["__class__", "__class__.__mro__[1]", "checks.__len__", "checks[0].__init__.__globals__", "{0.__class__}"]
)
def test_a_path_reaches_no_attribute(path: str) -> None:
    assert made(extract=path) is None


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a[-1]", "a[0", "a]", "a[x]", "a[0]b", "a\n", "a.b" * 80, 7, None]
)
def test_what_is_no_path_is_refused(path: Any) -> None:
    assert [error.path for error in transform.config_errors({"extract": path})] == ["extract"]


def test_a_source_that_has_no_output_is_null() -> None:
    config = {"source_node": "check", "extract": "checks", "mapping": {"a": "b"}}
    assert transform.apply(config, {"other": {}}) == {"transformed": {"a": None}, "source_node": "check"}


def test_a_filter_over_no_list_is_a_sentence() -> None:
    with pytest.raises(TransformFailed, match="needs a list"):
        made(filter={"op": "eq", "value": 1})


def test_a_million_elements_are_refused_at_once() -> None:
    with pytest.raises(TransformFailed, match="1000000 elements"):
        made({"all": [0] * 1_000_000}, extract="all", filter={"op": "ne", "value": 1})
    with pytest.raises(TransformFailed, match="too large"):
        made({"all": [0] * 1_000_000}, mapping={"everything": "all"})


def test_a_tower_of_lists_is_refused() -> None:
    tower: Any = []
    for _ in range(100_000):
        tower = [tower]
    assert made([tower], filter={"op": "eq", "value": 1}) == []
    with pytest.raises(TransformFailed, match="too deep"):
        made({"tower": tower}, extract="tower")


def test_long_texts_are_refused() -> None:
    with pytest.raises(TransformFailed, match="too large"):
        made({"text": "x" * 70_000}, extract="text")


def test_a_pattern_that_would_never_end_ends() -> None:
    hostile = ["a" * 5000 + "!"] * 1000
    with pytest.raises(TransformFailed, match="takes too long"):
        made(hostile, filter={"op": "matches", "value": "^(a+)+$"})
