"""Finds plug-ins: every file of a folder whose name does not begin with `_` is one, and offers it as `PLUGIN`.

There is no list to edit. A file that is not what its folder promises stops the start, by name.
"""

import pkgutil
from collections.abc import Hashable, Mapping
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar, cast

from app.platform.errors import StartRefused

K = TypeVar("K")


def load(package: str, kind: type[K]) -> Mapping[str, K]:
    """The plug-ins of `package` (dotted name) by file name, in the order of the names; read once per process.

    Raises StartRefused with the file's name when one cannot be imported, has no PLUGIN, or its PLUGIN is no frozen
    `kind`.
    """
    return cast(Mapping[str, K], _load(package, cast(Hashable, kind)))


@cache
def _load(package: str, kind: Any) -> Mapping[str, Any]:
    _check_kind(kind)
    folder = _import(package, package)
    names = sorted(found.name for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_"))
    return MappingProxyType({name: _plugin_of(f"{package}.{name}", kind) for name in names})


def _plugin_of(module_name: str, kind: type[Any]) -> Any:
    file = f"{module_name.replace('.', '/')}.py"
    module = _import(module_name, file)
    if not hasattr(module, "PLUGIN"):
        raise StartRefused(f"{file}: has no PLUGIN; end the file with PLUGIN = {kind.__name__}(…)")
    plugin = module.PLUGIN
    if type(plugin) is not kind:
        raise StartRefused(f"{file}: PLUGIN is a {type(plugin).__name__}; this folder holds {kind.__name__} records")
    return plugin


def _import(module_name: str, file: str) -> ModuleType:
    try:
        return import_module(module_name)
    except (ImportError, SyntaxError, AttributeError, NameError, TypeError, ValueError, LookupError) as error:
        raise StartRefused(f"{file}: cannot be imported: {type(error).__name__}: {error}") from error


def _check_kind(kind: type[Any]) -> None:
    if not (is_dataclass(kind) and kind.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise TypeError(f"{kind.__name__} must be a frozen dataclass to be a kind of plug-in")
