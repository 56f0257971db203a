"""Network: which share of some hosts can be reached (ICMP echo, RFC 792; else TCP).

The quirk: most processes may not send ICMP, and many networks drop it. What does not answer an echo is tried over TCP
before it counts as gone: a refused connection shows just as well that somebody is there. A host with a port is meant
as that service, so there only an open port counts.
"""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from statistics import fmean

from pydantic import Field, field_validator

from app.checks.checkers._base import (
    Checker,
    CheckParams,
    JsonObject,
    Outside,
    Part,
    Places,
    Reading,
    Sample,
    listed,
    rounded,
)
from app.checks.checkers._echo import EchoNotAllowed, echo
from app.platform.addresses import NameNotResolved, resolve_name

ICMP_SECONDS = 2.0
TCP_SECONDS = 3.0
# Whatever a host is, one of these answers or refuses: web, name server, remote shell.
USUAL_PORTS = (443, 80, 53, 22)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.I)


@dataclass(frozen=True, slots=True)
class _Found:
    """What became of one host."""

    reachable: bool
    latency_ms: float | None
    method: str
    error: str | None = None


class NetworkParams(CheckParams):
    """Which hosts."""

    hosts: Places = Field(
        default=("8.8.8.8", "1.1.1.1"),
        min_length=1,
        description="Hosts to ping; host:port means a TCP service.",
    )
    ping_count: int = Field(default=1, ge=1, le=20, description="Packets per ping.")

    @property
    def asks_strangers(self) -> bool:
        """The hosts of the default are somebody else's."""
        return bool(self.hosts == type(self).model_fields["hosts"].default)

    @field_validator("hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            split(host)
        return hosts


def split(host: str) -> tuple[str, int | None]:
    """A host's name or address, and its port if it has one. Raises ValueError for what is neither."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d{1,5}))?", host)
    if bracketed:
        name, digits = bracketed[1], bracketed[2]
    elif host.count(":") > 1:
        name, digits = host, None
    else:
        name, colon, text = host.partition(":")
        digits = text if colon else None
    port = int(digits) if digits is not None and re.fullmatch(r"\d{1,5}", digits, re.ASCII) else None
    if not _is_host(name) or (digits is not None and not (port and port < 65536)):
        raise ValueError("a host is a name or an address, with :port where a TCP service is meant")
    return name, port


def _is_host(name: str) -> bool:
    with suppress(ValueError):
        return "%" not in name and bool(ip_address(name))
    return _NAME.fullmatch(name) is not None


async def measure(params: NetworkParams, outside: Outside) -> Reading:
    """Which share of the hosts answers, all asked at once."""
    hosts = list(dict.fromkeys(params.hosts))
    found = await asyncio.gather(*(_ask(host, params.ping_count) for host in hosts))
    gone = [host for host, each in zip(hosts, found, strict=True) if not each.reachable]
    reached = len(hosts) - len(gone)
    share = rounded(100 * reached / len(hosts))
    metrics: JsonObject = {
        "hosts": {host: _shown(each) for host, each in zip(hosts, found, strict=True)},
        "reachable_count": reached,
        "total_hosts": len(hosts),
        "reachable_percent": share,
    }
    ways = sorted({each.method for each in found if each.reachable})
    message = f"{reached} of {len(hosts)} hosts answer" + (f" (by {', '.join(ways)})" if ways else "")
    return Reading(share, message + (f"; not {listed(gone)}" if gone else ""), metrics)


def parts(metrics: JsonObject) -> list[Part]:
    """Each host."""
    return [_part(host, shown) for host, shown in metrics["hosts"].items()]


def _part(host: str, shown: JsonObject) -> Part:
    if shown["reachable"]:
        return Part(host, f"{host} answers (by {shown['method']})", is_there=True)
    return Part(host, f"{host} does not answer: {shown.get('error', 'no reason known')}", is_there=False)


def _shown(found: _Found) -> JsonObject:
    shown: JsonObject = {"reachable": found.reachable, "latency_ms": found.latency_ms, "method": found.method}
    return {**shown, "error": found.error} if found.error else shown


async def _ask(host: str, count: int) -> _Found:
    name, port = split(host)
    try:
        address = (await _addresses(name))[0]
    except NameNotResolved as error:
        return _Found(False, None, "dns", str(error))
    if port is not None:
        return await _connect(address, port, or_refused=False)
    by_icmp = await _ping(address, count)
    return by_icmp if by_icmp.reachable else await _knock(address, why_not_icmp=by_icmp.error)


async def _addresses(name: str) -> list[str]:
    with suppress(ValueError):
        return [str(ip_address(name))]
    found = await resolve_name(name)
    if not found:
        raise NameNotResolved("the host name has no address")
    return found


async def _ping(address: str, count: int) -> _Found:
    """Echoes one after the other; their mean counts, and one answer is enough to be there."""
    answered: list[float] = []
    try:
        for _ in range(count):
            latency = await echo(address, timeout_seconds=ICMP_SECONDS / count)
            answered += [] if latency is None else [latency]
    except EchoNotAllowed:
        return _Found(False, None, "icmp", "ICMP is not allowed here")
    except OSError as error:
        return _Found(False, None, "icmp", error.strerror or type(error).__name__)
    if not answered:
        return _Found(False, None, "icmp", "no echo")
    return _Found(True, rounded(fmean(answered)), "icmp")


async def _knock(address: str, *, why_not_icmp: str | None) -> _Found:
    """The first of the usual ports that answers in any way."""
    knocks = [asyncio.create_task(_connect(address, port, or_refused=True)) for port in USUAL_PORTS]
    try:
        for done in asyncio.as_completed(knocks):
            found = await done
            if found.reachable:
                return found
    finally:
        for knock in knocks:
            knock.cancel()
        await asyncio.gather(*knocks, return_exceptions=True)
    ports = ", ".join(map(str, USUAL_PORTS))
    return _Found(False, None, "tcp", f"{why_not_icmp}, and no answer on TCP ports {ports}")


async def _connect(address: str, port: int, *, or_refused: bool) -> _Found:
    started = time.perf_counter()
    method = f"tcp:{port}"
    try:
        async with asyncio.timeout(TCP_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        if not or_refused:
            return _Found(False, None, method, "connection refused")
    except TimeoutError:
        return _Found(False, None, method, f"no answer within {TCP_SECONDS:g} s")
    except OSError as error:
        return _Found(False, None, method, error.strerror or type(error).__name__)
    else:
        writer.close()
    return _Found(True, rounded((time.perf_counter() - started) * 1000), method)


SAMPLES = (
    Sample(
        name="this host",
        params={"hosts": ["127.0.0.1"]},
        metrics=("hosts", "reachable_count", "total_hosts", "reachable_percent"),
    ),
)

PLUGIN = Checker(
    label="Network",
    params_model=NetworkParams,
    measure=measure,
    metric="reachable_percent",
    warning_threshold=70.0,
    critical_threshold=50.0,
    is_inverted=True,
    parts=parts,
    samples=SAMPLES,
    setup="Each host says by which way it was reached: icmp where this process may send it, else tcp and the port. "
    "Write host:port where a service is meant.",
)
