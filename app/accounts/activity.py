"""When people were active: kept as intervals, so that «who was on call at T» stays answerable after a deactivation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from app.accounts.models import UserActivityRow
from app.platform.db import Tx
from app.platform.tables import fields_of


@dataclass(frozen=True, slots=True)
class ActiveInterval:
    """User `user_id` was active in [started_at, ended_at); `ended_at` is None while they are."""

    user_id: int
    started_at: datetime
    ended_at: datetime | None


def activity_of(tx: Tx, user_ids: Iterable[int]) -> list[ActiveInterval]:
    """All intervals of these people."""
    wanted = sorted(set(user_ids))
    if not wanted:
        return []
    statement = select(*fields_of(UserActivityRow, ActiveInterval)).where(UserActivityRow.user_id.in_(wanted))
    return tx.all(ActiveInterval, statement.order_by(UserActivityRow.id))


def begin_activity(tx: Tx, user_id: int, *, now: datetime) -> None:
    """The person is active from now on."""
    tx.execute(insert(UserActivityRow).values(user_id=user_id, started_at=now))


def end_activity(tx: Tx, user_id: int, *, now: datetime) -> None:
    """The person is not active any more from now on."""
    tx.execute(
        update(UserActivityRow)
        .where(UserActivityRow.user_id == user_id, UserActivityRow.ended_at.is_(None))
        .values(ended_at=now)
    )
