"""What `/metrics` counts: one list of what happens in every context, and its totals."""

from collections.abc import Iterator
from datetime import datetime

from app.alerts import oversight as alerts
from app.checks import oversight as checks
from app.intelligence import oversight as intelligence
from app.notify import oversight as outbox
from app.pipeline import oversight as pipeline
from app.platform import tally
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.tally import Fact, Totals

TALLY_SECONDS = 15
FACTS = (
    alerts.DELIVERIES,
    alerts.ALERTS,
    outbox.ATTEMPTS,
    outbox.PAGE_LATENCY,
    pipeline.RUNS,
    pipeline.RUN_DURATIONS,
    pipeline.STAGES,
    pipeline.STAGE_DURATIONS,
    checks.CHECKS,
    intelligence.ANALYSES,
    intelligence.PROMPT_TOKENS,
    intelligence.COMPLETION_TOKENS,
)


async def settle_tallies(rt: Runtime, now: datetime) -> None:
    """Add to the kept totals what has settled since the last time."""
    # Counting holds up no page: only the sums are written in a transaction.
    additions = await rt.db.run_read(lambda tx: tally.settled(tx, FACTS, now=now))
    if additions:
        await rt.db.run(lambda tx: tally.add(tx, additions))


def totals(tx: Tx, *, now: datetime) -> Iterator[tuple[Fact, Totals]]:
    """Everything that is counted, up to this moment."""
    return tally.totals(tx, FACTS, now=now)


def counted_until(tx: Tx) -> datetime | None:
    """What happened before then is in the totals and may be removed; None before counting has begun."""
    return tally.settled_until(tx, FACTS)
