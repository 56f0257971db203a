"""Which kinds of providers there are."""

from collections.abc import Mapping

from app.intelligence.providers._base import Provider
from app.platform.plugins import load

PACKAGE = "app.intelligence.providers"


def provider_kinds() -> Mapping[str, Provider]:
    """Every kind by its name, which is its file's. Raises StartRefused when a file is not what it should be."""
    return load(PACKAGE, Provider)
