"""An incident is posted to the team's channel in Slack and answered there, with a button or a reaction."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from app.platform.db import Db
from app.platform.ports import HttpAnswer
from app.platform.settings import Settings
from app.usecases import catalogue, people
from tests.smoke.story import Story
from tests.support.world import RecordingHttp, World

SECRET = "slack-signing-secret-for-tests-only"
CHANNEL, ACCOUNT = "C123ABC456", "U123ABC456"


class SlackApi(RecordingHttp):
    """Slack's API as the `Http` port sees it: takes every call, and keeps it by its method."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, dict[str, Any]]] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        """Take it."""
        body = json.loads(content or b"{}")
        self.taken.append((url.rpartition("/")[2], body))
        ts = f"1772443400.{len(self.taken):06}"
        return HttpAnswer(200, {}, json.dumps({"ok": True, "channel": CHANNEL, "ts": ts}).encode())

    def bodies(self, method: str) -> list[dict[str, Any]]:
        """What was asked by this method of the API."""
        return [body for name, body in self.taken if name == method]


@dataclass
class Room:
    """The story with the team's channel in it."""

    story: Story
    api: SlackApi

    @property
    def post(self) -> str:
        """The time stamp of the first post."""
        number = next(n for n, (name, _) in enumerate(self.api.taken, start=1) if name == "chat.postMessage")
        return f"1772443400.{number:06}"

    def button(self, name: str) -> dict[str, Any]:
        """A button of the first post."""
        blocks = self.api.bodies("chat.postMessage")[0]["blocks"]
        [found] = [
            each
            for block in blocks
            if block["type"] == "actions"
            for each in block["elements"]
            if each["action_id"] == name
        ]
        return dict(found)

    def send(self, path: str, body: bytes, content_type: str) -> None:
        """Slack posts, signed."""
        stamp = str(int(self.story.now.timestamp()))
        made = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": content_type, "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={made}"
        }  # fmt: skip
        answered = self.story.client.post(f"/integrations/slack/{path}/", content=body, headers=headers)
        assert answered.status_code == 200, answered.text
        self.story.advance(seconds=1)

    def presses(self, name: str, user: str = ACCOUNT) -> None:
        """Somebody presses a button of the first post."""
        button = self.button(name)
        payload = {
            "type": "block_actions",
            "user": {"id": user},
            "container": {"message_ts": self.post, "channel_id": CHANNEL},
            "response_url": "https://hooks.slack.com/actions/T1/1/respond",
            "actions": [{"action_id": button["action_id"], "value": button["value"]}],
        }
        self.send(
            "interactions", urlencode({"payload": json.dumps(payload)}).encode(), "application/x-www-form-urlencoded"
        )

    def reacts(self, emoji: str, user: str = ACCOUNT) -> None:
        """Somebody reacts to the first post."""
        item = {"type": "message", "channel": CHANNEL, "ts": self.post}
        event = {"type": "reaction_added", "user": user, "reaction": emoji, "item": item}
        payload = {"type": "event_callback", "event_id": f"Ev{self.story.rt.ids.hex32()}", "event": event}
        self.send("events", json.dumps(payload).encode(), "application/json")


@pytest.fixture
def room(world: World, db: Db, database_url: str) -> Iterator[Room]:
    """Grafana's incidents are posted to a channel; Ravi is paged by mail and has a Slack account."""
    api = world.http = SlackApi()
    settings = Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        pagerpal_base_url="https://pager.example.com",
        slack_signing_secret=SECRET,
    )
    story = Story(world.runtime(settings, db), world)
    config: dict[str, Any] = {
        "bot_token": "xoxb-for-tests-only",
        "channel": CHANNEL,
        "ack_emoji": ["+1"],
        "decline_emoji": ["-1"],
    }
    catalogue.create_channel(story.rt, name="ops", driver="slack", config=config, actor=story.admin, now=story.now)
    story.policy(levels=[(15, "ravi"), (15, "noor")])
    people.update_user(
        story.rt,
        user_id=story.person("ravi").id,
        changes={"slack_user_id": ACCOUNT},
        actor=story.admin,
        now=story.now,
    )
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(seconds=1)
    yield Room(story, api)
    story.close()


def test_button_acknowledges_edits_the_post_and_tells_the_thread(room: Room) -> None:
    room.presses("acknowledge")
    assert room.story.incident.status == "acknowledged"
    assert [body["ts"] for body in room.api.bodies("chat.update")] == [room.post]
    news = room.api.bodies("chat.postMessage")[-1]
    assert news["thread_ts"] == room.post
    assert "Ravi acknowledged in Slack" in news["text"]
    [told] = room.api.bodies("respond")
    assert "acknowledged, it is yours" in told["text"]
    room.story.advance(hours=5)


def test_reaction_of_the_channel_s_choice_with_any_skin_tone_counts(room: Room) -> None:
    room.reacts("white_check_mark")
    assert room.story.incident.status == "triggered"
    room.reacts("+1::skin-tone-5")
    assert room.story.incident.status == "acknowledged"
    assert "Ravi acknowledged in Slack" in room.api.bodies("chat.postMessage")[-1]["text"]


def test_reaction_that_declines_pages_the_next_level(room: Room) -> None:
    room.reacts("-1")
    room.story.expect_page("noor")
    assert any("Ravi declined in Slack" in body["text"] for body in room.api.bodies("chat.postMessage"))
    room.presses("acknowledge")
    room.story.advance(hours=5)


def test_somebody_without_an_account_is_told_so_alone_and_the_climb_goes_on(room: Room) -> None:
    room.presses("acknowledge", user="U999")
    room.reacts("+1", user="U999")
    assert "belongs to no active responder" in room.api.bodies("respond")[0]["text"]
    [shown] = room.api.bodies("chat.postEphemeral")
    assert (shown["user"], shown["channel"]) == ("U999", CHANNEL)
    room.story.advance(minutes=14, seconds=57)
    room.story.expect_page("noor")
