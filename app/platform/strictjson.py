"""The one JSON parser for bodies that come from outside; what it lets through, every database can store.

RFC 8259 without its loose ends: UTF-8 only, no duplicate keys, no NaN or Infinity (nor numbers that become
infinite), at most `max_depth` levels, no number of more than 4300 digits. U+0000 and lone surrogates, which
PostgreSQL and UTF-8 refuse, do not survive in any string or key.
"""

import json
import re
from itertools import accumulate
from math import isinf
from typing import Any, NoReturn

from app.platform.errors import FieldError, Malformed
from app.platform.types import JsonValue

MAX_DEPTH = 64
MAX_DIGITS = 4300

_STRUCTURE = b'"[]{}'
_NOT_STRUCTURE = bytes(code for code in range(256) if code not in _STRUCTURE)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATES = re.compile("[\ud800-\udfff]")


class MalformedJson(Malformed):
    """The body is not JSON as we take it; `errors` names the place."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.errors = [FieldError(path, message)]


def loads(body: bytes, *, max_depth: int = MAX_DEPTH) -> JsonValue:
    """The value that `body` (UTF-8, a byte order mark is skipped) spells. Raises MalformedJson and nothing else."""
    text = _text_of(body)
    # Fewer brackets than levels allowed is the normal case, and counting them costs next to nothing.
    if body.count(b"{") + body.count(b"[") > max_depth and _depth(body) > max_depth:
        raise MalformedJson("", f"The JSON is nested more than {max_depth} levels deep.")
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedJson(place, f"This is not valid JSON: {error.msg} at {place}.") from None
    except ValueError:
        # The interpreter's own limit on converting digits; its message is about Python, not about the body.
        raise MalformedJson("", f"A number has more than {MAX_DIGITS} digits.") from None
    # Only an escape can smuggle these in: raw ones are invalid JSON or invalid UTF-8.
    if "\\u0000" in text or "\\ud" in text or "\\uD" in text:
        value = _clean(value)
    return value


def loads_text(text: str, *, max_depth: int = MAX_DEPTH) -> JsonValue:
    """`loads` for JSON that came as a string inside another body. Raises MalformedJson."""
    return loads(text.encode("utf-8", "replace"), max_depth=max_depth)


def _text_of(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"byte {error.start}", "The body is not UTF-8 text.") from None
    if text.startswith("\ufeff"):
        text = text[1:]
    if not text or text.isspace():
        raise MalformedJson("", "The body is empty.")
    return text


def _depth(body: bytes) -> int:
    """How deep the brackets outside strings go, in one pass and without recursion.

    Where the JSON is broken the figure means nothing; up to the break it is right, and the decoder stops there.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    bare = body.translate(None, _NOT_STRUCTURE)
    # Two quotes in a row may go: whatever stands after them stays inside, or outside, a string as it was.
    outside = b"".join(bare.replace(b'""', b"").split(b'"')[::2])
    return max(accumulate(map(_STEP.__getitem__, outside)), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse_duplicate([key for key, _ in pairs])
    return found


def _refuse_duplicate(keys: list[str]) -> NoReturn:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            shown = _SURROGATES.sub("\ufffd", key.replace("\0", ""))[:80]
            raise MalformedJson(shown, f"The key {shown!r} is given twice in one object.")
        seen.add(key)
    raise AssertionError("no duplicate")  # pragma: no cover


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise MalformedJson("", f"A number has more than {MAX_DIGITS} digits.")
    number = float(digits)
    if isinf(number):
        raise MalformedJson("", "A number is too large.")
    return number


def _constant(word: str) -> NoReturn:
    raise MalformedJson("", f"{word} is not a JSON value.")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value).replace("\0", "")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return _object([(_clean(key), _clean(item)) for key, item in value.items()])
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
