"""The transform node: takes a part out of what an earlier node found, narrows it and renames it (001).

A path is a list of keys and indexes into JSON, nothing more: no attribute of an object, no call, no template and no
expression can be written in one, so a transform sees its data and cannot reach anything else. What is not there is
null, and so is the output of a node that was skipped: the run goes on and says so, it does not fail of it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.pipeline.errors import TransformFailed
from app.pipeline.patterns import OutOfSteps, Pattern, PatternWrong, Steps, compiled
from app.platform.errors import FieldError
from app.platform.types import JsonObject, JsonValue

KEYS = ("source_node", "extract", "filter", "mapping")
FILTER_KEYS = ("path", "op", "value")
OPS = ("eq", "ne", "in", "contains", "gte", "lte", "matches")
PATH_LENGTH = 200
PARTS_AT_MOST = 20
MAPPED_AT_MOST = 50
KEY_LENGTH = 64
LIST_AT_MOST = 5_000
CHOICES_AT_MOST = 100
OUTPUT_VALUES = 20_000
OUTPUT_CHARACTERS = 65_536
OUTPUT_DEPTH = 32
STEPS_AT_MOST = 100_000
TOO_LARGE = "What comes out is too large or too deep to be kept; extract less of it."

_PATH = re.compile(r"(?:[^.\[\]\x00-\x1f]+|\[[0-9]{1,6}\])(?:\.[^.\[\]\x00-\x1f]+|\[[0-9]{1,6}\])*")
_PART = re.compile(r"\[(?P<index>[0-9]+)\]|(?P<key>[^.\[\]]+)")
_NOT_A_PATH = 'must be keys and indexes such as "checks[0].message"'


def apply(config: Mapping[str, Any], previous_outputs: Mapping[str, JsonObject]) -> JsonObject:
    """What the node makes of the outputs before it: `{transformed, source_node}`, for a configuration that was checked.

    Extract first, then filter, then mapping; over a list the mapping is made of each element. Raises TransformFailed.
    """
    source = config["source_node"]
    value: JsonValue = previous_outputs.get(source)
    if config.get("extract"):
        value = _at(value, config["extract"])
    _require_short(value)
    if config.get("filter"):
        value = _filtered(value, config["filter"])
    if config.get("mapping"):
        value = _mapped_each(value, config["mapping"])
    _require_small(value)
    return {"transformed": value, "source_node": source}


def config_errors(config: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a transform's configuration besides its `source_node`, by paths below it."""
    errors = []
    if "extract" in config and not _is_path(config["extract"]):
        errors.append(FieldError("extract", _NOT_A_PATH))
    if "filter" in config:
        errors += [FieldError(f"filter{path}", message) for path, message in _filter_errors(config["filter"])]
    if "mapping" in config:
        errors += [FieldError(f"mapping{path}", message) for path, message in _mapping_errors(config["mapping"])]
    return errors


def _filter_errors(wanted: Any) -> list[tuple[str, str]]:
    if not isinstance(wanted, dict):
        return [("", "must be an object of path, op and value")]
    errors = [(f".{key[:40]}", f"is no key of a filter; there are {', '.join(FILTER_KEYS)}")
              for key in wanted if key not in FILTER_KEYS]  # fmt: skip
    if "path" in wanted and not _is_path(wanted["path"]):
        errors.append((".path", _NOT_A_PATH))
    if wanted.get("op") not in OPS:
        errors.append((".op", f"must be one of {', '.join(OPS)}"))
    elif "value" not in wanted:
        errors.append((".value", "is missing: what the elements are compared with"))
    elif wrong := _value_error(wanted["op"], wanted["value"]):
        errors.append((".value", wrong))
    return errors


def _value_error(op: str, value: Any) -> str | None:
    if op == "in" and not (isinstance(value, list) and len(value) <= CHOICES_AT_MOST):
        return f"must be a list of at most {CHOICES_AT_MOST} values, of which the element is to be one"
    if op in ("gte", "lte") and not (isinstance(value, str) or _is_number(value)):
        return "must be a number or a text: there is no more and less of anything else"
    if op != "matches":
        return None
    if not isinstance(value, str):
        return "must be a pattern"
    try:
        compiled(value)
    except PatternWrong as wrong:
        return f"is no pattern: it {wrong}"
    return None


