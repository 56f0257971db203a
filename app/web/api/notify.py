"""`/notify/*` of document 001: messages that somebody asks to have sent, and what each kind of channel needs."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field, JsonValue

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.notify.channels._base import Channel
from app.notify.kinds import channel_kinds, kind_named
from app.notify.types import NotificationMessage, SendResult
from app.platform.errors import Forbidden, NotFound
from app.usecases import deliver
from app.web.api.accounts_schemas import In, Out
from app.web.api.config_schemas import ConfigFieldOut, config_fields
from app.web.deps import ActorDep, IdentityDep, NowDep, RuntimeDep

LONGEST_WAIT_SECONDS = 60.0
USUAL_WAIT_SECONDS = 30.0
AT_ONCE = 100

Word = Annotated[str, Field(max_length=80)]
Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS)]


class SendIn(In):
    """A message; `provider` (or `driver`) is the name of an active channel or a kind, `config` is for admins."""

    title: Annotated[str, Field(min_length=1, max_length=500)]
    message: Annotated[str, Field(min_length=1, max_length=20_000)]
    severity: Word = "info"
    channel: Word = "default"
    tags: Annotated[dict[Word, Annotated[str, Field(max_length=1000)]], Field(max_length=50)] = Field(
        default_factory=dict
    )
    context: dict[str, JsonValue] = Field(default_factory=dict)
    provider: Word | None = None
    driver: Word | None = None
    config: dict[str, Any] | None = None
    timeout: Wait = USUAL_WAIT_SECONDS

    def request(self, driver: str | None = None) -> deliver.SendRequest:
        """The same as the use case takes it; a driver in the path goes before those in the body."""
        message = NotificationMessage(
            self.title, self.message, self.severity, self.channel, dict(self.tags), dict(self.context)
        )
        return deliver.SendRequest(message, driver or self.provider or self.driver or None, self.config)


class BatchIn(In):
    """Several messages; they are waited for together."""

    notifications: Annotated[list[SendIn], Field(min_length=1, max_length=AT_ONCE)]
    timeout: Wait = USUAL_WAIT_SECONDS


class SendOut(Out):
    """The uniform result: `success` is false too while nothing is known; `metadata` then names the notification."""

    success: bool
    message_id: str | None
    error: str
    metadata: dict[str, Any]


class BatchOut(Out):
    """What became of several messages, in their order."""

    success: bool
    total: int
    succeeded: int
    failed: int
    pending: int
    results: list[SendOut]


class DriverOut(Out):
    """A kind of channel, how it is set up at the vendor, and its configuration."""

    driver: str
    label: str
    setup: str
    fields: list[ConfigFieldOut]

    @classmethod
    def of(cls, name: str, kind: Channel) -> "DriverOut":
        """The kind as the API shows it."""
        return cls(driver=name, label=kind.label, setup=kind.setup, fields=config_fields(kind.config_model))


class DriversOut(Out):
    """Every kind that there is."""

    drivers: list[DriverOut]


async def send(
    body: SendIn, rt: RuntimeDep, identity: IdentityDep, actor: ActorDep, now: NowDep, response: Response
) -> SendOut:
    """Send one message and wait up to `timeout` seconds for its outcome; 202 when that is not known by then."""
    return await _send(body, None, rt, identity, actor, now, response)


async def send_by_driver(
    driver: Word, body: SendIn, rt: RuntimeDep, identity: IdentityDep, actor: ActorDep, now: NowDep, response: Response
) -> SendOut:
    """The same by a kind of channel, or by the channel of that name."""
    return await _send(body, driver, rt, identity, actor, now, response)


async def send_batch(
    body: BatchIn, rt: RuntimeDep, identity: IdentityDep, actor: ActorDep, now: NowDep, response: Response
) -> BatchOut:
    """Send several messages and wait for all; one that cannot be sent does not stop the others."""
    _check_configs(identity, *body.notifications)
    requests = [each.request() for each in body.notifications]
    results = await deliver.send_on_request(
        rt, requests, actor=actor, now=now, timeout_seconds=body.timeout, is_batch=True
    )
    response.status_code = 200 if all(each.is_known for each in results) else 202
    return _batch_out(results)


def list_drivers() -> DriversOut:
    """Every kind of channel."""
    return DriversOut(drivers=[DriverOut.of(name, kind) for name, kind in channel_kinds().items()])


def show_driver(driver: Word, rt: RuntimeDep) -> DriverOut:
    """What a kind of channel needs."""
    name = kind_named(driver, rt.settings)
    if name not in channel_kinds():
        raise NotFound(f"There is no kind of channel named {driver}.")
    return DriverOut.of(name, channel_kinds()[name])


async def _send(
    body: SendIn,
    driver: str | None,
    rt: RuntimeDep,
    identity: Identity,
    actor: ActorDep,
    now: NowDep,
    response: Response,
) -> SendOut:
    _check_configs(identity, body)
    (result,) = await deliver.send_on_request(
        rt, [body.request(driver)], actor=actor, now=now, timeout_seconds=body.timeout
    )
    response.status_code = 200 if result.is_known else 202
    return SendOut.model_validate(result)


def _batch_out(results: list[SendResult]) -> BatchOut:
    succeeded = sum(each.success for each in results)
    pending = sum(not each.is_known for each in results)
    return BatchOut(
        success=succeeded == len(results),
        total=len(results),
        succeeded=succeeded,
        failed=len(results) - succeeded - pending,
        pending=pending,
        results=[SendOut.model_validate(each) for each in results],
    )


def _check_configs(identity: Identity, *bodies: SendIn) -> None:
    """A configuration in the body says where this machine connects to: that is for admins (F-104)."""
    if any(body.config is not None for body in bodies) and not allows(identity, Permission.MANAGE_CHANNELS):
        raise Forbidden("Only admins may send by a configuration of their own; name a channel instead.")
