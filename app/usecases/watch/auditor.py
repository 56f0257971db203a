"""The auditor (B50): looks for open incidents that should have been paged and were not, and pages the fallback.

It trusts nothing that paging wrote about itself but the outbox rows: an incident is in order when a page for it is
there, or when its story says why there is none (snoozed, or nobody to page and tried again).
"""

from datetime import datetime, timedelta
from functools import partial

from app.escalation import running
from app.escalation.types import Escalation, EscalationStatus
from app.incidents import oversight as incidents
from app.notify import oversight as outbox
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.usecases import paging

AUDIT_AFTER_SECONDS = 60
# A flapping incident is paged at most once in 10 minutes (B10): so long, and a little more, an older page still counts.
PAGE_COUNTS_MINUTES = 11
# Enough to page everybody whom a fault may have forgotten, few enough to keep each look short.
AT_MOST = 100
REASON = f"no page was found {AUDIT_AFTER_SECONDS} s after it should have been paged"

log = get_logger(__name__)


async def audit_unpaged(rt: Runtime, now: datetime) -> list[int]:
    """Page all admins for each open incident that has waited unpaged for AUDIT_AFTER_SECONDS; returns their ids.

    Steps: 1. read which triggered, unsnoozed incidents have no page; 2. leave out those whose story says why;
    3. for each, in its own transaction, look again and page the fallback.
    """
    suspects = await rt.db.run_read(lambda tx: unpaged(tx, now=now))
    paged = [
        incident_id for incident_id in suspects if await rt.db.run(partial(_page, incident_id=incident_id, now=now))
    ]
    if paged:
        log.error("unpaged incidents found", incident_ids=paged)
    return paged


def unpaged(tx: Tx, *, now: datetime, incident_id: int | None = None) -> list[int]:
    """Incidents that should have been paged by now and were not, oldest first, at most AT_MOST; or that one alone."""
    waiting = incidents.waiting_since(now - timedelta(seconds=AUDIT_AFTER_SECONDS), incident_id=incident_id)
    counts_since = now - timedelta(minutes=PAGE_COUNTS_MINUTES)
    suspects = outbox.without_page(tx, waiting, counts_since=counts_since, limit=AT_MOST)
    known = running.escalations_of(tx, suspects)
    return [incident_id for incident_id in suspects if not _says_why(known.get(incident_id))]


def _page(tx: Tx, incident_id: int, now: datetime) -> bool:
    # Looked at again, because an answer may have come in between.
    if not unpaged(tx, now=now, incident_id=incident_id):
        return False
    paging.page_fallback(tx, incident_id, now, REASON)
    fp("watch.fallback_paged")
    return True


def _says_why(escalation: Escalation | None) -> bool:
    return escalation is not None and escalation.status is EscalationStatus.UNREACHED
