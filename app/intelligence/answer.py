"""Reads a model's answer: JSON, bare, fenced or with prose around it, against the schema of the prompt.

What comes out is text for people: no links, no control characters, bounded in every direction (F-114).
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from app.intelligence.types import (
    Analysis,
    AskFailed,
    Completion,
    Ending,
    Fault,
    Recommendation,
    RecommendationPriority,
    RecommendationType,
)
from app.platform import strictjson
from app.platform.redact import redact_text
from app.platform.types import JsonObject, JsonValue

E = TypeVar("E", bound=StrEnum)

READ_LIMIT = 131072
TEXT_LIMIT = 2000
TITLE_LIMIT = 200
RECOMMENDATIONS_LIMIT = 10
ACTIONS_LIMIT = 10
OBJECTS_TRIED = 8
LINK_REMOVED = "[link removed]"

_FENCED = re.compile(r"```[A-Za-z0-9]*[ \t]*\r?\n(.*?)```", re.DOTALL)
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,20}://[^\s<>\"')\]]*|\b(?:www\.|mailto:|javascript:|data:)[^\s<>\"')\]]+", re.IGNORECASE
)
# Everything that is not seen or turns the direction of text, but for the line break and the tab.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_TURN = re.compile(r'[{}"\\]')


def parse(completion: Completion, *, incident_id: int | None = None) -> Analysis:
    """The analysis that a completion holds. Raises AskFailed where it was refused, cut, or holds none."""
    usage = completion.usage
    if completion.ending is Ending.REFUSED:
        raise AskFailed(Fault.REFUSED, "the model refused to answer", usage=usage)
    if completion.ending is Ending.CUT:
        raise AskFailed(Fault.CUT, "the answer was cut at the limit of tokens; raise max_tokens", usage=usage)
    found = next(_objects(completion.text[:READ_LIMIT]), None)
    if found is None:
        what = "answered without the JSON it was asked for" if completion.text.strip() else "said nothing"
        raise AskFailed(Fault.UNREADABLE, f"the model {what}", usage=usage)
    return _analysis(found, incident_id)


def plain(value: JsonValue, limit: int = TEXT_LIMIT) -> str:
    """Somebody else's text as it may be shown: no links, nothing unseen, no secrets, at most `limit` characters."""
    if not isinstance(value, str):
        return ""
    text = redact_text(_LINK.sub(LINK_REMOVED, _UNSEEN.sub("", value[: 4 * limit]))).strip()
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _objects(text: str) -> Iterator[JsonObject]:
    """Every object in the text that is an analysis: the whole of it, what is fenced, what stands in prose."""
    fenced = [found[1] for found in _FENCED.finditer(text)][:OBJECTS_TRIED]
    for candidate in [text, *fenced, *_balanced(text)]:
        try:
            value = strictjson.loads_text(candidate)
        except strictjson.MalformedJson:
            continue
        if isinstance(value, dict) and (plain(value.get("summary")) or _list(value.get("recommendations"))):
            yield value


def _balanced(text: str) -> Iterator[str]:
    """The first stretches of text that begin with a brace and end with the one that closes it."""
    position = 0
    for _ in range(OBJECTS_TRIED):
        start = text.find("{", position)
        if start < 0:
            return
        end = _end_of_object(text, start)
        if end is not None:
            yield text[start:end]
        position = start + 1 if end is None else end


def _end_of_object(text: str, start: int) -> int | None:
    depth, is_quoted, skip = 0, False, -1
    for turn in _TURN.finditer(text, start):
        mark, place = turn[0], turn.start()
        if place == skip:
            continue
        if mark == "\\":
            skip = place + 1
        elif mark == '"':
            is_quoted = not is_quoted
        elif not is_quoted:
            depth += 1 if mark == "{" else -1
            if depth == 0:
                return place + 1
            if depth > strictjson.MAX_DEPTH:
                return None
    return None


def _analysis(found: JsonObject, incident_id: int | None) -> Analysis:
    read = [_recommendation(each, incident_id) for each in _list(found.get("recommendations"))]
    return Analysis(
        summary=plain(found.get("summary")),
        probable_cause=plain(found.get("probable_cause")),
        confidence=_confidence(found.get("confidence")),
        recommendations=tuple(each for each in read if each is not None)[:RECOMMENDATIONS_LIMIT],
    )


def _recommendation(value: JsonValue, incident_id: int | None) -> Recommendation | None:
    """One recommendation; None for what says nothing. Words that we do not know count as the plain ones."""
    if not isinstance(value, dict) or not (plain(value.get("title")) or plain(value.get("description"))):
        return None
    description = plain(value.get("description"))
    actions = [plain(each, TITLE_LIMIT * 2) for each in _list(value.get("actions"))[:ACTIONS_LIMIT]]
    return Recommendation(
        type=_member(RecommendationType, value.get("type"), RecommendationType.GENERAL),
        priority=_member(RecommendationPriority, value.get("priority"), RecommendationPriority.MEDIUM),
        title=plain(value.get("title"), TITLE_LIMIT) or plain(description, TITLE_LIMIT),
        description=description,
        actions=tuple(each for each in actions if each),
        incident_id=incident_id,
    )


def _member(kind: type[E], word: JsonValue, otherwise: E) -> E:
    known = {member.value: member for member in kind}
    return known.get(word.strip().lower(), otherwise) if isinstance(word, str) else otherwise


def _confidence(value: JsonValue) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None  # type: ignore[arg-type, operator]


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
