"""One answer by message: what is done to the incident, and the sentence that tells its sender what came of it.

Whoever answers by SMS, phone or Slack sees no screen: every outcome, a refusal too, is told in words that name the
incident.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.accounts import queries as people
from app.accounts.permissions import may_be_acted_as
from app.accounts.types import User
from app.incidents import queries as incidents, service as locks
from app.incidents.types import Actor, Incident, IncidentStatus
from app.notify import queries as outbox
from app.notify.inbound import Answered
from app.platform.db import Tx
from app.usecases.answer import steps
from app.usecases.answer.declining import Declined, decline

TITLE_LIMIT = 60


class Deed(StrEnum):
    """What is asked for."""

    ACKNOWLEDGE = "acknowledge"
    DECLINE = "decline"
    RESOLVE = "resolve"
    ESCALATE = "escalate"


# What the operator reads of it.
OUTCOMES = {Deed.ACKNOWLEDGE: "ack", Deed.DECLINE: "decline", Deed.RESOLVE: "resolve", Deed.ESCALATE: "escalate"}
DECLINED = {
    Declined.PASSED_ON: "declined. The next level is paged.",
    Declined.NOBODY_LEFT: "declined, but nobody is left to page: all admins were.",
    Declined.SOMEBODY_HAS_IT: "noted. {holder} has it, nobody else is paged.",
    Declined.SNOOZED: "noted. It is snoozed, nobody is paged now.",
    Declined.PASSED_ON_BEFORE: "you have declined it before, others are paged.",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who answers, and by which way (`sms`, `whatsapp`, `voice`, `slack`)."""

    user: User
    source: str

    @property
    def actor(self) -> Actor:
        """The sender as the timeline names them."""
        return Actor(user_id=self.user.id, name=self.user.name, source=self.source)


def act(tx: Tx, deed: Deed, incident_id: int, *, sender: Sender, now: datetime, note: str = "") -> Answered:
    """Do what the sender asks for, or say why not; whatever is refused changes nothing."""
    incident = incidents.find_incident(tx, incident_id)
    if incident is None:
        return Answered("unknown_incident", f"There is no incident #{incident_id}.", sender.user.id)
    incident = locks.lock(tx, incident.id)
    if not may_be_acted_as(sender.user.role) and not outbox.was_paged(tx, incident.id, sender.user.id):
        text = f"Only responders can answer {named(incident)}."
        return Answered("not_allowed", text, sender.user.id, incident.id)
    if not incident.status.is_open and not (deed is Deed.RESOLVE and incident.status is IncidentStatus.RESOLVED):
        text = f"{named(incident)} is {incident.status.value} already. Nothing was changed."
        return Answered("too_late", text, sender.user.id, incident.id)
    words = DEEDS[deed](tx, incident, sender, now, note or None)
    return Answered(OUTCOMES[deed], f"{named(incident)}: {words}", sender.user.id, incident.id)


def named(incident: Incident) -> str:
    """The incident as messages name it, short enough for a text message: `#7 Disk full on db1`."""
    title = " ".join(incident.title.split())
    short = title if len(title) <= TITLE_LIMIT else f"{title[: TITLE_LIMIT - 3].rstrip()}..."
    return f"#{incident.number} {short}"


def _acknowledge(tx: Tx, incident: Incident, sender: Sender, now: datetime, note: str | None) -> str:
    steps.acknowledge(tx, incident.id, actor=sender.actor, now=now, note=note)
    if incident.status is IncidentStatus.TRIGGERED:
        return "acknowledged, it is yours."
    if incident.assigned_to == sender.user.id:
        return "you have it already."
    return f"{_holder(tx, incident)} has acknowledged it already."


def _decline(tx: Tx, incident: Incident, sender: Sender, now: datetime, note: str | None) -> str:
    outcome = decline(tx, incident.id, actor=sender.actor, now=now, note=note)
    return DECLINED[outcome].format(holder=_holder(tx, incident))


def _resolve(tx: Tx, incident: Incident, sender: Sender, now: datetime, note: str | None) -> str:
    steps.resolve(tx, incident.id, actor=sender.actor, now=now, note=note)
    return "resolved." if incident.status.is_open else "it is resolved already."


def _escalate(tx: Tx, incident: Incident, sender: Sender, now: datetime, note: str | None) -> str:
    steps.escalate(tx, incident.id, actor=sender.actor, now=now, note=note)
    return "escalated. The next level is paged."


def _holder(tx: Tx, incident: Incident) -> str:
    holder = people.find_user(tx, incident.assigned_to) if incident.assigned_to is not None else None
    return holder.name if holder is not None else "Somebody"


DEEDS: dict[Deed, Callable[[Tx, Incident, Sender, datetime, str | None], str]] = {
    Deed.ACKNOWLEDGE: _acknowledge,
    Deed.DECLINE: _decline,
    Deed.RESOLVE: _resolve,
    Deed.ESCALATE: _escalate,
}
