"""Short looks at this machine, for tests that are about something else: the same readings, sampled for an instant."""

import pytest

from app.intelligence.local import looking
from app.intelligence.local.readings import cpu, interfaces, memory, processes, sockets

INSTANT_SECONDS = 0.002


def look_briefly(patch: pytest.MonkeyPatch) -> None:
    """Have the local analysis sample for an instant and walk hardly anywhere."""
    for reading in (cpu, interfaces, memory, processes, sockets):
        patch.setattr(reading, "SAMPLE_SECONDS", INSTANT_SECONDS)
    patch.setattr(looking, "WALK_SECONDS", INSTANT_SECONDS)
