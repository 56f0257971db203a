"""Reading notifications and channels, for every door and use case."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.sql import Select

from app.notify import circuits, repository
from app.notify.action_links import LinkAction
from app.notify.errors import ChannelMissing, NotificationMissing
from app.notify.models import DUE, IN_FLIGHT, ActionUseRow, ChannelRow, NotificationRow, ThreadRow
from app.notify.repository import FIRST_SENDS, IS_NEXT, IS_PAGE, select_notifications
from app.notify.rules import Window
from app.notify.types import (
    REACHING,
    WAITING,
    ActionUse,
    Attempt,
    Notification,
    NotificationChannel,
    NotificationFilter,
    NotificationKind,
    NotificationStatus,
    Thread,
    Told,
)
from app.platform.db import Tx, paged
from app.platform.tables import fields_of
from app.platform.types import JsonObject, Page, PageQuery

STILL_REACHING = NotificationRow.status.in_([NotificationStatus(status) for status in sorted(REACHING)])
# What has begun to leave: whoever reads it should read on.
SAID = (
    NotificationStatus.IN_FLIGHT, NotificationStatus.UNKNOWN, NotificationStatus.SENT, NotificationStatus.DELIVERED,
    NotificationStatus.BUNDLED,
)  # fmt: skip
_ACTIVE_CHANNELS = select(ChannelRow.id).where(ChannelRow.is_active)
# What a reader may have seen: gone out, or going out.
ARRIVING = (
    NotificationStatus.SENT, NotificationStatus.DELIVERED, NotificationStatus.SUPPRESSED, NotificationStatus.IN_FLIGHT,
    NotificationStatus.UNKNOWN,
)  # fmt: skip
# Databases take so many values in one statement, and not many more.
INCIDENTS_AT_ONCE = 10_000
# The statements of every tick, built once: building one costs more than running it.
_FIRST_DUE = select(func.min(NotificationRow.due_at)).where(
    DUE,
    IS_NEXT,
    NotificationRow.status.in_(bindparam("statuses", expanding=True)),
    NotificationRow.provider.not_in(bindparam("left_out", expanding=True)),
)
_FIRST_DUE_BY = _FIRST_DUE.where(NotificationRow.provider == bindparam("provider"))
_FIRST_LEASE = select(func.min(NotificationRow.lease_until)).where(IN_FLIGHT)


def get_notification(tx: Tx, notification_id: int) -> Notification:
    """The notification. Raises NotificationMissing."""
    found = find_notification(tx, notification_id)
    if found is None:
        raise NotificationMissing(notification_id)
    return found


def find_notification(tx: Tx, notification_id: int) -> Notification | None:
    """The notification, or None."""
    return tx.first(Notification, select_notifications().where(NotificationRow.id == notification_id))


def list_notifications(tx: Tx, filters: NotificationFilter, page: PageQuery) -> Page[Notification]:
    """One page, newest first."""
    wanted = {
        NotificationRow.incident_id: filters.incident_id,
        NotificationRow.status: filters.status,
        NotificationRow.user_id: filters.user_id,
        NotificationRow.channel: filters.channel,
        NotificationRow.channel_id: filters.channel_id,
        NotificationRow.kind: filters.kind,
    }
    statement = select_notifications().where(
        *(column == value for column, value in wanted.items() if value is not None)
    )
    return paged(tx, Notification, statement.order_by(NotificationRow.id.desc()), page)


def notifications_of(tx: Tx, incident_id: int) -> list[Notification]:
    """Everything that was said about an incident, oldest first."""
    statement = select_notifications().where(NotificationRow.incident_id == incident_id)
    return tx.all(Notification, statement.order_by(NotificationRow.id))


def messages_of_runs(tx: Tx, run_ids: Collection[str]) -> dict[str, list[Notification]]:
    """What each of these pipeline runs said, oldest first; runs that said nothing are left out."""
    found: dict[str, list[Notification]] = {}
    if run_ids:
        statement = select_notifications().where(NotificationRow.run_id.in_(sorted(run_ids)))
        for each in tx.all(Notification, statement.order_by(NotificationRow.id)):
            found.setdefault(str(each.run_id), []).append(each)
    return found


def incidents_being_paged(tx: Tx, *, since: datetime, now: datetime) -> set[int]:
    """Incidents with a first page that came due since then and has not left yet."""
    statement = select(NotificationRow.incident_id).where(
        NotificationRow.kind == NotificationKind.PAGE,
        NotificationRow.attempts <= 1,
        or_(
            and_(DUE, NotificationRow.status == NotificationStatus.PENDING, NotificationRow.due_at.between(since, now)),
            and_(IN_FLIGHT, NotificationRow.due_at.between(since, now)),
        ),
    )
    return {incident_id for (incident_id,) in tx.execute(statement.distinct()) if incident_id is not None}


def statuses_of(tx: Tx, notification_ids: Iterable[int]) -> dict[int, NotificationStatus]:
    """What has become of these messages."""
    wanted = sorted(set(notification_ids))
    found: dict[int, NotificationStatus] = {}
    for start in range(0, len(wanted), INCIDENTS_AT_ONCE):
        chunk = wanted[start : start + INCIDENTS_AT_ONCE]
        statement = select(NotificationRow.id, NotificationRow.status).where(NotificationRow.id.in_(chunk))
        found |= {row_id: status for row_id, status in tx.execute(statement)}
    return found


def bundled_in(tx: Tx, notification_id: int) -> list[Notification]:
    """What this message carries besides itself, oldest first."""
    return repository.bundles_of(tx, [notification_id]).get(notification_id, [])


def lost_with(tx: Tx, notification_id: int) -> list[Notification]:
    """What was lost with this message because it carried it, oldest first."""
    lost = NotificationRow.bundle_id == notification_id, NotificationRow.status == NotificationStatus.FAILED
    return tx.all(Notification, select_notifications().where(*lost).order_by(NotificationRow.id))


def attempts_of(tx: Tx, notification_id: int) -> list[Attempt]:
    """The tries to send it, in order."""
    return tx.all(Attempt, repository.select_attempts(notification_id))


def lost_incidents(tx: Tx, *, now: datetime) -> list[int]:
    """Incidents of messages whose sender died while sending."""
    return repository.lost_incidents(tx, now=now)


def windows_open(tx: Tx, at: datetime) -> dict[int, Window]:
    """The windows that are open at an instant, by contact method (B29)."""
    return repository.windows_open(tx, at)


def next_due_at(tx: Tx, *, repeats: bool = True, full: Collection[str] = ()) -> datetime | None:
    """When the next message may be claimed, None when nothing waits.

    Without `repeats` only first sends count, with it also what a dead sender may have lost; providers that are `full`
    are left out, and what goes by a broken one waits until that is tried again.
    """
    statuses = sorted(WAITING) if repeats else list(FIRST_SENDS)
    broken = circuits.not_closed(tx)
    left_out = [*full, *(circuit.provider for circuit in broken)]
    found = [_instant(tx, _FIRST_DUE, statuses=statuses, left_out=left_out)]
    for circuit in broken:
        waits = _instant(tx, _FIRST_DUE_BY, statuses=statuses, left_out=full, provider=circuit.provider)
        if waits is not None:
            found.append(max(waits, circuit.probe_at or waits))
    if repeats:
        found.append(_instant(tx, _FIRST_LEASE))
    return min((at for at in found if at is not None), default=None)


def can_still_reach(tx: Tx, incident_id: int, *, episode: int, level: int) -> bool:
    """Whether a page of this level has reached somebody or may still do so (B26)."""
    statement = select(NotificationRow.id).where(
        _of_level(incident_id, episode=episode, level=level), IS_PAGE, STILL_REACHING
    )
    return tx.scalar(statement.limit(1)) is not None


def is_held(tx: Tx, incident_id: int) -> bool:
    """Whether a page of the incident waits for a digest (B6)."""
    held = (NotificationRow.incident_id == incident_id, NotificationRow.status == NotificationStatus.HELD)
    return tx.scalar(select(NotificationRow.id).where(IS_PAGE, *held).limit(1)) is not None


def held_until(tx: Tx, incident_id: int, episode: int, level: int) -> datetime | None:
    """The first digest that pages of this level still wait for."""
    held = _of_level(incident_id, episode=episode, level=level)
    statement = select(func.min(NotificationRow.held_until)).where(
        held, IS_PAGE, NotificationRow.status == NotificationStatus.HELD
    )
    return _instant(tx, statement)


def of_receipts(tx: Tx, provider_message_ids: Collection[str]) -> dict[str, Notification]:
    """The messages that vendors know by these names; ours is good too, where it is the vendor's as well."""
    wanted = sorted(set(provider_message_ids))
    if not wanted:
        return {}
    row = NotificationRow
    statement = select_notifications().where(or_(row.provider_message_id.in_(wanted), row.idempotency_key.in_(wanted)))
    found: dict[str, Notification] = {}
    for each in tx.all(Notification, statement.order_by(row.id)):
        found[each.provider_message_id if each.provider_message_id in wanted else each.idempotency_key] = each
    return found


