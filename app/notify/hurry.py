"""A person's next notification rule goes at once where the one before it does not get through (B28).

It is the rule after the one that is stuck, and no other: the rules behind it keep their time unless it is stuck too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import BindParameter, and_, bindparam, select, tuple_, update
from sqlalchemy.orm import aliased

from app.notify.models import NotificationRow
from app.notify.rules import RulePage, next_rules
from app.notify.types import Notification, NotificationKind, NotificationStatus
from app.platform.db import Tx
from app.platform.tables import fields_of

# Incident, episode, level, person: the pages of one of these are the rules of one person.
Place: TypeAlias = tuple[int | None, int | None, int | None, int | None]

PAGES_AT_ONCE = 500
STUCK = (NotificationStatus.PENDING, NotificationStatus.RETRYING, NotificationStatus.UNKNOWN)
_ROW = NotificationRow
_PLACE = (_ROW.incident_id, _ROW.episode, _ROW.level, _ROW.user_id)
_LATER = aliased(_ROW)
_BROKEN: BindParameter[str] = bindparam("broken", expanding=True)
# Asked at every send while a provider is broken, so built once: building it costs more than running it.
_STUCK_BEFORE_OTHERS = (
    select(_ROW.id, _ROW.due_at, *_PLACE)
    .join(
        _LATER,
        and_(
            _LATER.incident_id == _ROW.incident_id,
            _LATER.episode == _ROW.episode,
            _LATER.level == _ROW.level,
            _LATER.user_id == _ROW.user_id,
            _LATER.status == NotificationStatus.PENDING,
            _LATER.due_at > bindparam("now"),
            _LATER.due_at > _ROW.due_at,
            _LATER.provider.not_in(_BROKEN),
        ),
    )
    .where(_ROW.kind == NotificationKind.PAGE, _ROW.status.in_(STUCK), _ROW.provider.in_(_BROKEN))
    .distinct()
    .limit(PAGES_AT_ONCE)
)


def past_lost(tx: Tx, lost: Sequence[Notification], *, now: datetime) -> None:
    """These pages will not get through: the next rule of each person goes now."""
    pages = [page for page in lost if page.kind is NotificationKind.PAGE and page.user_id is not None]
    if pages:
        places = {(page.incident_id, page.episode, page.level, page.user_id) for page in pages}
        _bring_forward(tx, places, {page.id: now for page in pages}, (), now)


def past_broken(tx: Tx, providers: Collection[str], *, now: datetime) -> None:
    """What goes by these providers waits: the next rule of each person goes when it would have."""
    names = sorted(providers)
    found = tx.execute(_STUCK_BEFORE_OTHERS, {"broken": names, "now": now}).all()
    if found:
        places = {(row.incident_id, row.episode, row.level, row.user_id) for row in found}
        _bring_forward(tx, places, {row.id: row.due_at for row in found}, names, now)


def _bring_forward(
    tx: Tx, places: Iterable[Place], stuck: Mapping[int, datetime], broken: Collection[str], now: datetime
) -> None:
    for place, pages in _pages_of(tx, places).items():
        due = {page.id: stuck[page.id] for page in pages if page.id in stuck}
        waits = {page.id: page.due_at for page in pages if page.provider in broken and page.id not in due}
        for page_id, due_at in next_rules(pages, {**waits, **due}, now).items():
            waiting = (_ROW.id == page_id, _ROW.status == NotificationStatus.PENDING)
            tx.execute(update(_ROW).where(*waiting).values(due_at=due_at))
            tx.wake("deliver")
            tx.publish("notifications", incident_id=place[0])


def _pages_of(tx: Tx, places: Iterable[Place]) -> dict[Place, list[RulePage]]:
    statement = select(*fields_of(_ROW, RulePage), *_PLACE).where(
        _ROW.kind == NotificationKind.PAGE, tuple_(*_PLACE).in_(sorted(places))
    )
    found: dict[Place, list[RulePage]] = {}
    for row in tx.execute(statement.order_by(_ROW.rule_delay_minutes, _ROW.id)):
        page = RulePage(row.id, row.status, row.due_at, row.held_until, row.provider)
        found.setdefault((row.incident_id, row.episode, row.level, row.user_id), []).append(page)
    return found
