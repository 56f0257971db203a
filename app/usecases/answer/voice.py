"""A phone call about a page: what is said, and what a digit does. Twilio asks, we answer with the next words."""

import re
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.accounts.types import User
from app.incidents import queries as incidents
from app.incidents.types import Incident, IncidentStatus
from app.notify import queries as outbox
from app.notify.action_links import read_call_token
from app.notify.errors import ActionLinkUnknown
from app.notify.inbound import Answered, Inbound
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases.answer.acting import TITLE_LIMIT, Deed, Sender, act
from app.usecases.answer.once import once

DIGITS = {"1": Deed.ACKNOWLEDGE, "2": Deed.DECLINE, "3": Deed.RESOLVE}
CHOICES = "Press 1 to acknowledge, 2 to pass it on to the next level, 3 if it is resolved, 9 to hear this again."
TURNS_AT_MOST = 4
GOODBYE = "Goodbye."
LEFT = "You are not active at Pager Pal any more, so this call cannot be answered."
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a call that is under way: the digit that was pressed, and how often we have spoken before."""

    token: str
    call_id: str
    digit: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What is said next; then a digit is waited for, unless the call `ends`. `turn` is given back with the digit."""

    says: tuple[str, ...]
    turn: int = 0
    ends: bool = False


async def take_call(rt: Runtime, call: Call, *, now: datetime) -> Script:
    """Answer one request of a call. Raises ActionLinkUnknown, ActionLinkExpired for a token that opens nothing."""
    notification_id = read_call_token(rt.secrets, call.token, now=now)
    deed = DIGITS.get(call.digit)
    if deed is None:
        return await rt.db.run_read(lambda tx: _told(tx, notification_id, call))
    message = Inbound("twilio", f"{call.call_id}:{call.turn}:{call.digit}", "voice", call.call_id)

    def work(tx: Tx) -> Answered:
        incident, user = _parties(tx, notification_id)
        if not user.is_active:
            return Answered("inactive", LEFT, user.id, incident.id)
        return act(tx, deed, incident.id, sender=Sender(user, "voice"), now=now)

    answered = await rt.db.run(lambda tx: once(tx, message, lambda: work(tx), now=now))
    fp("answer.after_commit")
    return Script((spoken(answered.text), GOODBYE), ends=True)


def spoken(text: str) -> str:
    """A text for a voice: numbers digit by digit, and signs that a voice reads badly left out."""
    plain = text.replace("#", "number ").replace("_", " ")
    return _DIGITS.sub(lambda found: " ".join(found[0]), plain)


def _told(tx: Tx, notification_id: int, call: Call) -> Script:
    incident, user = _parties(tx, notification_id)
    if not user.is_active:
        return Script((LEFT, GOODBYE), ends=True)
    title = " ".join(incident.title.split())[: 3 * TITLE_LIMIT]
    about = spoken(f"Incident {incident.number}, {incident.severity.value}: {title}.")
    if incident.status is not IncidentStatus.TRIGGERED:
        holder = _holder(tx, incident) if incident.status is IncidentStatus.ACKNOWLEDGED else ""
        by = f" by {holder}" if holder else ""
        return Script((about, f"It is {incident.status.value} already{by}. {GOODBYE}"), ends=True)
    if call.turn >= TURNS_AT_MOST:
        return Script((f"No answer was given. {GOODBYE}",), ends=True)
    wrong = "That digit does nothing here." if call.digit and call.digit != "9" else ""
    opening = f"This is Pager Pal for {user.name}." if call.turn == 0 else wrong
    return Script(tuple(each for each in (opening, about, CHOICES) if each), call.turn + 1)


def _parties(tx: Tx, notification_id: int) -> tuple[Incident, User]:
    notification = outbox.find_notification(tx, notification_id)
    if notification is None or notification.incident_id is None or notification.user_id is None:
        raise ActionLinkUnknown
    return incidents.get_incident(tx, notification.incident_id), people.get_user(tx, notification.user_id)


def _holder(tx: Tx, incident: Incident) -> str:
    found = people.find_user(tx, incident.assigned_to) if incident.assigned_to is not None else None
    return found.name if found is not None else ""
