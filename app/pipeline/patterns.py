"""Patterns of a transform's `matches`: regular expressions whose work is bounded by construction.

Python's own engine tries one way after another and may take years over thirty letters, inside one call that nothing
can stop. This one follows all ways at once, letter by letter, so it costs at most letters times pattern, and counts
its steps. It knows what such patterns need: letters, `.`, `[a-z]`, `\\d \\w \\s`, `( )`, `|`, `* + ?`, `{2,5}`, `^ $`.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

LENGTH_AT_MOST = 200
PROGRAM_AT_MOST = 1000
DEPTH_AT_MOST = 20
REPEATS_AT_MOST = 100
RANGES_AT_MOST = 30

Fits: TypeAlias = Callable[[str], bool]
# What a pattern is read into: ("char", fits), ("start",), ("end",), ("all", parts), ("any", ways),
# ("repeat", part, least, most or None).
_Part: TypeAlias = tuple[Any, ...]

_DIGITS = frozenset(string.digits)
_WORD = frozenset(string.ascii_letters + string.digits + "_")
_SPACES = frozenset(string.whitespace)
_CLASSES: dict[str, Fits] = {
    "d": _DIGITS.__contains__,
    "w": _WORD.__contains__,
    "s": _SPACES.__contains__,
    "D": lambda letter: letter not in _DIGITS,
    "W": lambda letter: letter not in _WORD,
    "S": lambda letter: letter not in _SPACES,
}
_SPECIAL = {"n": "\n", "t": "\t", "r": "\r"}
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class PatternWrong(Exception):
    """The pattern cannot be read; the message says where and why."""


class OutOfSteps(Exception):
    """Matching would take longer than it may."""


class Steps:
    """How much work is left, over everything that one transform matches."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, number: int) -> None:
        """Count work. Raises OutOfSteps."""
        self._left -= number
        if self._left < 0:
            raise OutOfSteps


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern ready to be looked for: its letters, and from each place the places that need no letter."""

    program: tuple[_Part, ...]

    def is_in(self, text: str, steps: Steps) -> bool:
        """Whether the pattern is found anywhere in the text. Raises OutOfSteps."""
        alive: set[int] = set()
        for at in range(len(text) + 1):
            alive.add(0)
            places, is_found = self._reached(alive, is_start=at == 0, is_end=at == len(text), steps=steps)
            if is_found:
                return True
            if at < len(text):
                alive = {place + 1 for place in places if self.program[place][1](text[at])}
        return False

    def _reached(self, alive: set[int], *, is_start: bool, is_end: bool, steps: Steps) -> tuple[list[int], bool]:
        """The letters that may come next, and whether the pattern is complete."""
        waiting, seen, letters = list(alive), set(alive), []
        while waiting:
            place = waiting.pop()
            steps.take(1)
            step = self.program[place]
            if step[0] == "done":
                return [], True
            if step[0] == "char":
                letters.append(place)
                continue
            blocked = (step[0] == "start" and not is_start) or (step[0] == "end" and not is_end)
            further = () if blocked else step[1] if step[0] == "jump" else (place + 1,)
            for target in further:
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return letters, False


def compiled(pattern: str) -> Pattern:
    """The pattern, ready. Raises PatternWrong."""
    if len(pattern) > LENGTH_AT_MOST:
        raise PatternWrong(f"is longer than {LENGTH_AT_MOST} characters")
    program: list[_Part] = []
    _write(_Reader(pattern).whole(), program)
    program.append(("done",))
    return Pattern(tuple(program))


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def whole(self) -> _Part:
        """The pattern in parts. Raises PatternWrong."""
        part = self._ways()
        if self._at < len(self._pattern):
            raise self._wrong("closes a bracket that was not opened")
        return part

    def _ways(self) -> _Part:
        ways = [self._sequence()]
        while self._takes("|"):
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else ("any", ways)

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return ("all", parts)

    def _atom(self) -> _Part:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            return ("char", self._set())
        if letter == "\\":
            return ("char", self._escaped())
        if letter in "*+?{":
            raise self._wrong("repeats nothing")
        if letter == ".":
            return ("char", lambda found: found != "\n")
        return {"^": ("start",), "$": ("end",)}.get(letter, ("char", letter.__eq__))

    def _group(self) -> _Part:
        self._depth += 1
        if self._depth > DEPTH_AT_MOST:
            raise self._wrong(f"has more than {DEPTH_AT_MOST} brackets in each other")
        if self._takes("?") and not self._takes(":"):
            raise self._wrong("has a kind of bracket that is not known here; (…) and (?:…) are")
        part = self._ways()
        if not self._takes(")"):
            raise self._wrong("opens a bracket and does not close it")
        self._depth -= 1
        return part

    def _repeated(self, part: _Part) -> _Part:
        letter = self._pattern[self._at : self._at + 1]
        if letter in _REPEATS and letter:
            self._at += 1
            least, most = _REPEATS[letter]
        elif letter == "{":
            least, most = self._counts()
        else:
            return part
        if self._pattern[self._at : self._at + 1] in ("*", "+", "?", "{"):
            raise self._wrong("repeats a repetition")
        return ("repeat", part, least, most)

    def _counts(self) -> tuple[int, int | None]:
        end = self._pattern.find("}", self._at)
        inside = self._pattern[self._at + 1 : end] if end > 0 else ""
        low, comma, high = inside.partition(",")
        if not _is_count(low) or not (high == "" or _is_count(high)):
            raise self._wrong(f"repeats as in {{2}}, {{2,}} or {{2,5}}, at most {REPEATS_AT_MOST} times")
        self._at = end + 1
        least = int(low)
        most = int(high) if high else None if comma else least
        if most is not None and most < least:
            raise self._wrong("repeats at most fewer times than at least")
        return least, most

    def _set(self) -> Fits:
        is_negative = self._takes("^")
        fits: list[Fits] = []
        while not fits or not self._takes("]"):
            fits.append(self._range())
        if len(fits) > RANGES_AT_MOST:
            raise self._wrong(f"has more than {RANGES_AT_MOST} letters and ranges in one […]")
        return lambda letter: any(each(letter) for each in fits) is not is_negative

    def _range(self) -> Fits:
        low = self._next()
        if low == "\\":
            return self._escaped()
        rest = self._pattern[self._at : self._at + 2]
        if len(rest) < 2 or rest[0] != "-" or rest[1] == "]":
            return low.__eq__
        self._at += 1
        high = self._next()
        if high == "\\" or high < low:
            raise self._wrong("has a range that runs backwards")
        return lambda letter: low <= letter <= high

    def _escaped(self) -> Fits:
        letter = self._next()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter in _SPECIAL:
            return _SPECIAL[letter].__eq__
        if letter.isalnum():
            raise self._wrong(f"has \\{letter}, which is not known here")
        return letter.__eq__

    def _takes(self, letter: str) -> bool:
        is_there = self._pattern.startswith(letter, self._at)
        self._at += is_there
        return is_there

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise self._wrong("ends in the middle")
        self._at += 1
        return self._pattern[self._at - 1]

    def _wrong(self, why: str) -> PatternWrong:
        return PatternWrong(f"{why} (at character {min(self._at + 1, len(self._pattern))})")


def _is_count(digits: str) -> bool:
    return digits.isascii() and digits.isdecimal() and len(digits) <= 3 and int(digits) <= REPEATS_AT_MOST


def _write(part: _Part, program: list[_Part]) -> None:
    """Append a part as steps: letters, anchors, and jumps to one of several places. Raises PatternWrong.

    Even an empty part is a step, so that repeating it has an end.
    """
    if len(program) > PROGRAM_AT_MOST:
        raise PatternWrong("says too much; use fewer repetitions")
    if part == ("all", []) or part[2:] == (0, 0):
        program.append(("jump", (len(program) + 1,)))
    elif part[0] == "all":
        for each in part[1]:
            _write(each, program)
    elif part[0] == "any":
        _write_ways(part[1], program)
    elif part[0] == "repeat":
        _write_repeat(part[1], part[2], part[3], program)
    else:
        program.append(part)


def _write_ways(ways: list[_Part], program: list[_Part]) -> None:
    fork = len(program)
    program.append(("jump", ()))
    begins, ends = [], []
    for way in ways:
        begins.append(len(program))
        _write(way, program)
        ends.append(len(program))
        program.append(("jump", ()))
    program[fork] = ("jump", tuple(begins))
    for end in ends:
        program[end] = ("jump", (len(program),))


def _write_repeat(part: _Part, least: int, most: int | None, program: list[_Part]) -> None:
    for _ in range(least):
        _write(part, program)
    if most is None:
        fork = len(program)
        program.append(("jump", ()))
        _write(part, program)
        program.append(("jump", (fork,)))
        program[fork] = ("jump", (fork + 1, len(program)))
        return
    forks = []
    for _ in range(most - least):
        forks.append(len(program))
        program.append(("jump", ()))
        _write(part, program)
    for fork in forks:
        program[fork] = ("jump", (fork + 1, len(program)))
