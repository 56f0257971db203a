"""Confirming a subscription that a vendor's topic asked for: fetched outside the request, its outcome kept."""

from datetime import datetime
from functools import partial

from app.alerts import subscriptions
from app.platform.ports import HttpFailed
from app.platform.runtime import Runtime

FETCH_SECONDS = 10.0


async def confirm_due(rt: Runtime, now: datetime) -> None:
    """Fetch the confirmation address of each subscription that waits; the driver has checked whose address it is."""
    for subscription in await rt.db.run_read(lambda tx: subscriptions.due_subscriptions(tx, now=now)):
        error = await _fetch(rt, subscription.subscribe_url)
        done_at = rt.clock.now()
        await rt.db.run(partial(subscriptions.record_confirmation, subscription=subscription, error=error, now=done_at))


async def _fetch(rt: Runtime, url: str) -> str | None:
    try:
        answer = await rt.outside.http.request("GET", url, timeout_seconds=FETCH_SECONDS)
    except HttpFailed as failed:
        return failed.reason
    return None if answer.status == 200 else f"the vendor answered {answer.status}"
