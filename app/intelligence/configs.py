"""Named provider configurations: checked by their kind, their secrets encrypted at rest and shown as `***`."""

from collections.abc import Mapping

from app.intelligence.errors import ProviderInvalid
from app.intelligence.kinds import provider_kinds
from app.intelligence.providers._base import Provider, ProviderConfig
from app.platform import configs
from app.platform.errors import FieldError
from app.platform.secrets import SecretBox
from app.platform.types import JsonObject, JsonValue


def kind_of(provider: str) -> Provider:
    """The kind of that name. Raises ProviderInvalid."""
    kinds = provider_kinds()
    if provider not in kinds:
        raise ProviderInvalid([FieldError("provider", f"must be one of {', '.join(kinds)}")])
    return kinds[provider]


def seal(kind: Provider, config: Mapping[str, JsonValue], box: SecretBox) -> JsonObject:
    """The configuration as it is stored: only what was given, secrets as ciphertext. Raises ProviderInvalid."""
    given = _checked(kind, config).model_dump(mode="json", exclude_unset=True)
    return configs.each_secret(kind.config_model, given, box.encrypt)


def unseal(kind: Provider, stored: Mapping[str, JsonValue], box: SecretBox) -> ProviderConfig:
    """The configuration that a provider is asked with. Raises ProviderInvalid, SecretUnreadable."""
    return _checked(kind, configs.each_secret(kind.config_model, stored, box.decrypt))


def masked(provider: str, stored: Mapping[str, JsonValue]) -> JsonObject:
    """The configuration as people see it; all of it is hidden where this version does not know the kind."""
    kind = provider_kinds().get(provider)
    return configs.masked(kind.config_model, stored) if kind else dict.fromkeys(stored, "***")


def kept(kind: Provider, given: Mapping[str, JsonValue], stored: JsonObject, box: SecretBox) -> JsonObject:
    """`given` with every `***` replaced by what is stored there. Raises ProviderInvalid where nothing is."""
    try:
        return configs.kept(kind.config_model, given, stored, box.decrypt)
    except configs.ConfigWrong as wrong:
        raise ProviderInvalid(wrong.errors) from None


def _checked(kind: Provider, config: Mapping[str, JsonValue]) -> ProviderConfig:
    try:
        return configs.checked(kind.config_model, config)
    except configs.ConfigWrong as wrong:
        raise ProviderInvalid(wrong.errors) from None
