"""How busy the processors are in a short sample, and who waits for them."""

import os
import time

import psutil

from app.intelligence.local.machine import Cpu
from app.intelligence.local.readings import groups, proc

SAMPLE_SECONDS = 0.3


def read() -> Cpu:
    """The processors' time between two moments."""
    before, held_back = _times(), groups.throttled_counts()
    time.sleep(SAMPLE_SECONDS)
    after, held_back_after = _times(), groups.throttled_counts() if held_back else {}
    spent = {name: max(0.0, after[name] - before[name]) for name in after}
    total = sum(spent.values()) or 1.0
    shares = {name: round(100 * each / total, 1) for name, each in spent.items()}
    idle = shares.get("idle", 0.0) + shares.get("iowait", 0.0)
    return Cpu(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1,
        busy_percent=round(max(0.0, 100 - idle - shares.get("steal", 0.0)), 1),
        iowait_percent=shares.get("iowait", 0.0),
        steal_percent=shares.get("steal", 0.0),
        load_1=os.getloadavg()[0],
        stalled_percent=proc.stalled("cpu"),
        io_stalled_percent=proc.stalled("io"),
        throttled=tuple(name for name, count in held_back_after.items() if count > held_back.get(name, count)),
    )


def _times() -> dict[str, float]:
    """The times that make up the whole; that of guests is in the user's already."""
    times = psutil.cpu_times()._asdict()
    return {name: each for name, each in times.items() if not name.startswith("guest")}
