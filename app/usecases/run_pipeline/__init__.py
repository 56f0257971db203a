"""Pipeline runs: what happens to an incident after intake, beside paging and never in its way.

A run is a row with a due time, and follows the plan that its definition was when it began. Each pass claims those that
may go on; each goes as far as it can by itself: measuring and asking hold no transaction, and what waits for messages
is let go of and looked at again when something became of them.
"""

from app.usecases.run_pipeline.by_hand import SAMPLE, Rehearsal, rehearse, resume, start
from app.usecases.run_pipeline.passes import RunOutcome, drain, due_runs, run_due, run_one

__all__ = [
    "SAMPLE", "Rehearsal", "RunOutcome", "drain", "due_runs", "rehearse", "resume", "run_due", "run_one", "start",
]  # fmt: skip
