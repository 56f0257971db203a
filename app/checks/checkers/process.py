"""Processes: whether the named programs run, as psutil's `process_iter` says (https://psutil.readthedocs.io/).

The quirks: Linux cuts names to 15 characters; a script runs under the name of its interpreter; a zombie and a process
that was stopped by a signal still exist, and do no work.
"""

import os
import time
from typing import Any

import psutil
from pydantic import Field, field_validator

from app.checks.checkers._base import (
    Checker,
    CheckParams,
    JsonObject,
    Outside,
    Part,
    Places,
    Reading,
    Sample,
    listed,
    rounded,
)

NAME_LIMIT = 200
CPU_SECONDS = 0.1
NOT_RUNNING = frozenset({psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})


class ProcessParams(CheckParams):
    """Which programs must run."""

    processes: Places = Field(default=(), description="Process names to check, such as nginx.")

    @property
    def is_idle(self) -> bool:
        """Nothing is named."""
        return not self.processes

    @field_validator("processes")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable() or "/" in name:
                raise ValueError(f"a name is 1 to {NAME_LIMIT} printable characters without a slash")
        return names


async def measure(params: ProcessParams, outside: Outside) -> Reading:
    """Which share of the programs runs."""
    names = list(dict.fromkeys(params.processes))
    found = await outside.blocking(lambda: _found(names)) if names else {}
    running = [name for name in names if found[name]["running"]]
    share = rounded(100 * len(running) / len(names)) if names else 100.0
    metrics: JsonObject = {
        "processes": found,
        "running_count": len(running),
        "total_count": len(names),
        "running_percent": share,
    }
    if not names:
        return Reading(None, "No process is named that should run", metrics)
    gone = [name for name in names if name not in running]
    message = f"{len(running)} of {len(names)} processes run" + (f"; not {listed(gone)}" if gone else "")
    return Reading(share, message, metrics)


def parts(metrics: JsonObject) -> list[Part]:
    """Each program."""
    return [_part(name, shown) for name, shown in metrics["processes"].items()]


def _part(name: str, shown: JsonObject) -> Part:
    if shown["running"]:
        return Part(name, f"{name} runs (process {shown['pid']})", is_there=True)
    state = f": process {shown['pid']} is {shown['status']}" if shown["pid"] else ""
    return Part(name, f"{name} does not run{state}", is_there=False)


def _found(names: list[str]) -> JsonObject:
    matches: dict[str, list[psutil.Process]] = {name: [] for name in names}
    for process in psutil.process_iter(["name", "cmdline"]):
        for name in _names_of(process.info) & matches.keys():
            matches[name].append(process)
    chosen = {name: _best(processes) for name, processes in matches.items()}
    for watched in chosen.values():
        _cpu(watched)
    # psutil compares two moments of a process; the first call only remembers one.
    time.sleep(CPU_SECONDS if any(chosen.values()) else 0.0)
    return {name: {**_shown(process), "count": len(matches[name])} for name, process in chosen.items()}


def _names_of(info: dict[str, Any]) -> set[str]:
    """What a process may be called: its name, its program, and the script that an interpreter was given."""
    words = [word for word in info["cmdline"] or [] if word]
    script = next((word for word in words[1:2] if not word.startswith("-")), "")
    # Daemons write what they do behind their name: «nginx: master process».
    title = words[0].partition(":")[0] if words else ""
    return {info["name"] or "", *(os.path.basename(word) for word in (title, script))} - {""}


def _best(processes: list[psutil.Process]) -> psutil.Process | None:
    """The one to show: the oldest that works, else the oldest that there is."""
    return min(processes, key=lambda process: (_status(process) in NOT_RUNNING, process.pid), default=None)


def _shown(process: psutil.Process | None) -> JsonObject:
    gone: JsonObject = {"running": False, "pid": None, "status": None, "cpu_percent": None, "memory_percent": None}
    if process is None:
        return gone
    status = _status(process)
    try:
        memory: float | None = rounded(process.memory_percent())
    except psutil.AccessDenied:
        memory = None
    except psutil.NoSuchProcess:
        return gone
    return {
        "running": status not in NOT_RUNNING,
        "pid": process.pid,
        "status": status,
        "cpu_percent": _cpu(process),
        "memory_percent": memory,
    }


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD
    except psutil.AccessDenied:
        return psutil.STATUS_RUNNING


def _cpu(process: psutil.Process | None) -> float | None:
    try:
        return None if process is None else rounded(process.cpu_percent())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


METRICS = ("processes", "running_count", "total_count", "running_percent")
SAMPLES = (
    Sample(name="none named", params={}, metrics=METRICS),
    Sample(name="one that is not there", params={"processes": ["no-such-program"]}, metrics=METRICS),
)

PLUGIN = Checker(
    label="Processes",
    params_model=ProcessParams,
    measure=measure,
    metric="running_percent",
    warning_threshold=100.0,
    critical_threshold=50.0,
    is_inverted=True,
    cadence_seconds=60,
    parts=parts,
    samples=SAMPLES,
    setup="Name the programs that must run; by default all must, and with fewer than half it is critical.",
)
