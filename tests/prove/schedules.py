"""Who is on call, proven: schedules made up in every zone against the oracle, and hand-offs over twenty years."""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time as time_of_day, timedelta
from random import Random
from zoneinfo import available_timezones

from app.oncall.resolver import Duty, slots
from app.oncall.types import Activity, Cadence, RotationPlan, Window
from tests.support.duties import SCHEDULE_ID, USERS, made_up
from tests.support.duty_check import Fault, Finding, faults
from tests.support.handoffs import daily_slots, handoff_faults, length_faults, plain_duty
from tests.support.oracle import FIRST_YEAR, LAST_YEAR

PROCESSES = 2
ZONES = sorted(available_timezones())
# Seeds of a run of its own for each zone, so that one number shows a finding again.
SEEDS = 10**9
PLURALS = {Fault.GAP: "gaps", Fault.OVERLAP: "overlaps", Fault.MISMATCH: "mismatches"}
FIRST_DAY, YEARS_DAYS = date(FIRST_YEAR, 1, 1), (date(LAST_YEAR + 1, 1, 1) - date(FIRST_YEAR, 1, 1)).days
SHOWN = 10
TEN_YEARS = timedelta(days=3653)
TEN_YEARS_SECONDS = 1.0
HOUR = timedelta(hours=1)


@dataclass
class Verdict:
    """What was looked at, and what was wrong, each with the zone and the seed that show it again."""

    cases: int = 0
    handoffs: int = 0
    zones: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Put another one's figures to these."""
        self.cases += other.cases
        self.handoffs += other.handoffs
        self.zones += other.zones
        self.faults += other.faults
        self.findings += other.findings

    def blame(self, zone: str, seed: int, found: list[Finding]) -> None:
        """Write down what is wrong in a case."""
        self.faults.update(each.fault for each in found)
        # The first few of a zone tell as much as all of them.
        room = SHOWN - len(self.findings)
        self.findings += [f"--again {zone} {seed}: {each.fault}: {each.what}" for each in found[:room]]

    def line(self, seconds: float) -> str:
        """All of it in a line."""
        counts = ", ".join(f"{self.faults[fault]} {plural}" for fault, plural in PLURALS.items())
        return f"{self.cases} cases, {counts}, {self.zones} zones, {seconds:.0f} s"


def judge(cases: int, seed: int) -> Verdict:
    """All zones, on two cores; says how far it is."""
    total = Verdict()
    began = time.monotonic()
    shares = [(cases + index) // len(ZONES) for index in range(len(ZONES))]
    seeds = [(seed * len(ZONES) + index) * SEEDS for index in range(len(ZONES))]
    with ProcessPoolExecutor(PROCESSES) as pool:
        for done, verdict in enumerate(pool.map(judge_zone, ZONES, seeds, shares), 1):
            total.add(verdict)
            sys.stdout.writelines(f"VIOLATION  {finding}\n" for finding in verdict.findings)
            if done % (len(ZONES) // 20) == 0:
                sys.stdout.write(f"{done * 100 // len(ZONES):3} %  {total.line(time.monotonic() - began)}\n")
                sys.stdout.flush()
    return total


def judge_again(zone: str, seed: str) -> Verdict:
    """One case once more, as it was printed with a violation."""
    verdict = Verdict(cases=1, zones=1)
    verdict.handoffs, found = judge_handoffs(zone, int(seed))
    verdict.blame(zone, int(seed), [*judge_case(zone, int(seed)), *found])
    return verdict


def judge_zone(zone: str, first_seed: int, cases: int) -> Verdict:
    """So many schedules of a zone, and one rotation over all the years."""
    verdict = Verdict(zones=1)
    for seed in range(first_seed, first_seed + cases):
        verdict.blame(zone, seed, judge_case(zone, seed))
    verdict.cases = cases
    handoffs, found = judge_handoffs(zone, first_seed)
    verdict.handoffs = handoffs
    verdict.blame(zone, first_seed, found)
    return verdict


def judge_case(zone: str, seed: int) -> list[Finding]:
    """One schedule that was made up."""
    case = made_up(zone, seed)
    return faults(case.duty, case.start, case.end, seed=seed)


def judge_handoffs(zone: str, seed: int) -> tuple[int, list[Finding]]:
    """One daily rotation from the first to the last year, handing off at a time at which clocks may be set."""
    chance = Random(seed)
    at = time_of_day(chance.randrange(4), chance.choice((0, 30)))
    found = daily_slots(zone, at, FIRST_DAY, YEARS_DAYS)
    wrong = [*handoff_faults(zone, at, FIRST_DAY, found), *length_faults(zone, at, found)]
    if len(found) != YEARS_DAYS:
        wrong.append(Finding(Fault.GAP, f"{len(found)} hand-offs in {YEARS_DAYS} days"))
    return len(found), wrong


def ten_years(hours: int) -> tuple[int, float]:
    """How many slots ten years of one schedule have, and the seconds that it takes to say so."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    duty = _busy_duty(start, hours)
    began = time.perf_counter()
    found = slots(duty, start, start + TEN_YEARS)
    return len(found), time.perf_counter() - began


def _busy_duty(start: datetime, hours: int) -> Duty:
    """A thousand overrides, and people who come and go."""
    chance = Random(hours)
    plan = RotationPlan(
        "America/New_York", Cadence.CUSTOM, time_of_day(2, 30), start.date(), USERS, shift_length_hours=hours
    )
    overrides = []
    for number in range(1000):
        begin = start + chance.randrange(TEN_YEARS // HOUR) * HOUR
        end = begin + chance.randrange(1, 72) * HOUR
        overrides.append(Window(number, SCHEDULE_ID, chance.choice(USERS), begin, end, "", begin, None))
    activity = [
        Activity(user_id, begin, begin + chance.randrange(40, 160) * timedelta(days=1))
        for user_id in USERS
        for begin in (start + month * timedelta(days=30) for month in range(-6, 122, 6))
    ]
    return replace(plain_duty(plan), overrides=overrides, activity=activity)
