"""Adding a channel touches one file: it is dropped into the folder, and messages go out over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.notify import channels, kinds, service as notify
from app.notify.types import NewNotification, NotificationKind, NotificationStatus
from app.platform import plugins
from app.platform.ports import HttpAnswer
from app.usecases import catalogue
from app.web.ui.views import channel_kinds as forms
from tests.service.notify.conftest import Ward

FILE = '''
"""Carrier pigeons (RFC 1149).

The quirk that cost time: they do not fly at night.
"""

from pydantic import Field

from app.notify.channels._base import (
    Channel, ChannelConfig, Message, Outside, Receipt, Sample, Secret, answered, post_json,
)


class PigeonConfig(ChannelConfig):
    """One loft."""

    loft: str = Field(description="Where the pigeons live.")
    whistle: Secret = Field(default="", description="What calls them.")


async def send(message: Message, config: PigeonConfig, outside: Outside) -> Receipt:
    """Let one fly."""
    answer = await post_json(outside, f"https://{config.loft}/fly", {"scroll": message.short}, config=config)
    return Receipt(provider_message_id=str(answered(answer)["ring"]))


PLUGIN = Channel(
    label="Carrier pigeon",
    config_model=PigeonConfig,
    send=send,
    setup="Build a loft.",
    samples=(Sample(name="one", config={"loft": "loft.example.com"}, expect={}),),
)
'''


def forget_plugins() -> None:
    """The folders are read once per process; have them read again."""
    plugins._load.cache_clear()


@pytest.fixture
def dropped(tmp_path: Path) -> Iterator[None]:
    """The file lies in a folder of the channels' package."""
    (tmp_path / "pigeon.py").write_text(FILE)
    channels.__path__.append(str(tmp_path))
    forget_plugins()
    yield
    channels.__path__.remove(str(tmp_path))
    forget_plugins()


def test_a_file_in_the_folder_is_a_channel(ward: Ward, dropped: None) -> None:
    kind = forms.kind_of("pigeon")
    assert (kind.label, [field.name for field in kind.fields][:2]) == ("Carrier pigeon", ["loft", "whistle"])
    config = {"loft": "loft.example.com", "whistle": "s3cret-tune"}
    channel = catalogue.create_channel(
        ward.rt, name="roof", driver="pigeon", config=config, actor=ward.admin, now=ward.now
    )
    assert catalogue.shown_channel(channel)["config"] == {"loft": "loft.example.com", "whistle": "***"}
    incident_id = ward.opens("Disk full")
    ward.world.http.next.append(HttpAnswer(200, {}, b'{"ring": "r-1"}'))
    new = NewNotification(
        kind=NotificationKind.TEAM, channel="pigeon", channel_id=channel.id, due_at=ward.now,
        facts={"event": "triggered", "text": "97 %"}, incident_id=incident_id,
    )  # fmt: skip
    row_id = ward.rt.db.write(lambda tx: notify.insert_one(tx, new, now=ward.now))
    ward.delivers_all()
    row = next(each for each in ward.messages(incident_id) if each.id == row_id)
    assert (row.status, row.provider_message_id) == (NotificationStatus.SENT, "r-1")
    (call,) = ward.world.http.calls
    assert call.url == "https://loft.example.com/fly"
    assert b"CRITICAL #1 triggered: Disk full" in call.content


def test_without_the_file_there_is_no_such_channel(ward: Ward) -> None:
    assert "pigeon" not in kinds.channel_kinds()
