"""Outgoing mail over SMTP (RFC 5321): plain, STARTTLS or TLS from the first byte, over a few kept connections."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib
from aiosmtplib.email import extract_recipients, extract_sender

from app.platform.addresses import AddressFilter, AddressRefused, NameNotResolved
from app.platform.ports import MailFailed, MailServer

IDLE_SECONDS = 10.0
IDLE_CONNECTIONS = 10
REPLY_LIMIT = 200
# Seven bits pass every relay, whatever it announces; ids must not be folded, some programs then lose the thread.
WIRE = SMTP.clone(cte_type="7bit", refold_source="none")
MAILBOX = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What the server is told, and the bytes it is handed."""

    sender: str
    recipients: list[str]
    wire: bytes


@dataclass(frozen=True, slots=True)
class _Idle:
    """A connection that nobody uses just now, and since when (seconds on the event loop's clock)."""

    connection: aiosmtplib.SMTP
    since: float


class _Progress:
    """How far one message got: `ready` when the server listens, `begun` when the message itself leaves."""

    def __init__(self) -> None:
        self.ready = False
        self.begun = False


class SmtpMail:
    """The `Mail` port. A finished connection is kept 10 s for the next message to the same server.

    `trusted_hosts` are the mail servers of the operator's own settings: the address filter lets them through.
    """

    def __init__(
        self,
        filter: AddressFilter,
        *,
        trusted_hosts: Iterable[str] = (),
        local_name: str = "localhost",
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._filter = filter
        self._trusted = frozenset(trusted_hosts)
        self._local_name = local_name
        self._tls = tls_context or ssl.create_default_context()
        self._idle: dict[MailServer, list[_Idle]] = {}

    async def send(self, message: EmailMessage, *, server: MailServer, timeout_seconds: float) -> str:
        """Hand the message over and return the server's reply.

        Raises MailFailed: permanent for a 5xx reply to this message, for an address or a header that cannot be sent
        and for a refused network address; `outcome_unknown` when the connection was lost after the message had begun
        to leave. A server that refuses the connection or the login says nothing about the message: not permanent.
        """
        envelope = _envelope(message)
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._send(server, envelope, progress)
        except TimeoutError as error:
            reason = f"the mail server did not answer within {timeout_seconds:g} s"
            raise MailFailed(reason, outcome_unknown=progress.begun) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, about_message=progress.ready) from error
        except AddressRefused as error:
            raise MailFailed(str(error), permanent=True) from error
        except NameNotResolved as error:
            raise MailFailed(f"the mail server's name: {error}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            if progress.begun:
                raise MailFailed("the connection was lost after the message was sent", outcome_unknown=True) from error
            raise MailFailed(f"no connection to the mail server ({_cause(error)})") from error
        except ValueError as error:
            raise MailFailed("the mail server's name or the login is not valid", permanent=True) from error

    async def close(self) -> None:
        """Close every kept connection."""
        for idle in self._idle.values():
            for kept in idle:
                kept.connection.close()
        self._idle.clear()

    async def _send(self, server: MailServer, envelope: _Envelope, progress: _Progress) -> str:
        connection = self._take(server)
        if connection is not None:
            try:
                return await self._transmit(server, connection, envelope, progress)
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException) as error:
                # A server may close a kept connection, or take leave of it with 421, at any time: no answer to this
                # message as long as nothing of it has left.
                if progress.begun or getattr(error, "code", 421) != 421:
                    raise
                progress.ready = False
        return await self._transmit(server, await self._connect(server), envelope, progress)

    async def _transmit(
        self, server: MailServer, connection: aiosmtplib.SMTP, envelope: _Envelope, progress: _Progress
    ) -> str:
        try:
            progress.ready = True
            await connection.mail(envelope.sender)
            refused = await _name_recipients(connection, envelope.recipients)
            progress.begun = True
            reply = await connection.data(envelope.wire)
        except BaseException:
            connection.close()
            raise
        self._keep(server, connection)
        note = f" ({refused} of {len(envelope.recipients)} recipients refused)" if refused else ""
        return f"{reply.code} {_one_line(reply.message)}{note}"

    async def _connect(self, server: MailServer) -> aiosmtplib.SMTP:
        connection = aiosmtplib.SMTP(
            hostname=server.host,
            local_hostname=self._local_name,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.starttls and not server.use_tls,
            tls_context=self._tls,
            timeout=None,
        )
        await connection.connect(sock=await self._open(server))
        return connection

    async def _open(self, server: MailServer) -> socket.socket:
        if server.host in self._trusted:
            addresses = await self._filter.unjudged(server.host)
        else:
            addresses = await self._filter.addresses(server.host, server.port)
        failure = OSError("no address")
        for address in addresses:
            try:
                return await _open_socket(address, server.port)
            except OSError as error:
                failure = error
        raise failure

    def _take(self, server: MailServer) -> aiosmtplib.SMTP | None:
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        idle = self._idle.get(server, [])
        while idle:
            kept = idle.pop()
            if kept.since >= oldest and kept.connection.is_connected:
                return kept.connection
            kept.connection.close()
        return None

    def _keep(self, server: MailServer, connection: aiosmtplib.SMTP) -> None:
        idle = self._idle.setdefault(server, [])
        if len(idle) >= IDLE_CONNECTIONS:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        kept = _Idle(connection, loop.time())
        idle.append(kept)
        loop.call_later(IDLE_SECONDS, self._expire, server, kept)

    def _expire(self, server: MailServer, kept: _Idle) -> None:
        idle = self._idle.get(server, [])
        if kept in idle:
            idle.remove(kept)
            kept.connection.close()


def _envelope(message: EmailMessage) -> _Envelope:
    """What goes over the wire. Raises MailFailed for what a mail cannot carry."""
    try:
        sender = extract_sender(message)
        recipients = extract_recipients(message)
        wire = _without_bcc(message).as_bytes(policy=WIRE)
    except (ValueError, UnicodeError, LookupError) as error:
        raise MailFailed("an address or a header of the message is not valid", permanent=True) from error
    if not sender or not recipients:
        raise MailFailed("the message has no sender or no recipient", permanent=True)
    if not all(MAILBOX.fullmatch(address) for address in (sender, *recipients)):
        raise MailFailed("a mail address of the message is not valid", permanent=True)
    return _Envelope(sender, recipients, wire)


def _without_bcc(message: EmailMessage) -> EmailMessage:
    if "Bcc" not in message:
        return message
    open_copy = copy(message)
    del open_copy["Bcc"]
    return open_copy


async def _name_recipients(connection: aiosmtplib.SMTP, recipients: list[str]) -> int:
    """Name every recipient and return how many were refused; raises the first refusal when all were."""
    refusals = []
    for recipient in recipients:
        try:
            await connection.rcpt(recipient)
        except aiosmtplib.SMTPRecipientRefused as error:
            refusals.append(error)
    if len(refusals) == len(recipients):
        raise min(refusals, key=lambda refusal: refusal.code)
    return len(refusals)


def _refused(error: aiosmtplib.SMTPResponseException, *, about_message: bool) -> MailFailed:
    reply = f"the mail server said {error.code} {_one_line(error.message)}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        reply = f"the mail server refused the login ({error.code})"
    return MailFailed(reply, code=error.code, permanent=about_message and error.code >= 500)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:REPLY_LIMIT]


def _cause(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or 'handshake failed'}"
    if isinstance(error.__cause__, OSError):
        return _cause(error.__cause__)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return _one_line(str(error)) or type(error).__name__


async def _open_socket(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened
