"""A real SMTP server on a free loopback port that keeps every message, and fails the way a test asks for."""

import threading
from asyncio import Server
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from app.platform.ports import MailServer

WAIT_SECONDS = 10


@dataclass
class Received:
    """One message as the server took it: envelope and parsed content, and the client's end of the connection."""

    sender: str
    recipients: list[str]
    content: bytes
    message: EmailMessage
    peer: object = None


@dataclass
class Behaviour:
    """What the server answers from now on; reply texts begin with their code (RFC 5321)."""

    to_recipient: str | None = None
    to_data: str | None = None
    hangs: bool = False
    breaks_after_data: bool = False
    remaining: int | None = None
    resume: threading.Event = field(default_factory=threading.Event)


class SmtpServer:
    """The server; `messages` in order of arrival."""

    def __init__(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        starttls: SSLContext | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        self.messages: list[Received] = []
        self.behaviour = Behaviour()
        self._arrived = threading.Condition()
        self._login = (username, password)
        self._starttls, self._tls = starttls is not None, tls is not None
        self._controller = _FreePort(
            self,
            hostname="127.0.0.1",
            port=0,
            ready_timeout=WAIT_SECONDS,
            ssl_context=tls,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=self._authenticate if username else None,
            auth_required=username is not None,
            auth_require_tls=False,
        )

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._controller.start()

    def stop(self) -> None:
        """Close the port and let go of whoever hangs."""
        self.behaviour.resume.set()
        self._controller.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._controller.bound_port

    @property
    def address(self) -> MailServer:
        """How the product is told about this server."""
        username, password = self._login
        return MailServer(
            host="127.0.0.1",
            port=self.port,
            username=username,
            password=password,
            starttls=self._starttls,
            use_tls=self._tls,
        )

    def refuse_recipients(self, reply: str = "550 5.1.1 No such mailbox", *, times: int | None = None) -> None:
        """Answer RCPT TO with `reply`, for the next `times` messages or for good."""
        self.behaviour = Behaviour(to_recipient=reply, remaining=times)

    def refuse_messages(self, reply: str = "451 4.3.0 Try again later", *, times: int | None = None) -> None:
        """Answer the message itself with `reply`, for the next `times` messages or for good."""
        self.behaviour = Behaviour(to_data=reply, remaining=times)

    def hang(self) -> None:
        """Take the message, then never answer until `work` or `stop`."""
        self.behaviour = Behaviour(hangs=True)

    def break_after_data(self) -> None:
        """Keep the message and cut the connection without an answer: the sender cannot know."""
        self.behaviour = Behaviour(breaks_after_data=True)

    def work(self) -> None:
        """Behave again."""
        self.behaviour.resume.set()
        self.behaviour = Behaviour()

    def wait_for(self, count: int, *, timeout_seconds: float = WAIT_SECONDS) -> list[Received]:
        """The messages once there are `count` of them. Raises AssertionError after the time-out."""
        return self.wait_until(lambda messages: len(messages) >= count, timeout_seconds=timeout_seconds)

    def wait_until(
        self, enough: Callable[[list[Received]], bool], *, timeout_seconds: float = WAIT_SECONDS
    ) -> list[Received]:
        """The messages once `enough` says so. Raises AssertionError after the time-out."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: enough(self.messages), timeout_seconds):
                subjects = [str(received.message["Subject"]) for received in self.messages]
                raise AssertionError(f"not enough mail within {timeout_seconds:g} s, only {subjects}")
            return list(self.messages)

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Called by the library for each recipient."""
        if self.behaviour.to_recipient and self._is_due():
            return self.behaviour.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Called by the library when a message is complete."""
        if self.behaviour.hangs:
            await server.loop.run_in_executor(None, self.behaviour.resume.wait)
            return "451 4.3.0 Interrupted"
        if self.behaviour.to_data and self._is_due():
            return self.behaviour.to_data
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = message_from_bytes(content, policy=policy.default)
        with self._arrived:
            recipients = list(envelope.rcpt_tos)
            self.messages.append(Received(str(envelope.mail_from), recipients, content, message, session.peer))
            self._arrived.notify_all()
        if self.behaviour.breaks_after_data:
            server.transport.abort()
        return "250 2.0.0 Queued"

    def _is_due(self) -> bool:
        if self.behaviour.remaining is None:
            return True
        self.behaviour.remaining -= 1
        return self.behaviour.remaining >= 0

    def _authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        username, password = self._login
        given = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode())
        return AuthResult(success=given == (username, password), handled=False)


class _FreePort(Controller):
    """Listens on port 0 and says which port that became."""

    @property
    def bound_port(self) -> int:
        assert isinstance(self.server, Server)
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        # The library connects once to prove that the server answers; it would use the port it was given, 0.
        self.port = self.bound_port
        super()._trigger_server()  # type: ignore[no-untyped-call]
