"""Mails as they go over the wire: what was written comes out again in any mail program."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_network

import pytest

from app.notify.channels.email_smtp import PLUGIN, EmailConfig
from app.notify.types import DeliveryFailed, Message
from app.platform.addresses import AddressFilter
from app.platform.mail import SmtpMail
from app.platform.ports import Outside
from app.platform.runtime import in_thread
from tests.support.smtp import SmtpServer
from tests.support.world import RecordingHttp

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = (
    "● critical: Größe «x» über 97 %\n\n.\n.hidden\nFrom here on\ntrailing blanks   \n=equals= and a\ttab\n"
    + "a very long line " * 100
    + "\n🔥\n"
)
MESSAGE = Message(
    notification_id=42,
    idempotency_key="0123456789abcdef",
    to="ravi@example.com",
    subject="[CRITICAL] #7 Größe über 97 % – " + "a very long subject " * 8,
    text=TEXT,
    html=f"<p>{TEXT}</p>",
    severity="critical",
    message_id="<notification-42.0123456789ab@a-rather-long-host-name.pager.example.com>",
    thread_ids=("<incident-7.65f2a1b0@a-rather-long-host-name.pager.example.com>",),
    facts={"title": "Größe", "incident": {"id": 7}},
)


def delivered(smtp: SmtpServer, message: Message, **config: object) -> EmailMessage:
    """The message as a mail program reads it after a real server took it."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": smtp.port, "from_address": "PagerPal <pager@example.com>"}
    port = SmtpMail(AddressFilter([ip_network("127.0.0.0/8")]))
    outside = Outside(http=RecordingHttp(), mail=port, blocking=in_thread, now=lambda: NOW)

    async def send() -> None:
        await PLUGIN.send(message, EmailConfig.model_validate({**values, "use_tls": False, **config}), outside)
        await outside.close()

    asyncio.run(send())
    raw = smtp.messages[-1].content
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) <= 998
    return message_from_bytes(raw, policy=policy.default)


def body_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_text_html_and_headers_come_out_as_they_went_in(smtp_server: SmtpServer) -> None:
    mail = delivered(smtp_server, MESSAGE)
    assert mail["Subject"].strip() == MESSAGE.subject.strip()
    assert mail["From"] == "PagerPal <pager@example.com>"
    assert mail["Message-ID"] == MESSAGE.message_id
    assert mail["References"] == mail["In-Reply-To"] == MESSAGE.thread_ids[0]
    assert mail["Date"].datetime == NOW
    assert mail["Importance"] == "high"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert body_of(mail, "plain") == TEXT
    assert body_of(mail, "html").strip() == MESSAGE.html
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not mail.defects


def test_a_team_also_gets_the_incident_as_data(smtp_server: SmtpServer) -> None:
    mail = delivered(smtp_server, replace(MESSAGE, to=""), to_addresses="a@example.com, b@example.com")
    assert smtp_server.messages[-1].recipients == ["a@example.com", "b@example.com"]
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "incident.json"
    assert json.loads(attachment.get_content()) == MESSAGE.facts
    assert body_of(mail, "plain") == TEXT


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: x@example.com", "a\nb", "a\x00b", "ü\r\nBcc: x@example.com", "a\u2028b"]
)
def test_no_subject_makes_another_header(smtp_server: SmtpServer, subject: str) -> None:
    mail = delivered(smtp_server, replace(MESSAGE, subject=subject))
    assert mail["Bcc"] is None
    assert smtp_server.messages[-1].recipients == ["ravi@example.com"]
    assert len(mail.get_all("Subject", [])) == 1


@pytest.mark.parametrize("to", ["a@example.com\r\nBcc: x@example.com", "ü\r\nBcc: x@example.com", "no address", "@"])
def test_an_address_that_is_none_is_refused_for_good(smtp_server: SmtpServer, to: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        delivered(smtp_server, replace(MESSAGE, to=to))
    assert failed.value.permanent
    assert smtp_server.messages == []


def test_without_html_there_is_only_text(smtp_server: SmtpServer) -> None:
    mail = delivered(smtp_server, replace(MESSAGE, html=""))
    assert mail.get_body(("html",)) is None
    assert body_of(mail, "plain") == TEXT


def test_the_settings_of_document_001_choose_the_kind_of_tls() -> None:
    def server(**config: object) -> tuple[bool, bool]:
        made = EmailConfig.model_validate({"smtp_host": "m", "from_address": "a@example.com", **config}).server
        return made.starttls, made.use_tls

    assert server() == (True, False)
    assert server(use_tls=False) == (False, False)
    assert server(smtp_port=465) == (False, True)
    assert server(smtp_port=2465, implicit_tls=True) == (False, True)
