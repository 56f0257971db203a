"""Schedules made up from a seed: everything that decides who is on call, crowded around one moment in one zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TypeVar

from app.oncall.resolver import Duty
from app.oncall.types import Absence, Activity, Cadence, Interval, Rotation, RotationPlan, Window
from tests.support.oracle import EPOCH, FIRST_YEAR, LAST_YEAR, instant, minute_of, wall_clock

T = TypeVar("T")

SCHEDULE_ID = 7
USERS = (1, 2, 3, 4, 5)
LONG_AGO = datetime(2001, 1, 1, tzinfo=EPOCH.tzinfo)
DAY = 24 * 60
FIRST, LAST = (minute_of(datetime(year, 1, 1, tzinfo=EPOCH.tzinfo)) for year in (FIRST_YEAR, LAST_YEAR + 1))
CUSTOM_HOURS = (1, 2, 3, 5, 6, 7, 8, 11, 12, 12, 13, 23, 24, 25, 36, 48, 100, 168, 336)
# Hours in which some zone sets its clocks, and one in which none does.
HANDOFF_HOURS = (0, 0, 1, 1, 2, 2, 3, 4, 9, 23)
HANDOFF_MINUTES = (0, 0, 0, 15, 30, 30, 45, 59)
EVERYBODY = tuple(Activity(user_id, LONG_AGO, None) for user_id in USERS)
ALWAYS = (Interval(LONG_AGO, None),)


@dataclass(frozen=True, slots=True)
class Case:
    """One schedule and the window in which it is looked at, in minutes."""

    zone: str
    seed: int
    duty: Duty
    start: int
    end: int


def made_up(zone: str, seed: int) -> Case:
    """The case of this seed, the same one for ever; its rotation hands off in this zone, in one of the years looked at.

    Half of them are at a time at which the clocks of the zone are set, where it has such times.
    """
    return _Maker(zone, seed).case()


class _Maker:
    def __init__(self, zone: str, seed: int) -> None:
        self._zone = zone
        self._seed = seed
        self._chance = Random(seed)
        clock = wall_clock(zone)
        jumps = [jump for jump in clock.jumps if FIRST <= jump < LAST]
        self._focus = self._pick(jumps) if jumps and self._happens(0.5) else self._between(FIRST, LAST)
        self._handoff = time(self._pick(HANDOFF_HOURS), self._pick(HANDOFF_MINUTES))
        self._cadence = self._pick((Cadence.DAILY, Cadence.DAILY, Cadence.CUSTOM, Cadence.CUSTOM, Cadence.WEEKLY))
        self._hours = self._pick(CUSTOM_HOURS)
        # A turn in minutes, and minutes at which a lot happens.
        self._turn = {Cadence.DAILY: DAY, Cadence.WEEKLY: 7 * DAY, Cadence.CUSTOM: self._hours * 60}[self._cadence]
        local = self._focus + clock.offset_at(self._focus)
        handoff = self._focus - local % DAY + self._handoff.hour * 60 + self._handoff.minute
        self._marks = (self._focus, handoff, handoff + self._turn, handoff - DAY)

    def case(self) -> Case:
        """All of it."""
        start = self._near() if self._happens(0.2) else self._focus - self._below(2 * self._turn)
        end = start + 1 + self._below(3 * self._turn)
        duty = Duty(
            SCHEDULE_ID,
            entries=self._windows(self._pick((0, 0, 1, 2))),
            overrides=self._windows(self._pick((0, 0, 1, 2, 4))),
            activity=self._activity(),
            rotations=self._rotations(),
            in_use=self._in_use(),
            absences=[self._absence(number) for number in range(self._pick((0, 0, 1, 3)))],
        )
        return Case(self._zone, self._seed, duty, start, end)

    def _windows(self, count: int) -> list[Window]:
        return [self._window(number) for number in range(1, count + 1)]

    def _window(self, number: int) -> Window:
        start, end = self._span()
        voided_at = instant(self._between(start - 60, end + 60)) if self._happens(0.2) else None
        # Two may have been made in the same instant; then the one with the higher number is the newer.
        created_at = instant(self._focus - self._below(4) * DAY)
        return Window(number, SCHEDULE_ID, self._pick(USERS), instant(start), instant(end), "", created_at, voided_at)

    def _absence(self, number: int) -> Absence:
        start, end = self._span()
        return Absence(number, self._pick(USERS), instant(start), instant(end), "")

    def _activity(self) -> Sequence[Activity]:
        if self._happens(0.5):
            return EVERYBODY
        found: list[Activity] = []
        for user_id in USERS:
            if self._happens(0.5):
                found.append(Activity(user_id, LONG_AGO, None))
            else:
                left, back = self._span()
                found.append(Activity(user_id, LONG_AGO, instant(left)))
                if self._happens(0.7):
                    # Now and then they come back in the moment in which they left.
                    found.append(Activity(user_id, instant(left if self._happens(0.1) else back), None))
        return found

    def _in_use(self) -> Sequence[Interval]:
        if self._happens(0.8):
            return ALWAYS
        off, on = self._span()
        return (Interval(LONG_AGO, instant(off)), Interval(instant(on), None))[: self._pick((0, 1, 2, 2, 2))]

    def _rotations(self) -> list[Rotation]:
        first = Rotation(1, SCHEDULE_ID, 1, LONG_AGO, LONG_AGO, self._plan())
        if self._happens(0.7):
            return [first]
        later = [
            Rotation(version, SCHEDULE_ID, version, instant(self._near()), LONG_AGO, self._plan())
            for version in range(2, 3 + self._below(2))
        ]
        return [*later, first]

    def _plan(self) -> RotationPlan:
        return RotationPlan(
            timezone=self._zone,
            cadence=self._cadence,
            handoff_time=self._handoff,
            start_date=self._start_date(),
            member_ids=tuple(self._pick(USERS) for _ in range(self._pick((0, 1, 2, 3, 3, 4)))),
            handoff_weekday=self._pick((None, 0, 1, 2, 3, 4, 5, 6)),
            shift_length_hours=self._hours if self._cadence is Cadence.CUSTOM else None,
            skips_absent=self._happens(0.5),
        )

    def _start_date(self) -> date:
        today = date.fromordinal(EPOCH.date().toordinal() + self._focus // DAY)
        if self._happens(0.25):
            return today + timedelta(days=self._between(-3, 4))
        return today - timedelta(days=self._between(4, 4000))

    def _span(self) -> tuple[int, int]:
        start = self._near()
        return start, start + 1 + self._below(self._pick((30, DAY, 2 * self._turn)))

    def _near(self) -> int:
        if self._happens(0.4):
            return self._pick(self._marks) + self._pick((0, 0, 0, -1, 1))
        return self._focus + self._between(-2 * self._turn, 2 * self._turn)

    def _between(self, first: int, last: int) -> int:
        return first + self._below(last - first)

    def _below(self, limit: int) -> int:
        return int(self._chance.random() * limit)

    def _happens(self, how_often: float) -> bool:
        return self._chance.random() < how_often

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[self._below(len(choices))]
