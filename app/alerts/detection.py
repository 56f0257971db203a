"""Which driver reads a body, and the one way in to all of them: what comes out can be stored, or is refused."""

from datetime import datetime
from functools import cache
from typing import NamedTuple

from app.alerts.drivers._base import Driver, Headers, Payload, PayloadRejected
from app.alerts.types import ParsedPayload, SourceOptions
from app.platform.plugins import load
from app.platform.types import JsonValue

PACKAGE = "app.alerts.drivers"


class Detected(NamedTuple):
    """A driver and its name, which is its file's name."""

    name: str
    driver: Driver


@cache
def drivers() -> tuple[Detected, ...]:
    """Every driver, the most specific first: the order in which detection asks them."""
    found = [Detected(name, driver) for name, driver in load(PACKAGE, Driver).items()]
    return tuple(sorted(found, key=lambda entry: (-entry.driver.specificity, entry.name)))


def find_driver(name: str) -> Detected | None:
    """The driver of that name, or None."""
    return next((entry for entry in drivers() if entry.name == name), None)


def as_payload(value: JsonValue) -> Payload:
    """A body as drivers take it: an object, or a list, which stands for {"alerts": list}. Raises PayloadRejected."""
    if isinstance(value, list):
        return {"alerts": value}
    if not isinstance(value, dict):
        raise PayloadRejected("", "The body needs to be a JSON object or a list of them.")
    return value


def detect(payload: Payload, headers: Headers) -> Detected:
    """The most specific driver that knows the body. Raises PayloadRejected when none does."""
    for entry in drivers():
        if entry.driver.detects(payload, headers):
            return entry
    names = ", ".join(entry.driver.label for entry in drivers())
    raise PayloadRejected("", f"This is no body that we know ({names}); a generic alert needs at least a name.")


def parse(
    entry: Detected, payload: Payload, headers: Headers, *, received_at: datetime, options: SourceOptions
) -> ParsedPayload:
    """The body as its driver reads it. Raises PayloadRejected, also for a body that the driver stumbles over.

    A driver's mistake must not lose what it was sent: refused, the body is kept in quarantine and can be parsed again.
    """
    try:
        return entry.driver.parse(payload, headers, received_at, options)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"The {entry.driver.label} driver failed ({type(error).__name__})."
        raise PayloadRejected("", f"{reason} The body is kept and can be parsed again.") from error
