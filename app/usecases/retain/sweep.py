"""One pass: a batch of each step in turn, each its own short transaction, until the pass has had its time."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from app.platform.db import Tx
from app.platform.failpoints import fp
from app.platform.lease import Held, is_held
from app.platform.logs import get_logger
from app.platform.runtime import Runtime
from app.usecases.retain.steps import STEPS, Step
from app.usecases.retain.terms import Terms, terms_of

# Some ten milliseconds of the writer: whatever else wants to write waits for one batch at most.
ROWS_AT_ONCE = 100
PASS_SECONDS = 0.25
# Three quarters of the time belong to the others, however much there is to remove.
PAUSE = timedelta(seconds=1)
UNCOUNTED_PAUSE = timedelta(minutes=1)

log = get_logger(__name__)


async def sweep(rt: Runtime, now: datetime, lease: Held | None) -> datetime | None:
    """Take away what is past, as much as fits into a pass; when to go on, None when nothing is left.

    `lease` is checked in each transaction (B47). A step that fails holds up no other; its error is raised at the end.
    """
    terms = await rt.db.run_read(lambda tx: terms_of(tx, rt.settings, now=now))
    if terms is None:
        return now + UNCOUNTED_PAUSE
    ends = rt.clock.monotonic() + PASS_SECONDS
    waiting, failed = list(STEPS), []
    while waiting:
        for name in tuple(waiting):
            try:
                has_more = await rt.db.run(partial(_batch, step=STEPS[name], terms=terms, lease=lease))
            except SQLAlchemyError as error:
                log.exception("retention could not remove", what=name)
                failed.append(error)
                has_more = False
            if not has_more:
                waiting.remove(name)
            fp("retention.after_batch")
        if rt.clock.monotonic() >= ends:
            break
    if failed:
        raise failed[0]
    return rt.clock.now() + PAUSE if waiting else None


def _batch(tx: Tx, step: Step, terms: Terms, lease: Held | None) -> bool:
    if lease is not None and not is_held(tx, lease):
        return False
    has_more = step(tx, terms, ROWS_AT_ONCE)
    fp("retention.before_commit")
    return has_more
