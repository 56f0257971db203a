"""Named provider configurations: checked by their kind, their secrets encrypted at rest and shown as `***`."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from app.intelligence import local
from app.intelligence.errors import ProviderInvalid
from app.intelligence.kinds import all_kinds, provider_kinds
from app.intelligence.providers._base import Provider, ProviderConfig, ProviderKind
from app.platform import configs
from app.platform.errors import FieldError
from app.platform.secrets import SecretBox
from app.platform.types import JsonObject, JsonValue

M = TypeVar("M", bound=BaseModel)


def kind_of(provider: str) -> ProviderKind:
    """The kind of that name. Raises ProviderInvalid."""
    kinds = all_kinds()
    if provider not in kinds:
        raise ProviderInvalid([FieldError("provider", f"must be one of {', '.join(kinds)}")])
    return kinds[provider]


def asked_kind_of(provider: str) -> Provider:
    """The kind of that name, of those that are asked. Raises ProviderInvalid."""
    kinds = provider_kinds()
    if provider not in kinds:
        raise ProviderInvalid([FieldError("provider", f"must be one of {', '.join(kinds)}")])
    return kinds[provider]


def seal(kind: ProviderKind, config: Mapping[str, JsonValue], box: SecretBox) -> JsonObject:
    """The configuration as it is stored: only what was given, secrets as ciphertext. Raises ProviderInvalid."""
    given = _checked(kind.config_model, config).model_dump(mode="json", exclude_unset=True)
    return configs.each_secret(kind.config_model, given, box.encrypt)


def unseal(kind: Provider, stored: Mapping[str, JsonValue], box: SecretBox) -> ProviderConfig:
    """The configuration that a provider is asked with. Raises ProviderInvalid, SecretUnreadable."""
    return _checked(kind.config_model, configs.each_secret(kind.config_model, stored, box.decrypt))


def open_config(provider: str, stored: Mapping[str, JsonValue], box: SecretBox) -> ProviderConfig | local.LocalParams:
    """The configuration of a kind that may be the local one. Raises ProviderInvalid, SecretUnreadable."""
    return local_params(stored) if provider == local.LOCAL else unseal(asked_kind_of(provider), stored, box)


def local_params(stored: Mapping[str, JsonValue]) -> local.LocalParams:
    """How the local provider is set up by this configuration, which has no secrets. Raises ProviderInvalid."""
    return _checked(local.LocalParams, stored)


def masked(provider: str, stored: Mapping[str, JsonValue]) -> JsonObject:
    """The configuration as people see it; all of it is hidden where this version does not know the kind."""
    kind = all_kinds().get(provider)
    return configs.masked(kind.config_model, stored) if kind else dict.fromkeys(stored, "***")


def kept(kind: ProviderKind, given: Mapping[str, JsonValue], stored: JsonObject, box: SecretBox) -> JsonObject:
    """`given` with every `***` replaced by what is stored there. Raises ProviderInvalid where nothing is."""
    try:
        return configs.kept(kind.config_model, given, stored, box.decrypt)
    except configs.ConfigWrong as wrong:
        raise ProviderInvalid(wrong.errors) from None


def _checked(model: type[M], config: Mapping[str, JsonValue]) -> M:
    try:
        return configs.checked(model, config)
    except configs.ConfigWrong as wrong:
        raise ProviderInvalid(wrong.errors) from None
