"""What a job is handed, and who may do singleton work: the leader.

On SQLite the file lock decides: it is let go of the instant its process dies, so the next one leads at once. On
PostgreSQL the lease row decides, renewed every few seconds and checked in the transaction of each piece of work.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.jobs.handover import Handover
from app.platform import lease
from app.platform.errors import Unavailable
from app.platform.lease import FileLock, Held
from app.platform.logs import get_logger
from app.platform.runtime import Runtime

log = get_logger(__name__)


@dataclass(slots=True)
class Desk:
    """One process's place in the house: its runtime, the lease it holds while it leads, and what it gave to Celery."""

    rt: Runtime
    held: Held | None = None
    lock: FileLock | None = field(default=None)
    handover: Handover = field(default_factory=Handover)

    @property
    def is_leader(self) -> bool:
        """Whether this process does the singleton work."""
        return self.held is not None

    async def lead(self, now: datetime) -> bool:
        """Become the leader or stay it, if nobody else is; whether this process leads now.

        Raises Unavailable when the database cannot be written.
        """
        rt = self.rt
        alone = self._takes_file()
        rt.db.standby = rt.db.dialect == "sqlite" and not alone
        if rt.db.standby:
            self.held = None
            return False
        was_leader = self.is_leader
        # Whoever has the file knows that the former owner is dead; its lease need not run out.
        force = rt.db.dialect == "sqlite"
        self.held = await rt.db.run(lambda tx: lease.take(tx, lease.LEADER, owner=rt.owner, now=now, force=force))
        if self.is_leader and not was_leader:
            log.info("this process leads", owner=rt.owner)
        return self.is_leader

    async def step_down(self, now: datetime) -> None:
        """Give the lease back, so that another process need not wait for it to run out."""
        held, self.held = self.held, None
        if held is not None:
            try:
                await self.rt.db.run(lambda tx: lease.give_back(tx, held, now=now))
            except Unavailable as error:
                log.warning("the lease was not given back", error=error.message)
        if self.lock is not None:
            self.lock.release()

    def _takes_file(self) -> bool:
        database = self.rt.db.url.database
        if self.rt.db.dialect != "sqlite" or not database:
            return True
        if self.lock is None:
            self.lock = FileLock(Path(database))
        return self.lock.take()
