"""Memory: what cannot be had without swapping, as psutil's `virtual_memory` says (https://psutil.readthedocs.io/).

The quirk: «used» leaves out what the system would give back and «free» leaves out caches; `percent` is worked out from
what is available, which is the figure that matters.
"""

import psutil
from pydantic import Field

from app.checks.checkers._base import Checker, CheckParams, JsonObject, Outside, Reading, Sample, gigabytes


class MemoryParams(CheckParams):
    """What counts as memory."""

    include_swap: bool = Field(default=False, description="Include swap memory in the check: the fuller one counts.")


async def measure(params: MemoryParams, outside: Outside) -> Reading:
    """How full memory is, and swap where asked."""
    memory = await outside.blocking(psutil.virtual_memory)
    metrics: JsonObject = {
        "memory_percent": memory.percent,
        "memory_total_gb": gigabytes(memory.total),
        "memory_used_gb": gigabytes(memory.used),
        "memory_available_gb": gigabytes(memory.available),
    }
    message = f"Memory is {memory.percent:g} % full, {metrics['memory_available_gb']:g} GiB available"
    if not params.include_swap:
        return Reading(memory.percent, message, metrics)
    swap = await outside.blocking(psutil.swap_memory)
    metrics |= {
        "swap_percent": swap.percent,
        "swap_total_gb": gigabytes(swap.total),
        "swap_used_gb": gigabytes(swap.used),
        "swap_free_gb": gigabytes(swap.free),
    }
    return Reading(max(memory.percent, swap.percent), f"{message}; swap is {swap.percent:g} % full", metrics)


METRICS = ("memory_percent", "memory_total_gb", "memory_used_gb", "memory_available_gb")
SAMPLES = (
    Sample(name="memory", params={}, metrics=METRICS),
    Sample(
        name="with swap",
        params={"include_swap": True},
        metrics=(*METRICS, "swap_percent", "swap_total_gb", "swap_used_gb", "swap_free_gb"),
    ),
)

PLUGIN = Checker(
    label="Memory",
    params_model=MemoryParams,
    measure=measure,
    metric="memory_percent",
    cadence_seconds=60,
    samples=SAMPLES,
    setup="Says how much memory is taken on this host; inside a container that is the whole host's.",
)
