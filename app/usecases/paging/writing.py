"""Writing decided moves down: where the escalations stand, the pages, the lines, and whose each incident is."""

from collections.abc import Sequence
from datetime import datetime

from app.escalation import running
from app.incidents import service as incidents
from app.incidents.types import TimelineKind
from app.notify import service as notify
from app.platform.db import Tx
from app.usecases.paging import ladder
from app.usecases.paging.ladder import Climb
from app.usecases.paging.news import News, tell_news

TOLD = (TimelineKind.PAGED, TimelineKind.FALLBACK, TimelineKind.UNREACHED)


def write_moves(tx: Tx, climbs: Sequence[Climb], *, now: datetime) -> None:
    """Write moves of escalations that are under way, which this transaction has locked, with all that they page."""
    running.save_many(tx, [ladder.standing(climb) for climb in climbs])
    write_pages(tx, climbs, now=now)
    tell_news(tx, [news for climb in climbs if climb.is_escalation for news in _news(climb)], now=now)


def _news(climb: Climb) -> list[News]:
    """What the channels hear of a move: whom it pages, or that there is nobody."""
    said = [line.text for line in climb.lines if line.kind in TOLD]
    return [News(climb.order.incident, "escalated", said[-1])] if said else []


def write_pages(tx: Tx, climbs: Sequence[Climb], *, now: datetime) -> None:
    """Write what decided moves page and tell."""
    if not climbs:
        return
    notify.insert_many(tx, [page for climb in climbs for page in climb.pages], now=now)
    incidents.add_timeline(tx, [line for climb in climbs for line in climb.lines], now=now)
    paged = [climb for climb in climbs if climb.pages]
    stamps = {"last_paged_at": now, "updated_at": now}
    incidents.set_many(
        tx,
        [
            {"id": climb.order.incident.id, "assigned_to": climb.first_user, **stamps}
            for climb in paged
            if climb.first_user is not None
        ],
    )
    kept = [climb.order.incident.id for climb in paged if climb.first_user is None]
    incidents.set_many(tx, [{"id": incident_id, **stamps} for incident_id in kept])
    for climb in climbs:
        tx.publish("incident", id=climb.order.incident.id)
    tx.wake("deliver", "climb")
