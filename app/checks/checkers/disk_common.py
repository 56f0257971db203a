"""Space hogs on any Unix: logs, caches and temporary files (the places of the Filesystem Hierarchy Standard, 3.0).

The quirk: a log that is written to is large and not old, an upload that broke off is old and not large; both count,
each file once. Caches count whole.
"""

from pydantic import Field

from app.checks.checkers._base import Checker, Outside, Paths, Reading, Sample
from app.checks.checkers._scan import Holds, Place, ScanParams, scan

LOGS = "look at the rotation of what writes here"
TEMPORARY = "old files can go; see which program leaves them"
PLACES = {
    "/var/log": Place("/var/log", Holds.FILES, LOGS),
    "~/.cache": Place("~/.cache", Holds.CACHE, "can be emptied; programs fill it again"),
    "/tmp": Place("/tmp", Holds.FILES, TEMPORARY),  # noqa: S108  looked into, not written to
    "/var/tmp": Place("/var/tmp", Holds.FILES, TEMPORARY),  # noqa: S108
}
OWN_ADVICE = "see whether its old and large files are needed"


class DiskCommonParams(ScanParams):
    """Where to look, and for what."""

    scan_paths: Paths = Field(default=tuple(PLACES), min_length=1, description="Directories to scan.")


async def measure(params: DiskCommonParams, outside: Outside) -> Reading:
    """What could be cleaned up. Raises CannotMeasure."""
    places = [PLACES.get(path, Place(path, Holds.FILES, OWN_ADVICE)) for path in dict.fromkeys(params.scan_paths)]
    return await scan(places, params, outside)


SAMPLES = (
    Sample(
        name="a short look",
        params={"scan_paths": ["/var/tmp"], "scan_seconds": 5},  # noqa: S108
        metrics=("space_hogs", "old_files", "large_files", "total_recoverable_mb", "recommendations"),
    ),
)

PLUGIN = Checker(
    label="Disk clutter",
    params_model=DiskCommonParams,
    measure=measure,
    metric="total_recoverable_mb",
    unit="MB",
    warning_threshold=5000.0,
    critical_threshold=20000.0,
    is_heavy=True,
    samples=SAMPLES,
    setup="Says what could be cleaned up; it deletes nothing. What this process may not read is counted, not seen.",
)
