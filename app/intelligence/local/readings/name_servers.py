"""Whether this machine's name servers answer: each is asked for those of the root, which says nothing of us."""

import selectors
import socket
import struct
import time
from contextlib import ExitStack, suppress

from app.intelligence.local.readings import proc

ASKED_AT_MOST = 3
WAIT_SECONDS = 0.6
NS, INTERNET, RECURSION_WANTED = 2, 1, 0x0100
QUESTION = struct.pack(">HHHHHH", 0x5050, RECURSION_WANTED, 1, 0, 0, 0) + b"\0" + struct.pack(">HH", NS, INTERNET)


def read(configuration: str = "/etc/resolv.conf", port: int = 53) -> tuple[str, ...]:
    """The name servers, when none of them answers in any way. Raises OSError."""
    servers = _servers(configuration)
    with ExitStack() as stack:
        asked = []
        for server in servers:
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            each = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))
            with suppress(OSError):  # there is no way to it: then it will not answer
                each.connect((server, port))
                each.send(QUESTION)
            asked.append(each)
        return () if _is_answered(asked) else tuple(servers)


def _servers(configuration: str) -> list[str]:
    lines = (line.split() for line in proc.text_or_nothing(configuration).splitlines())
    return [words[1].partition("%")[0] for words in lines if words[:1] == ["nameserver"] and len(words) > 1][
        :ASKED_AT_MOST
    ]


def _is_answered(asked: list[socket.socket]) -> bool:
    if not asked:
        return True
    ends_at = time.perf_counter() + WAIT_SECONDS
    with selectors.DefaultSelector() as selector:
        for each in asked:
            selector.register(each, selectors.EVENT_READ, each)
        while selector.get_map() and (left := ends_at - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                try:
                    if key.data.recv(512):
                        return True
                except OSError:  # refused: nobody is there
                    selector.unregister(key.fileobj)
    return False
