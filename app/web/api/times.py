"""Instants in JSON and in addresses: RFC 3339 with a zone in, UTC with `Z` out."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

EARLIEST_YEAR = 1990
LATEST_YEAR = 2200
# In an address an unescaped «+» arrives as a blank: 2026-03-02T10:00:00 01:00.
_BLANK_FOR_PLUS = re.compile(r"(?<=[0-9T]) (?=\d\d:?\d\d$)")


def _plus(value: object) -> object:
    return _BLANK_FOR_PLUS.sub("+", value) if isinstance(value, str) and "T" in value else value


def _in_utc(value: datetime) -> datetime:
    # Looked at before converting: the first and the last year cannot be moved to another zone.
    if not EARLIEST_YEAR <= value.year < LATEST_YEAR:
        raise ValueError(f"must be a time between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_plus), AfterValidator(_in_utc)]
