"""Whether the resolver says of a schedule what the oracle says, as a whole and in parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from random import Random

from app.oncall.resolver import Duty, gaps, next_boundary, oncall_at, slots
from app.oncall.types import Slot
from tests.support.oracle import Oracle, instant, minute_of


class Fault(StrEnum):
    """What is wrong: nobody though somebody has it, two at once, or anything else than the definition says."""

    GAP = "gap"
    OVERLAP = "overlap"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, in words."""

    fault: Fault
    what: str


def faults(duty: Duty, start: int, end: int, *, seed: int) -> list[Finding]:
    """All that is wrong in [start, end), in minutes; instants in between are drawn from the seed."""
    oracle = Oracle(duty)
    first, last = instant(start), instant(end)
    found = slots(duty, first, last)
    findings = list(differences(oracle.slots(start, end), found))
    findings += _holes(found, first, last)
    chance = Random(seed)
    findings += _at(duty, oracle, found, _some_instant(chance, found, start, end))
    begin, finish = sorted(start + int(chance.random() * (end - start + 1)) for _ in range(2))
    if chance.random() < 0.5:
        findings += _next(duty, oracle, begin)
    elif begin < finish:
        findings += _part(duty, found, instant(begin), instant(finish))
    return findings


def differences(expected: list[Slot], found: list[Slot]) -> Iterator[Finding]:
    """Two at once, nobody where somebody is expected, and whatever else is not as expected."""
    for one, other in pairwise(found):
        if one.end_time > other.start_time:
            yield Finding(Fault.OVERLAP, f"{one} and {other}")
    if expected != found:
        for slot in expected:
            if not any(each.start_time <= slot.start_time < each.end_time for each in found):
                yield Finding(Fault.GAP, f"nobody from {slot.start_time}: {slot}")
        missing, others = (
            [each for each in expected if each not in found],
            [each for each in found if each not in expected],
        )
        yield Finding(Fault.MISMATCH, f"expected {missing}, found {others}")


def _holes(found: list[Slot], start: datetime, end: datetime) -> Iterator[Finding]:
    """Slots and gaps together are the window, once."""
    pieces = [(max(each.start_time, start), min(each.end_time, end)) for each in found]
    pieces = sorted([*pieces, *gaps(found, start, end)])
    bounds = [start, *(edge for piece in pieces for edge in piece), end]
    if any(one != other for one, other in zip(bounds[::2], bounds[1::2], strict=True)):
        yield Finding(Fault.MISMATCH, f"slots and gaps are not the window: {pieces}")


def _some_instant(chance: Random, found: list[Slot], start: int, end: int) -> datetime:
    """The first or last microsecond of a slot, or any instant of the window."""
    if found and chance.random() < 0.5:
        slot = found[int(chance.random() * len(found))]
        return slot.start_time if chance.random() < 0.5 else slot.end_time - datetime.resolution
    return instant(start + int(chance.random() * (end - start))) + timedelta(microseconds=int(chance.random() * 6e7))


def _at(duty: Duty, oracle: Oracle, found: list[Slot], at: datetime) -> Iterator[Finding]:
    slot, held = oncall_at(duty, at), oracle.at(minute_of(at))
    covering = [each for each in found if each.start_time <= at < each.end_time]
    if covering != ([slot] if slot else []):
        yield Finding(Fault.MISMATCH, f"at {at} it is {slot}, and by the list {covering}")
    if (slot and (slot.source, slot.user_id)) != (held and (held.source, held.user_id)):
        yield Finding(Fault.MISMATCH, f"at {at} it is {slot}, and should be {held}")


def _part(duty: Duty, found: list[Slot], begin: datetime, finish: datetime) -> Iterator[Finding]:
    whole = [each for each in found if each.start_time < finish and each.end_time > begin]
    if slots(duty, begin, finish) != whole:
        yield Finding(Fault.MISMATCH, f"slots are others when asked from {begin} to {finish}")


def _next(duty: Duty, oracle: Oracle, minute: int) -> Iterator[Finding]:
    found, expected = next_boundary(duty, instant(minute)), oracle.next_handoff(minute)
    if found != expected:
        yield Finding(Fault.MISMATCH, f"the next hand-off after {instant(minute)} is {found}, and should be {expected}")
