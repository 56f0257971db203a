"""What can go wrong with alerts and their sources, each a sentence for the operator."""

from app.platform.errors import Conflict, Forbidden, NotFound, Unauthenticated


class SourceNotFound(NotFound):
    """There is no such alert source."""

    default_code = "alert_source_not_found"

    def __init__(self, source_id: int) -> None:
        super().__init__(f"There is no alert source {source_id}.")


class AlertNotFound(NotFound):
    """There is no such alert."""

    default_code = "alert_not_found"

    def __init__(self, alert_id: int) -> None:
        super().__init__(f"There is no alert {alert_id}.")


class KeyUnknown(Unauthenticated):
    """No API key was given, or none that is active."""

    default_code = "key_unknown"

    def __init__(self) -> None:
        super().__init__("Send an active alert source key in the X-API-Key header.")


class SourceInactive(Forbidden):
    """The key is known, but its source is switched off."""

    default_code = "source_inactive"

    def __init__(self, name: str) -> None:
        super().__init__(f"The alert source «{name}» is switched off.")


class SourceInUse(Conflict):
    """A source with open incidents cannot be deleted."""

    default_code = "alert_source_in_use"


class SourceNameTaken(Conflict):
    """Another source has this name."""

    default_code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already an alert source named {name}.")


class KeyNotFound(NotFound):
    """The source has no such active key."""

    default_code = "key_not_found"

    def __init__(self, key_id: int) -> None:
        super().__init__(f"This alert source has no active key {key_id}.")


class DeliveryNotFound(NotFound):
    """There is no such delivery in the source's quarantine."""

    default_code = "delivery_not_found"

    def __init__(self, delivery_id: int) -> None:
        super().__init__(f"There is no delivery {delivery_id} in the quarantine of this alert source.")
