"""Patterns mean what they mean in Python, and their work has an end."""

import random
import re

import pytest

from app.pipeline.patterns import OutOfSteps, PatternWrong, Steps, compiled


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text."""
    return compiled(pattern).is_in(text, Steps(100_000))


@pytest.mark.parametrize(
    "pattern",
    ["", "a", "^a", "a$", "^a*$", "^$", "a|b|", "(ab)+c?", "(?:a|b){2}", "^(a|b){1,2}$", "[a-c]+", "[^a]", "[]a]",
     "[a-]", "a.c", r"\d\D", r"\w+\s\w", r"\.", "(a*)*b", "(a|a)*$", "a{2,}", "(){3}a",
     "(a{0}){3}b", "[b-b]$", r"^[\d.]+$"],
)  # fmt: skip
def test_a_pattern_finds_what_python_finds(pattern: str) -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choices("abc.1 ]-\n", k=chance.randint(0, 7))) for _ in range(60)]
    # Python's `$` also takes a last line break as the end; ours does not.
    strict = pattern.replace("$", r"\Z")
    for text in texts:
        assert found(pattern, text) is (re.search(strict, text) is not None), text


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a(b", "does not close it"),
        ("a)", "was not opened"),
        ("[ab", "ends in the middle"),
        ("*a", "repeats nothing"),
        ("a**", "repeats a repetition"),
        ("a{3,1}", "fewer times"),
        ("a{1000}", "at most 100"),
        ("a{x}", "repeats as in"),
        (r"(a)\1", "not known here"),
        (r"\bword", "not known here"),
        ("(?=a)", "kind of bracket"),
        ("(?P<n>a)", "kind of bracket"),
        ("[z-a]", "backwards"),
        ("(" * 30 + ")" * 30, "in each other"),
        ("((((a{9}){9}){9}){9})", "says too much"),
        ("((((){99}){99}){99}){99}", "says too much"),
        ("[" + "ab" * 20 + "]", "letters and ranges"),
        ("x" * 201, "longer than 200"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(PatternWrong, match=re.escape(why)):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|aa)*b", "(a*)*b", "(.*)*x", "(?:a?){50}a{50}b"])
def test_hostile_patterns_cost_letters_times_pattern(pattern: str) -> None:
    assert not compiled(pattern).is_in("a" * 40 + "!", Steps(20_000))


def test_work_beyond_the_steps_is_given_up() -> None:
    with pytest.raises(OutOfSteps):
        compiled("(a|b)*c").is_in("ab" * 1000, Steps(1000))
