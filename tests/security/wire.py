"""Malformed HTTP on raw sockets against the real server: lengths that lie, endless chunks, smuggled requests.

Whatever it answers, it must not be a 5xx, and the next honest webhook must be taken at once.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from tests.kill.appliance import Duty, Server
from tests.kill.calls import Caller
from tests.kill.crowd import post
from tests.kill.ledger import Ledger

PATIENCE_SECONDS = 0.4
HONEST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes to send, in one piece after the other; the client then waits briefly and leaves."""

    name: str
    pieces: tuple[bytes, ...]


def wires(key: str) -> Iterator[Wire]:
    """Every malformed request; `key` is a working key, so that all of them get as far as they can."""
    body = b'{"name": "wire", "status": "firing"}'

    def head(*lines: str, target: str = "/alerts/webhook/generic/", version: str = "HTTP/1.1") -> bytes:
        first = [f"POST {target} {version}", "Host: x", f"X-API-Key: {key}", "Content-Type: application/json"]
        return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")

    chunked = "Transfer-Encoding: chunked"
    yield Wire("length too long", (head("Content-Length: 5000"), body))
    yield Wire("length too short", (head("Content-Length: 3"), body))
    yield Wire("length zero", (head("Content-Length: 0"), body))
    yield Wire("no length", (head(), body))
    yield Wire("length negative", (head("Content-Length: -1"), body))
    yield Wire("length not a number", (head("Content-Length: ten"), body))
    yield Wire("length with a plus", (head(f"Content-Length: +{len(body)}"), body))
    yield Wire("length of 400 digits", (head("Content-Length: " + "9" * 400), body))
    yield Wire("two lengths", (head("Content-Length: 3", f"Content-Length: {len(body)}"), body))
    yield Wire("length announced above the limit", (head("Content-Length: 50000000"), body))
    yield Wire("four of fifty megabytes", (head("Content-Length: 50000000"), *[b"x" * 65536] * 60))
    yield Wire(
        "length and chunks", (head(f"Content-Length: {len(body)}", chunked), b"24\r\n" + body + b"\r\n0\r\n\r\n")
    )
    yield Wire("chunks", (head(chunked), b"24\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("chunk size not a number", (head(chunked), b"zz\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("chunk size negative", (head(chunked), b"-5\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("chunk size enormous", (head(chunked), b"f" * 40 + b"\r\n" + body))
    yield Wire("chunk longer than said", (head(chunked), b"2\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("chunks without an end", (head(chunked), *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 40))
    yield Wire("many tiny chunks", (head(chunked), b"1\r\n{\r\n" * 3000))
    yield Wire(
        "chunk extension of 100 kB", (head(chunked), b"24;" + b"a" * 100_000 + b"\r\n" + body + b"\r\n0\r\n\r\n")
    )
    yield Wire("trailers", (head(chunked), b"24\r\n" + body + b"\r\n0\r\nX-API-Key: other\r\n\r\n"))
    yield Wire("two encodings", (head("Transfer-Encoding: gzip, chunked"), b"24\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("encoding with a space", (head("Transfer-Encoding : chunked"), b"24\r\n" + body + b"\r\n0\r\n\r\n"))
    yield Wire("header of 200 kB", (head("X-Long: " + "y" * 200_000, "Content-Length: 2"), b"{}"))
    yield Wire("five thousand headers", (head(*[f"X-{n}: y" for n in range(5000)], "Content-Length: 2"), b"{}"))
    yield Wire("header with NUL", (head("X-Nul: a\x00b", "Content-Length: 2"), b"{}"))
    yield Wire("header in latin-1", (head("X-API-Key: é", "Content-Length: 2"), b"{}"))
    yield Wire("folded header", (head("X-Folded: a\r\n  b", "Content-Length: 2"), b"{}"))
    yield Wire("header without a colon", (head("Nonsense", "Content-Length: 2"), b"{}"))
    yield Wire("bare line feeds", (head(f"Content-Length: {len(body)}").replace(b"\r\n", b"\n"), body))
    yield Wire("HTTP/1.0", (head(f"Content-Length: {len(body)}", version="HTTP/1.0"), body))
    yield Wire("HTTP/9.9", (head(f"Content-Length: {len(body)}", version="HTTP/9.9"), body))
    yield Wire("no version", (b"POST /alerts/webhook/\r\n\r\n",))
    yield Wire("target of 100 kB", (head("Content-Length: 2", target="/alerts/webhook/" + "x" * 100_000), b"{}"))
    yield Wire(
        "whole address as target", (head("Content-Length: 2", target="http://other.example.com/alerts/webhook/"), b"{}")
    )
    yield Wire("target not ASCII", (head("Content-Length: 2", target="/alerts/webhook/é"), b"{}"))
    yield Wire("expectation", (head("Expect: 100-continue", f"Content-Length: {len(body)}"), body))
    yield Wire("unknown expectation", (head("Expect: miracles", f"Content-Length: {len(body)}"), body))
    yield Wire("upgrade", (head("Connection: Upgrade", "Upgrade: websocket", f"Content-Length: {len(body)}"), body))
    yield Wire(
        "a second request behind", (head(f"Content-Length: {len(body)}") + body + b"GET /health HTTP/1.1\r\n\r\n",)
    )
    yield Wire("not HTTP", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),))
    yield Wire("nothing", (b"",))


def throw(server: Server, duty: Duty, ledger: Ledger) -> list[str]:
    """Send each of them, an honest webhook after each; returns what went wrong."""
    findings = []
    honest = Caller(server.port, timeout_seconds=HONEST_SECONDS)
    for number, wire in enumerate(wires(duty.api_key)):
        answer = _send(server.port, wire)
        status = int(answer[9:12]) if answer[:7] == b"HTTP/1." and answer[9:12].isdigit() else 0
        if status >= 500:
            findings.append(f"{wire.name}: answered {answer[:200]!r}")
        posting = ledger.firing(f"e{number:015x}", 0)
        begun = time.monotonic()
        post(honest, ledger, duty, posting)
        if posting.outcome != "accepted" or time.monotonic() - begun > HONEST_SECONDS:
            findings.append(f"after {wire.name}: an honest webhook was {posting.outcome}: {posting.outcomes}")
    honest.close()
    return findings


def _send(port: int, wire: Wire) -> bytes:
    """What came back, if anything, before the server closed or patience ended."""
    received = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)) as line:
        try:
            for piece in wire.pieces:
                line.sendall(piece)
            received = line.recv(4096)
        except OSError:
            # Reset while sending: an early answer may still be readable.
            with suppress(OSError):
                received = received or line.recv(4096)
    return received
