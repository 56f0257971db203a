"""When a run may go on, and what becomes of its notify stage. Values only; every decision has its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.notify.types import Notification, NotificationStatus
from app.pipeline.types import RunStatus, Stage

NOTIFY_TIMEOUT = timedelta(seconds=300)
# Runs that are between two stages or inside one; an incident has at most one of these.
ACTIVE = (RunStatus.INGESTED, RunStatus.CHECKED, RunStatus.ANALYZED)
AFTER = {
    Stage.INGEST: RunStatus.INGESTED,
    Stage.CHECK: RunStatus.CHECKED,
    Stage.ANALYZE: RunStatus.ANALYZED,
    Stage.NOTIFY: RunStatus.NOTIFIED,
}
GOT_OUT = (
    NotificationStatus.SENT, NotificationStatus.DELIVERED, NotificationStatus.SUPPRESSED, NotificationStatus.CANCELLED
)  # fmt: skip
LOST = (NotificationStatus.FAILED, NotificationStatus.EXHAUSTED)


class NotifyReason(StrEnum):
    """Why the notify stage ends, or does not."""

    WAITING = "messages_are_on_their_way"
    TOLD = "every_channel_was_told"
    FAILED = "a_channel_could_not_be_told"
    TIMED_OUT = "time_is_over"


@dataclass(frozen=True, slots=True)
class NotifyVerdict:
    """How the notify stage stands, and the messages that speak against it."""

    reason: NotifyReason
    missing: tuple[Notification, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether the stage has ended."""
        return self.reason is not NotifyReason.WAITING


def judge_messages(
    messages: Sequence[Notification], *, max_retries: int, deadline: datetime | None, now: datetime
) -> NotifyVerdict:
    """What the messages of a run say about its notify stage (B36).

    A message that failed `max_retries` times counts against it, though the outbox goes on trying; one that is still
    young is waited for until `deadline`.
    """
    lost = tuple(message for message in messages if _is_lost(message, max_retries))
    waiting = tuple(message for message in messages if message not in lost and message.status not in GOT_OUT)
    if waiting and (deadline is None or now < deadline):
        return NotifyVerdict(NotifyReason.WAITING)
    if waiting:
        return NotifyVerdict(NotifyReason.TIMED_OUT, lost + waiting)
    return NotifyVerdict(NotifyReason.FAILED, lost) if lost else NotifyVerdict(NotifyReason.TOLD)


def _is_lost(message: Notification, max_retries: int) -> bool:
    gave_up = message.status is NotificationStatus.RETRYING and message.attempts >= max(1, max_retries)
    return gave_up or message.status in LOST


def backoff(factor: float, attempt: int) -> timedelta:
    """How long to wait before the next attempt at a stage: `factor ** attempt` seconds, an hour at most."""
    try:
        return timedelta(seconds=min(factor**attempt, 3600.0))
    except OverflowError:
        return timedelta(hours=1)
