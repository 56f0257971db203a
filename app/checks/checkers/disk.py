"""Disk: how full file systems are, as psutil's `disk_usage` says (https://psutil.readthedocs.io/#psutil.disk_usage).

The quirk: a file system without free inodes is as full as one without free blocks, and says so nowhere in its size.
"""

import os
from functools import partial

import psutil
from pydantic import Field

from app.checks.checkers._base import (
    CannotMeasure,
    Checker,
    CheckParams,
    JsonObject,
    Outside,
    Part,
    Paths,
    Reading,
    Sample,
    gigabytes,
    listed,
    rounded,
)


class DiskParams(CheckParams):
    """Which file systems."""

    paths: Paths = Field(default=("/",), min_length=1, description="Mount points to check.")


async def measure(params: DiskParams, outside: Outside) -> Reading:
    """The fullest of the file systems, by space or by inodes. Raises CannotMeasure when none can be looked at."""
    disks: JsonObject = {}
    missing: dict[str, str] = {}
    for path in params.paths:
        try:
            disks[path] = await outside.blocking(partial(_usage, path))
        except OSError as error:
            missing[path] = error.strerror or type(error).__name__
    gone = f"cannot look at {listed([f'{path} ({why})' for path, why in missing.items()])}" if missing else None
    if not disks:
        raise CannotMeasure(str(gone))
    worst = max(disks, key=lambda path: float(disks[path]["percent"]))
    crowded = max(disks, key=lambda path: float(disks[path]["inodes_percent"]))
    space, inodes = float(disks[worst]["percent"]), float(disks[crowded]["inodes_percent"])
    metrics: JsonObject = {"disks": disks, "worst_percent": space, "worst_path": worst, "unreadable": missing}
    message = _space(worst, disks[worst])
    if inodes > space:
        message = f"{crowded} has used {inodes:g} % of its inodes; {message}"
    return Reading(max(space, inodes), message, metrics, error=gone)


def parts(metrics: JsonObject) -> list[Part]:
    """Each file system, by what is fuller: its space or its inodes."""
    unreadable = [Part(path, f"{path} cannot be looked at: {why}") for path, why in metrics["unreadable"].items()]
    return [_part(path, usage) for path, usage in metrics["disks"].items()] + unreadable


def _part(path: str, usage: JsonObject) -> Part:
    space, inodes = float(usage["percent"]), float(usage["inodes_percent"])
    crowded = f"{path} has used {inodes:g} % of its inodes; " if inodes > space else ""
    return Part(path, crowded + _space(path, usage), max(space, inodes))


def _space(path: str, usage: JsonObject) -> str:
    return f"{path} is {usage['percent']:g} % full, {usage['free_gb']:g} GiB free"


def _usage(path: str) -> JsonObject:
    real = os.path.expanduser(path)
    usage = psutil.disk_usage(real)
    counts = os.statvfs(real)
    # What only root may take is not free for anybody else, as with space.
    used = counts.f_files - counts.f_ffree
    usable = used + counts.f_favail
    return {
        "percent": usage.percent,
        "total_gb": gigabytes(usage.total),
        "used_gb": gigabytes(usage.used),
        "free_gb": gigabytes(usage.free),
        # Some file systems have no fixed number of inodes and say 0.
        "inodes_percent": rounded(100 * used / usable) if counts.f_files and usable else 0.0,
    }


SAMPLES = (Sample(name="the root", params={}, metrics=("disks", "worst_percent", "worst_path")),)

PLUGIN = Checker(
    label="Disk space",
    params_model=DiskParams,
    measure=measure,
    metric="worst_percent",
    warning_threshold=80.0,
    critical_threshold=95.0,
    cadence_seconds=300,
    parts=parts,
    samples=SAMPLES,
    setup="Name every mount point that matters in paths; the fullest one counts, by space or by inodes.",
)
