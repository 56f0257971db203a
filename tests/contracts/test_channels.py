"""What every channel promises, tested for every file in the folder from its own samples."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl

import pytest

from app.notify.channels._base import Channel, Sample, secret_fields, secrets_in
from app.notify.kinds import channel_kinds
from app.notify.types import DeliveryFailed, Message, Receipt
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed, MailServer, Outside
from app.platform.runtime import in_thread

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = channel_kinds()
# It asks through a library in a process of its own (tests/service/notify/test_apprise.py).
ASKING = [name for name in KINDS if name != "apprise"]
# Mail servers know no Retry-After.
OVER_HTTP = [pytest.param(name, sample) for name in ASKING if name != "email_smtp" for sample in KINDS[name].samples]
SAMPLES = [pytest.param(name, sample, id=f"{name}: {sample.name}") for name in ASKING for sample in KINDS[name].samples]
MESSAGE = Message(
    notification_id=42,
    idempotency_key="0123456789abcdef",
    to="",
    subject="[CRITICAL] #7 Disk full",
    text="● critical: Disk full",
    html="<p>● critical: Disk full</p>",
    severity="critical",
    message_id="<notification-42.0123@pager.example.com>",
    thread_ids=("<incident-7.1@pager.example.com>",),
    facts={"title": "Disk full", "message": "97 % used", "severity": "critical", "tags": {}, "incident": {"id": 7}},
    incident_id=7,
    event="page",
    status="triggered",
    short="CRITICAL #7 Disk full. Reply ACK 7",
    spoken="PagerPal. Critical incident, number 7. Disk full.",
    link="https://pager.example.com/incidents/7",
)


@dataclass
class Edge:
    """The outside world of one send: answers as told, and counts what it is asked."""

    answer: HttpAnswer | HttpFailed = field(default_factory=lambda: HttpAnswer(200, {}, b"{}"))
    mail_failure: MailFailed | None = None
    http: list[dict[str, Any]] = field(default_factory=list)
    mails: list[tuple[EmailMessage, MailServer]] = field(default_factory=list)

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
        self.http.append({"method": method, "url": url, "headers": dict(headers or {}), "content": content})
        if isinstance(self.answer, HttpFailed):
            raise self.answer
        return self.answer

    async def send(self, message: EmailMessage, *, server: MailServer, timeout_seconds: float) -> str:
        self.mails.append((message, server))
        if self.mail_failure is not None:
            raise self.mail_failure
        return "250 2.0.0 Ok"

    @property
    def tries(self) -> int:
        return len(self.http) + len(self.mails)


def sent(name: str, sample: Sample, edge: Edge) -> None:
    channel = KINDS[name]
    config = channel.config_model.model_validate(sample.config)
    outside = Outside(http=edge, mail=edge, blocking=in_thread, now=lambda: NOW)
    message = replace(MESSAGE, to=sample.to, **sample.message)
    asyncio.run(waited(channel.send(message, config, outside)))


async def waited(sending: Awaitable[Receipt]) -> Receipt:
    return await sending


def failure(name: str, sample: Sample, edge: Edge) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        sent(name, sample, edge)
    assert edge.tries == 1, "a channel never tries again by itself"
    return failed.value


def answering(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Edge:
    mail = MailFailed(f"{400 + status % 100} no", code=status, permanent=status < 500)
    return Edge(answer=HttpAnswer(status, headers or {}, body), mail_failure=mail)


@pytest.mark.parametrize("name", list(KINDS))
def test_a_channel_describes_itself(name: str) -> None:
    channel = KINDS[name]
    assert channel.label
    assert channel.setup
    assert channel.samples
    if channel.needs:
        assert channel.from_settings is not None
    for field_name, info in channel.config_model.model_fields.items():
        assert info.description, f"{field_name} has no help"


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_sample_makes_the_request_that_it_says(name: str, sample: Sample) -> None:
    edge = Edge(answer=HttpAnswer(sample.status, {}, sample.answer.encode()))
    sent(name, sample, edge)
    assert edge.tries == sample.calls
    made = asked(edge)
    for key, wanted in sample.expect.items():
        if isinstance(wanted, dict):
            assert wanted.items() <= made[key].items(), key
        else:
            assert made[key] == wanted, key


def asked(edge: Edge) -> dict[str, Any]:
    """What the outside world was asked, in the words of the samples."""
    if edge.mails:
        mail, server = edge.mails[0]
        told = {name: getattr(server, name) for name in ("host", "port", "starttls", "use_tls")}
        return {**told, "to": str(mail["To"]), "subject": str(mail["Subject"])}
    call = edge.http[0]
    if call["headers"].get("Content-Type") == "application/x-www-form-urlencoded":
        return {**call, "form": dict(parse_qsl(call["content"].decode()))}
    is_json = call["headers"].get("Content-Type", "").startswith("application/json")
    return {**call, "json": json.loads(call["content"]) if call["content"] and is_json else None}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_refusal_is_final(name: str, sample: Sample, status: int) -> None:
    failed = failure(name, sample, answering(status))
    assert failed.permanent
    assert not failed.outcome_unknown


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_trouble_at_the_receiver_is_not_final(name: str, sample: Sample, status: int) -> None:
    assert not failure(name, sample, answering(status)).permanent


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_no_connection_and_no_answer_are_not_final(name: str, sample: Sample) -> None:
    refused = Edge(answer=HttpFailed("could not connect"), mail_failure=MailFailed("no connection"))
    assert not failure(name, sample, refused).permanent
    silent = Edge(
        answer=HttpFailed("no answer within 20 s", outcome_unknown=True),
        mail_failure=MailFailed("no answer within 20 s", outcome_unknown=True),
    )
    failed = failure(name, sample, silent)
    assert failed.outcome_unknown
    assert not failed.permanent


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), ("Mon, 02 Mar 2026 09:05:00 GMT", 300.0), ("soon", None), ("", None)]
)
@pytest.mark.parametrize(("name", "sample"), OVER_HTTP)
def test_too_many_is_not_final_and_says_when_to_come_again(
    name: str, sample: Sample, header: str, seconds: float | None
) -> None:
    failed = failure(name, sample, answering(429, {"retry-after": header}))
    assert not failed.permanent
    assert failed.retry_after_seconds == seconds


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_no_secret_is_in_any_message(name: str, sample: Sample) -> None:
    channel = KINDS[name]
    config = channel.config_model.model_validate(sample.config)
    secrets = secrets_in(config)
    echo = " ".join([*secrets, sample.to]).encode()
    failed = failure(name, sample, answering(500, body=echo))
    texts = [failed.message, repr(failed), repr(config), str(config)]
    for secret in secrets:
        assert not any(secret in text or secret.rpartition(" ")[2] in text for text in texts)


def test_secret_fields_are_known_by_their_type() -> None:
    found = {name: secret_fields(channel.config_model) for name, channel in KINDS.items()}
    assert found["email_smtp"] == {"password"}
    assert found["webhook"] == {"webhook_url", "headers"}
    assert found["slack"] == {"webhook_url", "bot_token"}
    assert found["pagerduty"] == {"integration_key"}
    assert found["mattermost"] == {"webhook_url"}
    assert found["infobip_sms"] == found["infobip_whatsapp"] == {"api_key"}
    assert found["twilio_sms"] == found["twilio_voice"] == {"account_sid", "auth_token"}


@pytest.mark.parametrize("name", list(KINDS))
def test_a_key_that_the_kind_does_not_know_is_refused(name: str) -> None:
    channel: Channel = KINDS[name]
    with pytest.raises(ValueError, match="surprise"):
        channel.config_model.model_validate({**channel.samples[0].config, "surprise": 1})
