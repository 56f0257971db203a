"""A clock that stands still until a test moves it; nothing in a test waits for real time."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FrozenClock:
    """The `Clock` port under a test's control; both hands move together."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The instant the test has set, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the test began, on this clock."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Move the clock on; who sleeps finds the time passed."""
        self.advance(seconds=seconds)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Let this much time pass and return the new now."""
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._now += passed
        self._monotonic += passed.total_seconds()
        return self._now

    def set(self, now: datetime) -> None:
        """Put the wall clock to `now`, as an administrator or a time server would; the monotonic hand stays."""
        self._now = now
