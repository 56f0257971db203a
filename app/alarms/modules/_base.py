"""What an alarm module is, and what its file may use.

A module is given its parameters and a `client`, and yields a `Detection` for each entity that is in trouble now. It
sends nothing and keeps nothing. Where it cannot know it lets `FetchError` (or anything else) out: then nothing clears.
Standard library only: a process starts with it for every run.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.alarms.client import Answer, Certificate, Client
from app.alarms.types import Detection, FetchError
from app.platform.types import JsonObject

__all__ = [
    "AlarmModule", "Answer", "Certificate", "Client", "Detection", "FetchError", "JsonObject", "Params", "Sample",
]  # fmt: skip

# name → {"type": float, "required": True, "default": …, "description": …}, also "choices", "minimum", "maximum", and
# "place": True for one that says where to look, which only admins may choose.
Params: TypeAlias = Mapping[str, Mapping[str, Any]]
Detect: TypeAlias = Callable[[Client, JsonObject], Iterable[Detection]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One run for the contract test: with these parameters, facts and answers, the entities that are detected.

    `answers` are given in order: a JSON value with status 200, or `{"error": …}` for none.
    """

    name: str
    params: JsonObject
    expect: tuple[str, ...]
    facts: JsonObject = field(default_factory=dict)
    answers: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmModule:
    """A kind of alarm; its name is the file's.

    `needs` names the facts that PagerPal looks up for it (`alert_sources`, `deliveries`, `heartbeats`), and `api` for
    one that needs ALARM_API_BASE_URL. `replays` False: what it is given is not kept for playing it again.
    """

    label: str
    params: Params
    detect: Detect
    setup: str
    needs: tuple[str, ...] = ()
    replays: bool = True
    samples: tuple[Sample, ...] = ()
