"""Which channel a message goes over that somebody asks to have sent: the NotifySelector of document 001."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.notify.configs import seal
from app.notify.errors import ChannelInvalid
from app.notify.kinds import channel_kinds, kind_named
from app.notify.types import NotificationChannel
from app.platform.errors import FieldError
from app.platform.secrets import SecretBox
from app.platform.settings import Settings
from app.platform.types import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Selected:
    """The kind of channel, and either a stored channel or the sealed configuration that the message brought."""

    kind: str
    channel: NotificationChannel | None = None
    config: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class NotifySelector:
    """Chooses among the `active` channels, oldest first, or by a configuration that comes with the message."""

    active: Sequence[NotificationChannel]
    settings: Settings
    box: SecretBox

    def resolve(self, provider: str | None, config: Mapping[str, JsonValue] | None) -> Selected:
        """The channel for `provider`: the name of an active channel, or a kind; None is the first active channel.

        1. An active channel of that name. 2. Without a provider the first active channel. 3. Else the provider is a
        kind: with `config` it is used as it comes, without one the first active channel of that kind is taken.
        Raises ChannelInvalid.
        """
        named = next((each for each in self.active if each.name == provider), None)
        if provider is None:
            named = next(iter(self.active), None)
        if named is not None:
            return Selected(named.driver, channel=named)
        if provider is None:
            raise ChannelInvalid([FieldError("provider", "there is no active channel to send by")])
        kind = kind_named(provider, self.settings)
        if kind not in channel_kinds():
            known = ", ".join(channel_kinds())
            raise ChannelInvalid([FieldError("provider", f"is neither an active channel nor one of {known}")])
        if config is not None:
            return Selected(kind, config=seal(channel_kinds()[kind], config, self.box, self.settings))
        stored = next((each for each in self.active if each.driver == kind), None)
        if stored is None:
            raise ChannelInvalid([FieldError("provider", f"there is no active channel of the kind {kind}")])
        return Selected(kind, channel=stored)
