"""Space hogs on macOS: caches, Xcode's derived data and old downloads (File System Programming Guide, «Library»).

The quirk: macOS asks the user before a program may read Downloads; without that leave it counts as unreadable.
"""

from app.checks.checkers._base import Checker, Outside, Reading, Sample
from app.checks.checkers._scan import Holds, Place, ScanParams, scan

PLACES = (
    Place("~/Library/Caches", Holds.CACHE, "can be emptied; programs fill it again"),
    Place("~/Library/Developer/Xcode/DerivedData", Holds.CACHE, "can be emptied; Xcode builds it again"),
    Place("~/Downloads", Holds.LEFTOVERS, "see which of the old downloads are needed"),
)


async def measure(params: ScanParams, outside: Outside) -> Reading:
    """What could be cleaned up. Raises CannotMeasure."""
    return await scan(PLACES, params, outside)


SAMPLES = (
    Sample(
        name="a short look",
        params={"scan_seconds": 5},
        metrics=("space_hogs", "old_files", "large_files", "total_recoverable_mb", "recommendations"),
    ),
)

PLUGIN = Checker(
    label="Disk clutter on macOS",
    params_model=ScanParams,
    measure=measure,
    metric="total_recoverable_mb",
    unit="MB",
    warning_threshold=5000.0,
    critical_threshold=20000.0,
    is_heavy=True,
    platforms=("darwin",),
    samples=SAMPLES,
    setup="Says what could be cleaned up; it deletes nothing.",
)
