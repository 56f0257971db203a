"""What a checker is, and what its file may use: typed parameters, one `measure`, samples that are its tests.

A checker only measures. The core judges the value, keeps the time, and writes down what was found; `CannotMeasure` is
raised where there is no value to be had.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.checks.types import Part, Reading
from app.platform.ports import Outside
from app.platform.threads import CannotMeasure
from app.platform.types import JsonObject

__all__ = [
    "CannotMeasure", "CheckParams", "Checker", "JsonObject", "Outside", "Part", "Paths", "Places", "Reading",
    "Sample", "gigabytes", "listed", "place_fields", "rounded",
]  # fmt: skip

GIBIBYTE = 1024**3
SHOWN_AT_MOST = 3
# Marks a parameter that says where on the machine or in the network a check looks: only admins may choose that.
_PLACE: JsonObject = {"place": True}


class CheckParams(BaseModel):
    """The parameters of one checker; a key that it does not know is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @property
    def least_seconds(self) -> float:
        """How long a measurement by these parameters takes at least; its time-out must be longer."""
        return 0.0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look at by these parameters."""
        return False

    @property
    def asks_strangers(self) -> bool:
        """Whether it goes to hosts that nobody here has chosen; then it is only made for who asks for it."""
        return False


def _absolute(path: str) -> str:
    if not path.startswith(("/", "~/")) or "\0" in path:
        raise ValueError("must begin with / or ~/")
    return path


Path: TypeAlias = Annotated[str, Field(max_length=1000), AfterValidator(_absolute)]
Paths: TypeAlias = Annotated[tuple[Path, ...], Field(max_length=50, json_schema_extra=dict(_PLACE))]
Places: TypeAlias = Annotated[tuple[str, ...], Field(max_length=50, json_schema_extra=dict(_PLACE))]

Measure: TypeAlias = Callable[[Any, Outside], Awaitable[Reading]]
Parts: TypeAlias = Callable[[JsonObject], Sequence[Part]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement for the contract test: with these parameters these metrics come out, on any machine."""

    name: str
    params: JsonObject
    metrics: tuple[str, ...]


def undivided(_metrics: JsonObject) -> Sequence[Part]:
    """What a checker looked at is one thing."""
    return ()


@dataclass(frozen=True, slots=True)
class Checker:
    """A kind of check; its name is the file's.

    `metric` is the metric that is judged, in `unit`. `is_inverted`: too little is bad, not too much. `is_heavy`: it
    loads the machine, so it runs when the others have measured. `platforms` are those of `sys.platform` on which there
    is anything to measure (none named: all). `parts` reads the metrics for what gets an alert of its own.
    `cadence_seconds` is how often it runs until somebody changes that (None: only when asked), and `confirm_runs` how
    many such runs in a row must be bad before that counts.
    """

    label: str
    params_model: type[CheckParams]
    measure: Measure
    metric: str
    setup: str
    samples: tuple[Sample, ...]
    unit: str = "%"
    timeout: float = 10.0
    warning_threshold: float = 70.0
    critical_threshold: float = 90.0
    enabled: bool = True
    is_inverted: bool = False
    is_heavy: bool = False
    cadence_seconds: int | None = None
    confirm_runs: int = 1
    parts: Parts = undivided
    platforms: tuple[str, ...] = field(default=())

    def applies_to(self, platform: str) -> bool:
        """Whether there is anything to measure on this platform."""
        return not self.platforms or platform in self.platforms


def place_fields(model: type[CheckParams]) -> frozenset[str]:
    """The parameters that say where a check looks."""
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("place")
    )


def gigabytes(size: float) -> float:
    """Bytes as GiB, to two places."""
    return round(size / GIBIBYTE, 2)


def rounded(value: float) -> float:
    """A figure as it is judged and shown: two places."""
    return round(value, 2)


def listed(names: Sequence[str]) -> str:
    """A few names in one line."""
    more = len(names) - SHOWN_AT_MOST
    return ", ".join(names[:SHOWN_AT_MOST]) + (f" and {more} more" if more > 0 else "")
