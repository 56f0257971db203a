"""Which checkers there are, and how one is set up: its own defaults under what was changed."""

import sys
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.checks.checkers._base import Checker, CheckParams
from app.checks.errors import CheckerMissing, CheckInvalid
from app.checks.rules import contradiction, findings
from app.checks.types import CheckConfig, CheckOrder, CheckRun, Finding, Thresholds
from app.platform.errors import FieldError
from app.platform.plugins import load
from app.platform.types import JsonObject, JsonValue

PACKAGE = "app.checks.checkers"


def checkers() -> Mapping[str, Checker]:
    """Every checker by its name, which is its file's. Raises StartRefused when a file is not what it should be."""
    return load(PACKAGE, Checker)


def get_checker(name: str) -> Checker:
    """The checker of that name. Raises CheckerMissing."""
    found = checkers().get(name)
    if found is None:
        raise CheckerMissing(name, checkers())
    return found


def applies_here(checker: Checker) -> bool:
    """Whether there is anything to measure on this machine's system."""
    return checker.applies_to(sys.platform)


def may_run(config: CheckConfig) -> bool:
    """Whether it is switched on, and there is anything to look at."""
    return config.enabled and has_something(config)


def has_something(config: CheckConfig) -> bool:
    """Whether there is anything to look at, switched on or not."""
    return not checked_params(get_checker(config.checker), config.params).is_idle


def asks_strangers(config: CheckConfig) -> bool:
    """Whether it goes to hosts that nobody here has chosen."""
    return checked_params(get_checker(config.checker), config.params).asks_strangers


def is_watched(config: CheckConfig) -> bool:
    """Whether this machine is to be measured by it again and again."""
    return bool(config.cadence_seconds) and applies_here(get_checker(config.checker)) and may_run(config)


def findings_of(run: CheckRun) -> list[Finding]:
    """What a run says of each of its targets."""
    checker = get_checker(run.checker_name)
    thresholds = Thresholds(run.warning_threshold or 0.0, run.critical_threshold or 0.0, checker.is_inverted)
    whole = Finding(run.checker_name, run.status, run.message, run.value)
    return findings(whole, checker.parts(run.metrics) if run.metrics else (), thresholds)


def defaults_of(name: str) -> CheckConfig:
    """How a checker is set up until somebody changes it. Raises CheckerMissing."""
    checker = get_checker(name)
    return CheckConfig(
        checker=name,
        params=shown_params(checker.params_model()),
        warning_threshold=checker.warning_threshold,
        critical_threshold=checker.critical_threshold,
        timeout=checker.timeout,
        enabled=checker.enabled,
        cadence_seconds=checker.cadence_seconds,
    )


def shown_params(params: CheckParams) -> JsonObject:
    """The parameters in JSON."""
    return params.model_dump(mode="json")


def checked_params(checker: Checker, params: Mapping[str, JsonValue]) -> CheckParams:
    """The parameters in values. Raises CheckInvalid."""
    try:
        return checker.params_model.model_validate(dict(params))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        inside = {fault["loc"][:-1] for fault in faults}
        # A list of which an item is wrong also counts as too short.
        told = [fault for fault in faults if fault["loc"] not in inside]
        raise CheckInvalid([_field_error(fault["loc"], fault["msg"]) for fault in told]) from None


def checked(config: CheckConfig) -> tuple[CheckParams, Thresholds]:
    """What a check is made with. Raises CheckerMissing, CheckInvalid for what contradicts itself."""
    checker = get_checker(config.checker)
    params = checked_params(checker, config.params)
    thresholds = Thresholds(config.warning_threshold, config.critical_threshold, checker.is_inverted)
    errors = []
    if wrong := contradiction(thresholds):
        errors.append(FieldError("critical_threshold", wrong))
    if checker.unit == "%" and max(thresholds.warning, thresholds.critical) > 100:
        errors.append(FieldError("warning_threshold", "is a percentage: 0 to 100, as is the critical one"))
    if params.least_seconds >= config.timeout:
        errors.append(FieldError("timeout", f"must be longer than the {params.least_seconds:g} s that it measures"))
    if errors:
        raise CheckInvalid(errors)
    return params, thresholds


def ordered(config: CheckConfig, order: CheckOrder) -> CheckConfig:
    """The configuration with what one order changes."""
    own = {"warning_threshold": order.warning_threshold, "critical_threshold": order.critical_threshold}
    changes = {name: value for name, value in own.items() if value is not None}
    return with_changes(config, {**changes, "params": dict(order.params)})


def with_changes(config: CheckConfig, changes: Mapping[str, Any]) -> CheckConfig:
    """The configuration with these fields changed; within `params` what is left out stays."""
    own = {name: getattr(config, name) for name in CheckConfig.__slots__}
    params = {**config.params, **(changes.get("params") or {})}
    return CheckConfig(**{**own, **changes, "params": params})


def _field_error(location: tuple[int | str, ...], message: str) -> FieldError:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return FieldError(f"params{path}", message.removeprefix("Value error, "))
