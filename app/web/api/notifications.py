"""`/api/v1/notifications`: everything that was said or is to be said, what became of it, and why."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from app.accounts import queries as people
from app.accounts.types import User
from app.notify import queries
from app.notify.types import Notification, NotificationFilter, NotificationKind, NotificationStatus
from app.platform.db import Tx
from app.platform.types import Page, PageQuery
from app.usecases import deliver
from app.web.api.accounts_schemas import Out
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, ActorDep, Id, NowDep, PageDep, RuntimeDep


class NotificationOut(Out):
    """One outbound message; `last_error` is clipped and holds no secret."""

    id: int
    kind: NotificationKind
    status: NotificationStatus
    incident_id: int | None
    episode: int | None
    level: int | None
    round: int
    user_id: int | None
    user_name: str | None
    contact_method_id: int | None
    channel_id: int | None
    channel: str
    urgency: str
    rule_delay_minutes: int
    subject: str
    attempts: int
    last_error: str
    possible_repeat: bool
    bundle_id: int | None
    late_by_seconds: int
    idempotency_key: str
    provider_message_id: str | None
    run_id: str | None
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None

    @classmethod
    def of(cls, notification: Notification, names: dict[int, User]) -> "NotificationOut":
        """The notification as the API shows it."""
        own = {name: getattr(notification, name) for name in NotificationOut.model_fields if name != "user_name"}
        user = names.get(notification.user_id or 0)
        return cls(**own, user_name=user.name if user else None)


class TryOut(Out):
    """One try to send."""

    attempt: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    error: str


class NotificationDetail(NotificationOut):
    """The message with its text as it was sent, its tries, and what else it said."""

    body: str
    tries: list[TryOut]
    carries: list[int]


def list_notifications(
    rt: RuntimeDep,
    page: PageDep,
    incident_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    status: NotificationStatus | None = None,
    user_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    channel: Annotated[str | None, Query(max_length=80)] = None,
) -> PageOut[NotificationOut]:
    """One page of messages, newest first."""
    filters = NotificationFilter(incident_id=incident_id, status=status, user_id=user_id, channel=channel)
    found, names = rt.db.read(lambda tx: _listed(tx, filters, page))
    return page_out(found, lambda notification: NotificationOut.of(notification, names))


def show(notification_id: Id, rt: RuntimeDep) -> NotificationDetail:
    """One message with its text and its tries."""
    return rt.db.read(lambda tx: _detail(tx, notification_id))


def why(notification_id: Id, rt: RuntimeDep) -> dict[str, Any]:
    """Why this message was sent to this person: alert, policy and level, slot, notification rule."""
    return rt.db.read(lambda tx: deliver.why(tx, notification_id))


def retry(notification_id: Id, rt: RuntimeDep, actor: ActorDep, now: NowDep) -> NotificationDetail:
    """Send a failed or exhausted message again now."""
    deliver.retry(rt, notification_id=notification_id, actor=actor, now=now)
    return rt.db.read(lambda tx: _detail(tx, notification_id))


def _listed(tx: Tx, filters: NotificationFilter, page: PageQuery) -> tuple[Page[Notification], dict[int, User]]:
    found = queries.list_notifications(tx, filters, page)
    return found, people.users_by_id(tx, {each.user_id for each in found.items if each.user_id})


def _detail(tx: Tx, notification_id: int) -> NotificationDetail:
    notification = queries.get_notification(tx, notification_id)
    names = people.users_by_id(tx, [notification.user_id] if notification.user_id else [])
    return NotificationDetail(
        **NotificationOut.of(notification, names).model_dump(),
        body=notification.body,
        tries=[TryOut.model_validate(each) for each in queries.attempts_of(tx, notification_id)],
        carries=[each.id for each in queries.bundled_in(tx, notification_id)],
    )
