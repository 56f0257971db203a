"""What every checker promises, tested for every file in the folder from its own samples on this very machine."""

import pytest
from pydantic import ValidationError

from app.checks.checkers._base import Checker, Sample
from app.checks.kinds import applies_here, checkers, defaults_of
from app.checks.rules import contradiction
from app.checks.running import make
from app.checks.types import CheckStatus, Thresholds
from app.platform.types import JsonObject
from tests.support.checks import config_of, outside

KINDS = checkers()
HERE = {name: checker for name, checker in KINDS.items() if applies_here(checker)}
SAMPLES = [pytest.param(name, each, id=f"{name}: {each.name}") for name in HERE for each in HERE[name].samples]

# Seed 001, «Checker Implementations»: parameters with their defaults, thresholds, and the metrics.
PROMISED: dict[str, tuple[JsonObject, float, float]] = {
    "cpu": ({"samples": 5, "sample_interval": 1.0, "per_cpu": False}, 70.0, 90.0),
    "memory": ({"include_swap": False}, 70.0, 90.0),
    "disk": ({"paths": ["/"]}, 80.0, 95.0),
    "network": ({"hosts": ["8.8.8.8", "1.1.1.1"], "ping_count": 1}, 70.0, 50.0),
    "process": ({"processes": []}, 100.0, 50.0),
    "disk_common": ({"scan_paths": ["/var/log", "~/.cache", "/tmp", "/var/tmp"]}, 5000.0, 20000.0),  # noqa: S108  looked into only
    "disk_linux": ({}, 5000.0, 20000.0),
    "disk_macos": ({}, 5000.0, 20000.0),
}


def test_there_are_the_eight_of_the_seed() -> None:
    assert KINDS.keys() == PROMISED.keys()
    assert [name for name, each in KINDS.items() if each.is_inverted] == ["network", "process"]


@pytest.mark.parametrize("name", list(PROMISED))
def test_defaults_are_those_of_the_seed(name: str) -> None:
    params, warning, critical = PROMISED[name]
    config = defaults_of(name)
    assert config.params.items() >= params.items()
    assert (config.warning_threshold, config.critical_threshold, config.timeout, config.enabled) == (
        warning, critical, 10.0, True
    )  # fmt: skip


@pytest.mark.parametrize("name", list(KINDS))
def test_a_checker_describes_itself(name: str) -> None:
    checker: Checker = KINDS[name]
    assert checker.label
    assert checker.setup
    assert checker.samples
    assert contradiction(Thresholds(checker.warning_threshold, checker.critical_threshold, checker.is_inverted)) is None
    assert checker.params_model().least_seconds < checker.timeout
    for field_name, info in checker.params_model.model_fields.items():
        assert info.description, f"{field_name} has no help"


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
async def test_a_sample_measures_what_it_says(name: str, sample: Sample) -> None:
    clock, world = outside()
    made = await make(config_of(name, params=sample.params), world, clock, now=clock.now())
    assert made.result.status is not CheckStatus.UNKNOWN, made.result.error
    assert made.result.message
    assert made.result.metrics.keys() >= set(sample.metrics)
    assert KINDS[name].metric in made.result.metrics


@pytest.mark.parametrize("name", list(KINDS))
def test_a_key_that_the_checker_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="surprise"):
        KINDS[name].params_model.model_validate({"surprise": 1})
