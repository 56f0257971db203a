"""Quiet hours: when a page of low urgency may go to a person, by the clock on their wall (B6). Values only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.accounts.errors import invalid
from app.accounts.types import Urgency, User
from app.platform.zones import DAY, instant_of, shown, zone_of

FIELDS = ("quiet_from", "quiet_to", "digest_at")
# A digest that no day has within this many days does not exist.
DAYS_AHEAD = 3
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class Quiet:
    """A person's quiet hours [start, end) of every day, over midnight too, and when the digest of them leaves."""

    start: time
    end: time
    digest_at: time
    zone: ZoneInfo

    def covers(self, at: datetime) -> bool:
        """Whether the instant falls into quiet hours."""
        return _covers(self.start, self.end, shown(at, self.zone).time())

    def digest_after(self, at: datetime) -> datetime:
        """When the first digest leaves at or after an instant: always outside of quiet hours."""
        today = shown(at, self.zone).date()
        days = [datetime.combine(today + number * DAY, self.digest_at) for number in range(DAYS_AHEAD)]
        due = sorted(each for day in days for each in self._occurrences(day))
        return next(each for each in due if each >= at and not self.covers(each))

    def _occurrences(self, local: datetime) -> list[datetime]:
        """The instants of a local time: where the clocks are set back it comes twice."""
        again = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return [instant_of(local, self.zone), *([again] if shown(again, self.zone) == local else [])]


@dataclass(frozen=True, slots=True)
class PageTime:
    """When a page is due; `held_until` is the digest that it waits for, None where it waits for none."""

    due_at: datetime
    held_until: datetime | None = None


def quiet_of(user: User) -> Quiet | None:
    """The person's quiet hours, None where they have none."""
    if user.quiet_from is None or user.quiet_to is None:
        return None
    end = time.fromisoformat(user.quiet_to)
    digest_at = time.fromisoformat(user.digest_at) if user.digest_at else end
    return Quiet(time.fromisoformat(user.quiet_from), end, digest_at, zone_of(user.timezone))


def page_time(quiet: Quiet | None, urgency: Urgency, delay_minutes: int, now: datetime) -> PageTime:
    """When a page is due that is made now by a rule with this delay.

    A rule's delay counts from when the person is first told: in quiet hours that is when the digest leaves.
    """
    delay = timedelta(minutes=delay_minutes)
    if quiet is None or urgency is Urgency.HIGH:
        return PageTime(now + delay)
    if quiet.covers(now):
        due_at = quiet.digest_after(now) + delay
        held_until = quiet.digest_after(due_at) if quiet.covers(due_at) else due_at
        return PageTime(held_until, held_until)
    due_at = now + delay
    if quiet.covers(due_at):
        held_until = quiet.digest_after(due_at)
        return PageTime(held_until, held_until)
    return PageTime(due_at)


def check(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Quiet hours as they are stored, all three fields together. Raises Invalid naming the field."""
    checked = {name: (values.get(name) or "").strip() or None for name in FIELDS}
    for name, text in checked.items():
        if text is not None and not _TIME.fullmatch(text):
            raise invalid(name, "must be a time of day such as 22:00")
    start, end, digest_at = (checked[name] for name in FIELDS)
    if (start is None) != (end is None):
        raise invalid("quiet_to" if end is None else "quiet_from", "is needed too: quiet hours have two ends")
    if start is None or end is None:
        return {**checked, "digest_at": None}
    if start == end:
        raise invalid("quiet_to", "must differ from the start: quiet hours cannot last all day")
    if digest_at is not None and _covers(*(time.fromisoformat(text) for text in (start, end, digest_at))):
        raise invalid("digest_at", "must not lie within the quiet hours")
    return checked


def _covers(start: time, end: time, at: time) -> bool:
    return start <= at < end if start < end else at >= start or at < end
