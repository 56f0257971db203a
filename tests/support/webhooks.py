"""The webhook fixtures as values: what is posted, what has to come out, and where a result differs from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "webhooks"
ANSWERING = ("infobip", "slack", "twilio")
RECEIVED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TOLERANCE = timedelta(milliseconds=1)
RECEIVED_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True)
class Case:
    """One request and its expected file; `request` is empty where only the body matters."""

    driver: str
    name: str
    body: bytes
    headers: dict[str, str]
    expected: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def received_at(self) -> datetime:
        """What time it has to be."""
        clock = self.request.get("clock")
        return datetime.fromisoformat(clock) if clock else RECEIVED_AT

    @property
    def config(self) -> dict[str, Any]:
        """What the alert source has to be configured with."""
        secret = self.request.get("secret")
        return {**self.request.get("config", {}), **({"signing_secret": secret} if secret else {})}

    @property
    def certificate(self) -> bytes:
        """The certificate to serve for this case."""
        return (FOLDER / self.driver / str(self.request["stub_cert_file"])).read_bytes()

    def __str__(self) -> str:
        return f"{self.driver}/{self.name}"


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every driver."""
    return tuple(case for case in _all() if case.driver not in ANSWERING)


def answers() -> list[Case]:
    """What vendors post who carry our messages: people's answers, and receipts."""
    return [case for case in _all() if case.driver in ANSWERING]


@cache
def _all() -> tuple[Case, ...]:
    return tuple(_read(path) for path in sorted(FOLDER.glob("*/*.expected.json")))


def bodies() -> list[Case]:
    """The cases of which only the body matters."""
    return [case for case in cases() if not case.request]


def requests() -> list[Case]:
    """The cases that are whole requests."""
    return [case for case in cases() if case.request]


def differences(case: Case, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where an alert differs from its expected one; `found` has its fields, times as datetime."""
    wrong = [
        f"{key}: {found[key]!r}, not {expected[key]!r}"
        for key in ("name", "status", "severity")
        if found[key] != expected[key] and not _unchecked(case, key)
    ]
    wrong += [
        f"{key}: {found[key]}, not {expected[key]}" for key in _TIMES if not _same_time(case, expected, found, key)
    ]
    wrong += [
        f"label {name}: {found['labels'].get(name)!r}, not {value!r}"
        for name, value in expected["labels"].items()
        if found["labels"].get(name) != value
    ]
    if found["acknowledged"] != expected.get("acknowledged", found["acknowledged"] or None):
        wrong.append(f"acknowledged: {found['acknowledged']}")
    if "acknowledged" not in expected and found["acknowledged"]:
        wrong.append("acknowledged: nobody said so")
    return wrong


_TIMES = ("started_at", "ended_at")


def _unchecked(case: Case, key: str) -> bool:
    return key == "severity" and case.expected.get("severity_on_resolve") == "unchecked"


def _same_time(case: Case, expected: Mapping[str, Any], found: Mapping[str, Any], key: str) -> bool:
    wanted, got = expected[key], found[key]
    if wanted == "@any":
        return True
    if wanted is None or got is None:
        return wanted is got
    if wanted == "@received":
        return bool(abs(got - case.received_at) <= RECEIVED_TOLERANCE)
    return bool(abs(got - datetime.fromisoformat(wanted)) <= TOLERANCE)


def fingerprint_clashes(seen: list[tuple[str, Mapping[str, Any], str]]) -> Iterator[str]:
    """Pairs of (case, inputs, fingerprint) that break the rule: equal inputs, equal fingerprints, and the reverse."""
    known = [(case, json.dumps(inputs, sort_keys=True), fingerprint) for case, inputs, fingerprint in seen if inputs]
    for index, (case, inputs, fingerprint) in enumerate(known):
        for other_case, other_inputs, other_fingerprint in known[:index]:
            if (inputs == other_inputs) != (fingerprint == other_fingerprint):
                yield f"{case} and {other_case}: {inputs} {other_inputs}"


def _read(path: Path) -> Case:
    name = path.name.removesuffix(".expected.json")
    expected = json.loads(path.read_text(encoding="utf-8"))
    whole = path.with_name(f"{name}.http.json")
    headers = {"Content-Type": expected.get("request_content_type", "application/json")}
    if whole.exists():
        request = json.loads(whole.read_text(encoding="utf-8"))
        return Case(path.parent.name, name, request["body_raw"].encode(), request["headers"], expected, request)
    headers.update(expected.get("request_headers", {}))
    return Case(path.parent.name, name, path.with_name(f"{name}.json").read_bytes(), headers, expected)
