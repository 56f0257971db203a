"""What would happen, in values: what comes of the incidents, who is paged when, and what is to be said about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.accounts.types import Urgency
from app.alerts.types import AlertSource, Severity


class Action(StrEnum):
    """What a delivery does to an incident; the order of the members is from most to least."""

    CREATE = "create"
    ATTACH = "attach"
    RESOLVE = "resolve"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Affected:
    """One incident of the delivery; `incident_id` is None for one that is not there yet. `reason` is a sentence."""

    action: Action
    reason: str
    group_key: str
    severity: Severity | None
    title: str
    fingerprint: str
    incident_id: int | None = None


@dataclass(frozen=True, slots=True)
class SimulatedPage:
    """One page as it would leave.

    `affected` is the place of its incident among those affected; pages with the same `message` are said in one message
    (B29). `reasons` are those that the page itself would give; `via` is how its level came to the person. `problem`
    says why it would not get out as things stand, and is empty for one that would.
    """

    at: datetime
    after_minutes: int
    affected: int
    level: int
    round: int
    user_id: int
    user_name: str
    channel: str
    urgency: Urgency
    rule_delay_minutes: int
    via: str
    reasons: tuple[str, ...]
    message: int
    problem: str = ""

    @property
    def is_fallback(self) -> bool:
        """Whether it goes to all admins because nobody else could be paged."""
        return self.level == 0


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said besides the pages: a level that is skipped, a limit, a setting; `at` None is about it all."""

    text: str
    at: datetime | None = None
    after_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would happen if the source posted this at `at`.

    `affected` has the most important incident first, and is never empty. `pages` are what the delivery itself leads
    to; `under_way` are those that the escalations of its incidents would send anyway.
    """

    source: AlertSource
    at: datetime
    driver: str
    is_assumed: bool
    plan: str
    affected: tuple[Affected, ...]
    pages: tuple[SimulatedPage, ...]
    under_way: tuple[SimulatedPage, ...]
    notes: tuple[Note, ...]
