"""Hears what other processes committed: PostgreSQL's NOTIFY, read in a thread of its own. SQLite has no others."""

import threading

import psycopg

from app.platform.logs import get_logger
from app.platform.runtime import Runtime

CHANNEL = "pagerpal"
POLL_SECONDS = 1.0

log = get_logger(__name__)


class Listener:
    """Dispatches other processes' wakes and live events on this process's bus; reconnects for ever."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen, where there is anything to hear."""
        if self._rt.db.dialect == "postgresql" and not self._rt.db.inline:
            self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * POLL_SECONDS)

    def _run(self) -> None:
        target = self._rt.db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stopping.is_set():
            try:
                with psycopg.connect(target, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    while not self._stopping.is_set():
                        for notice in connection.notifies(timeout=POLL_SECONDS):
                            self._rt.bus.decode(notice.payload)
            except psycopg.Error as error:
                log.warning("cannot listen to other processes", error=type(error).__name__)
                self._stopping.wait(POLL_SECONDS)
