"""What may be wrong about providers and analysis runs, each fact by its name."""

from collections.abc import Sequence

from app.platform.errors import Conflict, FieldError, Invalid, NotFound


class ProviderMissing(NotFound):
    """There is no such provider."""

    def __init__(self, provider_id: int) -> None:
        super().__init__(f"There is no intelligence provider {provider_id}.", code="provider_missing")


class ProviderNameTaken(Conflict):
    """Two providers cannot have one name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already an intelligence provider named {name!r}.", code="provider_name_taken")


class ProviderInvalid(Invalid):
    """A provider's configuration is not what its kind needs."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The intelligence provider is not valid.", errors, code="provider_invalid")


class AnalysisMissing(NotFound):
    """There is no such analysis run."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no analysis run {run_id}.", code="analysis_missing")


class AnalysisEnded(Conflict):
    """The analysis run is in a status that does not allow this."""

    def __init__(self, status: str, action: str) -> None:
        super().__init__(f"An analysis run that is {status} cannot {action}.", code="analysis_ended")
