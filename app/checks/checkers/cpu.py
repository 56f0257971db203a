"""CPU: how busy the processors are, as psutil's `cpu_percent` says (https://psutil.readthedocs.io/#psutil.cpu_percent).

The quirk: a single glance says nothing, since a busy moment is normal. Several samples of a second each are averaged.
"""

from functools import partial
from statistics import fmean

import psutil
from pydantic import Field

from app.checks.checkers._base import Checker, CheckParams, JsonObject, Outside, Reading, Sample, rounded


class CpuParams(CheckParams):
    """How long to look."""

    samples: int = Field(default=5, ge=1, le=60, description="Number of samples to take.")
    sample_interval: float = Field(default=1.0, ge=0.05, le=60, description="Seconds between samples.")
    per_cpu: bool = Field(default=False, description="Report each processor as well.")

    @property
    def least_seconds(self) -> float:
        """All samples, one after the other."""
        return self.samples * self.sample_interval


async def measure(params: CpuParams, outside: Outside) -> Reading:
    """The mean of the samples, over all processors."""
    look = partial(_busy, params.sample_interval, is_each=params.per_cpu)
    sampled = [await outside.blocking(look) for _ in range(params.samples)]
    system = [fmean(each) for each in sampled]
    mean = rounded(fmean(system))
    metrics: JsonObject = {
        "cpu_percent": mean,
        "cpu_min": rounded(min(system)),
        "cpu_max": rounded(max(system)),
        "samples": params.samples,
        "cpu_count": psutil.cpu_count(),
    }
    if params.per_cpu:
        # A processor may be switched off between two samples.
        metrics["per_cpu_percent"] = [rounded(fmean(each)) for each in zip(*sampled, strict=False)]
    return Reading(mean, f"CPU is {mean:g} % busy (highest {metrics['cpu_max']:g} %)", metrics)


def _busy(seconds: float, *, is_each: bool) -> list[float]:
    """One sample: of each processor, or of all together."""
    return psutil.cpu_percent(seconds, percpu=True) if is_each else [psutil.cpu_percent(seconds)]


SAMPLES = (
    Sample(
        name="the whole system",
        params={"samples": 2, "sample_interval": 0.05},
        metrics=("cpu_percent", "cpu_min", "cpu_max", "samples", "cpu_count"),
    ),
    Sample(
        name="each processor",
        params={"samples": 1, "sample_interval": 0.05, "per_cpu": True},
        metrics=("cpu_percent", "per_cpu_percent"),
    ),
)

PLUGIN = Checker(
    label="CPU",
    params_model=CpuParams,
    measure=measure,
    metric="cpu_percent",
    cadence_seconds=60,
    confirm_runs=3,
    samples=SAMPLES,
    setup="Looks for samples × sample_interval seconds; the time-out must be longer. By cadence, three looks in a row "
    "must be bad before there is an alert: a busy moment is normal.",
)
