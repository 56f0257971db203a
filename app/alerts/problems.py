"""What triage works on: deliveries as they were parsed, and the alerts and incidents that they touch.

A problem stands for an incident, stored or about to be opened; a sighting stands for an alert. Both keep what is to
change until it is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.alerts.rules import Decision
from app.alerts.types import Alert, AlertSource, DeliveryOutcome, ParsedPayload
from app.incidents.types import Incident, NewIncident, Severity
from app.platform.types import JsonObject


@dataclass(frozen=True, slots=True)
class Submission:
    """One delivery, parsed; `parsed` is None for one that no driver could read, which is kept in quarantine.

    `trace_id` names it everywhere; `new_run_id` makes the id of a pipeline run it may ask for; `key_id` is the key it
    came with where that use is to be noted, `notes_source` whether it is to be noted as the last one of its source.
    """

    source: AlertSource
    driver: str
    outcome: DeliveryOutcome
    parsed: ParsedPayload | None
    headers: JsonObject
    body: bytes
    received_at: datetime
    trace_id: str
    new_run_id: Callable[[], str]
    error: str = ""
    key_id: int | None = None
    notes_source: bool = True


@dataclass(slots=True)
class Counts:
    """What the sender of one delivery is told."""

    trace_id: str
    created: int = 0
    updated: int = 0
    resolved: int = 0
    opened: list["Problem"] = field(default_factory=list)
    touched: list["Problem"] = field(default_factory=list)
    seen: list["Problem"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Problem:
    """An incident while a batch works on it: the stored one, or one that is about to be opened.

    `attached` and `firing` are changes to the stored counts; `page_at` holds back the page of a flapping incident.
    """

    source: AlertSource
    group_key: str
    severity: Severity
    new: NewIncident | None = None
    stored: Incident | None = None
    first: "Sighting | None" = None
    attached: int = 0
    firing: int = 0
    reopen: str = ""
    page_at: datetime | None = None
    risen: bool = False
    recheck: bool = False
    still_firing: bool = False
    wants_run: Submission | None = None

    @property
    def incident(self) -> Incident:
        """The stored incident; a new one has it once it was opened."""
        if self.stored is None:
            raise RuntimeError("the incident has not been opened yet")
        return self.stored

    @property
    def is_open(self) -> bool:
        """Whether it is open, or will be when the batch is stored."""
        return self.stored is None or bool(self.reopen) or self.stored.status.is_open

    @property
    def ended_at(self) -> datetime | None:
        """When it was resolved or closed."""
        return None if self.stored is None else self.stored.resolved_at or self.stored.closed_at


@dataclass(slots=True, eq=False)
class Sighting:
    """An alert while a batch works on it; `alert.id` is 0 until it is stored, `problem` stands for its incident.

    `decision` is what its last delivery was; None where no delivery of the batch was decided yet.
    """

    alert: Alert
    problem: Problem | None
    is_new: bool
    decision: Decision | None = None
    is_changed: bool = False
    ended: bool = False
    history: list[JsonObject] = field(default_factory=list)
    joined: list[tuple[Problem, int]] = field(default_factory=list)
