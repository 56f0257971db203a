"""Checks in JSON: what the API answers about them and what it takes."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StrictBool

from app.checks import kinds
from app.checks.types import CheckConfig, CheckRun, CheckStatus
from app.web.api.accounts_schemas import In, Out
from app.web.deps import MAX_ID

Threshold = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class CheckRunOut(Out):
    """One execution of a checker; `value` is what was judged, `duration_ms` in milliseconds."""

    id: int
    checker_name: str
    hostname: str
    status: CheckStatus
    message: str
    metrics: dict[str, Any]
    error: str
    warning_threshold: float | None
    critical_threshold: float | None
    alert_id: int | None
    incident_id: int | None
    duration_ms: float
    executed_at: datetime
    trace_id: str
    value: float | None


class CheckOut(Out):
    """A checker and how it is set up; `metric` is the one that the thresholds are about."""

    name: str
    label: str
    setup: str
    params: dict[str, Any]
    timeout: float
    warning_threshold: float
    critical_threshold: float
    is_inverted: bool
    metric: str
    unit: str
    enabled: bool
    applies_here: bool
    cadence_seconds: int | None
    last_run: CheckRunOut | None

    @classmethod
    def of(cls, config: CheckConfig, last_run: CheckRun | None) -> "CheckOut":
        """The checker as the API shows it."""
        checker = kinds.get_checker(config.checker)
        own = {name: getattr(config, name) for name in CheckConfig.__slots__ if name != "checker"}
        about = {name: getattr(checker, name) for name in ("label", "setup", "is_inverted", "metric", "unit")}
        return cls(
            name=config.checker,
            applies_here=kinds.applies_here(checker),
            last_run=CheckRunOut.model_validate(last_run) if last_run else None,
            **own,
            **about,
        )


class CheckChange(In):
    """Fields to change; what is left out stays, within `params` too; null goes back to the checker's own."""

    params: dict[str, Any] | None = None
    timeout: Annotated[float, Field(allow_inf_nan=False)] | None = None
    warning_threshold: Threshold | None = None
    critical_threshold: Threshold | None = None
    enabled: StrictBool | None = None
    cadence_seconds: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None


class CheckNow(In):
    """What is different this once; where to look (`hosts`, `paths`, …) is for admins to say."""

    params: dict[str, Any] = Field(default_factory=dict)
    warning_threshold: Threshold | None = None
    critical_threshold: Threshold | None = None
