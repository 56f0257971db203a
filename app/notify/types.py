"""Notifications in values: what is to be said, to whom, by which channel, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.notify.severity import normalized
from app.platform.types import JsonObject

# A row that may still reach somebody, or has: everything but what was given up or called off.
REACHING = frozenset(
    {"pending", "held", "in_flight", "retrying", "unknown", "sent", "delivered", "suppressed", "bundled"}
)


class NotificationKind(StrEnum):
    """Why a message goes out; only a `page` asks a person to act. A `notice` tells admins of PagerPal's own state."""

    PAGE = "page"
    TEAM = "team"
    HANDOFF = "handoff"
    DIGEST = "digest"
    ALARM = "alarm"
    TEST = "test"
    REPLY = "reply"
    NOTICE = "notice"


class NotificationStatus(StrEnum):
    """A notification's life (B27); these are all its values."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    HELD = "held"
    BUNDLED = "bundled"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


# Nothing of these has begun to leave since they were last due.
WAITING = (
    NotificationStatus.PENDING, NotificationStatus.RETRYING, NotificationStatus.HELD, NotificationStatus.UNKNOWN
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A message to be written to the outbox.

    `page_key` is unique over (incident, episode, level, user, contact method, rule delay): the database itself
    refuses a second page for the same reason. `facts` is typed JSON; text is made from it when it is sent. Pages that
    have `waits_for_bundle` and go to one contact method at one time are said in one message (B29). One with
    `held_until` waits for the digest that leaves then, which is written along (B6).
    """

    kind: NotificationKind
    channel: str
    due_at: datetime
    facts: JsonObject
    urgency: str = "high"
    incident_id: int | None = None
    episode: int | None = None
    level: int | None = None
    round: int = 0
    user_id: int | None = None
    contact_method_id: int | None = None
    channel_id: int | None = None
    address: str = ""
    rule_delay_minutes: int = 0
    page_key: str | None = None
    idempotency_key: str | None = None
    run_id: str | None = None
    waits_for_bundle: bool = False
    held_until: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Whether it waits for a digest rather than being one."""
        return self.held_until is not None and self.kind is not NotificationKind.DIGEST


@dataclass(frozen=True, slots=True)
class Notification:
    """One outbound message as a row. Times are UTC; `last_error` is clipped and holds no secret."""

    id: int
    kind: NotificationKind
    incident_id: int | None
    episode: int | None
    level: int | None
    round: int
    user_id: int | None
    contact_method_id: int | None
    channel_id: int | None
    channel: str
    address: str
    rule_delay_minutes: int
    page_key: str | None
    urgency: str
    facts: JsonObject
    subject: str
    body: str
    status: NotificationStatus
    attempts: int
    due_at: datetime
    waits_for_bundle: bool
    fence: int
    lease_until: datetime | None
    idempotency_key: str
    provider_message_id: str | None
    last_error: str
    possible_repeat: bool
    bundle_id: int | None
    late_by_seconds: int
    run_id: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    held_until: datetime | None = None
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that this process may send now under `notification.fence`, with the rows that its message also says.

    `is_repeat`: an earlier send of one of them may have arrived.
    """

    notification: Notification
    bundled: tuple[Notification, ...] = ()

    @property
    def is_repeat(self) -> bool:
        """Whether the reader must be told that this may be a repeat."""
        return any(each.possible_repeat for each in (self.notification, *self.bundled))

    @property
    def all(self) -> tuple[Notification, ...]:
        """The head and what it carries."""
        return (self.notification, *self.bundled)


class Outcome(StrEnum):
    """How one try to send ended, as its attempt row says."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one claim, with the text as it was sent; `error` is for the operator and holds no secret."""

    outcome: Outcome
    subject: str = ""
    body: str = ""
    provider_message_id: str | None = None
    thread_ref: str = ""
    error: str = ""
    retry_after_seconds: float | None = None
    address_gone: bool = False
    unauthorized: bool = False


