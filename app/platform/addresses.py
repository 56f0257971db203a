"""Which network addresses this process may call: names are resolved here, and every address is judged.

The deny list is explicit (IANA special-purpose registries, RFC 6890): the standard library's `is_private` lets
100.64.0.1, 64:ff9b::7f00:1 and 2002:7f00:1:: through.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from app.platform.crews import Crew
from app.platform.errors import Unavailable
from app.platform.flights import Flights

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Awaitable[list[str]]]

RESOLVE_SECONDS = 3.0
NAMES_AT_MOST = 1000
HTTP_PORTS = frozenset({80, 443, 8080, 8443})
MAIL_PORTS = frozenset({25, 465, 587, 2525})

DENIED: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)


class AddressRefused(Exception):
    """The outbound address filter does not let this call through; the message is written for the operator."""


class NameNotResolved(Exception):
    """The name has no address just now; trying again later may help."""


class AddressFilter:
    """Turns a host name into addresses that may be connected to, or refuses.

    Inside `allowed` networks every port may be called; elsewhere only `ports`, and never a denied network.
    """

    def __init__(
        self, allowed: Iterable[Network] = (), *, ports: frozenset[int] = HTTP_PORTS, resolve: Resolve | None = None
    ) -> None:
        self.allowed = tuple(allowed)
        self.ports = ports
        self._resolve = resolve or resolve_name

    async def addresses(self, host: str, port: int) -> list[str]:
        """Every address of `host`, all of them judged; connect to one of these and to nothing else.

        Raises AddressRefused when any of them is refused (a name that answers with a public and a private address
        is somebody's trick), NameNotResolved when there is none.
        """
        if not 0 < port < 65536:
            raise AddressRefused("there is no such port")
        found = await self.unjudged(host)
        for address in found:
            self.judge(ip_address(address), port)
        return found

    async def unjudged(self, host: str) -> list[str]:
        """Every address of a host that the operator's own settings name. Raises NameNotResolved."""
        literal = _literal(host)
        found = [str(literal)] if literal is not None else await self._resolve(host)
        if not found:
            raise NameNotResolved("the host name has no address")
        return found

    def judge(self, address: Address, port: int) -> None:
        """Look at one address that is about to be connected to. Raises AddressRefused."""
        if any(address in network for network in self.allowed if network.version == address.version):
            return
        if any(address in network for network in DENIED if network.version == address.version):
            raise AddressRefused(
                f"{address} is not a public address; if it is meant, add its network to OUTBOUND_ALLOWED_NETWORKS"
            )
        if port not in self.ports:
            ports = ", ".join(str(allowed) for allowed in sorted(self.ports))
            raise AddressRefused(f"port {port} is not allowed (only {ports}) outside OUTBOUND_ALLOWED_NETWORKS")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def ask_resolver(host: str) -> list[str]:
    """The addresses of a host name as the system's resolver has them; may take as long as a dead name server does."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Lookups:
    """Name look-ups, in threads of their own: a name server that hangs uses up no others.

    Who asks for a name that is being looked up waits for the same answer, so that one dead name holds one thread.
    """

    def __init__(
        self, ask: Callable[[str], list[str]] = ask_resolver, *, seconds: float = RESOLVE_SECONDS, at_most: int = 32
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._crew = Crew("look-up", threads=at_most)
        self._shared = Flights(at_most=NAMES_AT_MOST, kept_seconds=0.0)

    async def __call__(self, host: str) -> list[str]:
        """The addresses of a host name, each once, in time. Raises NameNotResolved."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._shared.share(host, lambda: self._crew(partial(self._ask, host)))
        except TimeoutError as error:
            raise NameNotResolved(f"the host name could not be looked up within {self._seconds:g} s") from error
        except Unavailable as error:
            raise NameNotResolved("too many other host names are being looked up") from error
        except (OSError, UnicodeError) as error:
            raise NameNotResolved("the host name could not be looked up") from error


resolve_name: Resolve = Lookups()
