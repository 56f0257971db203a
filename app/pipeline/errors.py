"""What can go wrong with pipeline runs, each a sentence for the operator."""

from app.platform.errors import Conflict, NotFound


class RunNotFound(NotFound):
    """There is no such pipeline run."""

    default_code = "pipeline_run_not_found"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no pipeline run «{run_id[:40]}».")


class NotResumable(Conflict):
    """Only a failed run can be resumed."""

    default_code = "pipeline_run_not_resumable"

    def __init__(self, status: str) -> None:
        super().__init__(f"This run is {status}; only a FAILED one can be resumed.")
