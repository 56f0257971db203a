"""Whether this process can do its work right now: a real write, who leads, whether the clock's jobs move."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from app.platform import pulse
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases.watch.notices import LATE_SECONDS

PROBE_SECONDS = 2.0
CACHE_SECONDS = 1.0
# Jobs write down every few seconds that they ran; those of the process before are not held against a new one.
SETTLING_SECONDS = 30.0

JobsMove = Callable[[Tx, Settings, datetime], bool]
WorkersWord = Literal["leader", "standby", "off"]


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look; `is_stalled`: whoever leads has not beaten for LATE_SECONDS, or a job of theirs does not run."""

    database_is_writable: bool
    workers: WorkersWord
    is_stalled: bool
    sending: bool


class VitalSigns:
    """Takes the vitals of a process at most once a second, however often a load balancer asks."""

    def __init__(self, rt: Runtime, jobs_move: JobsMove) -> None:
        self._rt = rt
        self._jobs_move = jobs_move
        self._settled_at = rt.clock.monotonic() + SETTLING_SECONDS
        self._taken_at = float("-inf")
        self._look: asyncio.Task[Vitals] | None = None

    async def take(self) -> Vitals:
        """The vitals, not older than CACHE_SECONDS; callers who come together share one look."""
        fresh = self._rt.clock.monotonic() - self._taken_at < CACHE_SECONDS
        if self._look is None or (self._look.done() and not fresh):
            self._taken_at = self._rt.clock.monotonic()
            self._look = asyncio.create_task(take_vitals(self._rt, self._moves))
        return await asyncio.shield(self._look)

    def _moves(self, tx: Tx, settings: Settings, now: datetime) -> bool:
        return self._rt.clock.monotonic() < self._settled_at or self._jobs_move(tx, settings, now)


async def take_vitals(rt: Runtime, jobs_move: JobsMove) -> Vitals:
    """Write one row through the writer and look who leads; gives up after PROBE_SECONDS.

    A slow writer counts as none: a monitoring tool is better served by another process than by a long wait.
    """
    sending, now = rt.settings.notification_sending_enabled, rt.clock.now()
    look = asyncio.ensure_future(rt.db.run(lambda tx: _look(tx, rt, jobs_move, now)))
    try:
        # Shielded, because a transaction under way cannot be taken back; it ends by itself.
        leads, stalled = await asyncio.wait_for(asyncio.shield(look), PROBE_SECONDS)
    except (Unavailable, TimeoutError, SQLAlchemyError):
        look.add_done_callback(_ignore)
        return Vitals(False, _word(rt.settings, leads=False), False, sending)
    return Vitals(True, _word(rt.settings, leads=leads), stalled, sending)


def _look(tx: Tx, rt: Runtime, jobs_move: JobsMove, now: datetime) -> tuple[bool, bool]:
    pulse.probe(tx, owner=rt.owner, now=now)
    last = pulse.last_beat(tx)
    is_late = last is not None and (now - last).total_seconds() > LATE_SECONDS
    leads = pulse.leader_of(tx, now=now) == rt.owner
    return leads, is_late or not jobs_move(tx, rt.settings, now)


def _word(settings: Settings, *, leads: bool) -> WorkersWord:
    if not (settings.escalation_worker_enabled or settings.notification_retry_worker_enabled):
        return "off"
    return "leader" if leads else "standby"


def _ignore(look: "asyncio.Future[tuple[bool, bool]]") -> None:
    # The late outcome is taken, so that the event loop does not report it as never looked at.
    if not look.cancelled():
        look.exception()
