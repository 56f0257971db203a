"""Blackouts (B49): whoever pages beats every few seconds; a hole between two beats is a time when nobody could page.

The beat is written before the jobs of a start run, so that each incident that waited says so before its late page.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.escalation import running
from app.incidents import service as incidents
from app.incidents.types import NewTimelineEntry, TimelineKind
from app.notify import oversight as outbox
from app.platform import pulse
from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.pulse import Blackout
from app.platform.runtime import Runtime

BEAT_SECONDS = 5
# A take-over by a standby takes up to 15 s and is no blackout; nor is a restart.
BLACKOUT_SECONDS = 60

log = get_logger(__name__)


async def beat(rt: Runtime, now: datetime) -> Blackout | None:
    """Say that this process pages; returns the blackout that ended with this beat, None in the ordinary case.

    To be called by the leader every BEAT_SECONDS, and once before its jobs begin.
    """
    blackout = await rt.db.run(lambda tx: _beat(tx, owner=rt.owner, now=now))
    if blackout is not None:
        log.error("nobody could be paged", since=blackout.started_at.isoformat(), seconds=blackout.seconds)
    return blackout


def _beat(tx: Tx, *, owner: str, now: datetime) -> Blackout | None:
    before = pulse.beat(tx, owner=owner, now=now)
    if before is None or now - before < timedelta(seconds=BLACKOUT_SECONDS):
        return None
    blackout = pulse.record_blackout(tx, started_at=before, ended_at=now)
    touched = sorted({*running.incidents_due(tx, now=now), *outbox.incidents_due(tx, now=now)})
    _tell(tx, touched, blackout, now=now)
    fp("watch.blackout_recorded")
    return blackout


def _tell(tx: Tx, incident_ids: Iterable[int], blackout: Blackout, *, now: datetime) -> None:
    text = (
        f"PagerPal could not page anybody from {_clock(blackout.started_at)} to {_clock(blackout.ended_at)} UTC "
        f"({length_of(blackout.seconds)}); what came due meanwhile is done now, late"
    )
    data = {"started_at": blackout.started_at.isoformat(), "ended_at": blackout.ended_at.isoformat()}
    entries = [
        NewTimelineEntry(incident_id, TimelineKind.BLACKOUT, text, data={**data, "seconds": blackout.seconds})
        for incident_id in incident_ids
    ]
    incidents.add_timeline(tx, entries, now=now)


def length_of(seconds: int) -> str:
    """A length of time in the largest two units that say something: `50 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{minutes} min"
    if seconds < 86400:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
