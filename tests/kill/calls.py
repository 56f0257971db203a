"""One keep-alive HTTP connection that tells apart: answered, certainly not sent, and nobody knows."""

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any


class NotSent(Exception):
    """Nothing listened: the server has certainly not seen this request."""


class NoAnswer(Exception):
    """The connection died after the request may have arrived: it may or may not have been acted upon."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer with its JSON body (None when there is none)."""

    status: int
    body: Any

    def expect(self, *statuses: int) -> Any:
        """The body; raises AssertionError unless the status is one of these."""
        assert self.status in statuses, f"expected {statuses}, got {self.status}: {self.body}"
        return self.body


class Caller:
    """A client of one server; not thread-safe, one per thread."""

    def __init__(self, port: int, headers: dict[str, str] | None = None, *, timeout_seconds: float = 30) -> None:
        self.port = port
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.timeout_seconds = timeout_seconds
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        """GET; raises NotSent or NoAnswer."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        """POST a JSON body; raises NotSent or NoAnswer."""
        return self.call("POST", path, json.dumps(body or {}).encode(), headers=headers)

    def call(
        self, method: str, path: str, body: bytes | None = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on the kept connection, opened if need be."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_seconds)
                self._connection.connect()
        except OSError as error:
            self.close()
            raise NotSent(str(error)) from error
        try:
            self._connection.request(method, path, body, {**self.headers, **(headers or {})})
            response = self._connection.getresponse()
            raw = response.read()
            if response.will_close:
                self.close()
            return Answer(response.status, _json(raw))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def basic(email: str, password: str) -> dict[str, str]:
    """The header of Basic authentication (RFC 7617)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode()}


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")
