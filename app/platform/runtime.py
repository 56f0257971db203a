"""One object through which time, ids, randomness and the outside world come in; a test hands over its own."""

import random
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from app.platform.addresses import AddressFilter
from app.platform.bus import Bus
from app.platform.clock import Clock, SystemClock
from app.platform.crews import Crew
from app.platform.db import Db
from app.platform.http import OutboundHttp
from app.platform.mail import SmtpMail
from app.platform.ports import Outside
from app.platform.secrets import SecretBox
from app.platform.settings import Settings
from app.platform.statsd import NoStatsd, Statsd, UdpStatsd
from app.platform.templates import SandboxedTemplates
from app.platform.writer import Writer

T = TypeVar("T")

# Files, system calls, other programs.
_blocking = Crew("blocking", threads=16)


class Ids(Protocol):
    """Where new identities come from."""

    def hex32(self) -> str:
        """32 hexadecimal digits, unique and not secret: trace ids, run ids, owners."""
        ...

    def token(self, nbytes: int = 32) -> str:
        """URL-safe text of that many random bytes, unguessable."""
        ...

    def uuid(self) -> str:
        """A random UUID as text."""
        ...


class RandomIds:
    """Identities from the operating system's randomness; those that are keys of tables begin with the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def hex32(self) -> str:
        """32 hexadecimal digits: milliseconds since 1970, then 80 random bits (the layout of RFC 9562's version 7).

        What is made later is greater: an index over them grows at its end instead of changing a page for each row.
        """
        return f"{int(self._clock.now().timestamp() * 1000):012x}{secrets.token_hex(10)}"

    def token(self, nbytes: int = 32) -> str:
        """URL-safe random text."""
        return secrets.token_urlsafe(nbytes)

    def uuid(self) -> str:
        """A random UUID as text."""
        return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every use case is handed. `owner` is this process's name on leases and claims."""

    settings: Settings
    clock: Clock
    ids: Ids
    random: random.Random
    db: Db
    writer: Writer
    outside: Outside
    secrets: SecretBox
    bus: Bus
    statsd: Statsd
    owner: str


async def in_thread(fn: Callable[[], T]) -> T:
    """Run a blocking function that does not touch the database in a thread."""
    return await _blocking(fn)


def build_runtime(settings: Settings) -> Runtime:
    """The runtime of a real process; nothing is opened or started yet."""
    clock = SystemClock()
    ids = RandomIds(clock)
    owner = ids.hex32()
    bus = Bus(owner)
    db = Db(settings.database_url, bus=bus)
    addresses = AddressFilter(settings.outbound_allowed_networks)
    trusted = [settings.smtp_host] if settings.smtp_host else []
    outside = Outside(
        http=OutboundHttp(addresses),
        mail=SmtpMail(addresses, trusted_hosts=trusted, local_name=_local_name(settings)),
        blocking=in_thread,
        now=clock.now,
        templates=SandboxedTemplates(),
        allowed_networks=settings.outbound_allowed_networks,
    )
    return Runtime(
        settings=settings,
        clock=clock,
        ids=ids,
        random=random.Random(),  # noqa: S311  jitter, not secrets
        db=db,
        writer=Writer(db),
        outside=outside,
        secrets=SecretBox(settings.secret_key, settings.secret_key_previous),
        bus=bus,
        statsd=_statsd(settings, clock),
        owner=owner,
    )


def _statsd(settings: Settings, clock: Clock) -> Statsd:
    if settings.orchestration_metrics_backend != "statsd":
        return NoStatsd()
    return UdpStatsd(settings.statsd_host, settings.statsd_port, monotonic=clock.monotonic)


def _local_name(settings: Settings) -> str:
    """What we call ourselves to mail servers: the host of the base URL, unless that is an address."""
    host = urlsplit(settings.pagerpal_base_url).hostname or ""
    return host if any(c.isalpha() for c in host) and ":" not in host else "localhost"
