"""The configuration of a plug-in in JSON: which keys there are, made out of its model."""

from typing import Any

from pydantic import BaseModel

from app.platform.configs import key_of, secret_fields
from app.web.api.accounts_schemas import Out


class ConfigFieldOut(Out):
    """One key of a kind's configuration."""

    name: str
    required: bool
    secret: bool
    default: Any
    help: str


def config_fields(model: type[BaseModel]) -> list[ConfigFieldOut]:
    """Every key of a configuration, in the order of its model."""
    secret = secret_fields(model)
    return [
        ConfigFieldOut(
            name=key_of(name, info),
            required=info.is_required(),
            secret=key_of(name, info) in secret,
            default=None if info.is_required() else info.get_default(call_default_factory=True),
            help=info.description or "",
        )
        for name, info in model.model_fields.items()
    ]