def is_sending(tx: Tx, channels: Collection[str]) -> bool:
    """Whether a message is on its way out by one of these channels just now."""
    statement = select(NotificationRow.id).where(IN_FLIGHT, NotificationRow.channel.in_(sorted(channels)))
    return tx.scalar(statement.limit(1)) is not None


def waiting_at(tx: Tx, contact_method_ids: Collection[int]) -> list[Notification]:
    """Pages to these contact methods that have not begun to leave, those said in another message included."""
    in_bundle = and_(NotificationRow.status == NotificationStatus.BUNDLED, NotificationRow.sent_at.is_(None))
    statement = select_notifications().where(
        IS_PAGE,
        or_(NotificationRow.status.in_(WAITING), in_bundle),
        NotificationRow.contact_method_id.in_(sorted(contact_method_ids)),
    )
    return tx.all(Notification, statement.order_by(NotificationRow.id))


def pages_to(tx: Tx, contact_method_ids: Collection[int], *, limit: int = 200) -> list[int]:
    """The incidents of the pages that these contact methods got, the newest page first, each once."""
    row = NotificationRow
    said_in_another = and_(row.status == NotificationStatus.BUNDLED, row.sent_at.is_not(None))
    statement = (
        select(row.incident_id)
        .where(
            IS_PAGE,
            row.contact_method_id.in_(sorted(contact_method_ids)),
            or_(row.status.in_(ARRIVING), said_in_another),
        )
        .order_by(func.coalesce(row.sent_at, row.due_at).desc(), row.id.desc())
        .limit(limit)
    )
    return list(dict.fromkeys(tx.execute(statement).scalars()))


