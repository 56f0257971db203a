"""STOP and START: whoever wants no more text messages gets none, and nobody is forgotten because of it.

Carriers and vendors block the number by themselves after a stop word; sending on would only fail, page after page.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.accounts import contacts, queries as people, service as accounts
from app.accounts.rules import is_usable
from app.accounts.types import ContactMethod, User
from app.incidents import service as incidents
from app.incidents.types import Incident, IncidentStatus, NewTimelineEntry, TimelineKind
from app.notify import queries as outbox, service as notify
from app.notify.inbound import Answered
from app.notify.types import Notification
from app.platform.db import Tx
from app.usecases import paging

# What a stop word stops: a text message says nothing about phone calls, nor an SMS about WhatsApp.
CHANNELS = {"sms": frozenset({"infobip_sms", "twilio_sms"}), "whatsapp": frozenset({"infobip_whatsapp"})}
MEDIA = {"sms": "SMS", "whatsapp": "WhatsApp"}
STARTED = "PagerPal sends messages to this number again."
NOT_STOPPED = "PagerPal was sending messages to this number all along."


def stop_messages(tx: Tx, methods: Sequence[ContactMethod], *, medium: str, now: datetime) -> Answered:
    """Send nothing more to a number, whoever's it is; its people and the admins are told by their other ways.

    The sender is not answered: the vendor has done that, and would refuse our message.
    """
    stopped = _of_medium(methods, medium)
    waiting = outbox.waiting_at(tx, [method.id for method in stopped])
    locked = incidents.lock_many(tx, {page.incident_id for page in waiting if page.incident_id is not None})
    new = set(contacts.opt_out(tx, [method.id for method in stopped], now=now))
    notify.cancel_for_contact_methods(tx, [method.id for method in stopped], now=now)
    users = people.users_by_id(tx, {method.user_id for method in stopped})
    for method in stopped:
        if method.id in new:
            _tell_stopped(tx, method, users[method.user_id], medium, now)
    _page_on(tx, waiting, locked, users, medium, now)
    if not stopped:
        return Answered("opt_out")
    return Answered("opt_out", user_id=stopped[0].user_id)


def allow_messages(tx: Tx, methods: Sequence[ContactMethod], user: User, *, medium: str, now: datetime) -> Answered:
    """Send to a person's number again. Whoever was not reached meanwhile is paged now."""
    own = [method for method in _of_medium(methods, medium) if method.user_id == user.id]
    started = contacts.opt_in(tx, [method.id for method in own])
    for method_id in started:
        _audit(tx, "contact_method_opted_in", user, method_id, now)
    paging.page_unreached(tx, now)
    return Answered("opt_in", STARTED if started else NOT_STOPPED, user.id)


def _of_medium(methods: Iterable[ContactMethod], medium: str) -> list[ContactMethod]:
    return [method for method in methods if method.channel in CHANNELS[medium]]


def _tell_stopped(tx: Tx, method: ContactMethod, user: User, medium: str, now: datetime) -> None:
    _audit(tx, "contact_method_opted_out", user, method.id, now)
    left = [each for each in people.contact_methods_of(tx, user.id) if is_usable(each)]
    ways = ", ".join(dict.fromkeys(each.channel.replace("_", " ") for each in left))
    what, key = f"{MEDIA[medium]} to {method.address}", f"optout:{method.id}:{now.isoformat()}"
    rest = f"Pages still come by: {ways}." if ways else "No other way is left by which pages come."
    paging.tell(
        tx, user_ids=[user.id], key=key, link="/profile", now=now,
        subject=f"No more {what}",
        text=f"You have stopped {what}. {rest} Send START to that number to undo it.",
    )  # fmt: skip
    admins = [admin.id for admin in people.active_admins(tx) if admin.id != user.id]
    paging.tell(
        tx, user_ids=admins, key=f"{key}:admins", link=f"/people/{user.id}", now=now,
        subject=f"{user.name} has stopped {MEDIA[medium]}",
        text=f"{user.name} has stopped {what}. {rest}",
    )  # fmt: skip


def _page_on(
    tx: Tx,
    waiting: Sequence[Notification],
    locked: dict[int, Incident],
    users: dict[int, User],
    medium: str,
    now: datetime,
) -> None:
    """Say it in each incident of which a page was called off, and go on where it was the last one."""
    for page in waiting:
        incident = locked.get(page.incident_id or 0)
        if incident is None or incident.status is not IncidentStatus.TRIGGERED or page.user_id is None:
            continue
        text = f"{users[page.user_id].name} has stopped {MEDIA[medium]}: that page is not sent"
        incidents.add_timeline(tx, [NewTimelineEntry(incident.id, TimelineKind.WARNING, text)], now=now)
        paging.page_on_if_lost(tx, page, now, text)


def _audit(tx: Tx, action: str, user: User, method_id: int, now: datetime) -> None:
    after = {"contact_method_id": method_id}
    accounts.record_audit(
        tx, actor=user, action=action, object_type="user", object_id=user.id, before=None, after=after, now=now
    )
