"""What a module is handed to look at the world with: every question goes to PagerPal, which asks and answers it.

So the address filter, the time-outs and the sizes are PagerPal's, no secret is in the module's process, and what was
answered can be kept and played again. Standard library only: a process starts with it for every run.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from app.alarms.types import FetchError
from app.platform.types import JsonObject

FETCH_SECONDS = 20.0
WARNINGS_AT_MOST = 50
WARNING_LENGTH = 500

Ask = Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer of any status; header names are lower-case, `elapsed_ms` is from the request to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: float

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises FetchError."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise FetchError("the answer is no JSON") from None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate; `fault` says why a client would not trust it, whatever its dates.

    `elapsed_ms` is how long was waited for it.
    """

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fault: str
    elapsed_ms: float = 0.0


class Client:
    """The way out of a module. Every method raises FetchError when there is no answer."""

    def __init__(self, ask: Ask, *, now: datetime, facts: JsonObject, api_base_url: str = "") -> None:
        self.now = now
        self.facts = facts
        self.api_base_url = api_base_url
        self.warnings: list[str] = []
        self.is_cut = False
        self.not_known: list[str] = []
        self._ask = ask

    def request(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        timeout_seconds: float = FETCH_SECONDS,
    ) -> Answer:
        """One HTTP request; redirects are not followed."""
        asked = {
            "kind": "http",
            "method": method,
            "url": _with_query(url, query or {}),
            "headers": dict(headers or {}),
            "body": body,
            "timeout_seconds": timeout_seconds,
        }
        told = self._answered(asked)
        return Answer(told["status"], told["headers"], base64.b64decode(told["body"]), told["elapsed_ms"])

    def get(
        self, url: str, *, query: Mapping[str, Any] | None = None, timeout_seconds: float = FETCH_SECONDS
    ) -> Answer:
        """A GET, whatever its status."""
        return self.request("GET", url, query=query, timeout_seconds=timeout_seconds)

    def get_json(self, url: str, *, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON of a GET that was answered with 200."""
        answer = self.get(url, query=query)
        if answer.status != 200:
            raise FetchError(f"{_host(url)} answered {answer.status}")
        return answer.json()

    def api(self, path: str, **query: Any) -> Any:
        """The JSON of a path below ALARM_API_BASE_URL; what is None or empty is left out of the query."""
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        return self.get_json(f"{self.api_base_url}{path}", query=wanted)

    def certificate(self, host: str, port: int = 443, *, timeout_seconds: float = 10.0) -> Certificate:
        """The certificate that a TLS server shows."""
        asked = {"kind": "certificate", "host": host, "port": port, "timeout_seconds": timeout_seconds}
        told = self._answered(asked)
        begins, ends = (datetime.fromisoformat(told[name]) for name in ("not_before", "not_after"))
        elapsed_ms = float(told.get("elapsed_ms", 0.0))
        return Certificate(told["subject"], told["issuer"], begins, ends, told["fault"], elapsed_ms)

    def sql(self, connection: str, query: str, *, timeout_seconds: float = FETCH_SECONDS) -> list[JsonObject]:
        """The rows of one reading query on a connection of ALARM_SQL_CONNECTIONS."""
        asked = {"kind": "sql", "connection": connection, "query": query, "timeout_seconds": timeout_seconds}
        rows: list[JsonObject] = self._answered(asked)["rows"]
        return rows

    def warn(self, text: str) -> None:
        """Say something for the run report; it changes nothing."""
        if len(self.warnings) < WARNINGS_AT_MOST:
            self.warnings.append(text[:WARNING_LENGTH])

    def cut(self, reason: str) -> None:
        """Say that there may be more than what is yielded: that counts, and nothing clears."""
        self.is_cut = True
        self.warn(reason)

    def unknown(self, dedupe_key: str, reason: str) -> None:
        """Say that of this one entity nothing can be said now: it neither fires nor clears; the others do."""
        self.not_known.append(str(dedupe_key))
        self.warn(reason)

    def _answered(self, question: JsonObject) -> JsonObject:
        told = self._ask(question)
        if "error" in told:
            raise FetchError(
                str(told["error"]), is_permanent=bool(told.get("permanent")), elapsed_ms=told.get("elapsed_ms", 0.0)
            )
        return told


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query, doseq=True))))))


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
