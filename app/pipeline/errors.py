"""What can go wrong with pipeline runs and definitions, each a sentence for the operator."""

from collections.abc import Sequence

from app.platform.errors import Conflict, FieldError, Invalid, NotFound


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


class DefinitionMissing(NotFound):
    """There is no such pipeline definition."""

    default_code = "pipeline_definition_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no pipeline definition «{name[:80]}».")


class DefinitionInactive(Conflict):
    """The definition is switched off, so nothing runs by it."""

    default_code = "pipeline_definition_inactive"

    def __init__(self, name: str) -> None:
        super().__init__(f"The pipeline definition «{name[:80]}» is switched off.")


class DefinitionInvalid(Invalid):
    """A definition that cannot be followed; `errors` names every fault with its path."""

    default_code = "pipeline_definition_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The pipeline definition cannot be followed like this.", errors)


class DefinitionNameTaken(Conflict):
    """Two definitions cannot have one name, and the built-in ones keep theirs."""

    default_code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a pipeline definition named «{name}».")


class DefinitionBuiltIn(Conflict):
    """A built-in definition stays as it is."""

    default_code = "pipeline_definition_built_in"

    def __init__(self, name: str) -> None:
        super().__init__(f"«{name}» is built in and stays as it is; make one of your own from it.")


class DefinitionInUse(Conflict):
    """Alert sources name the definition, so it can be neither switched off nor deleted."""

    default_code = "pipeline_definition_in_use"

    def __init__(self, name: str, sources: Sequence[str]) -> None:
        named = ", ".join(f"«{source}»" for source in sources)
        super().__init__(f"«{name}» is used by {named}; give them another definition first.")


class DefinitionChanged(Conflict):
    """Somebody saved the definition meanwhile."""

    default_code = "pipeline_definition_changed"

    def __init__(self, name: str, version: int) -> None:
        super().__init__(f"«{name}» was changed meanwhile: its version is now {version}. Look at it and save again.")


class TransformFailed(Exception):
    """A transform cannot make anything of what it was given; the message is a sentence for the operator."""


class StageFailed(Exception):
    """An attempt at a stage did not work; `message` is a sentence for the operator, without secrets.

    `error_type` names the fact; one that is not retryable fails the stage at once.
    """

    def __init__(self, error_type: str, message: str, *, is_retryable: bool) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.is_retryable = is_retryable
