"""Replies by SMS and WhatsApp: who sent it, what it means, what is done, and what its sender is told (B31)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from app.accounts import queries as people
from app.accounts.contacts import PHONE_CHANNELS
from app.accounts.rules import normal_phone
from app.accounts.types import ContactMethod, User
from app.incidents import queries as incidents, service as locks
from app.incidents.types import Incident, IncidentStatus
from app.notify import inbound, queries as outbox, service as notify
from app.notify.inbound import Answered, Inbound
from app.notify.types import NewNotification, NotificationKind
from app.platform.db import Tx
from app.platform.errors import Invalid
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases.answer.acting import Deed, Sender, act
from app.usecases.answer.grammar import Reply, Verb, read_replies
from app.usecases.answer.once import once
from app.usecases.answer.optout import allow_messages, stop_messages

USAGE = (
    "PagerPal: reply ACK 7 (I have it), DECLINE 7 (page the next level) or RESOLVE 7 (fixed), with the incident's "
    "number. Without one it is your newest page. STOP ends messages."
)
UNCLEAR = "This was not understood, nothing was changed. Reply ACK 7, DECLINE 7 or RESOLVE 7, or HELP."
UNKNOWN = "This number belongs to nobody at PagerPal, so nothing was changed."
SHARED = "More than one person has this number, so nothing was changed. Use the link in the page or sign in."
INACTIVE = "You are not active at PagerPal any more, so nothing was changed."
NO_PAGE = "You have no page that waits for an answer. Nothing was changed."
OTHERS_AT_MOST = 5
# Two machines that answer each other must not go on for ever: so many misunderstandings an hour are told.
MISUNDERSTOOD_AT_MOST = 5
MISUNDERSTOOD_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text that came in. `medium` is `sms` or `whatsapp`; `asked` is what the vendor itself made of it (STOP …).

    `reply_channel` is the channel by which the answer is sent; None where the vendor's request is answered with it.
    """

    inbound: Inbound
    text: str
    medium: str = "sms"
    asked: Verb | None = None
    reply_channel: str | None = None


async def take_text(rt: Runtime, message: TextMessage, *, now: datetime) -> Answered:
    """Do what the sender asks for, once; what they are told is part of the answer, or a row where it must be sent."""

    def write(tx: Tx) -> Answered:
        return once(tx, message.inbound, partial(_answer_and_reply, tx, message, now), now=now)

    answered = await rt.db.run(write)
    fp("answer.after_commit")
    return answered


def _answer_and_reply(tx: Tx, message: TextMessage, now: datetime) -> Answered:
    number = _number(message.inbound.sender)
    methods = people.contact_methods_at(tx, number, PHONE_CHANNELS) if number else []
    answered = _answer(tx, message, methods, now)
    if answered.outcome in MISUNDERSTANDINGS:
        since = now - MISUNDERSTOOD_WITHIN
        if inbound.count_from(tx, message.inbound, since=since) > MISUNDERSTOOD_AT_MOST:
            answered = replace(answered, text="")
    if message.reply_channel is not None and answered.text and number:
        _send(tx, message, number, methods, answered, now)
    return answered


def _answer(tx: Tx, message: TextMessage, methods: Sequence[ContactMethod], now: datetime) -> Answered:
    replies = (Reply(message.asked),) if message.asked else read_replies(message.text)
    verb = replies[0].verb if replies else None
    if verb is Verb.STOP:
        return stop_messages(tx, methods, medium=message.medium, now=now)
    sender = _sender(tx, methods, message.medium)
    if isinstance(sender, Answered):
        return sender
    if verb is Verb.START:
        return allow_messages(tx, methods, sender.user, medium=message.medium, now=now)
    if verb is Verb.HELP:
        return Answered("help", USAGE, sender.user.id)
    if not replies:
        return Answered("ignored", UNCLEAR, sender.user.id)
    # Locked in ascending order whatever the order in the message, as everywhere.
    locks.lock_many(tx, {reply.number for reply in replies if reply.number is not None})
    done = [_do(tx, reply, methods, sender, now) for reply in replies]
    return replace(done[0], text="\n".join(each.text for each in done))


MISUNDERSTANDINGS = frozenset({"ignored", "unknown_sender", "shared_number", "inactive", "help"})


def _do(tx: Tx, reply: Reply, methods: Sequence[ContactMethod], sender: Sender, now: datetime) -> Answered:
    deed = Deed(reply.verb.value)
    if reply.number is not None:
        return act(tx, deed, reply.number, sender=sender, now=now, note=reply.note)
    waiting = _waiting(tx, methods, sender.user)
    if not waiting:
        return Answered("no_page", NO_PAGE, sender.user.id)
    answered = act(tx, deed, waiting[0].id, sender=sender, now=now, note=reply.note)
    others = [each.number for each in waiting[1:] if each.status is IncidentStatus.TRIGGERED]
    if not others:
        return answered
    listed = ", ".join(f"#{number}" for number in others[:OTHERS_AT_MOST])
    more = f" and {len(others) - OTHERS_AT_MOST} more" if len(others) > OTHERS_AT_MOST else ""
    return replace(answered, text=f"{answered.text} Your other pages still wait: {listed}{more}.")


def _waiting(tx: Tx, methods: Sequence[ContactMethod], user: User) -> list[Incident]:
    """The open incidents of the sender's pages: those to this number, the newest first; else those by any way."""
    own = people.contact_methods_of(tx, user.id)
    here = [method.id for method in methods if method.user_id == user.id]
    for method_ids in (here, [method.id for method in own]):
        paged = outbox.pages_to(tx, method_ids)
        found = incidents.incidents_by_id(tx, paged)
        waiting = [found[each] for each in paged if each in found and found[each].status.is_open]
        if waiting:
            return waiting
    return []


def _sender(tx: Tx, methods: Sequence[ContactMethod], medium: str) -> Sender | Answered:
    """The one active person whose verified number this is, or why it is nobody's."""
    owners = people.users_by_id(tx, {method.user_id for method in methods if method.verified_at is not None})
    active = [user for user in owners.values() if user.is_active]
    if len(active) > 1:
        return Answered("shared_number", SHARED)
    if active:
        return Sender(active[0], medium)
    return Answered("inactive", INACTIVE) if owners else Answered("unknown_sender", UNKNOWN)


def _number(sender: str) -> str:
    """The sender's number in international form; empty for what is none. Infobip leaves out the plus."""
    digits = sender.strip().removeprefix("whatsapp:").removeprefix("+").removeprefix("00")
    try:
        return normal_phone(f"+{digits}")
    except Invalid:
        return ""


def _send(
    tx: Tx, message: TextMessage, number: str, methods: Sequence[ContactMethod], answered: Answered, now: datetime
) -> None:
    own = [each.id for each in methods if each.user_id == answered.user_id and each.channel == message.reply_channel]
    key = f"reply:{message.inbound.vendor}:{message.inbound.vendor_id}"
    reply = NewNotification(
        kind=NotificationKind.REPLY,
        channel=message.reply_channel or "",
        address=number,
        due_at=now,
        facts={"title": "PagerPal", "text": answered.text},
        user_id=answered.user_id,
        contact_method_id=own[0] if own else None,
        idempotency_key=hashlib.sha256(key.encode()).hexdigest()[:32],
    )
    notify.insert_many(tx, [reply], now=now)
