"""Metrics over UDP: lines as StatsD reads them, in datagrams that fit, and never an error or a wait."""

import socket
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from app.platform.statsd import (
    DATAGRAM_BYTES,
    LOOK_UP_SECONDS,
    WAITING_AT_MOST,
    UdpStatsd,
    clean,
    counter,
    datagrams,
    look_up,
    timing,
)
from tests.support.clock import FrozenClock


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    """A UDP socket on loopback that waits 5 s for what it is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(5)
        yield receiving


def port_of(receiver: socket.socket) -> int:
    port: int = receiver.getsockname()[1]
    return port


def test_a_counter_and_a_timing_are_lines_of_statsd() -> None:
    assert counter("pagerpal.pipeline.started") == "pagerpal.pipeline.started:1|c"
    assert timing("pagerpal.check", 12.3456) == "pagerpal.check:12.346|ms"
    assert timing("pagerpal.check", -1) == "pagerpal.check:0.000|ms"


def test_tags_are_dogstatsd_lines_that_no_value_can_break() -> None:
    line = counter("a", tags={"source": "graf,ana|#x:y\nz", "env": "prod"})
    assert line == "a:1|c|#source:graf_ana__x_y_z,env:prod"


@pytest.mark.parametrize("text", ["a:b", "a|b", "a#b", "a@b", "a b", "a\nb", "a/b", "aéb"])
def test_names_hold_nothing_that_ends_a_name(text: str) -> None:
    assert clean(text) == "a_b"


def test_datagrams_hold_as_many_lines_as_fit_and_no_line_is_cut() -> None:
    lines = [f"name.{number:04d}:1|c" for number in range(300)] + ["x" * (DATAGRAM_BYTES + 1), "last:1|c"]
    made = list(datagrams(lines))
    assert max(map(len, made)) <= DATAGRAM_BYTES
    assert len(made) == -(-300 * 14 // DATAGRAM_BYTES)
    assert b"\n".join(made).decode().split("\n") == [*lines[:300], "last:1|c"]


def test_lines_arrive_at_the_server(receiver: socket.socket) -> None:
    sending = UdpStatsd("127.0.0.1", port_of(receiver), monotonic=FrozenClock().monotonic)
    sending.send("a:1|c", "b:2|ms")
    assert receiver.recv(2048) == b"a:1|c\nb:2|ms"
    sending.close()
    sending.send("too.late:1|c")


def test_a_name_is_looked_up_beside_the_caller_once_a_minute(receiver: socket.socket) -> None:
    asked: Queue[str] = Queue()
    may_answer, clock = threading.Event(), FrozenClock()

    def slowly(host: str, port: int) -> Any:
        asked.put(threading.current_thread().name)
        may_answer.wait(5)
        return look_up("127.0.0.1", port)

    sending = UdpStatsd("metrics.example.com", port_of(receiver), monotonic=clock.monotonic, look_up=slowly)
    for number in range(3):
        sending.send(f"early.{number}:1|c")
    may_answer.set()
    assert [receiver.recv(2048) for _ in range(3)] == [b"early.0:1|c", b"early.1:1|c", b"early.2:1|c"]
    sending.send("soon:1|c")
    assert receiver.recv(2048) == b"soon:1|c"
    assert (asked.get(timeout=5), asked.empty()) == ("statsd", True)
    clock.advance(seconds=LOOK_UP_SECONDS)
    sending.send("later:1|c")
    assert receiver.recv(2048) == b"later:1|c"
    assert asked.get(timeout=5) == "statsd"
    sending.close()


def test_a_server_that_has_no_address_costs_a_bounded_memory() -> None:
    sending = UdpStatsd("a" * 70 + ".localhost", 8125, monotonic=FrozenClock().monotonic, look_up=lambda *_: None)
    for number in range(WAITING_AT_MOST * 2):
        sending.send(f"n{number}:1|c")
    assert len(sending._waiting) == WAITING_AT_MOST
    sending.close()


def test_a_name_that_is_none_has_no_address() -> None:
    assert look_up("a" * 70 + ".localhost", 8125) is None


def test_a_closed_port_is_nobodys_trouble(receiver: socket.socket) -> None:
    port = port_of(receiver)
    receiver.close()
    sending = UdpStatsd("127.0.0.1", port, monotonic=FrozenClock().monotonic)
    for _ in range(20):
        sending.send("a:1|c")
    sending.close()
