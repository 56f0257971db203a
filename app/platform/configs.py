"""Typed configurations of plug-ins: which fields are secret, how those are kept, shown and taken back.

A secret is ciphertext at rest and `***` to people; `***` sent back stands for the one that is stored.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from app.platform.errors import FieldError
from app.platform.redact import HIDDEN
from app.platform.types import JsonObject, JsonValue

C = TypeVar("C", bound=BaseModel)

_SECRET: JsonObject = {"secret": True}
Secret: TypeAlias = Annotated[str, Field(repr=False, json_schema_extra=dict(_SECRET))]
SecretMap: TypeAlias = Annotated[dict[str, str], Field(repr=False, json_schema_extra=dict(_SECRET))]


class ConfigWrong(Exception):
    """A configuration is not what its model says; a context answers with an error of its own name."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("the configuration is not valid")
        self.errors = errors


def checked(model: type[C], config: Mapping[str, JsonValue]) -> C:
    """The configuration as its model. Raises ConfigWrong, which never repeats a value."""
    try:
        return model.model_validate(config)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConfigWrong([_field_error(fault["loc"], fault["msg"]) for fault in faults]) from None


def each_secret(
    model: type[BaseModel], config: Mapping[str, JsonValue], change: Callable[[str], JsonValue]
) -> JsonObject:
    """A copy of the configuration in which every secret that is there is what `change` makes of it."""
    changed = dict(config)
    for name in secret_fields(model) & config.keys():
        value = config[name]
        if isinstance(value, dict):
            changed[name] = {key: _changed(inner, change) for key, inner in value.items()}
        else:
            changed[name] = _changed(value, change)
    return changed


def masked(model: type[BaseModel], stored: Mapping[str, JsonValue]) -> JsonObject:
    """The configuration as people see it."""
    return each_secret(model, stored, lambda _ciphertext: HIDDEN)


def kept(
    model: type[BaseModel],
    given: Mapping[str, JsonValue],
    stored: Mapping[str, JsonValue],
    decrypt: Callable[[str], JsonValue],
) -> JsonObject:
    """`given` with every `***` replaced by what is stored there. Raises ConfigWrong where nothing is."""
    known = each_secret(model, stored, decrypt)
    taken = dict(given)
    wrong = []
    for name in secret_fields(model) & given.keys():
        value, before = given[name], known.get(name)
        if value == HIDDEN:
            taken[name] = before
        elif isinstance(value, dict) and isinstance(before, dict):
            taken[name] = {key: before.get(key) if inner == HIDDEN else inner for key, inner in value.items()}
        if _holds_nothing(taken[name]):
            wrong.append(FieldError(f"config.{name}", "*** stands for a stored secret, and none is stored"))
    if wrong:
        raise ConfigWrong(wrong)
    return taken


def key_of(name: str, info: FieldInfo) -> str:
    """What a field is called in JSON."""
    return info.alias or name


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a configuration that are secret, as they are called in JSON."""
    return frozenset(key_of(name, info) for name, info in _secret(model))


def secrets_in(config: BaseModel) -> list[str]:
    """The secret texts of a configuration."""
    found: list[str] = []
    for name, _ in _secret(type(config)):
        value = getattr(config, name)
        found += value.values() if isinstance(value, dict) else [value]
    return [secret for secret in found if secret]


def _secret(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [
        (name, info)
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("secret")
    ]


def _changed(value: JsonValue, change: Callable[[str], JsonValue]) -> JsonValue:
    return change(value) if isinstance(value, str) and value else value


def _holds_nothing(value: JsonValue) -> bool:
    return value is None or (isinstance(value, dict) and None in value.values())


def _field_error(location: tuple[int | str, ...], message: str) -> FieldError:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return FieldError(f"config{path}", message.removeprefix("Value error, "))