def _mapping_errors(mapping: Any) -> list[tuple[str, str]]:
    if not isinstance(mapping, dict) or not 1 <= len(mapping) <= MAPPED_AT_MOST:
        return [("", f"must be an object of 1 to {MAPPED_AT_MOST} new keys, each with its path")]
    errors = []
    for key, path in mapping.items():
        if not 1 <= len(key) <= KEY_LENGTH:
            errors.append((f".{key[:40]}", f"must be a key of 1 to {KEY_LENGTH} characters"))
        if not _is_path(path):
            errors.append((f".{key[:40]}", _NOT_A_PATH))
    return errors


def _is_path(path: Any) -> bool:
    if not isinstance(path, str) or len(path) > PATH_LENGTH or not _PATH.fullmatch(path):
        return False
    return len(_PART.findall(path)) <= PARTS_AT_MOST


def _at(value: JsonValue, path: str) -> JsonValue:
    """What is at the path; null where there is nothing."""
    for part in _PART.finditer(path):
        key, index = part["key"], part["index"]
        if key is not None:
            value = value.get(key) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
    return value


def _filtered(value: JsonValue, wanted: Mapping[str, Any]) -> JsonValue:
    if value is None:
        return None
    if not isinstance(value, list):
        raise TransformFailed("A filter needs a list, and what it was given is none; extract a list first.")
    path, test = wanted.get("path"), _test(wanted["op"], wanted["value"])
    try:
        return [item for item in value if test(_at(item, path) if path else item)]
    except OutOfSteps:
        raise TransformFailed("The filter's pattern takes too long over this list; make it simpler.") from None


def _test(op: str, wanted: JsonValue) -> Callable[[JsonValue], bool]:
    if op == "matches":
        pattern, steps = compiled(str(wanted)), Steps(STEPS_AT_MOST)
        return lambda found: _matches(pattern, found, steps)
    return {
        "eq": lambda found: _is_same(found, wanted),
        "ne": lambda found: not _is_same(found, wanted),
        "in": lambda found: isinstance(wanted, list) and any(_is_same(found, each) for each in wanted),
        "contains": lambda found: _contains(found, wanted),
        "gte": lambda found: _is_at_least(found, wanted),
        "lte": lambda found: _is_at_least(wanted, found),
    }[op]


def _matches(pattern: Pattern, found: JsonValue, steps: Steps) -> bool:
    return isinstance(found, str) and pattern.is_in(found, steps)


def _contains(found: JsonValue, wanted: JsonValue) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    if isinstance(found, dict):
        return isinstance(wanted, str) and wanted in found
    return isinstance(found, list) and any(_is_same(each, wanted) for each in found)


def _is_same(found: JsonValue, wanted: JsonValue) -> bool:
    """Equal as JSON has it: true is not 1."""
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _is_at_least(more: JsonValue, less: JsonValue) -> bool:
    if isinstance(more, str) and isinstance(less, str):
        return more >= less
    return _is_number(more) and _is_number(less) and more >= less  # type: ignore[operator]


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapped_each(value: JsonValue, mapping: Mapping[str, str]) -> JsonValue:
    if not isinstance(value, list):
        return _mapped(value, mapping)
    if len(value) * len(mapping) > OUTPUT_VALUES:
        raise TransformFailed(TOO_LARGE)
    return [_mapped(item, mapping) for item in value]


def _mapped(value: JsonValue, mapping: Mapping[str, str]) -> JsonObject:
    return {key: _at(value, path) for key, path in mapping.items()}


def _require_short(value: JsonValue) -> None:
    if isinstance(value, list) and len(value) > LIST_AT_MOST:
        raise TransformFailed(f"The list has {len(value)} elements; a transform takes at most {LIST_AT_MOST}.")


def _require_small(value: JsonValue) -> None:
    """Refuse what is too large to be kept with a run; without recursion, and no further than the limit."""
    values, characters = 1, 0
    waiting: list[tuple[JsonValue, int]] = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, dict | list):
            values += len(each)
        elif isinstance(each, str):
            characters += len(each)
        if values > OUTPUT_VALUES or characters > OUTPUT_CHARACTERS or depth > OUTPUT_DEPTH:
            raise TransformFailed(TOO_LARGE)
        if isinstance(each, dict):
            characters += sum(map(len, each))
            waiting += [(inner, depth + 1) for inner in each.values()]
        elif isinstance(each, list):
            waiting += [(inner, depth + 1) for inner in each]
