"""How long what is kept, as the moments before which it goes. `docs/operator-guide.md` has the same in a table."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.platform.db import Tx
from app.platform.settings import Settings
from app.usecases import watch

BODIES = timedelta(days=30)
CHECKS_WHOLE = timedelta(days=8)
# Nobody asks who tried to sign in so long ago; the back-off knows addresses for as long.
SIGN_INS = timedelta(days=30)
# Vendors repeat a message for hours. What is kept to know it again outlives that whatever RETENTION_DAYS says.
VENDOR_MESSAGES = timedelta(days=30)
# What somebody works on just now stays, however old it is.
TOUCHED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """The moments of one pass: what ended, came or ran out before them goes."""

    history: datetime
    bodies: datetime
    checks_whole: datetime
    sign_ins: datetime
    vendor_messages: datetime
    touched: datetime


def terms_of(tx: Tx, settings: Settings, *, now: datetime) -> Terms | None:
    """The terms at this time; None before anything was counted: `/metrics` must have counted what goes."""
    counted = watch.counted_until(tx)
    if counted is None:
        return None
    history = now - timedelta(days=settings.retention_days)
    return Terms(
        history=min(counted, history),
        bodies=max(now - BODIES, history),
        checks_whole=min(counted, now - CHECKS_WHOLE),
        sign_ins=now - SIGN_INS,
        vendor_messages=min(history, now - VENDOR_MESSAGES),
        touched=min(counted, now - TOUCHED),
    )
