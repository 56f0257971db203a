"""How much one incident is like another, in [0, 1]. Values only: what monitoring tools said, compared word by word."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

# An identity that the source itself gives to a problem outweighs everything else.
SAME_GROUP = 0.95
LIKE_ENOUGH = 0.35
_WEIGHTS = {"names": 0.5, "labels": 0.2, "words": 0.2, "source": 0.1}
_WORD = re.compile(r"[a-z]{3,}|[a-z]+[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Features:
    """What is compared of an incident; `labels` are pairs of name and value."""

    source_id: int | None
    group_key: str
    title: str
    alert_names: Set[str] = frozenset()
    labels: Set[tuple[str, str]] = frozenset()


def likeness(one: Features, other: Features) -> float:
    """1 for the same in every respect, 0 for nothing in common; what neither of them has does not count."""
    is_by_hand = one.source_id is None and other.source_id is None
    is_same_source = not is_by_hand and one.source_id == other.source_id
    shares = {
        "names": _overlap(one.alert_names, other.alert_names),
        "labels": _overlap(one.labels, other.labels),
        "words": _overlap(_words(one.title), _words(other.title)),
        "source": None if is_by_hand else float(is_same_source),
    }
    known = {part: share for part, share in shares.items() if share is not None}
    score = sum(_WEIGHTS[part] * share for part, share in known.items()) / sum(_WEIGHTS[part] for part in known)
    if is_same_source and one.group_key == other.group_key:
        score = SAME_GROUP + (1 - SAME_GROUP) * score
    return round(score, 3)


def pairs(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Labels as they are compared."""
    return frozenset(labels.items())


def _overlap(one: Set[object], other: Set[object]) -> float | None:
    union = one | other
    return len(one & other) / len(union) if union else None


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
