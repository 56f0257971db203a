"""The outbound heartbeat (B50): an outside watchdog hears from PagerPal only while pages really move.

Silence is the alarm: whenever the canary does not pass, the call is left out and the watchdog tells somebody.
"""

from datetime import datetime, timedelta

from app.escalation import running
from app.notify import oversight as outbox
from app.platform import pulse
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.logs import get_logger
from app.platform.ports import HttpFailed
from app.platform.runtime import Runtime

HEARTBEAT_SECONDS = 60
TIMEOUT_SECONDS = 10.0
# A bundle is held for 60 s on purpose; twice that is a fault.
STUCK_SECONDS = 120

log = get_logger(__name__)


async def heartbeat_out(rt: Runtime, now: datetime) -> str | None:
    """Calls HEARTBEAT_URL if it is set and the canary passes; returns why not, None when it was called or is unset."""
    if not rt.settings.heartbeat_url:
        return None
    reason = await canary(rt, now)
    if reason is None:
        reason = await _call(rt)
    if reason is not None:
        log.error("heartbeat left out", reason=reason)
    return reason


async def canary(rt: Runtime, now: datetime) -> str | None:
    """Why a page would not get through just now; None when it would.

    Steps: 1. a row can be written; 2. nothing due in the outbox waits longer than STUCK_SECONDS; 3. no escalation does.
    """
    try:
        return await rt.db.run(lambda tx: _stuck(tx, rt, now))
    except Unavailable:
        return "the database cannot be written"


def _stuck(tx: Tx, rt: Runtime, now: datetime) -> str | None:
    pulse.probe(tx, owner=rt.owner, now=now)
    overdue = now - timedelta(seconds=STUCK_SECONDS)
    if outbox.incidents_due(tx, now=overdue):
        return "messages wait too long"
    if rt.settings.escalation_worker_enabled and running.incidents_due(tx, now=overdue):
        return "escalations wait too long"
    return None


async def _call(rt: Runtime) -> str | None:
    try:
        answer = await rt.outside.http.request("GET", rt.settings.heartbeat_url, timeout_seconds=TIMEOUT_SECONDS)
    except HttpFailed as failed:
        return f"the watchdog could not be reached: {failed.reason}"
    return None if answer.status < 400 else f"the watchdog answered {answer.status}"
