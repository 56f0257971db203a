"""What can go wrong with an incident, each a sentence for the operator."""

from app.platform.errors import Conflict, NotFound


class IncidentNotFound(NotFound):
    """There is no incident of that number."""

    default_code = "incident_not_found"

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"There is no incident #{incident_id}.")


class IllegalTransition(Conflict):
    """The transition table has no such step; the message names the status and the action."""

    default_code = "illegal_transition"

    def __init__(self, status: str, action: str, wanted: str) -> None:
        super().__init__(f"A {status} incident cannot become {wanted}: {action} is not possible now.")


class IncidentNotOpen(Conflict):
    """Something that only makes sense while the incident is open."""

    default_code = "incident_not_open"

    def __init__(self, status: str, action: str) -> None:
        super().__init__(f"The incident is {status}: {action} is possible only while it is triggered or acknowledged.")


class ChangedMeanwhile(Conflict):
    """Somebody else changed the status between reading and writing."""

    default_code = "changed_meanwhile"

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"Incident #{incident_id} was changed by somebody else at the same moment. Look again.")