def was_paged(tx: Tx, incident_id: int, user_id: int) -> bool:
    """Whether this person ever got a page about the incident, whatever became of it."""
    statement = select(NotificationRow.id).where(
        IS_PAGE, NotificationRow.incident_id == incident_id, NotificationRow.user_id == user_id
    )
    return tx.scalar(statement.limit(1)) is not None


def paged_on_levels(
    tx: Tx, incident_ids: Iterable[int], *, reaching: bool = False, user_id: int | None = None
) -> dict[tuple[int, int, int], set[int]]:
    """Whom a page was written to, by (incident, episode, level), whatever became of it: nobody gets a second one.

    With `reaching` only those whose page has reached them, or still may; `user_id` looks for one person alone.
    """
    row = NotificationRow
    narrowed = [IS_PAGE, row.user_id.is_not(None) if user_id is None else row.user_id == user_id]
    if reaching:
        narrowed.append(STILL_REACHING)
    columns = select(row.incident_id, row.episode, row.level, row.user_id).where(*narrowed).distinct()
    wanted = sorted(set(incident_ids))
    found: dict[tuple[int, int, int], set[int]] = {}
    for start in range(0, len(wanted), INCIDENTS_AT_ONCE):
        statement = columns.where(row.incident_id.in_(wanted[start : start + INCIDENTS_AT_ONCE]))
        for incident_id, episode, level, paged_user in tx.execute(statement):
            found.setdefault((incident_id or 0, episode or 0, level or 0), set()).add(paged_user or 0)
    return found


def facts_of_last_pages(tx: Tx, incident_ids: Iterable[int]) -> dict[int, JsonObject]:
    """What the newest page of each of these incidents says; empty where there was none."""
    facts: dict[int, JsonObject] = {incident_id: {} for incident_id in incident_ids}
    newest = (
        select(func.max(NotificationRow.id))
        .where(IS_PAGE, NotificationRow.incident_id.in_(sorted(facts)))
        .group_by(NotificationRow.incident_id)
    )
    statement = select(NotificationRow.incident_id, NotificationRow.facts).where(NotificationRow.id.in_(newest))
    facts |= {row[0]: row[1] for row in tx.execute(statement)}
    return facts


def action_uses(tx: Tx, notification_id: int) -> list[ActionUse]:
    """Which action links of a message were used."""
    statement = select(*fields_of(ActionUseRow, ActionUse)).where(ActionUseRow.notification_id == notification_id)
    return tx.all(ActionUse, statement.order_by(ActionUseRow.id))


def feedback_of(tx: Tx, incident_id: int) -> list[ActionUse]:
    """Who said by a link that an incident's page was not useful, in order."""
    of_incident = select(NotificationRow.id).where(NotificationRow.incident_id == incident_id)
    statement = select(*fields_of(ActionUseRow, ActionUse)).where(
        ActionUseRow.action == LinkAction.NOT_USEFUL.value, ActionUseRow.notification_id.in_(of_incident)
    )
    return tx.all(ActionUse, statement.order_by(ActionUseRow.id))


