"""`/api/v1/simulate` in JSON: what is asked, and what would happen."""

from datetime import datetime
from typing import Any

from app.accounts.types import Urgency
from app.alerts.types import Severity
from app.usecases.simulate import Action, Affected, Note, SimulatedPage, Simulation
from app.web.api.accounts_schemas import In, Out
from app.web.api.catalogue_schemas import AnId
from app.web.api.times import Instant


class SimulatePage(In):
    """What to play through; without `payload` a typical critical alert of the source's driver, without `at` now.

    `payload` is the body as the tool would post it, or that body as text.
    """

    source_id: AnId
    payload: dict[str, Any] | list[Any] | str | None = None
    at: Instant | None = None


class NamedOut(Out):
    """Something by its number and its name."""

    id: int
    name: str


class SimulatedIncidentOut(Out):
    """What comes of one incident; `id` is null for one that is not there yet."""

    action: Action
    reason: str
    id: int | None
    group_key: str
    severity: Severity | None
    title: str
    fingerprint: str

    @classmethod
    def of(cls, affected: Affected) -> "SimulatedIncidentOut":
        """The incident as the API shows it."""
        own = {name: getattr(affected, name) for name in cls.model_fields if name != "id"}
        return cls(id=affected.incident_id, **own)


class SimulatedPageOut(Out):
    """One page; `incident` is the place in `incidents`, pages with the same `message` come in one message.

    `problem` is null for a page that would get out.
    """

    after_minutes: int
    at: datetime
    incident: int
    level: int
    is_fallback: bool
    round: int
    user: NamedOut
    channel: str
    urgency: Urgency
    reason: str
    message: int
    problem: str | None

    @classmethod
    def of(cls, page: SimulatedPage) -> "SimulatedPageOut":
        """The page as the API shows it."""
        return cls(
            after_minutes=page.after_minutes,
            at=page.at,
            incident=page.affected,
            level=page.level,
            is_fallback=page.is_fallback,
            round=page.round,
            user=NamedOut(id=page.user_id, name=page.user_name),
            channel=page.channel,
            urgency=page.urgency,
            reason="; ".join(page.reasons),
            message=page.message,
            problem=page.problem or None,
        )


class NoteOut(Out):
    """What is to be said besides the pages; `after_minutes` is null for what is about it all."""

    after_minutes: int | None
    text: str

    @classmethod
    def of(cls, note: Note) -> "NoteOut":
        """The note as the API shows it."""
        return cls.model_validate(note)


class SimulationOut(Out):
    """What would happen if nobody answers. `incident` is the first of `incidents`, the one with most to happen.

    `pages` are what the payload itself leads to; `under_way` are those that its incidents would send anyway.
    """

    source: NamedOut
    at: datetime
    driver: str
    is_assumed: bool
    plan: str
    incident: SimulatedIncidentOut
    incidents: list[SimulatedIncidentOut]
    pages: list[SimulatedPageOut]
    under_way: list[SimulatedPageOut]
    notes: list[NoteOut]

    @classmethod
    def of(cls, simulation: Simulation) -> "SimulationOut":
        """The simulation as the API shows it."""
        incidents = [SimulatedIncidentOut.of(each) for each in simulation.affected]
        return cls(
            source=NamedOut.model_validate(simulation.source),
            at=simulation.at,
            driver=simulation.driver,
            is_assumed=simulation.is_assumed,
            plan=simulation.plan,
            incident=incidents[0],
            incidents=incidents,
            pages=[SimulatedPageOut.of(page) for page in simulation.pages],
            under_way=[SimulatedPageOut.of(page) for page in simulation.under_way],
            notes=[NoteOut.of(note) for note in simulation.notes],
        )
