"""A model's answer: what is read out of it, what is refused, and that nothing but text comes through."""

import json

import pytest

from app.intelligence.answer import LINK_REMOVED, parse, plain
from app.intelligence.types import (
    Analysis,
    AskFailed,
    Completion,
    Ending,
    Fault,
    RecommendationPriority,
    RecommendationType,
    Usage,
)

GOOD = {
    "summary": "The disk is full.",
    "probable_cause": "Logs are not rotated.",
    "confidence": 0.8,
    "recommendations": [
        {"type": "disk", "priority": "high", "title": "Rotate", "description": "Rotate the logs.", "actions": ["look"]}
    ],
}
TEXT = json.dumps(GOOD)


def read(text: str, ending: Ending = Ending.COMPLETE) -> Analysis:
    return parse(Completion(text, "m", Usage(1, 2, 3), ending), incident_id=7)


def refused(text: str, ending: Ending = Ending.COMPLETE) -> AskFailed:
    with pytest.raises(AskFailed) as failed:
        read(text, ending)
    assert failed.value.permanent, "the same question would be paid for again"
    assert failed.value.usage == Usage(1, 2, 3)
    return failed.value


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"```\n{json.dumps(GOOD, indent=2)}\n```\nHope this helps!",
        f"Sure! Here is the analysis:\n\n{TEXT}\n\nLet me know.",
        f"I looked at {{the data}} and found: {TEXT}",
        f"\ufeff  {TEXT}",
        TEXT.replace("full.", 'full: \\"{\\" stands in the log.'),
    ],
    ids=["bare", "fenced", "fenced with prose", "in prose", "after braces", "with a mark", "with braces in a text"],
)
def test_json_is_found_wherever_it_stands(text: str) -> None:
    found = read(text)
    assert found.summary.startswith("The disk is full")
    assert (found.probable_cause, found.confidence) == ("Logs are not rotated.", 0.8)
    (first,) = found.recommendations
    assert (first.type, first.priority) == (RecommendationType.DISK, RecommendationPriority.HIGH)
    assert first.to_dict() == {
        "type": "disk", "priority": "high", "title": "Rotate", "description": "Rotate the logs.", "details": {},
        "actions": ["look"], "incident_id": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "   ", "The disk is full, rotate the logs.", "[]", "7", "{}", '{"x": 1}', TEXT[:60], "{" * 5000, "[" * 9000],
)
def test_what_holds_no_analysis_is_unreadable(text: str) -> None:
    assert refused(text).fault is Fault.UNREADABLE


def test_cut_and_refused_answers_are_no_analysis_even_with_json_in_them() -> None:
    assert refused(TEXT, Ending.CUT).fault is Fault.CUT
    assert refused(TEXT, Ending.REFUSED).fault is Fault.REFUSED


def test_words_and_numbers_that_are_not_ours_count_as_the_plain_ones() -> None:
    odd = {
        "summary": "x",
        "confidence": 80,
        "recommendations": [
            {"type": "Disk ", "priority": "urgent", "title": "a", "actions": "not a list"},
            {"type": 7, "priority": None, "description": "b", "actions": [1, "c", ""]},
            "text", None, {}, {"title": ""},
        ],
    }  # fmt: skip
    found = read(json.dumps(odd))
    assert found.confidence is None
    first, second = found.recommendations
    assert (first.type, first.priority, first.actions) == (RecommendationType.DISK, RecommendationPriority.MEDIUM, ())
    assert (second.type, second.title, second.actions) == (RecommendationType.GENERAL, "b", ("c",))


@pytest.mark.parametrize("confidence", [True, "0.5", -0.1, 1.01, None, []])
def test_a_confidence_that_is_none_is_left_out(confidence: object) -> None:
    assert read(json.dumps({**GOOD, "confidence": confidence})).confidence is None


def test_everything_is_bounded() -> None:
    actions = ["a" * 500] * 12
    one = {"type": "disk", "priority": "low", "title": "t" * 500, "description": "d" * 3000, "actions": actions}
    found = read(json.dumps({"summary": "s" * 9999, "recommendations": [one] * 12}))
    assert len(found.summary) <= 2000
    assert len(found.recommendations) == 10
    assert len(found.recommendations[0].title) <= 200
    assert len(found.recommendations[0].actions) == 10
    assert max(map(len, found.recommendations[0].actions)) <= 400


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("See https://evil.example.com/x?y=1 now", f"See {LINK_REMOVED} now"),
        ("![](http://evil.example.com/p.png)", f"![]({LINK_REMOVED})"),
        ("[a](javascript:alert(1))", f"[a]({LINK_REMOVED}))"),
        ("<https://evil.example.com|Acknowledge>", f"<{LINK_REMOVED}>"),
        ("go to www.evil.example.com", f"go to {LINK_REMOVED}"),
        ("a\x00b\u202ec\u200bd\x1b[31m", "abcd[31m"),
        ("line\nline\tx", "line\nline\tx"),
        ("the key is sk-abcdefghijklmnopqrst", "the key is ***"),
        ("ratio is 3:1, at 10:30", "ratio is 3:1, at 10:30"),
    ],
)
def test_what_a_model_says_is_shown_as_text_alone(said: str, shown: str) -> None:
    assert plain(said) == shown
