"""Outgoing mail against a real SMTP server on loopback: plain, STARTTLS and TLS, and what happens when it fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from ipaddress import ip_network
from ssl import SSLContext

import pytest

from app.platform.addresses import AddressFilter
from app.platform.mail import SmtpMail
from app.platform.ports import MailFailed, MailServer
from tests.support.authority import Authority
from tests.support.smtp import SmtpServer

# The test server offers a login without TLS on purpose; its library warns about that.
PLAIN_LOGIN = pytest.mark.filterwarnings("ignore:Requiring AUTH")
ALLOWED = AddressFilter([ip_network("127.0.0.0/8")])


@pytest.fixture
async def mail() -> AsyncIterator[SmtpMail]:
    port = SmtpMail(ALLOWED)
    yield port
    await port.close()


@contextmanager
def running(
    *, password: str | None = None, starttls: SSLContext | None = None, tls: SSLContext | None = None
) -> Iterator[SmtpServer]:
    server = SmtpServer(username="pager" if password else None, password=password, starttls=starttls, tls=tls)
    server.start()
    yield server
    server.stop()


def message(subject: str = "Disk full", to: str = "ravi@example.com") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "PagerPal <pager@example.com>"
    mail["To"] = to
    mail["Subject"] = subject
    mail.set_content("● critical: 97 % used\n.\na line that begins with a dot follows\n.hidden\n")
    return mail


async def test_a_message_arrives_as_it_was_written(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    reply = await mail.send(message("Disk – 97 %"), server=smtp_server.address, timeout_seconds=5)
    assert reply == "250 2.0.0 Queued"
    (received,) = smtp_server.messages
    assert received.message["Subject"] == "Disk – 97 %"
    assert (received.sender, received.recipients) == ("pager@example.com", ["ravi@example.com"])
    assert ".\na line that begins with a dot follows\n.hidden" in received.message.get_content()
    assert received.content.isascii()


async def test_a_blind_copy_is_sent_and_not_shown(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    blind = message()
    blind["Bcc"] = "ada@example.com"
    await mail.send(blind, server=smtp_server.address, timeout_seconds=5)
    (received,) = smtp_server.messages
    assert received.recipients == ["ravi@example.com", "ada@example.com"]
    assert b"ada@example.com" not in received.content


@PLAIN_LOGIN
async def test_starttls_upgrades_and_checks_the_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    with running(starttls=authority.server_context(), password="s3cret") as smtp:
        server = replace(smtp.address, host="localhost")
        trusting = SmtpMail(ALLOWED, trusted_hosts=["localhost"], tls_context=authority.client_context())
        await trusting.send(message(), server=server, timeout_seconds=5)
        await trusting.close()
        doubting = SmtpMail(ALLOWED, trusted_hosts=["localhost"])
        with pytest.raises(MailFailed, match="certificate") as failed:
            await doubting.send(message(), server=server, timeout_seconds=5)
    assert not failed.value.permanent
    assert len(smtp.messages) == 1


async def test_a_server_without_starttls_gets_no_mail_in_the_clear(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    server = MailServer(host="127.0.0.1", port=smtp_server.port)
    with pytest.raises(MailFailed, match="STARTTLS") as failed:
        await mail.send(message(), server=server, timeout_seconds=5)
    assert not failed.value.permanent
    assert smtp_server.messages == []


async def test_tls_from_the_first_byte(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    with running(tls=authority.server_context()) as smtp:
        port = SmtpMail(ALLOWED, tls_context=authority.client_context())
        await port.send(message(), server=smtp.address, timeout_seconds=5)
        await port.close()
        assert len(smtp.messages) == 1


@PLAIN_LOGIN
async def test_a_wrong_password_is_said_without_the_password_and_may_be_mended(mail: SmtpMail) -> None:
    with running(password="right") as smtp:
        server = replace(smtp.address, password="wr0ng")
        with pytest.raises(MailFailed, match="refused the login") as failed:
            await mail.send(message(), server=server, timeout_seconds=5)
    assert not failed.value.permanent
    assert "wr0ng" not in failed.value.reason + repr(server)


@pytest.mark.parametrize(("reply", "permanent"), [("451 greylisted", False), ("550 no such user", True)])
async def test_a_4xx_reply_is_tried_again_and_a_5xx_is_final(
    mail: SmtpMail, smtp_server: SmtpServer, reply: str, permanent: bool
) -> None:
    for refuse in (smtp_server.refuse_recipients, smtp_server.refuse_messages):
        refuse(reply)
        with pytest.raises(MailFailed, match=reply[4:]) as failed:
            await mail.send(message(), server=smtp_server.address, timeout_seconds=5)
        assert (failed.value.code, failed.value.permanent) == (int(reply[:3]), permanent)
        assert not failed.value.outcome_unknown


async def test_a_connection_lost_after_the_message_was_sent_has_an_unknown_outcome(
    mail: SmtpMail, smtp_server: SmtpServer
) -> None:
    smtp_server.break_after_data()
    with pytest.raises(MailFailed) as failed:
        await mail.send(message(), server=smtp_server.address, timeout_seconds=5)
    assert failed.value.outcome_unknown
    assert not failed.value.permanent


async def test_a_server_that_hangs_after_the_message_has_an_unknown_outcome(
    mail: SmtpMail, smtp_server: SmtpServer
) -> None:
    smtp_server.hang()
    with pytest.raises(MailFailed, match="did not answer within") as failed:
        await mail.send(message(), server=smtp_server.address, timeout_seconds=0.5)
    assert failed.value.outcome_unknown


async def test_a_server_that_is_down_is_tried_again_later(mail: SmtpMail) -> None:
    with running() as gone:
        server = gone.address
    with pytest.raises(MailFailed, match="connection refused") as failed:
        await mail.send(message(), server=server, timeout_seconds=5)
    assert not failed.value.permanent
    assert not failed.value.outcome_unknown


async def test_a_server_that_accepts_and_says_nothing_is_cut_off(mail: SmtpMail) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = MailServer(host="127.0.0.1", port=server.sockets[0].getsockname()[1], starttls=False)
    with pytest.raises(MailFailed, match="did not answer within") as failed:
        await mail.send(message(), server=address, timeout_seconds=0.3)
    server.close()
    assert not failed.value.outcome_unknown


async def test_a_connection_is_kept_for_the_next_message(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    for _ in range(3):
        await mail.send(message(), server=smtp_server.address, timeout_seconds=5)
    assert len({received.peer for received in smtp_server.messages}) == 1


async def test_a_kept_connection_that_the_server_gave_up_is_replaced(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    await mail.send(message(), server=smtp_server.address, timeout_seconds=5)
    smtp_server.refuse_recipients("421 closing, idle too long", times=1)
    await mail.send(message(), server=smtp_server.address, timeout_seconds=5)
    assert len({received.peer for received in smtp_server.messages}) == 2


async def test_a_header_cannot_be_injected_and_a_bad_address_is_final(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message("Disk\r\nBcc: other@example.com")
    for address in ("ravi", "ravi@münchen.example", "<ravi@example.com> SIZE=1, x", "@"):
        with pytest.raises(MailFailed) as failed:
            await mail.send(message(to=address), server=smtp_server.address, timeout_seconds=5)
        assert failed.value.permanent, address
    assert smtp_server.messages == []


async def test_one_refused_address_does_not_keep_the_mail_from_the_others(
    mail: SmtpMail, smtp_server: SmtpServer
) -> None:
    smtp_server.refuse_recipients("550 gone", times=1)
    both = message(to="a@example.com, b@example.com")
    reply = await mail.send(both, server=smtp_server.address, timeout_seconds=5)
    assert reply == "250 2.0.0 Queued (1 of 2 recipients refused)"
    assert smtp_server.messages[0].recipients == ["b@example.com"]


async def test_a_mail_server_on_loopback_must_be_named_in_the_settings_or_be_allowed(smtp_server: SmtpServer) -> None:
    with pytest.raises(MailFailed, match="not a public address") as failed:
        await SmtpMail(AddressFilter()).send(message(), server=smtp_server.address, timeout_seconds=5)
    assert failed.value.permanent
    configured = SmtpMail(AddressFilter(), trusted_hosts=["127.0.0.1"])
    await configured.send(message(), server=smtp_server.address, timeout_seconds=5)
    await configured.close()


async def test_ten_messages_at_once_all_arrive(mail: SmtpMail, smtp_server: SmtpServer) -> None:
    sends = (mail.send(message(f"page {i}"), server=smtp_server.address, timeout_seconds=10) for i in range(10))
    await asyncio.gather(*sends)
    subjects = [received.message["Subject"] for received in smtp_server.messages]
    assert sorted(subjects) == sorted(f"page {i}" for i in range(10))
