"""Sets of instants as half-open spans in order: what is decided, when somebody is there, when a schedule is in use."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

Span: TypeAlias = tuple[datetime, datetime]

# Before any duty; a zone's clocks can still be asked about it.
BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)


class Spans:
    """Instants, kept as spans that neither overlap nor touch: touching ones are joined."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            elif start < end:
                self._starts.append(start)
                self._ends.append(end)

    def __iter__(self) -> Iterator[Span]:
        """The spans in order."""
        return zip(self._starts, self._ends, strict=True)

    def take(self, start: datetime, end: datetime) -> list[Span]:
        """Add [start, end); returns the pieces of it that are new, in order."""
        if start >= end:
            return []
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        fresh = []
        reached = start
        for begin, finish in zip(self._starts[first:last], self._ends[first:last], strict=True):
            if reached < begin:
                fresh.append((reached, begin))
            reached = finish
        if reached < end:
            fresh.append((reached, end))
        if first < last:
            start, end = min(start, self._starts[first]), max(end, reached)
        self._starts[first:last], self._ends[first:last] = [start], [end]
        return fresh

    def within(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The pieces of [start, end) that are in the set, in order."""
        if start < end:
            for index in range(bisect_right(self._ends, start), bisect_left(self._starts, end)):
                yield max(start, self._starts[index]), min(end, self._ends[index])

    def complement(self) -> "Spans":
        """Every instant that is not in the set."""
        return Spans(zip([BEGINNING, *self._ends], [*self._starts, FOREVER], strict=True))
