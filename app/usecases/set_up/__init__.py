"""The guided set-up: from «what do you want to do?» to a test that went through, one step at a time.

Each step is one transaction and leaves only what it said that it would make. What has been chosen stands in the rows:
a source names its pipeline and whom it pages, so that a set-up can be gone on with at any time.
"""

from app.usecases.set_up.connecting import (
    connect_source,
    first_source,
    own_policy,
    source_named,
    watch_this_host,
    watched_checkers,
)
from app.usecases.set_up.piping import add_provider, chosen, goal_of, use_pipeline
from app.usecases.set_up.rules import suggested_name
from app.usecases.set_up.trying import progress, try_out
from app.usecases.set_up.types import GOALS, Choices, Connected, Goal, Line, Progress, State, Target, Used

__all__ = [
    "GOALS",
    "Choices",
    "Connected",
    "Goal",
    "Line",
    "Progress",
    "State",
    "Target",
    "Used",
    "add_provider",
    "chosen",
    "connect_source",
    "first_source",
    "goal_of",
    "own_policy",
    "progress",
    "source_named",
    "suggested_name",
    "try_out",
    "use_pipeline",
    "watch_this_host",
    "watched_checkers",
]
