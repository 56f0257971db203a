"""Generated hostile requests at the doors of Slack, Twilio and Infobip: signed or not, never a server error."""

import base64
import hashlib
import hmac
import json
import random
from collections import Counter
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from app.accounts.types import User
from app.incidents import queries as incidents
from app.incidents.types import Actor, IncidentStatus, Severity
from app.main import create_app
from app.notify.callbacks import infobip_path
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import answer, people
from tests.security.asgi import Direct, Headers, running
from tests.security.hostile import WRONG, dump, walk
from tests.support.webhooks import answers

CASES = 600
FORM = b"application/x-www-form-urlencoded"
SECRET = "a-vendor-secret-for-tests-only"
NOISE = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"%",
    b"&&&=" * 90,
    b"{",
    b"[" * 5000,
    b"payload=%7B",
    b"payload=",
    b"null",
    b"\xed\xa0\x80",
)
PATHS = {
    "twilio": (
        "/integrations/twilio_sms/", "/integrations/twilio_status/", "/integrations/twilio_voice/?token=x&turn=1",
    ),
    "slack": ("/integrations/slack/events/", "/integrations/slack/interactions/"),
}  # fmt: skip


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings with every vendor's secret."""
    return Settings(
        pagerpal_env="test", database_url=database_url, twilio_auth_token=SECRET, slack_signing_secret=SECRET
    )


class Vendors:
    """Bends what vendors really post, from a seed, and signs it as they would."""

    def __init__(self, rt: Runtime, seed: int) -> None:
        self.rt = rt
        self.chance = random.Random(seed)
        self.fixtures = answers()

    def request(self) -> tuple[str, bytes, bytes, Headers]:
        """Path, query, body and headers of the next one."""
        case = self.chance.choice(self.fixtures)
        body, kind = self._bent(case.body, case.headers["Content-Type"].encode())
        if case.driver == "infobip":
            what = self.chance.choice(("infobip_inbound", "infobip_reports"))
            return infobip_path(self.rt.secrets, what), b"", body, [(b"content-type", kind)]
        path, _, query = self.chance.choice(PATHS[case.driver]).partition("?")
        signed = self.chance.random() < 0.9
        headers = self._twilio(path, query, body) if case.driver == "twilio" else self._slack(body)
        return path, query.encode(), body, [(b"content-type", kind), *(headers if signed else [])]

    def _bent(self, body: bytes, kind: bytes) -> tuple[bytes, bytes]:
        roll = self.chance.random()
        if roll < 0.1:
            return self.chance.choice(NOISE), kind
        if roll < 0.2:
            at = self.chance.randrange(len(body))
            return body[:at] + self.chance.choice(NOISE) + body[at:], kind
        if kind == FORM:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            if "payload" in fields:
                return urlencode({"payload": dump(self._wrong_somewhere(json.loads(fields["payload"])))}).encode(), kind
            name = self.chance.choice([*fields, "Digits", "OptOutType", "CallSid", "CallStatus", "ErrorCode"])
            fields[name] = str(self.chance.choice(WRONG))
            return urlencode(fields, errors="replace").encode(), kind
        return dump(self._wrong_somewhere(json.loads(body))), kind

    def _wrong_somewhere(self, value: Any) -> Any:
        for _ in range(self.chance.randint(1, 3)):
            holder, key = self.chance.choice(list(walk(value)))
            holder[key] = deepcopy(self.chance.choice(WRONG))
        return value

    def _twilio(self, path: str, query: str, body: bytes) -> Headers:
        url = f"{self.rt.settings.pagerpal_base_url}{path}{f'?{query}' if query else ''}"
        try:
            fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            fields = []
        said = (url + "".join(f"{name}{value}" for name, value in sorted(set(fields)))).encode("utf-8", "replace")
        made = base64.b64encode(hmac.new(SECRET.encode(), said, hashlib.sha1).digest())
        return [(b"x-twilio-signature", made)]

    def _slack(self, body: bytes) -> Headers:
        stamp = str(int(self.rt.clock.now().timestamp())).encode()
        made = hmac.new(SECRET.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256).hexdigest()
        return [(b"x-slack-request-timestamp", stamp), (b"x-slack-signature", f"v0={made}".encode())]


async def test_hostile_requests_of_vendors_are_answered_and_answer_no_page_of_anybody_else(
    rt: Runtime, admin: User
) -> None:
    people.create_user(
        rt, email="ravi@example.com", name="Ravi", role=admin.role, actor=admin, now=rt.clock.now(),
        slack_user_id="U-somebody-else",
    )  # fmt: skip
    actor = Actor(admin.id, admin.name, admin.id, "api")
    opened = answer.open_incident(rt, title="Disk full", severity=Severity.CRITICAL, actor=actor, now=rt.clock.now())
    vendors, statuses = Vendors(rt, seed=3), Counter[int]()
    async with running(create_app(rt=rt, with_clock=False)) as app:
        for number in range(CASES):
            await ask(app, vendors, statuses, number)
    assert statuses[200] > CASES / 4, statuses
    assert statuses[422] + statuses[400] > CASES / 20, statuses
    found = rt.db.read(lambda tx: incidents.get_incident(tx, opened.id))
    assert found.status is IncidentStatus.TRIGGERED
    assert rt.db.read(lambda tx: incidents.responders_of(tx, opened.id)) == []


async def ask(app: Direct, vendors: Vendors, statuses: Counter[int], number: int) -> None:
    """One request; anything but a clear answer fails the test with what it takes to see it again."""
    path, query, body, headers = vendors.request()
    reply = await app.call("POST", path, body, query=query, headers=headers)
    statuses[reply.status] += 1
    assert reply.error is None, f"case {number}: {path} raised {reply.error!r} for {body[:300]!r}"
    assert 200 <= reply.status < 500, f"case {number}: {path} answered {reply.status} to {body[:300]!r}"
    if reply.status >= 400:
        assert reply.headers[b"content-type"] == b"application/problem+json", number
