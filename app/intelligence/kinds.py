"""Which kinds of providers there are: those that are asked, and the local one."""

from collections.abc import Mapping

from app.intelligence import local
from app.intelligence.providers._base import Provider, ProviderKind
from app.platform.plugins import load

PACKAGE = "app.intelligence.providers"


def provider_kinds() -> Mapping[str, Provider]:
    """Every kind that is asked by its name, which is its file's. Raises StartRefused for a file that is none."""
    return load(PACKAGE, Provider)


def all_kinds() -> Mapping[str, ProviderKind]:
    """Every kind that can be set up, the local one first."""
    return {local.LOCAL: local.KIND, **provider_kinds()}
