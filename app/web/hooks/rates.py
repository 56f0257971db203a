"""A source's own limit on requests per minute, where one is set: one noisy tool must not crowd out the others."""

from app.alerts.types import AlertSource
from app.platform.errors import TooMany

MINUTE = 60.0


class Rates:
    """A bucket of tokens per source, in this process; sources without a limit have none."""

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[float, float]] = {}

    def check(self, source: AlertSource, at: float) -> None:
        """Take a token; `at` is monotonic seconds. Raises TooMany with when to come again."""
        limit = source.config.get("rate_per_minute")
        if not isinstance(limit, int) or limit <= 0:
            return
        tokens, filled_at = self._buckets.get(source.id, (float(limit), at))
        tokens = min(float(limit), tokens + (at - filled_at) * limit / MINUTE)
        if tokens < 1:
            self._buckets[source.id] = (tokens, at)
            wait = (1 - tokens) * MINUTE / limit
            raise TooMany(f"«{source.name}» may send {limit} requests a minute.", retry_after_seconds=int(wait) + 1)
        self._buckets[source.id] = (tokens - 1, at)
