"""Answers what modules ask while they run, each within its time and size; or plays back what was answered once."""

import base64
import json
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

from app.alarms.inputs import without_secrets
from app.platform.addresses import AddressFilter
from app.platform.certificates import TLS_PORTS, peer_certificate
from app.platform.clock import Clock
from app.platform.foreign import QueryFailed, rows_of
from app.platform.ports import HttpFailed, Outside
from app.platform.threads import CannotMeasure, Threads
from app.platform.types import JsonObject

METHODS = ("GET", "HEAD", "POST")
QUESTIONS_AT_MOST = 200
ANSWER_BYTES = 2 * 1024 * 1024
ALL_BYTES = 16 * 1024 * 1024
SECONDS_AT_MOST = 30.0
QUERIES_AT_MOST = 32

# Of the process. Not those that the rest of PagerPal has few of: a slow database of others must hold up no page.
_query_threads = Threads(QUERIES_AT_MOST)


class Live:
    """Asks the world. One for each run of a module; `asked` keeps every question with its answer, in order."""

    def __init__(self, outside: Outside, clock: Clock, connections: Mapping[str, str]) -> None:
        self.asked: list[list[JsonObject]] = []
        self._outside = outside
        self._clock = clock
        self._connections = connections
        self._bytes_left = ALL_BYTES

    async def answer(self, question: JsonObject) -> JsonObject:
        """The answer, or `{"error": …}` with what went wrong."""
        if len(self.asked) >= QUESTIONS_AT_MOST:
            return _failed(f"a module may ask {QUESTIONS_AT_MOST} times in one run", is_permanent=True)
        started = self._clock.monotonic()
        try:
            told = await self._told(question)
        except HttpFailed as failed:
            told = _failed(failed.reason, is_permanent=failed.permanent)
        except CannotMeasure:
            told = _failed("too many queries are under way")
        except (KeyError, TypeError, ValueError) as error:
            told = _not_understood(error)
        if "elapsed_ms" not in told:
            told["elapsed_ms"] = round((self._clock.monotonic() - started) * 1000, 1)
        self.asked.append([question, told])
        return told

    async def _told(self, question: JsonObject) -> JsonObject:
        match question["kind"]:
            case "http":
                return await self._http(question)
            case "certificate":
                return await self._certificate(question)
            case "sql":
                return await self._sql(question)
            case _:
                return _failed("there is no such kind of question", is_permanent=True)

    async def _http(self, question: JsonObject) -> JsonObject:
        if question["method"] not in METHODS:
            return _failed(f"the method must be one of {', '.join(METHODS)}", is_permanent=True)
        started = self._clock.monotonic()
        answer = await self._outside.http.request(
            question["method"],
            question["url"],
            headers={str(name): str(value) for name, value in question["headers"].items()},
            content=str(question["body"]).encode() or None,
            timeout_seconds=_seconds(question),
            max_bytes=ANSWER_BYTES,
        )
        elapsed_ms = round((self._clock.monotonic() - started) * 1000, 1)
        self._bytes_left -= len(answer.body)
        if len(answer.body) >= ANSWER_BYTES or self._bytes_left < 0:
            return _failed("the answer is too large")
        body = base64.b64encode(answer.body).decode()
        return {"status": answer.status, "headers": dict(answer.headers), "body": body, "elapsed_ms": elapsed_ms}

    async def _certificate(self, question: JsonObject) -> JsonObject:
        filter = AddressFilter(self._outside.allowed_networks, ports=TLS_PORTS)
        host, port = str(question["host"]), int(question["port"])
        found = await peer_certificate(filter, host, port, timeout_seconds=_seconds(question))
        return {
            "subject": found.subject,
            "issuer": found.issuer,
            "not_before": found.not_before.isoformat(),
            "not_after": found.not_after.isoformat(),
            "fault": found.fault,
        }

    async def _sql(self, question: JsonObject) -> JsonObject:
        url = self._connections.get(str(question["connection"]))
        if url is None:
            known = ", ".join(self._connections) or "none"
            return _failed(f"ALARM_SQL_CONNECTIONS names no such connection; it names {known}", is_permanent=True)
        return await _query_threads(partial(_rows, url, str(question["query"]), _seconds(question)))


class Replay:
    """Gives the answers of an earlier run again; what was not asked then cannot be answered.

    Credentials make no difference: they were not kept.
    """

    def __init__(self, recording: JsonObject) -> None:
        self._answers: dict[str, deque[JsonObject]] = {}
        for question, answer in recording.get("asked", []):
            self._answers.setdefault(_key(question), deque()).append(answer)
        self.asked: list[list[JsonObject]] = []

    async def answer(self, question: JsonObject) -> JsonObject:
        """The answer of that run."""
        left = self._answers.get(_key(without_secrets(question)))
        told = left.popleft() if left else _failed("this was not asked at that time")
        self.asked.append([question, told])
        return told


def _key(question: JsonObject) -> str:
    return json.dumps(question, sort_keys=True)


def _seconds(question: JsonObject) -> float:
    wanted: Any = question["timeout_seconds"]
    return min(max(0.1, float(wanted)), SECONDS_AT_MOST)


def _rows(url: str, query: str, seconds: float) -> JsonObject:
    try:
        return {"rows": rows_of(url, query, timeout_seconds=seconds)}
    except QueryFailed as failed:
        return _failed(str(failed))
    except ValueError as error:
        return _not_understood(error)


def _not_understood(error: Exception) -> JsonObject:
    return _failed(f"the question cannot be understood: {type(error).__name__}", is_permanent=True)


def _failed(reason: str, *, is_permanent: bool = False) -> JsonObject:
    return {"error": reason, "permanent": is_permanent}
