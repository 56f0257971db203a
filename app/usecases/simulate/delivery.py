"""The delivery that is played through: a body that was given, read as the door reads it, or a typical alert."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from app.alerts.detection import Detected, as_payload, detect, find_driver, parse
from app.alerts.drivers._base import Headers, PayloadRejected
from app.alerts.problems import Submission
from app.alerts.types import (
    AlertSource,
    AlertStatus,
    DeliveryOutcome,
    ParsedAlert,
    ParsedPayload,
    Severity,
    SourceOptions,
)
from app.platform import strictjson
from app.platform.strictjson import MalformedJson
from app.platform.types import JsonValue

PLAIN_DRIVER = "generic"
NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True)
class Assumed:
    """What stands in for a payload: a typical alert of this driver."""

    driver: str


def delivery_of(
    source: AlertSource, given: "JsonValue | Assumed", options: SourceOptions, *, at: datetime
) -> Submission:
    """What the source would hand to intake at `at`; text is read as the JSON that a tool would have posted.

    Raises PayloadRejected with the driver's sentence.
    """
    if isinstance(given, Assumed):
        driver, parsed = _typical(given.driver, at)
    else:
        payload = as_payload(_json_of(given) if isinstance(given, str) else given)
        entry = find_driver(source.driver) or detect(payload, NO_HEADERS)
        driver, parsed = entry.name, parse(entry, payload, NO_HEADERS, received_at=at, options=options)
    return Submission(
        source=source,
        driver=driver,
        outcome=DeliveryOutcome.ACCEPTED,
        parsed=parsed,
        headers={},
        body=b"",
        received_at=at,
        trace_id="",
        new_run_id=str,
    )


def _json_of(text: str) -> JsonValue:
    try:
        return strictjson.loads_text(text)
    except MalformedJson as malformed:
        raise PayloadRejected("", malformed.message) from malformed


def _typical(name: str, at: datetime) -> tuple[str, ParsedPayload]:
    """A critical firing as the driver's tool would post it; its identity is new, so that nothing knows it yet."""
    entry = find_driver(name) or find_driver(PLAIN_DRIVER)
    identity = {"assumed": at.isoformat()}
    for parsed in _samples_of(entry, at) if entry else ():
        for alert in parsed.alerts:
            if alert.status is AlertStatus.FIRING:
                fresh = replace(
                    alert, fingerprint_inputs=identity, severity=Severity.CRITICAL, started_at=at, ended_at=None
                )
                return entry.name if entry else name, ParsedPayload([fresh], parsed.source)
    return name, ParsedPayload([ParsedAlert(identity, "A new alert", AlertStatus.FIRING, Severity.CRITICAL)], name)


def _samples_of(entry: Detected, at: datetime) -> Iterator[ParsedPayload]:
    for sample in entry.driver.samples:
        yield parse(entry, sample.given, Headers(sample.headers), received_at=at, options=SourceOptions())
