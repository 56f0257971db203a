"""When a message is sent, held for a bundle, tried again or given up. Values only; every decision has its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.notify.types import Notification, NotificationStatus, Outcome

WINDOW = timedelta(seconds=60)
HORIZON = timedelta(hours=24)
FIRST_BACKOFF_SECONDS = 5.0
BACKOFF_CAP_SECONDS = 300.0
RETRY_AFTER_CAP_SECONDS = 600.0
LATE = timedelta(seconds=60)


class Turn(StrEnum):
    """Why a due page goes out now, or does not (B29)."""

    SINGLY = "sent_singly"
    OWN_RETRY = "retry_of_the_window's_own_page"
    HEAD = "carries_the_bundle"
    IN_BUNDLE = "said_in_another_message"
    WINDOW_OPEN = "waits_for_the_window_to_close"


@dataclass(frozen=True, slots=True)
class DuePage:
    """A page to one contact method whose time has come; `waited` when a window held it back before.

    `is_held`: it waited for the digest, or is the digest itself (B6).
    """

    id: int
    waited: bool
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The time after a page in which the same contact method gets no other; `holder_id` is that page."""

    opens_until: datetime
    holder_id: int | None


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """What happens to the due pages of one contact method: a turn each, and the window that is open afterwards."""

    turns: dict[int, Turn]
    send_id: int | None
    window: Window

    def ids(self, turn: Turn) -> list[int]:
        """The pages that got this turn."""
        return [page_id for page_id, got in self.turns.items() if got is turn]


def plan_contact(window: Window, due: Sequence[DuePage], now: datetime) -> ContactPlan:
    """Whose turn it is among the due pages (oldest first, at least one) to one contact method.

    1. While a window is open only its holder goes (its own retry); the others wait for the window's end.
    2. A closed window, and nothing due but what the digest says: the first, which is the digest, carries the others.
    3. A closed window, and nobody has waited: the oldest goes singly and opens the next window; the others wait.
    4. A closed window, and somebody has waited: the oldest carries all the others and opens the next window.
    """
    if now < window.opens_until:
        turns = {page.id: Turn.OWN_RETRY if page.id == window.holder_id else Turn.WINDOW_OPEN for page in due}
        own = window.holder_id if window.holder_id in turns else None
        return ContactPlan(turns, own, window)
    awake = [page for page in due if not page.is_held]
    oldest = (awake or due)[0].id
    others = [page.id for page in due if page.id != oldest]
    opened = Window(now + WINDOW, oldest)
    if not awake or any(page.waited for page in awake):
        return ContactPlan({oldest: Turn.HEAD, **dict.fromkeys(others, Turn.IN_BUNDLE)}, oldest, opened)
    return ContactPlan({oldest: Turn.SINGLY, **dict.fromkeys(others, Turn.WINDOW_OPEN)}, oldest, opened)


@dataclass(frozen=True, slots=True)
class RulePage:
    """The page of one notification rule of a person."""

    id: int
    status: NotificationStatus
    due_at: datetime
    held_until: datetime | None
    provider: str


def next_rules(pages: Sequence[RulePage], stuck: Mapping[int, datetime], now: datetime) -> dict[int, datetime]:
    """Which of a person's pages on one level (in the order of their rules) go sooner, and when.

    `stuck` are those that do not get through, each with when it was due. The one after each goes then, unless it is on
    its way already; one that is held for a digest stays held.
    """
    sooner: dict[int, datetime] = {}
    for place, page in enumerate(pages):
        if page.id in stuck:
            following = next((each for each in pages[place + 1 :] if each.id not in stuck), None)
            due_at = max(now, stuck[page.id])
            if following is None or following.status is not NotificationStatus.PENDING or following.held_until:
                continue
            if due_at < sooner.get(following.id, following.due_at):
                sooner[following.id] = due_at
    return sooner


class RetryReason(StrEnum):
    """Why a message that did not go through is tried again, or not."""

    DONE = "sent"
    AGAIN = "tried_again"
    AGAIN_UNKNOWN = "sent_again_because_the_answer_was_lost"
    PERMANENT = "permanent_error"
    LOST_TWICE = "the_answer_was_lost_twice"
    HORIZON_OVER = "24_hours_are_over"
    ANSWERED = "answered_meanwhile"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status after a try, when it is due again, and why."""

    status: NotificationStatus
    reason: RetryReason
    due_at: datetime | None = None


def after_try(
    outcome: Outcome,
    *,
    attempts: int,
    is_repeat: bool,
    is_answered: bool,
    is_provider_down: bool = False,
    waits_since: datetime,
    now: datetime,
    roll: float,
    retry_after_seconds: float | None = None,
) -> Verdict:
    """What becomes of a message after one try (B27, B28).

    `attempts` counts this try; `waits_since` is when it was first due; `roll` in [0, 1) is the jitter; `is_answered`
    says that nobody needs it any more. While `is_provider_down` the message is not given up for its age. An unknown
    outcome is sent again once, marked as a possible repeat.
    """
    if outcome in (Outcome.SENT, Outcome.SUPPRESSED):
        done = NotificationStatus.SENT if outcome is Outcome.SENT else NotificationStatus.SUPPRESSED
        return Verdict(done, RetryReason.DONE)
    if is_answered:
        return Verdict(NotificationStatus.CANCELLED, RetryReason.ANSWERED)
    if outcome is Outcome.REFUSED:
        return Verdict(NotificationStatus.FAILED, RetryReason.PERMANENT)
    if outcome is Outcome.UNKNOWN and is_repeat:
        return Verdict(NotificationStatus.EXHAUSTED, RetryReason.LOST_TWICE)
    due_at = now + timedelta(seconds=backoff_seconds(attempts, roll, retry_after_seconds))
    if due_at > waits_since + HORIZON and not is_provider_down:
        return Verdict(NotificationStatus.EXHAUSTED, RetryReason.HORIZON_OVER)
    if outcome is Outcome.UNKNOWN:
        return Verdict(NotificationStatus.UNKNOWN, RetryReason.AGAIN_UNKNOWN, due_at)
    return Verdict(NotificationStatus.RETRYING, RetryReason.AGAIN, due_at)


def backoff_seconds(attempts: int, roll: float, retry_after_seconds: float | None = None) -> float:
    """How long to wait after the given number of tries: exponential with full jitter, between 1 s and 5 min.

    A provider's `Retry-After` is honoured up to 10 min.
    """
    ceiling = min(BACKOFF_CAP_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts - 1, 16))
    jittered = max(1.0, ceiling * roll)
    return max(jittered, min(retry_after_seconds or 0.0, RETRY_AFTER_CAP_SECONDS))


def late_by_seconds(now: datetime, due_at: datetime) -> int:
    """How late a message is, in whole seconds; 0 while nobody would call it late."""
    return int((now - due_at).total_seconds()) if now - due_at >= LATE else 0


def event_of(notification: Notification) -> str:
    """What a message is about: the event of a team's message (`triggered`, `resolved`, …), else its kind."""
    return str(notification.facts.get("event") or notification.kind.value)
