"""What can go wrong with alarms, each a sentence for the operator."""

from collections.abc import Iterable, Sequence

from app.platform.errors import Conflict, FieldError, Invalid, NotFound
from app.platform.types import JsonObject


class AlarmMissing(NotFound):
    """There is no alarm of this name."""

    default_code = "alarm_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no alarm «{name[:80]}».")


class AlarmArchived(Conflict):
    """An alarm that is not asked any more."""

    default_code = "alarm_archived"

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"The alarm {entry_id} is archived: it is not asked any more.")


class AlarmNameTaken(Conflict):
    """An entry id that is there already, archived alarms included."""

    default_code = "alarm_name_taken"

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"There is already an alarm «{entry_id}».")


class AlarmInvalid(Invalid):
    """Settings that an alarm cannot work with."""

    default_code = "alarm_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The alarm cannot be set up like this.", errors)


class AlarmChanged(Conflict):
    """Somebody saved the alarm since it was read; `extra` has it as it is now."""

    default_code = "alarm_changed"

    def __init__(self, given: int, stored: int, current: JsonObject) -> None:
        super().__init__(f"The alarm was changed meanwhile: it is at version {stored}, and this was version {given}.")
        self.extra = {"current": current}


class VersionMissing(NotFound):
    """There is no such version of the alarm."""

    default_code = "alarm_version_not_found"

    def __init__(self, entry_id: str, version: int) -> None:
        super().__init__(f"«{entry_id}» has no version {version}.")


class EventMissing(NotFound):
    """There is no such event."""

    default_code = "alarm_event_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such alarm event.")


class EventCleared(Conflict):
    """What has cleared needs no acknowledgement."""

    default_code = "alarm_event_cleared"

    def __init__(self) -> None:
        super().__init__("This event has cleared; there is nothing to acknowledge.")


class EngineRunMissing(NotFound):
    """There is no such run of the engine."""

    default_code = "engine_run_not_found"

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no engine run {run_id}.")


class ModuleMissing(NotFound):
    """There is no module of this name."""

    default_code = "alarm_module_not_found"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no alarm module «{name[:80]}»; there are {', '.join(known)}.")


class ModuleRefused(Invalid):
    """A module that lies there and must not be run, or cannot be."""

    default_code = "alarm_module_refused"


class NothingStored(Conflict):
    """A module whose ticks cannot be played again."""

    default_code = "alarm_does_not_replay"

    def __init__(self, module: str) -> None:
        super().__init__(f"What «{module}» is given is not kept, so its ticks cannot be played again.")
