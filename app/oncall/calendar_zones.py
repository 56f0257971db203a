"""Time zones as calendars name them: by their real names, by Windows' names, or written out in the calendar itself.

What a calendar writes out counts for that calendar only, and is worked out for the window that is read.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from icalendar.prop import vUTCOffset
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app.oncall.content_lines import Block
from app.oncall.recurrence import Steps, occurrences, parts_of, rule_of
from app.platform.zones import instant_of, zone_names

DAY = timedelta(days=1)
# The rule in force when the window begins came true within the year before, and some are slow.
BEFORE = timedelta(days=800)


EARLIEST = datetime(1000, 1, 1)  # noqa: DTZ001  by no zone's clocks in particular


class Zone(Protocol):
    """Turns naive local times into instants and back."""

    def instant_of(self, local: datetime) -> datetime:
        """The instant at which clocks show this time."""
        ...

    def shown_at(self, instant: datetime) -> datetime:
        """What clocks show at the instant, naive."""
        ...


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone that everybody knows."""

    zone: ZoneInfo

    def instant_of(self, local: datetime) -> datetime:
        """The first such instant; where the clocks jumped over the time, the first one after the jump (B18)."""
        return instant_of(local, self.zone)

    def shown_at(self, instant: datetime) -> datetime:
        """What clocks show at the instant, naive."""
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)


@dataclass(frozen=True, slots=True)
class WrittenZone:
    """A zone that a calendar writes out: from each of `onsets` on its offset counts, and `first` before them."""

    onsets: tuple[datetime, ...]
    offsets: tuple[timedelta, ...]
    first: timedelta

    def instant_of(self, local: datetime) -> datetime:
        """The instant by the offset before a change of the clocks, if that shows this time; else by the one after."""
        guess = local.replace(tzinfo=UTC)
        earlier = guess - self._offset(guess - DAY)
        return earlier if self.shown_at(earlier) == local else guess - self._offset(guess + DAY)

    def shown_at(self, instant: datetime) -> datetime:
        """What clocks show at the instant, naive."""
        return (instant + self._offset(instant)).replace(tzinfo=None)

    def _offset(self, instant: datetime) -> timedelta:
        at = bisect_right(self.onsets, instant)
        return self.offsets[at - 1] if at else self.first


def named_zone(tzid: str) -> NamedZone | None:
    """The zone of this name: of the time zone database, of Windows, or with a program's own prefix; else None."""
    words = tzid.strip().strip("/").split("/")
    for first in range(len(words)):
        name = "/".join(words[first:])
        name = WINDOWS_TO_OLSON.get(name, name)
        if name in zone_names():
            return NamedZone(ZoneInfo(name))
    return None


def written_zone(block: Block, *, since: datetime, until: datetime, steps: Steps) -> WrittenZone:
    """The zone that a VTIMEZONE writes out, good between two naive times. Raises ValueError where it is broken."""
    changes = sorted(
        change
        for part in block.blocks
        if part.name in ("STANDARD", "DAYLIGHT")
        for change in _changes(part, since - BEFORE, until + DAY, steps)
    )
    if not changes:
        raise ValueError("a time zone without any offset")
    return WrittenZone(
        tuple(onset for onset, _, _ in changes), tuple(after for _, after, _ in changes), first=changes[0][2]
    )


def _changes(
    part: Block, since: datetime, until: datetime, steps: Steps
) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """The instants from which this part of a zone counts, each with the offset after and before it."""
    before, after = (vUTCOffset.from_ical(part.value(name)) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
    start = _local(part.value("DTSTART"))
    for local in {start, *_repeated(part, start, since, until, steps)}:
        if EARLIEST < local < until:
            yield (local - before).replace(tzinfo=UTC), after, before


def _repeated(part: Block, start: datetime, since: datetime, until: datetime, steps: Steps) -> Iterable[datetime]:
    for rule in part.every("RRULE"):
        parts = parts_of(rule.value)
        # Strictly UNTIL is in UTC here; the few hours decide nothing, for clocks change twice a year.
        last = _local(parts["UNTIL"]) + DAY if "UNTIL" in parts else until
        yield from occurrences(rule_of(parts, start), start, since=since, until=min(last, until), steps=steps)
    for date in part.every("RDATE"):
        for value in date.value.split(","):
            steps.take()
            yield _local(value)


def _local(value: str) -> datetime:
    written = value.strip()[:15]
    # By the clocks of the zone itself; a day alone begins at its midnight.
    return datetime.strptime(written, "%Y%m%dT%H%M%S" if "T" in written else "%Y%m%d")  # noqa: DTZ007
