"""What may be wrong about notifications and channels, each fact by its name."""

from collections.abc import Sequence

from app.platform.errors import Conflict, FieldError, Invalid, NotFound


class NotificationMissing(NotFound):
    """There is no such notification."""

    def __init__(self, notification_id: int) -> None:
        super().__init__(f"There is no notification {notification_id}.", code="notification_missing")


class NotRetriable(Conflict):
    """Only what failed or was given up can be sent again by hand."""

    def __init__(self, status: str) -> None:
        text = f"Only a failed or exhausted notification can be sent again; this one is {status}."
        super().__init__(text, code="not_retriable")


class IncidentOver(Conflict):
    """Nobody is paged for an incident that is over."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The incident is {status}: nobody is paged for it any more.", code="incident_over")


class ChannelMissing(NotFound):
    """There is no such channel."""

    def __init__(self, channel_id: int) -> None:
        super().__init__(f"There is no channel {channel_id}.", code="channel_missing")


class ChannelNameTaken(Conflict):
    """Two channels cannot have one name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a channel named {name!r}.", code="channel_name_taken")


class ChannelInUse(Conflict):
    """A channel that was written to is part of what incidents say about themselves."""

    def __init__(self, name: str) -> None:
        text = f"{name!r} has sent messages that incidents refer to: switch it off instead of deleting it."
        super().__init__(text, code="channel_in_use")


class ChannelInvalid(Invalid):
    """A channel's configuration is not what its kind needs."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The channel is not valid.", errors, code="channel_invalid")


class ActionLinkUnknown(NotFound):
    """The link was made by somebody else, was changed, or its message is gone."""

    def __init__(self) -> None:
        super().__init__("This link is not known here. Open the incident in PagerPal.", code="action_link_unknown")


class ActionLinkExpired(Conflict):
    """The link is too old to be used."""

    default_status = 410

    def __init__(self) -> None:
        super().__init__("This link has expired. Open the incident in PagerPal.", code="action_link_expired")


class ActionLinkUsed(Conflict):
    """The link was used before; the message says what happened and by whom."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="action_link_used")
