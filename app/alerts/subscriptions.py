"""Subscriptions to a vendor's topics: what was asked, confirmed or ended; the confirming itself is due work."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from app.alerts.models import SubscriptionRow
from app.alerts.types import Control, Subscription, SubscriptionState
from app.platform.db import Tx
from app.platform.tables import fields_of

MAX_ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=10)
CLIPPED = 500


def note_control(tx: Tx, source_id: int, control: Control, *, now: datetime) -> None:
    """Keep what a topic asked of a source; a confirmation is due at once."""
    ended = control.ends_subscription
    values = {
        "subscribe_url": "" if ended else control.subscribe_url,
        "state": SubscriptionState.UNSUBSCRIBED if ended else SubscriptionState.PENDING,
        "attempts": 0,
        "due_at": None if ended else now,
        "last_error": "",
        "updated_at": now,
    }
    mine = (SubscriptionRow.source_id == source_id, SubscriptionRow.topic_arn == control.topic_arn)
    if tx.execute(update(SubscriptionRow).where(*mine).values(**values)).rowcount == 0:
        tx.execute(
            insert(SubscriptionRow).values(source_id=source_id, topic_arn=control.topic_arn, created_at=now, **values)
        )
    tx.wake("subscriptions")
    tx.publish("sources")


def due_subscriptions(tx: Tx, *, now: datetime) -> list[Subscription]:
    """Those that wait to be confirmed, the oldest first."""
    statement = select(*fields_of(SubscriptionRow, Subscription)).where(SubscriptionRow.due_at <= now)
    return tx.all(Subscription, statement.order_by(SubscriptionRow.due_at, SubscriptionRow.id).limit(20))


def subscriptions_of(tx: Tx, source_id: int) -> list[Subscription]:
    """The topics of a source, for its page."""
    statement = select(*fields_of(SubscriptionRow, Subscription)).where(SubscriptionRow.source_id == source_id)
    return tx.all(Subscription, statement.order_by(SubscriptionRow.id))


def ended_subscriptions(tx: Tx) -> list[Subscription]:
    """Topics that no longer tell their source anything, for the banner."""
    states = (SubscriptionState.UNSUBSCRIBED, SubscriptionState.FAILED)
    statement = select(*fields_of(SubscriptionRow, Subscription)).where(SubscriptionRow.state.in_(states))
    return tx.all(Subscription, statement.order_by(SubscriptionRow.id))


def record_confirmation(tx: Tx, subscription: Subscription, error: str | None, *, now: datetime) -> None:
    """What came of fetching the confirmation: confirmed, tried again with growing pauses, or given up."""
    attempts = subscription.attempts + 1
    if error is None:
        values = {"state": SubscriptionState.CONFIRMED, "due_at": None, "last_error": ""}
    elif attempts >= MAX_ATTEMPTS:
        values = {"state": SubscriptionState.FAILED, "due_at": None, "last_error": error[:CLIPPED]}
    else:
        values = {"due_at": now + FIRST_PAUSE * 2**attempts, "last_error": error[:CLIPPED]}
    tx.execute(
        update(SubscriptionRow)
        .where(SubscriptionRow.id == subscription.id, SubscriptionRow.attempts == subscription.attempts)
        .values(attempts=attempts, updated_at=now, **values)
    )
    tx.publish("sources")
