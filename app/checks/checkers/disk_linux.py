"""Space hogs on Linux: package archives, the journal, containers and snaps (apt-get(8), journald.conf(5)).

The quirk: what Docker and snapd hold is mostly in use and looks old; it is shown with its size, never counted as
recoverable, and only their own commands clean it.
"""

from app.checks.checkers._base import Checker, Outside, Reading, Sample
from app.checks.checkers._scan import Holds, Place, ScanParams, scan

PLACES = (
    Place("/var/cache/apt/archives", Holds.CACHE, "apt-get clean"),
    Place("/var/log/journal", Holds.FILES, "journalctl --vacuum-size=500M, and SystemMaxUse in journald.conf"),
    Place("/var/lib/docker", Holds.STORE, "docker system df, then docker system prune"),
    Place("/var/lib/snapd", Holds.STORE, "snap list --all, and snap set system refresh.retain=2"),
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
    label="Disk clutter on Linux",
    params_model=ScanParams,
    measure=measure,
    metric="total_recoverable_mb",
    unit="MB",
    warning_threshold=5000.0,
    critical_threshold=20000.0,
    is_heavy=True,
    platforms=("linux",),
    samples=SAMPLES,
    setup="Says what could be cleaned up; it deletes nothing. Most of these places only root may read.",
)
