"""A runtime for tests: a frozen clock, ids and chance from one seed, and an outside world that only writes down."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TypeVar

from app.platform.db import Db
from app.platform.ports import HttpAnswer, HttpFailed, MailFailed, MailServer, Outside
from app.platform.runtime import Runtime
from app.platform.secrets import SecretBox
from app.platform.settings import Settings
from app.platform.writer import Writer
from tests.support.clock import FrozenClock

T = TypeVar("T")
OWNER = "f" * 32


class CountingIds:
    """Ids that count up, so that a failing test can be read and repeated."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def hex32(self) -> str:
        """32 hexadecimal digits, the next number."""
        return f"{next(self._numbers):032x}"

    def token(self, nbytes: int = 32) -> str:
        """Text of about the length that so many random bytes would have; never twice the same."""
        return f"{next(self._numbers):0{-(-nbytes * 4 // 3)}d}"

    def uuid(self) -> str:
        """A UUID's form, the next number."""
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"


@dataclass(frozen=True)
class HttpCall:
    """One outgoing HTTP request as the port was given it."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


class RecordingHttp:
    """The `Http` port: keeps every call, answers 200 unless told what to answer or raise next, or that it is `down`."""

    def __init__(self) -> None:
        self.calls: list[HttpCall] = []
        self.next: deque[HttpAnswer | HttpFailed] = deque()
        self.down: HttpFailed | None = None

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
        """Write the call down and give the next answer."""
        self.calls.append(HttpCall(method, url, dict(headers or {}), content or b""))
        outcome = self.next.popleft() if self.next else self.down or HttpAnswer(200, {}, b"")
        if isinstance(outcome, HttpFailed):
            raise outcome
        return outcome


@dataclass(frozen=True)
class SentMail:
    """One message as the port was given it."""

    message: EmailMessage
    server: MailServer

    @property
    def to(self) -> str:
        """The To header."""
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        """The Subject header."""
        return str(self.message["Subject"])


class RecordingMail:
    """The `Mail` port: keeps every message, takes it unless told what to raise next, or that it is `down`."""

    def __init__(self) -> None:
        self.sent: list[SentMail] = []
        self.next: deque[MailFailed] = deque()
        self.down: MailFailed | None = None

    async def send(self, message: EmailMessage, *, server: MailServer, timeout_seconds: float) -> str:
        """Write the message down, or fail as told."""
        if self.next:
            raise self.next.popleft()
        if self.down is not None:
            raise self.down
        self.sent.append(SentMail(message, server))
        return "250 2.0.0 Ok"


async def in_this_thread(fn: Callable[[], T]) -> T:
    """The `Blocking` port without a thread; lets others run once."""
    await asyncio.sleep(0)
    return fn()


class RecordingStatsd:
    """The `Statsd` port: keeps every line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def send(self, *lines: str) -> None:
        """Write the lines down."""
        self.lines += lines

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class World:
    """What is around the product in a test, to look at afterwards."""

    clock: FrozenClock = field(default_factory=FrozenClock)
    http: RecordingHttp = field(default_factory=RecordingHttp)
    mail: RecordingMail = field(default_factory=RecordingMail)
    ids: CountingIds = field(default_factory=CountingIds)
    statsd: RecordingStatsd = field(default_factory=RecordingStatsd)

    def runtime(self, settings: Settings, db: Db) -> Runtime:
        """A runtime in this world, on an open database; its writer is not started, so lanes run inline."""
        return Runtime(
            settings=settings,
            clock=self.clock,
            ids=self.ids,
            random=random.Random(7),
            db=db,
            writer=Writer(db),
            outside=Outside(http=self.http, mail=self.mail, blocking=in_this_thread, now=self.clock.now),
            secrets=SecretBox(settings.secret_key, settings.secret_key_previous),
            bus=db.bus,
            statsd=self.statsd,
            owner=OWNER,
        )
