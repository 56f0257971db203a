"""What can go wrong with checks, each a sentence for the operator."""

from collections.abc import Iterable, Sequence

from app.platform.errors import Conflict, FieldError, Forbidden, Invalid, NotFound


class CheckerMissing(NotFound):
    """There is no checker of this name."""

    default_code = "checker_not_found"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no checker «{name[:40]}»; there are {', '.join(known)}.")


class CheckInvalid(Invalid):
    """Parameters or thresholds that a checker cannot work with."""

    default_code = "check_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The check cannot be made like this.", errors)


class OthersPlaces(Forbidden):
    """Where a check looks is the admins' decision."""

    default_code = "check_places_are_for_admins"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"Only admins may say where a check looks ({', '.join(names)}); leave it out.")


class HeartbeatMissing(NotFound):
    """There is no such heartbeat."""

    default_code = "heartbeat_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such heartbeat.")


class HeartbeatInvalid(Invalid):
    """A name or times that a heartbeat cannot have."""

    default_code = "heartbeat_invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The heartbeat cannot be set up like this.", errors)


class HeartbeatNameTaken(Conflict):
    """A name that another heartbeat has."""

    default_code = "heartbeat_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a heartbeat «{name[:80]}».")
