"""Memory, swap, and how hard it is to get some; also of control groups with a limit."""

import time

import psutil

from app.intelligence.local.machine import Memory
from app.intelligence.local.readings import groups, proc

SAMPLE_SECONDS = 0.3


def read() -> Memory:
    """Memory as it is now, and what is swapped in a moment."""
    before, begun = _swapped(), time.perf_counter()
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    limited = groups.near_memory_limit(memory.total)
    if swap.total:
        time.sleep(SAMPLE_SECONDS)
    passed = time.perf_counter() - begun
    return Memory(
        total_bytes=memory.total,
        available_bytes=memory.available,
        swap_total_bytes=swap.total,
        swap_used_bytes=swap.used,
        swapped_pages_per_second=(_swapped() - before) / max(passed, 0.01),
        oom_kills=proc.counters(proc.PROC / "vmstat").get("oom_kill", 0),
        stalled_percent=proc.stalled("memory"),
        groups=limited,
    )


def _swapped() -> int:
    counts = proc.counters(proc.PROC / "vmstat")
    return counts.get("pswpin", 0) + counts.get("pswpout", 0)
