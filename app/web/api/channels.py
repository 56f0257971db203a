"""`/api/v1/channels`: team channels; a secret comes back as `***`, and `***` sent back keeps the stored one."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.notify import queries
from app.notify.types import NotificationChannel, NotificationStatus
from app.usecases import catalogue, deliver
from app.web.api.accounts_schemas import In, Out, ShortText
from app.web.api.pages import PageOut, page_out
from app.web.deps import ActorDep, Id, IdentityDep, NowDep, PageDep, RuntimeDep

Name = Annotated[str, Field(min_length=1, max_length=80)]


class ChannelOut(Out):
    """A named channel configuration; its secrets are `***`."""

    id: int
    name: str
    driver: str
    config: dict[str, Any]
    is_active: bool
    description: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, channel: NotificationChannel) -> "ChannelOut":
        """The channel as the API shows it."""
        shown = catalogue.shown_channel(channel)
        return cls.model_validate({**shown, "created_at": channel.created_at, "updated_at": channel.updated_at})


class ChannelNew(In):
    """A channel to be made; `config` has the keys of its kind."""

    name: Name
    driver: Name
    config: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = True
    description: ShortText = ""


class ChannelChange(In):
    """What is to be changed; a field that is not sent stays as it is."""

    name: Name = ""
    config: dict[str, Any] = Field(default_factory=dict)
    is_active: bool = True
    description: ShortText = ""


class TestOut(Out):
    """The test message that was written; `/notifications/{notification_id}` says what becomes of it."""

    notification_id: int
    status: NotificationStatus


def list_channels(rt: RuntimeDep, page: PageDep) -> PageOut[ChannelOut]:
    """One page of channels, by name."""
    return page_out(rt.db.read(lambda tx: queries.list_channels(tx, page)), ChannelOut.of)


def show(channel_id: Id, rt: RuntimeDep) -> ChannelOut:
    """One channel."""
    return ChannelOut.of(rt.db.read(lambda tx: queries.get_channel(tx, channel_id)))


def create(body: ChannelNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ChannelOut:
    """Add a channel."""
    return ChannelOut.of(catalogue.create_channel(rt, **body.model_dump(), actor=identity.user, now=now))


def change(channel_id: Id, body: ChannelChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> ChannelOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    channel = catalogue.update_channel(rt, channel_id=channel_id, changes=changes, actor=identity.user, now=now)
    return ChannelOut.of(channel)


def delete(channel_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove a channel that never said anything."""
    catalogue.delete_channel(rt, channel_id=channel_id, actor=identity.user, now=now)


def send_test(channel_id: Id, rt: RuntimeDep, actor: ActorDep, now: NowDep) -> TestOut:
    """Send a test message over the channel."""
    notification = deliver.send_test(rt, channel_id=channel_id, actor=actor, now=now)
    return TestOut(notification_id=notification.id, status=notification.status)
