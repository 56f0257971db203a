"""Messages as the delivery log shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts import queries as people
from app.accounts.types import User
from app.notify import queries as outbox
from app.notify.rendering import why_lines
from app.notify.types import Notification, NotificationChannel, NotificationFilter, NotificationKind, NotificationStatus
from app.platform.db import Tx
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.channel_kinds import labels
from app.web.ui.views.choices import EVERYTHING, Option
from app.web.ui.views.incident import RETRYABLE

FILTERS = ("status", "kind", "channel", "user_id", "incident_id")
CLIPPED = 90


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message: to whom, by what, what became of it; `clipped` is the beginning of a longer error."""

    notification: Notification
    user: User | None
    to: str
    by: str
    clipped: str
    may_retry: bool


def listing(tx: Tx, form: Form, page: PageQuery, *, may_retry: bool) -> dict[str, object]:
    """One page of messages, newest first. Raises Invalid for a filter that cannot be read."""
    found = outbox.list_notifications(tx, _filter_of(form), page)
    everybody = people.list_users(tx, EVERYTHING).items
    return {
        "page": Page(_rows(tx, found.items, may_retry), found.total, found.page, found.page_size),
        "statuses": _options("Status", NotificationStatus),
        "kinds": _options("Kind", NotificationKind),
        "channels": [("", "Channel"), *sorted(labels().items(), key=lambda each: each[1])],
        "people": [("", "Person"), *((str(user.id), user.name) for user in everybody)],
        "is_filtered": any(form.value(name) for name in FILTERS),
    }


def detail(tx: Tx, notification_id: int, *, may_retry: bool) -> dict[str, object]:
    """One message with its text, its tries and its reasons. Raises NotificationMissing."""
    message = outbox.get_notification(tx, notification_id)
    (row,) = _rows(tx, [message], may_retry)
    carries = outbox.bundled_in(tx, notification_id)
    return {
        "row": row,
        "message": message,
        "reasons": why_lines(message.facts),
        "attempts": outbox.attempts_of(tx, notification_id),
        "carries": _rows(tx, carries, may_retry=False),
    }


def _filter_of(form: Form) -> NotificationFilter:
    status, kind = form.value("status"), form.value("kind")
    return NotificationFilter(
        incident_id=form.maybe_id("incident_id"),
        status=NotificationStatus(status) if status in list(NotificationStatus) else None,
        kind=NotificationKind(kind) if kind in list(NotificationKind) else None,
        user_id=form.maybe_id("user_id"),
        channel=form.value("channel") or None,
    )


def _rows(tx: Tx, found: Sequence[Notification], may_retry: bool) -> list[MessageRow]:
    names = people.users_by_id(tx, {each.user_id for each in found if each.user_id})
    channels = outbox.channels_by_id(tx, {each.channel_id for each in found if each.channel_id})
    kinds = labels()
    return [_row(each, names, channels, kinds, may_retry) for each in found]


def _row(
    each: Notification,
    names: Mapping[int, User],
    channels: Mapping[int, NotificationChannel],
    kinds: Mapping[str, str],
    may_retry: bool,
) -> MessageRow:
    channel = channels.get(each.channel_id or 0)
    error = each.last_error
    return MessageRow(
        notification=each,
        user=names.get(each.user_id or 0),
        to=_to(each, channel, names.get(each.user_id or 0)),
        by=kinds.get(each.channel, each.channel.replace("_", " ")),
        clipped=f"{error[:CLIPPED].rstrip()}…" if len(error) > CLIPPED else error,
        may_retry=may_retry and each.status in RETRYABLE,
    )


def _to(each: Notification, channel: NotificationChannel | None, user: User | None) -> str:
    # Where a person is reached is theirs and the admins' to know.
    if channel is not None:
        return channel.name
    return user.name if user else each.address or "nobody"


def _options(title: str, words: type[NotificationStatus] | type[NotificationKind]) -> list[Option]:
    return [("", title), *((each.value, each.value.replace("_", " ")) for each in words)]
