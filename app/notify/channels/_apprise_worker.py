"""The process in which the Apprise library sends one message: it holds no secret but the URL that it is given.

Started by `apprise.py` as a script of its own, because the library opens its own connections: here every one of them is
judged by the outbound address filter, at the address that is really connected to. One JSON object comes in, one goes
out.
"""

import json
import re
import resource
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

sys.path.insert(0, sys.argv[1])

from app.platform.addresses import HTTP_PORTS, MAIL_PORTS, AddressFilter, AddressRefused

_STATUS = re.compile(r"error=(\d{3})\b")
# What the library says, for developers only, of a service that took the request and never answered.
_UNANSWERED = re.compile(r"Read timed out|Connection aborted|Remote end closed|Connection reset")


def main() -> None:
    """Send what standard input says, and say what became of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    asked = json.load(sys.stdin)
    filter = AddressFilter(map(ip_network, asked["allowed"]), ports=HTTP_PORTS | MAIL_PORTS)
    refused: list[str] = []
    _guard(filter, refused)
    answer = _sent(asked)
    json.dump({**answer, "refused": refused[-1] if refused else ""}, sys.stdout)


def _sent(asked: dict[str, Any]) -> dict[str, Any]:
    import apprise  # noqa: PLC0415  slow, and only after the guard stands

    service = apprise.Apprise.instantiate(asked["url"])
    if service is None:
        return {"ok": False, "known": False}
    with apprise.LogCapture(level=apprise.logging.DEBUG) as lines:  # type: ignore[no-untyped-call]
        caller = apprise.Apprise()
        caller.add(service)
        ok = caller.notify(title=asked["title"], body=asked["body"], notify_type=asked["tone"])
        said = lines.getvalue()
    found = _STATUS.search(said)
    status = int(found.group(1)) if found else 0
    return {"ok": bool(ok), "known": True, "status": status, "unanswered": bool(_UNANSWERED.search(said))}


def _guard(filter: AddressFilter, refused: list[str]) -> None:
    """Let this process connect to judged internet addresses only."""

    def checked(name: str, where: Callable[[tuple[Any, ...]], Any]) -> None:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any, **kwargs: Any) -> Any:
            try:
                _judge(filter, self, where(args))
            except AddressRefused as refusal:
                refused.append(str(refusal))
                raise OSError(str(refusal)) from None
            return original(self, *args, **kwargs)

        setattr(socket.socket, name, call)

    checked("connect", lambda args: args[0])
    checked("connect_ex", lambda args: args[0])
    checked("sendto", lambda args: args[-1])


def _judge(filter: AddressFilter, used: socket.socket, address: Any) -> None:
    if used.family not in (socket.AF_INET, socket.AF_INET6):
        raise AddressRefused("only internet addresses may be called")
    try:
        literal = ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        raise AddressRefused("a name was to be called that nobody has looked up") from None
    filter.judge(literal, int(address[1]))


if __name__ == "__main__":
    main()
