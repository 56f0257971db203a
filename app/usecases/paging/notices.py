"""Notices about duty: hand-offs, shifts that begin, gaps ahead. They ask nobody to act, so they go out quietly.

Each is a row of kind HANDOFF per person, by Slack where that reaches them, else by email, and only once by its key.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.accounts import queries as people
from app.accounts.rules import is_usable
from app.accounts.types import ContactMethod
from app.notify import service as notify
from app.notify.kinds import channel_kinds
from app.notify.types import NewNotification, NotificationKind
from app.oncall.types import Schedule
from app.platform.db import Tx

# The quiet ways to a person, the better one first; whoever has neither is told by the screens alone.
QUIET_CHANNELS = ("slack", "email")

# What a notice says to a reader in that time zone (an IANA name).
Words = Callable[[str], str]


def tell(
    tx: Tx, *, user_ids: Iterable[int], key: str, subject: str | Words, text: str | Words, link: str, now: datetime
) -> list[int]:
    """Tell each of these people who is active and has Slack or email, once per `key`; gives whom it can reach.

    `link` is a path of this PagerPal, such as `/schedules/3`.
    """
    wanted = [user for user in people.users_by_id(tx, user_ids).values() if user.is_active]
    methods = people.contact_methods_by_user(tx, [user.id for user in wanted])
    new, told = [], []
    for user in wanted:
        method = _quiet_way(methods[user.id])
        if method is None:
            continue
        told.append(user.id)
        new.append(
            NewNotification(
                kind=NotificationKind.HANDOFF,
                channel=method.channel,
                address=method.address,
                due_at=now,
                urgency="low",
                facts={
                    "title": subject if isinstance(subject, str) else subject(user.timezone),
                    "text": text if isinstance(text, str) else text(user.timezone),
                    "link": link,
                    "user_name": user.name,
                },
                user_id=user.id,
                contact_method_id=method.id,
                idempotency_key=hashlib.sha256(f"{key}:{user.id}".encode()).hexdigest()[:32],
            )
        )
    notify.insert_many(tx, new, now=now)
    return told


def tell_handoff(
    tx: Tx,
    *,
    schedule: Schedule,
    from_user_id: int | None,
    to_user_id: int | None,
    at: datetime,
    until: datetime | None,
    now: datetime,
) -> None:
    """Tell both people that the duty changes hands at `at`, each once; None: nobody, on that side.

    `until` is when the one who comes on goes off again, where that is known.
    """
    named = [user_id for user_id in (from_user_id, to_user_id) if user_id is not None]
    names = {user.id: user.name for user in people.users_by_id(tx, named).values()}
    giver, taker = names.get(from_user_id or 0, ""), names.get(to_user_id or 0, "")
    key = f"handoff:{schedule.id}:{at.isoformat()}:{from_user_id}:{to_user_id}"
    link = f"/schedules/{schedule.id}"

    def begins(zone: str) -> str:
        return f" from {clock_time(at, zone)}" if at > now else ""

    def ends(zone: str) -> str:
        return f" until {clock_time(until, zone)}" if until is not None else ""

    def to_taker(zone: str) -> str:
        handed = f"{giver} hands over to you. " if giver else ""
        return f"{handed}You are on call{begins(zone)}{ends(zone)}."

    def to_giver(zone: str) -> str:
        return f"{taker or 'Nobody'} is on call{begins(zone)}{ends(zone)}."

    if to_user_id is not None:
        tell(
            tx, user_ids=[to_user_id], key=key, link=link, now=now,
            subject=lambda zone: f"You are on call for {schedule.name}{begins(zone)}", text=to_taker,
        )  # fmt: skip
    if from_user_id is not None:
        tell(
            tx, user_ids=[from_user_id], key=key, link=link, now=now,
            subject=lambda zone: f"You are off call for {schedule.name}{begins(zone)}", text=to_giver,
        )  # fmt: skip


def clock_time(at: datetime, zone: str) -> str:
    """An instant as people say it in that time zone: `Mon 2 Mar, 09:00 CET`."""
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        # A zone that was taken out of the time zone database: better another clock than no notice.
        local = at.astimezone(UTC)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M} {local.tzname()}"


def _quiet_way(methods: Iterable[ContactMethod]) -> ContactMethod | None:
    usable = [method for method in methods if is_usable(method)]
    for channel in QUIET_CHANNELS:
        if channel == "email" or channel in channel_kinds():
            for method in usable:
                if method.channel == channel:
                    return method
    return None