def get_channel(tx: Tx, channel_id: int) -> NotificationChannel:
    """The channel, its secrets encrypted. Raises ChannelMissing."""
    found = tx.first(NotificationChannel, _channels().where(ChannelRow.id == channel_id))
    if found is None:
        raise ChannelMissing(channel_id)
    return found


def channels_by_id(tx: Tx, channel_ids: Collection[int]) -> dict[int, NotificationChannel]:
    """The channels that exist among these."""
    if not channel_ids:
        return {}
    found = tx.all(NotificationChannel, _channels().where(ChannelRow.id.in_(sorted(channel_ids))))
    return {channel.id: channel for channel in found}


def list_channels(tx: Tx, page: PageQuery) -> Page[NotificationChannel]:
    """One page of channels, by name."""
    return paged(tx, NotificationChannel, _channels().order_by(ChannelRow.name), page)


def active_channels(tx: Tx, names: Iterable[str] | None = None) -> list[NotificationChannel]:
    """The channels that are switched on, oldest first; with `names` only these."""
    statement = _channels().where(ChannelRow.is_active)
    if names is not None:
        statement = statement.where(ChannelRow.name.in_(sorted(names)))
    return tx.all(NotificationChannel, statement.order_by(ChannelRow.id))


def channel_names(tx: Tx) -> list[str]:
    """The names of all channels, switched on or not."""
    return list(tx.execute(select(ChannelRow.name).order_by(ChannelRow.name)).scalars())


def channel_was_used(tx: Tx, channel_id: int) -> bool:
    """Whether anything was ever said over this channel."""
    return tx.scalar(select(NotificationRow.id).where(NotificationRow.channel_id == channel_id).limit(1)) is not None


def told_of(tx: Tx, incident_ids: Collection[int], *, people_by: Collection[str]) -> dict[int, list[Told]]:
    """Who was told of each of these incidents, or is being told: active channels, and people paged by such kinds."""
    row = NotificationRow
    of_team = and_(row.kind == NotificationKind.TEAM, row.channel_id.in_(_ACTIVE_CHANNELS), STILL_REACHING)
    of_person = and_(IS_PAGE, row.channel.in_(sorted(people_by)), row.status.in_(SAID))
    columns = select(*fields_of(NotificationRow, Told)).where(or_(of_team, of_person)).distinct()
    wanted = sorted(set(incident_ids))
    found: dict[int, list[Told]] = {}
    for start in range(0, len(wanted), INCIDENTS_AT_ONCE):
        statement = columns.where(row.incident_id.in_(wanted[start : start + INCIDENTS_AT_ONCE]))
        for each in tx.all(Told, statement.order_by(row.incident_id, row.channel_id, row.contact_method_id)):
            found.setdefault(each.incident_id, []).append(each)
    return found


def incidents_of_ref(tx: Tx, channel: str, ref: str) -> list[int]:
    """The incidents that a message is about, by the vendor's handle of it; several for a bundle, oldest first.

    `ref` of a Slack message is `message_ref(channel=…, ts=…)`, of a PagerDuty event its deduplication key.
    """
    statement = select(ThreadRow.incident_id).where(ThreadRow.channel == channel, ThreadRow.ref == ref)
    return list(tx.execute(statement.distinct().order_by(ThreadRow.incident_id)).scalars())


def incident_of_ref(tx: Tx, channel: str, ref: str) -> int | None:
    """The incident that a message is about; None for a message that we do not know, or that is about several."""
    found = incidents_of_ref(tx, channel, ref)
    return found[0] if len(found) == 1 else None


def threads_of(tx: Tx, incident_ids: Collection[int]) -> list[Thread]:
    """Where these incidents were told first, the newest last."""
    if not incident_ids:
        return []
    statement = select(*fields_of(ThreadRow, Thread)).where(ThreadRow.incident_id.in_(sorted(incident_ids)))
    return tx.all(Thread, statement.order_by(ThreadRow.id))


def _of_level(incident_id: int, *, episode: int, level: int) -> ColumnElement[bool]:
    return and_(
        NotificationRow.incident_id == incident_id,
        NotificationRow.episode == episode,
        NotificationRow.level == level,
    )


def _channels() -> "Select[Any]":
    return select(*fields_of(ChannelRow, NotificationChannel))


def _instant(tx: Tx, statement: "Select[Any]", **values: Any) -> datetime | None:
    at: datetime | None = tx.scalar(statement, **values)
    return at
