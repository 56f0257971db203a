"""What the disk checkers share: a bounded walk over directories in a process of its own, and what can be made of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import Field

from app.checks.checkers._base import CheckParams, JsonObject, Outside, Reading, listed, rounded
from app.platform.walking import walk

ENTRIES_AT_MOST = 500_000
SHOWN_AT_MOST = 20
HOG_MB = 100.0
MEBIBYTE = 1024 * 1024


class Holds(StrEnum):
    """What lies in a place, which decides how much of it could go."""

    CACHE = "cache"  # all of it is made again
    FILES = "files"  # what is old or large may be left over
    LEFTOVERS = "leftovers"  # what is old may be left over
    STORE = "store"  # in use; only its owner's own command cleans it


@dataclass(frozen=True, slots=True)
class Place:
    """One directory to look into, and what to do when it has grown."""

    path: str
    holds: Holds
    advice: str


class ScanParams(CheckParams):
    """What counts as old and as large, and how long to look."""

    old_file_days: int = Field(default=30, ge=1, le=36500, description="Files not changed for so many days are old.")
    large_file_threshold_mb: float = Field(default=100.0, gt=0, le=1e9, description="Minimum size of a large file.")
    scan_seconds: float = Field(
        default=8.0, gt=0, le=600, description="The walk ends after so many seconds with what it has seen by then."
    )

    @property
    def least_seconds(self) -> float:
        """A walk may take all of its time."""
        return self.scan_seconds


async def scan(places: Sequence[Place], params: ScanParams, outside: Outside) -> Reading:
    """What could be cleaned up in these places. Raises CannotMeasure."""
    by_path = _apart({os.path.normpath(os.path.expanduser(place.path)): place for place in places})
    question = {
        "roots": list(by_path),
        "now": outside.now().timestamp(),
        "old_file_days": params.old_file_days,
        "large_file_threshold_mb": params.large_file_threshold_mb,
        "hog_mb": HOG_MB,
        "top": SHOWN_AT_MOST,
        "entries": ENTRIES_AT_MOST,
        "seconds": params.scan_seconds,
    }
    found = await walk(question)
    recoverable = {root["path"]: _recoverable(root, by_path[root["path"]].holds) for root in found["roots"]}
    total = _megabytes(sum(recoverable.values()))
    metrics: JsonObject = {
        "space_hogs": [{"path": path, "size_mb": _megabytes(size)} for size, path in found["hogs"]],
        "old_files": [_file(*each) for each in found["old"]],
        "large_files": [_file(*each) for each in found["large"]],
        "total_recoverable_mb": total,
        "recommendations": [
            f"{root['path']} ({_megabytes(root['bytes']):g} MB): {by_path[root['path']].advice}"
            for root in found["roots"]
            if max(recoverable[root["path"]], _in_use(root, by_path[root["path"]].holds)) >= HOG_MB * MEBIBYTE
        ],
        "scanned": {root["path"]: _megabytes(root["bytes"]) for root in found["roots"]},
        "unreadable_directories": found["unreadable"],
        "complete": not found["is_cut"],
    }
    least = "" if metrics["complete"] else "at least "
    where = [path for path, size in sorted(recoverable.items(), key=lambda item: -item[1]) if size >= MEBIBYTE]
    message = f"{least}{total:g} MB could be recovered" + (f" in {listed(where)}" if where else "")
    return Reading(total, message, metrics)


def _apart(places: dict[str, Place]) -> dict[str, Place]:
    """The places without those that lie inside another: nothing is counted twice."""
    return {
        path: place
        for path, place in places.items()
        if not any(path != other and path.startswith(f"{other.rstrip('/')}/") for other in places)
    }


def _recoverable(root: JsonObject, holds: Holds) -> int:
    key = {Holds.CACHE: "bytes", Holds.FILES: "old_or_large_bytes", Holds.LEFTOVERS: "old_bytes"}.get(holds)
    return int(root[key]) if key else 0


def _in_use(root: JsonObject, holds: Holds) -> int:
    return int(root["bytes"]) if holds is Holds.STORE else 0


def _file(size: int, path: str, changed_at: float) -> JsonObject:
    changed = datetime.fromtimestamp(changed_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"path": path, "size_mb": _megabytes(size), "modified_at": changed}


def _megabytes(size: float) -> float:
    return rounded(size / MEBIBYTE)
