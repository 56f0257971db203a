"""The facts about PagerPal itself that modules may name in `NEEDS`, as JSON."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from app.alarms.errors import ModuleRefused
from app.alerts import queries as alerts
from app.checks import heartbeats
from app.notify import circuits, oversight as outbox
from app.notify.kinds import channel_kinds
from app.notify.queries import channels_by_id
from app.platform.db import Tx
from app.platform.types import JsonObject, PageQuery

# Not a fact, but a setting that a module cannot do without.
API = "api"
EVERY_SOURCE = PageQuery(page_size=1000)
DELIVERIES_SINCE = timedelta(days=1)


def facts_for(tx: Tx, needs: Iterable[str], *, now: datetime) -> JsonObject:
    """These facts, as they are now. Raises ModuleRefused for a name that is none."""
    wanted = [name for name in needs if name != API]
    unknown = [name for name in wanted if name not in _FACTS]
    if unknown:
        raise ModuleRefused(f"The module needs {', '.join(unknown)}; there are {', '.join((API, *_FACTS))}.")
    return {name: _FACTS[name](tx, now) for name in wanted}


def _alert_sources(tx: Tx, now: datetime) -> list[JsonObject]:
    return [
        {
            "id": source.id,
            "name": source.name,
            "created_at": source.created_at.isoformat(),
            "last_delivery_at": source.last_delivery_at.isoformat() if source.last_delivery_at else None,
        }
        for source in alerts.list_sources(tx, EVERY_SOURCE).items
        if source.is_active and not source.is_internal
    ]


def _deliveries(tx: Tx, now: datetime) -> list[JsonObject]:
    lost = outbox.given_up_since(tx, now - DELIVERIES_SINCE)
    channels = channels_by_id(tx, {each.channel_id for each, _ in lost if each.channel_id is not None})
    names = {channel.id: channel.name for channel in channels.values()}
    return [
        {
            "id": each.id,
            "provider": each.provider or circuits.provider_of(each.channel, each.channel_id, each.address),
            "name": names.get(each.channel_id or 0) or _label(each.channel),
            "status": each.status.value,
            "error": each.last_error,
            "at": at.isoformat(),
        }
        for each, at in lost
    ]


def _heartbeats(tx: Tx, now: datetime) -> list[JsonObject]:
    return [
        {
            "id": beat.id,
            "name": beat.name,
            "state": heartbeats.state_of(beat, now).value,
            "last_ping_at": beat.last_ping_at.isoformat() if beat.last_ping_at else None,
            "last_exit_code": beat.last_exit_code,
            "period_seconds": beat.period_seconds,
            "grace_seconds": beat.grace_seconds,
        }
        for beat in heartbeats.all_heartbeats(tx)
    ]


def _label(channel: str) -> str:
    kind = channel_kinds().get(channel)
    return kind.label if kind else channel.replace("_", " ").capitalize()


_FACTS: Mapping[str, Callable[[Tx, datetime], list[JsonObject]]] = {
    "alert_sources": _alert_sources,
    "deliveries": _deliveries,
    "heartbeats": _heartbeats,
}
