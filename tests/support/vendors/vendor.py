"""What every vendor on loopback has: a server, what it was asked, and how it fails when it is told to."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from app.platform.types import JsonObject
from tests.support.http_server import Answer, HttpServer, Request

V = TypeVar("V", bound="Vendor")


class Vendor(ABC):
    """One vendor; `kind` is the channel that talks to it."""

    kind: str
    # What the vendor says when it never takes the message, for now cannot, and wants to be asked later.
    refusal = Answer(400, b"{}")
    trouble = Answer(503, b"<html>try again</html>")
    throttle = Answer(429, b"{}", {"Retry-After": "120"})
    # Failures that come with a 200, by whether they are permanent.
    hidden_failures: tuple[tuple[Answer, bool], ...] = ()

    def __init__(self) -> None:
        self.server = HttpServer()
        self.server.answer_by(self.answer)
        self.server.start()

    @classmethod
    @contextmanager
    def open(cls: type[V]) -> Iterator[V]:
        """The vendor, for as long as the block runs."""
        vendor = cls()
        try:
            yield vendor
        finally:
            vendor.stop()

    def stop(self) -> None:
        """Close the port."""
        self.server.stop()

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.server.url

    @property
    def requests(self) -> list[Request]:
        """What it was asked, in order."""
        return self.server.requests

    @property
    @abstractmethod
    def config(self) -> JsonObject:
        """The configuration of a team's channel that talks to this server."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the real one would say."""


def json_answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    """An answer of JSON."""
    return Answer(status, dumps(body), {"Content-Type": "application/json", **(headers or {})})


def dumps(body: Any) -> bytes:
    """JSON as bytes."""
    return json.dumps(body).encode()
