"""Ravi is reached by mail at once, by SMS after 2 minutes, by phone after 5; he answers by whatever woke him."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from app.accounts.types import Urgency
from app.platform.db import Db
from app.platform.ports import HttpAnswer
from app.platform.settings import Settings
from app.usecases import people
from tests.smoke.story import Story
from tests.support.world import RecordingHttp, World

BASE_URL = "https://pager.example.com"
TOKEN = "twilio-auth-token-for-tests-only"
NUMBER = "+15005550010"


@dataclass(frozen=True)
class Ring:
    """One message or call that the phone network was given, and how many seconds into the story."""

    way: str
    form: Mapping[str, str]
    after_seconds: float
    sid: str


class PhoneNetwork(RecordingHttp):
    """Twilio as the `Http` port sees it: takes every message and call, and keeps it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.rings: list[Ring] = []

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
        await super().request(method, url, headers=headers, content=content, timeout_seconds=timeout_seconds)
        way = "voice" if url.endswith("/Calls.json") else "sms"
        form = dict(parse_qsl((content or b"").decode()))
        sid = f"{'CA' if way == 'voice' else 'SM'}{len(self.rings):032x}"
        self.rings.append(Ring(way, form, self._world.clock.monotonic(), sid))
        return HttpAnswer(201, {}, json.dumps({"sid": sid, "status": "queued"}).encode())


@dataclass
class Phone:
    """The story with Ravi's phone in it."""

    story: Story
    network: PhoneNetwork

    def rang(self) -> list[tuple[str, float]]:
        """How it rang, and how many seconds into the story."""
        return [(ring.way, ring.after_seconds) for ring in self.network.rings]

    def twilio(self, path: str, fields: Sequence[tuple[str, str]]) -> str:
        """Twilio posts, signed; what it is answered."""
        said = f"{BASE_URL}{path}" + "".join(f"{name}{value}" for name, value in sorted(fields))
        signature = base64.b64encode(hmac.new(TOKEN.encode(), said.encode(), hashlib.sha1).digest()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        answered = self.story.client.post(path, content=urlencode(fields), headers=headers)
        assert answered.status_code == 200, answered.text
        self.story.settle()
        return unescape(answered.text)

    def replies(self, text: str) -> str:
        """Ravi sends a text message; what he gets back."""
        sid = f"SM{self.story.rt.ids.hex32()}"
        return self.twilio("/integrations/twilio_sms/", [("MessageSid", sid), ("From", NUMBER), ("Body", text)])

    def presses(self, digit: str) -> str:
        """Ravi takes the last call and presses a digit; what he hears."""
        ring = self.network.rings[-1]
        found = re.search(r'<Gather action="([^"]+)"', ring.form["Twiml"])
        assert found, ring.form["Twiml"]
        url = urlsplit(unescape(found[1]))
        return self.twilio(f"{url.path}?{url.query}", [("CallSid", ring.sid), ("Digits", digit)])

    def is_reported(self, status: str) -> None:
        """Twilio says what became of the last message or call."""
        ring = self.network.rings[-1]
        name = "Call" if ring.way == "voice" else "Message"
        path = urlsplit(ring.form["StatusCallback"]).path
        self.twilio(path, [(f"{name}Sid", ring.sid), (f"{name}Status", status)])


@pytest.fixture
def phone(world: World, db: Db, database_url: str) -> Iterator[Phone]:
    """Ravi is on level 1, Noor on level 2; both are quiet until something is posted."""
    network = world.http = PhoneNetwork(world)
    settings = Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        pagerpal_base_url=BASE_URL,
        twilio_account_sid="AC0example",
        twilio_auth_token=TOKEN,
        twilio_from="+15005550006",
    )
    story = Story(world.runtime(settings, db), world)
    ravi = story.person("ravi")
    for channel, minutes in (("twilio_sms", 2), ("twilio_voice", 5)):
        method = people.add_contact_method(
            story.rt, user_id=ravi.id, channel=channel, address=NUMBER, actor=story.admin, now=story.now, verified=True
        )
        people.add_rule(
            story.rt,
            user_id=ravi.id,
            urgency=Urgency.HIGH,
            delay_minutes=minutes,
            contact_method_id=method.id,
            actor=story.admin,
            now=story.now,
        )
    story.policy(levels=[(15, "ravi"), (15, "noor")])
    yield Phone(story, network)
    story.close()


def test_mail_at_once_then_sms_then_a_call_until_the_answer_and_nothing_after_it(phone: Phone) -> None:
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=4, seconds=59)
    assert phone.rang() == [("sms", 120)]
    phone.story.advance(seconds=1)
    assert phone.rang() == [("sms", 120), ("voice", 300)]

    assert "#1 Checkout errors: acknowledged, it is yours." in phone.replies("Ack")
    assert phone.story.incident.status == "acknowledged"
    assert phone.story.timeline[-1].text == "Ravi acknowledged by SMS"
    phone.story.advance(hours=12)
    assert phone.rang() == [("sms", 120), ("voice", 300)]


def test_answer_to_the_sms_spares_the_call(phone: Phone) -> None:
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=2)
    phone.replies("ACK 1")
    phone.story.advance(hours=12)
    assert phone.rang() == [("sms", 120)]


def test_digit_on_the_phone_acknowledges(phone: Phone) -> None:
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=5)
    assert "acknowledged, it is yours" in phone.presses("1")
    assert phone.story.timeline[-1].text == "Ravi acknowledged by phone"
    phone.story.advance(hours=12)
    assert len(phone.rang()) == 2


def test_decline_wakes_the_next_one_at_once_and_nobody_calls_any_more(phone: Phone) -> None:
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=2)
    assert "declined. The next level is paged." in phone.replies("decline")
    phone.story.expect_page("noor", says="level 2 of 2")
    phone.story.advance(minutes=14)
    assert phone.rang() == [("sms", 120)]
    phone.story.advance(minutes=1)
    phone.story.expect_page("ada", says="fallback")


def test_message_that_did_not_arrive_brings_the_call_forward(phone: Phone) -> None:
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=2)
    phone.is_reported("undelivered")
    assert phone.rang() == [("sms", 120), ("voice", 120)]
    phone.presses("1")
    phone.is_reported("completed")
    phone.story.advance(hours=12)
    assert len(phone.rang()) == 2


def test_stop_leaves_the_other_ways(phone: Phone) -> None:
    phone.replies("STOP")
    phone.story.expect_notice("ravi", says="No more SMS to +15005550010")
    phone.story.expect_notice("ada", says="Ravi has stopped SMS")
    phone.story.post("grafana")
    phone.story.expect_page("ravi")
    phone.story.advance(minutes=5)
    assert phone.rang() == [("voice", 300)]
    assert "sends messages to this number again" in phone.replies("START")
    phone.replies("ack")
    assert phone.story.incident.status == "acknowledged"
