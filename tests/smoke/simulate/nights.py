"""A night as a value: who there is, whom the source pages, what happened before, what the tool posts, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.oncall.types import Cadence

START = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
BODY: Mapping[str, Any] = {"name": "Disk almost full", "severity": "critical", "fingerprint": "disk"}


def body(**changes: Any) -> dict[str, Any]:
    """A generic alert, firing and critical unless changed."""
    return {**BODY, **changes}


def grafana(state: str = "alerting", *, rule: int = 7, **tags: str) -> dict[str, Any]:
    """An alert as Grafana's older format has it."""
    name = f"Rule {rule}"
    return {"ruleId": rule, "ruleName": name, "title": f"[Alerting] {name}", "orgId": 1, "state": state, "tags": tags}


@dataclass(frozen=True)
class Rule:
    """A notification rule: `at` is «email», «webhook», or «pigeon», a kind of channel that this version has not."""

    at: str = "email"
    after: int = 0
    urgency: str = "high"
    is_verified: bool = True


BY_MAIL = (Rule(), Rule(urgency="low"))


@dataclass(frozen=True)
class Person:
    """Somebody who can be paged; an admin also as the fallback. `quiet` is (from, to) or (from, to, digest)."""

    name: str
    rules: tuple[Rule, ...] = BY_MAIL
    is_admin: bool = False
    quiet: tuple[str, ...] = ()
    zone: str = "UTC"


@dataclass(frozen=True)
class Turn:
    """Somebody has the duty from `begins` to `ends`, in minutes from the start of the night."""

    who: str
    begins: int
    ends: int
    is_override: bool = False


@dataclass(frozen=True)
class Rotation:
    """The members in order, by the wall clock of the schedule's zone."""

    members: tuple[str, ...]
    starts: date
    handoff: time = time(9, 0)
    cadence: Cadence = Cadence.DAILY
    hours: int | None = None
    weekday: int | None = None


@dataclass(frozen=True)
class Schedule:
    """A duty with its rotation, its windows and its backup."""

    name: str
    turns: tuple[Turn, ...] = ()
    rotation: Rotation | None = None
    zone: str = "UTC"
    backup: str | None = None
    delay: int = 15
    team: str | None = None
    is_active: bool = True


@dataclass(frozen=True)
class Level:
    """Whom a level names («ravi», «team Ops», «duty Prod»), and how many minutes they have."""

    minutes: int
    named: tuple[str, ...]


@dataclass(frozen=True)
class Did:
    """What happened before the question: `what` at so many minutes before the start; `who` did it or it was done to."""

    what: str
    before: float
    who: str = ""
    body: Any = None
    until: int = 0


@dataclass(frozen=True)
class Night:
    """One question to the simulation, and what is to come out; `expect` is written by hand where it is given.

    A line is «minute level person channel»; `+` joins what comes in one message, level 0 is the fallback.
    """

    words: str
    levels: tuple[Level, ...] = ()
    people: tuple[Person, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeat: int = 0
    ack_timeout: int | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    pages_by: str = "policy"
    did: tuple[Did, ...] = ()
    body: Any = field(default_factory=lambda: dict(BODY))
    start: datetime = START
    hours: int = 24
    action: str = "create"
    expect: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def set_up_at(self) -> datetime:
        """When everything was set up, well before."""
        return self.start - timedelta(days=2)
