"""One provider that takes calls and never answers delays nobody who is reached by another one."""

import asyncio
from dataclasses import replace
from typing import Any

from app.notify import service as notify
from app.notify.types import NewNotification, NotificationKind, NotificationStatus
from app.platform.ports import HttpAnswer
from app.usecases import catalogue, deliver
from tests.service.notify.conftest import Ward
from tests.support.world import RecordingHttp


class Hanging(RecordingHttp):
    """Everything for `stuck.example.com` hangs until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.hanging = 0

    async def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        """Hang, or take it."""
        if "stuck" in url:
            self.hanging += 1
            await self.let_go.wait()
        return await super().request(method, url, **more)


def test_five_hundred_messages_to_a_hanging_provider_hold_up_no_other(ward: Ward) -> None:
    http = Hanging()
    rt = replace(ward.rt, outside=replace(ward.rt.outside, http=http))
    ids = {}
    for name in ("stuck", "well"):
        config = {"endpoint": f"https://{name}.example.com/in"}
        made = catalogue.create_channel(rt, name=name, driver="webhook", config=config, actor=ward.admin, now=ward.now)
        ids[name] = made.id
    write(ward, ids["stuck"], 500)
    write(ward, ids["well"], 20)
    incidents = [ward.opens(f"Disk {number}") for number in range(3)]

    async def night() -> deliver.DeliverOutcome:
        outcome = await deliver.deliver_due(rt, ward.now)
        assert http.hanging == notify.SENDS_PER_CHANNEL
        assert len(http.calls) == 20
        assert len(ward.sent_to("Ravi")) == 1
        http.let_go.set()
        await deliver.drain(rt)
        return outcome

    outcome = asyncio.run(night())
    assert outcome.slow == notify.SENDS_PER_CHANNEL
    assert ward.statuses(incidents[0]) == [NotificationStatus.SENT]


def write(ward: Ward, channel_id: int, count: int) -> None:
    """So many messages to a team's channel, due now."""
    new = [
        NewNotification(
            kind=NotificationKind.TEAM, channel="webhook", channel_id=channel_id, due_at=ward.now,
            facts={"title": f"Message {number}"},
        )
        for number in range(count)
    ]  # fmt: skip
    ward.rt.db.write(lambda tx: notify.insert_many(tx, new, now=ward.now))