class ReceiptState(StrEnum):
    """What a vendor says has become of a message; only the last two are final."""

    ON_ITS_WAY = "on_its_way"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """A vendor's word on one message, by the vendor's name for it; `error` says why it did not arrive."""

    provider_message_id: str
    state: ReceiptState
    at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send; begun before the socket opened."""

    id: int
    notification_id: int
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    error: str


@dataclass(frozen=True, slots=True)
class ActionUse:
    """An action link that was used, when and by whom."""

    notification_id: int
    action: str
    used_at: datetime
    used_by: int | None


class CircuitStatus(StrEnum):
    """Whether a provider's messages go out: all, one at a time to see, or none."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one provider: how often it has failed in a row, since when it is open, when it is tried next.

    `first_failed_id` is the message whose failure began the row of failures; `is_shared` says that others failed too.
    """

    provider: str
    channel: str
    channel_id: int | None
    status: CircuitStatus
    failures: int
    first_failed_id: int
    is_shared: bool
    last_error: str
    opened_at: datetime | None
    probe_at: datetime | None
    probes: int
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether messages wait."""
        return self.status is not CircuitStatus.CLOSED


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """What a list of notifications is narrowed to; None means all."""

    incident_id: int | None = None
    status: NotificationStatus | None = None
    user_id: int | None = None
    channel: str | None = None
    channel_id: int | None = None
    kind: NotificationKind | None = None


@dataclass(frozen=True, slots=True)
class NotificationChannel:
    """A named configuration of a channel, for a team; secrets in `config` are ciphertext."""

    id: int
    name: str
    driver: str
    config: JsonObject
    is_active: bool
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MessageAction:
    """Something that a message offers to do: `token` is that of an action link, `url` the link (empty in a team)."""

    name: str
    token: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is handed to say.

    `short` fits into two text messages, `spoken` is to be read aloud. `event` says what this is about (`page`,
    `triggered`, `acknowledged`, `escalated`, `resolved`, …), `status` what the incident is now, `link` its address.
    `thread_ref` is the vendor's handle of the first message about this incident to the same reader, where there was
    one; a shared one is about other incidents too. `receipts_url` and `answer_url` are for vendors that call back,
    `payload` is what an operator's template made of the whole body.
    """

    notification_id: int
    idempotency_key: str
    to: str
    subject: str
    text: str
    html: str
    severity: str
    message_id: str
    thread_ids: tuple[str, ...] = ()
    possible_repeat: bool = False
    facts: JsonObject = field(default_factory=dict)
    incident_id: int | None = None
    event: str = ""
    status: str = ""
    short: str = ""
    spoken: str = ""
    link: str = ""
    actions: tuple[MessageAction, ...] = ()
    thread_ref: str = ""
    thread_is_shared: bool = False
    receipts_url: str = ""
    answer_url: str = ""
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it; `provider_message_id` is its name for the message.

    `thread_ref` is its handle of the message, where what becomes of the incident is to be told in the same place.
    """

    provider_message_id: str | None = None
    detail: str = ""
    thread_ref: str = ""


@dataclass(frozen=True, slots=True)
class NotificationMessage:
    """A message that somebody asks to have sent (document 001); any word for a severity becomes one of the four."""

    title: str
    message: str
    severity: str = "info"
    channel: str = "default"
    tags: Mapping[str, str] = field(default_factory=dict)
    context: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "severity", normalized(self.severity))


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of a message, in the form that is the same for every channel (document 001)."""

    success: bool
    message_id: str | None
    error: str
    metadata: JsonObject
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """A channel, or a person by a contact method, that was told of an incident or is being told."""

    incident_id: int
    channel: str
    channel_id: int | None
    user_id: int | None
    contact_method_id: int | None
    address: str


# The state of a thread whose first message is about several incidents.
BUNDLE = "bundle"


def message_ref(**parts: str) -> str:
    """A vendor's handle of a message that has several parts, as threads keep it: `message_ref(channel=…, ts=…)`."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a channel or a person was told of an incident first; `state` is what was told there last.

    A message about several incidents is a thread of each, in the state BUNDLE for good.
    """

    incident_id: int
    channel_id: int | None
    contact_method_id: int | None
    channel: str
    ref: str
    state: str

    @property
    def is_shared(self) -> bool:
        """Whether the first message is about other incidents too."""
        return self.state == BUNDLE


class DeliveryFailed(Exception):
    """A send that did not succeed; the message is for the operator and holds no secret.

    `permanent`: trying again cannot help. `address_gone`: neither can any other message to it. `unauthorized`: the
    provider does not take our key or password. `outcome_unknown`: it may have taken the message, the answer was lost.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_seconds: float | None = None,
        outcome_unknown: bool = False,
        address_gone: bool = False,
        unauthorized: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.outcome_unknown = outcome_unknown
        self.address_gone = address_gone
        self.unauthorized = unauthorized
