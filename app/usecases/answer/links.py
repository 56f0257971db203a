"""Answers by the signed link in a message: looking changes nothing, for mail gateways look; a button does it (B31)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.accounts import queries as people
from app.accounts.types import User
from app.incidents import queries as incidents, service as locks
from app.incidents.types import Actor, Incident
from app.notify import queries as outbox, service as notify
from app.notify.action_links import LinkAction, read_token
from app.notify.errors import ActionLinkUnknown, ActionLinkUsed
from app.notify.types import ActionUse
from app.platform.db import Tx
from app.platform.errors import Forbidden
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases.answer import steps

DONE = {
    LinkAction.ACKNOWLEDGE: "acknowledged",
    LinkAction.RESOLVE: "resolved",
    LinkAction.ESCALATE: "escalated",
    LinkAction.NOT_USEFUL: "marked as not useful",
}
STEPS: dict[LinkAction, Callable[..., None]] = {
    LinkAction.ACKNOWLEDGE: steps.acknowledge,
    LinkAction.RESOLVE: steps.resolve,
    LinkAction.ESCALATE: steps.escalate,
    LinkAction.NOT_USEFUL: steps.find_not_useful,
}


@dataclass(frozen=True, slots=True)
class LinkView:
    """What the page behind a link shows: the incident as it is, what the link is for, what can still be done.

    `used` says what happened when the link's own action was done before, and by whom.
    """

    incident: Incident
    reader: User
    action: LinkAction
    offered: tuple[LinkAction, ...]
    used: str | None = None


def read_link(rt: Runtime, token: str, *, now: datetime) -> LinkView:
    """What a link is for; changes nothing. Raises ActionLinkUnknown, ActionLinkExpired, Forbidden."""
    link = read_token(rt.secrets, token, now=now)
    return rt.db.read(lambda tx: _view(tx, link.notification_id, link.action))


def use_link(rt: Runtime, token: str, *, action: LinkAction | None, now: datetime) -> LinkView:
    """Do what the link, or the button beside it, is for, as the person who got the message.

    Raises ActionLinkUnknown, ActionLinkExpired, Forbidden, ActionLinkUsed saying what happened and by whom, and what
    the action itself may raise (IllegalTransition, IncidentNotOpen).
    """
    link = read_token(rt.secrets, token, now=now)
    chosen = action or link.action

    def write(tx: Tx) -> LinkView:
        _use(tx, link.notification_id, chosen, now)
        fp("answer.before_commit")
        return _view(tx, link.notification_id, chosen)

    answered = rt.db.write(write)
    fp("answer.after_commit")
    return answered


def _use(tx: Tx, notification_id: int, action: LinkAction, now: datetime) -> None:
    incident, reader = _parties(tx, notification_id)
    # Two taps at once: the second waits here and then sees the first.
    locks.lock(tx, incident.id)
    used = {use.action: use for use in outbox.action_uses(tx, notification_id)}
    if action in used:
        raise ActionLinkUsed(_what_happened(tx, used[action]))
    actor = Actor(user_id=reader.id, name=reader.name, source="link")
    STEPS[action](tx, incident.id, actor=actor, now=now)
    notify.record_action_use(tx, notification_id=notification_id, action=action.value, used_by=reader.id, now=now)


def _view(tx: Tx, notification_id: int, action: LinkAction) -> LinkView:
    incident, reader = _parties(tx, notification_id)
    used = {use.action: use for use in outbox.action_uses(tx, notification_id)}
    left = [each for each in LinkAction if each.value not in used]
    left.sort(key=lambda each: each is not action)
    return LinkView(
        incident=incident,
        reader=reader,
        action=action,
        # That a page was of no use may be said of one that is long over, too.
        offered=tuple(each for each in left if incident.status.is_open or each is LinkAction.NOT_USEFUL),
        used=_what_happened(tx, used[action]) if action in used else None,
    )


def _parties(tx: Tx, notification_id: int) -> tuple[Incident, User]:
    notification = outbox.find_notification(tx, notification_id)
    if notification is None or notification.incident_id is None or notification.user_id is None:
        raise ActionLinkUnknown
    reader = people.get_user(tx, notification.user_id)
    if not reader.is_active:
        raise Forbidden("This link was for somebody who is no longer active. Open the incident in PagerPal.")
    return incidents.get_incident(tx, notification.incident_id), reader


def _what_happened(tx: Tx, use: ActionUse) -> str:
    users = people.users_by_id(tx, [use.used_by] if use.used_by else [])
    name = users[use.used_by].name if use.used_by in users else "Somebody"
    action = LinkAction(use.action)
    did = "marked it as not useful" if action is LinkAction.NOT_USEFUL else f"{DONE[action]} it"
    return f"{name} {did} by this link on {use.used_at:%Y-%m-%d at %H:%M} UTC."
