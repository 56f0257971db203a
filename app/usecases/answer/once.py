"""Every inbound message has its effect once: a retry, even one at the same moment, is told what the first one was."""

from collections.abc import Callable
from datetime import datetime

from app.notify import inbound
from app.notify.inbound import Answered, Inbound
from app.platform.db import Tx
from app.platform.failpoints import fp


def once(tx: Tx, message: Inbound, work: Callable[[], Answered], *, now: datetime) -> Answered:
    """What the message led to; `work` is done only for one that never came before, in this very transaction."""
    if not inbound.claim(tx, message, now=now):
        return inbound.answer_to(tx, message)
    answered = work()
    inbound.settle(tx, message, answered, now=now)
    fp("answer.before_commit")
    return answered
