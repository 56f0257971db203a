"""The strict parser takes what JSON is, refuses the rest in a sentence, and never raises anything else."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from app.platform.strictjson import MAX_DEPTH, MalformedJson, loads, loads_text

KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS, children, max_size=4),
    max_leaves=20,
)


def refusal(body: bytes) -> MalformedJson:
    with pytest.raises(MalformedJson) as caught:
        loads(body)
    assert caught.value.status == 400
    return caught.value


def storable(value: Any) -> Any:
    """The value as PostgreSQL and UTF-8 could keep it."""
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in value if c != "\0")
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


@settings(deadline=None)
@given(JSON_VALUES, st.booleans())
def test_every_plain_value_comes_back_as_it_was(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert loads(body) == storable(json.loads(body))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_or_a_refusal(body: bytes) -> None:
    with suppress(MalformedJson):
        json.dumps(loads(body), allow_nan=False).encode()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='[]{}",:\\ua0D8nNI1-eE.\x00 ', max_size=400))
def test_any_soup_of_json_characters_is_a_value_or_a_refusal(text: str) -> None:
    try:
        value = loads(text.encode())
    except MalformedJson:
        return
    json.dumps(value, allow_nan=False).encode()
    assert value == json.loads(text) or "\\u" in text


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=MAX_DEPTH), st.booleans())
def test_depth_up_to_the_limit_is_read(depth: int, brackets_in_strings: bool) -> None:
    inner = '"[[{\\\\\\"[["' if brackets_in_strings else "1"
    loads(f"{'[' * depth}{inner}{']' * depth}".encode())


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_500, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_depth_beyond_the_limit_is_refused_without_recursion(depth: int, opening: str, closing: str) -> None:
    assert "levels deep" in refusal((opening * depth + "1" + closing * depth).encode()).message
    assert "levels deep" in refusal((opening * depth).encode()).message


def test_many_shallow_brackets_are_not_depth() -> None:
    assert loads(b"[" + b",".join([b'{"a\\\\":["[[[[[[[["]}'] * 500) + b"]") == [{"a\\": ["[[[[[[[["]}] * 500


@pytest.mark.parametrize(
    ("body", "path", "says"),
    [
        (b"", "", "empty"),
        (b" \n\t", "", "empty"),
        (b"{", "line 1, column 2", "not valid JSON"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6", "not valid JSON"),
        (b"{} {}", "line 1, column 4", "not valid JSON"),
        (b'{"a": NaN}', "", "NaN is not a JSON value"),
        (b"[-Infinity]", "", "-Infinity is not a JSON value"),
        (b"[1e999]", "", "too large"),
        (b'{"a": 1, "b": 2, "a": 3}', "a", "twice"),
        (b'{"x": {"k\\u0000": 1, "k": 2}}', "k", "twice"),
        (b"1" * 4301, "", "4300 digits"),
        (b"0." + b"1" * 4301, "", "4300 digits"),
        (b'"a\x00b"', "line 1, column 3", "control character"),
        (b'\xff\xfe{\x00}\x00', "byte 0", "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "byte 7", "not UTF-8"),
        ("{}".encode("utf-16-be"), "line 1, column 1", "not valid JSON"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_with_its_place(body: bytes, path: str, says: str) -> None:
    error = refusal(body)
    assert says in error.message
    assert error.errors[0].path == path
    assert error.errors[0].message == error.message


def test_nul_and_lone_surrogates_do_not_survive_in_strings_or_keys() -> None:
    assert loads(b'{"a\\u0000b": ["x\\u0000", "\\ud83d", "\\uDE00\\ud83d"]}') == {"ab": ["x", "\ufffd", "\ufffd\ufffd"]}
    assert loads(b'["\\ud83d\\ude00", "\\ud83d\\u0000\\ude00"]') == ["\U0001f600", "\ufffd\ufffd"]
    assert loads(b'["\\\\u0000 \\\\ud83d"]') == ["\\u0000 \\ud83d"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_numbers_keep_their_kind() -> None:
    value = loads(b"[5615590933959184469, 0.5, 1e2, -0, 1E-400]")
    assert value == [5615590933959184469, 0.5, 100.0, 0, 0.0]
    assert isinstance(value, list)
    assert isinstance(value[2], float)
    assert len(str(loads(b"9" * 4300))) == 4300
    assert not math.isinf(1e2)


def test_text_from_inside_another_body_is_read_alike() -> None:
    assert loads_text('{"a": "ü"}') == {"a": "ü"}
    with pytest.raises(MalformedJson):
        loads_text("Disk is full on legacy host")
