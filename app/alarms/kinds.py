"""Which modules there are: those that came with PagerPal, and the operator's own in ALARM_MODULES_DIR.

A file of the operator's is read at every tick, so a new or changed one counts from the next tick on, without a
restart. It is code: it and its folder must belong to root or to this process's user, and nobody else may write there.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from app.alarms import rules
from app.alarms.errors import ModuleMissing, ModuleRefused
from app.alarms.modules._base import AlarmModule
from app.alarms.types import Description, ModuleFile, ParamSpec
from app.platform.plugins import load

PACKAGE = "app.alarms.modules"
SOURCE_BYTES = 1024 * 1024
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
TYPES: Mapping[type, str] = {float: "float", int: "int", str: "str", bool: "bool", list: "list", dict: "dict"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One module of the list; `refusal` says why it is not run."""

    name: str
    file: ModuleFile | None
    refusal: str = ""


def built_in() -> Mapping[str, AlarmModule]:
    """The modules that came with PagerPal. Raises StartRefused when a file is not what it should be."""
    return load(PACKAGE, AlarmModule)


def describe_built_in(name: str) -> Description:
    """What one of our own modules says of itself."""
    module = built_in()[name]
    specs = tuple(_spec(key, module) for key in module.params)
    return Description(module.label, module.setup, specs, module.needs, module.replays)


def get_module(name: str, folder: str) -> ModuleFile:
    """The module of that name as it lies there now. Raises ModuleMissing, ModuleRefused."""
    if not rules.is_module_name(name):
        raise ModuleRefused(f"«{name[:80]}» is no name for an alarm module: small letters, digits and _ only.")
    if name in built_in():
        return _built_in_file(name)
    path = Path(folder, f"{name}.py") if folder else None
    if path is None or not path.is_file():
        raise ModuleMissing(name, names_of(folder))
    return _read(name, path)


def list_modules(folder: str) -> list[Listed]:
    """Every module by name, those that are refused too."""
    listed = []
    for name in names_of(folder):
        try:
            listed.append(Listed(name, get_module(name, folder)))
        except (ModuleRefused, ModuleMissing) as error:
            listed.append(Listed(name, None, error.message))
    return listed


def names_of(folder: str) -> list[str]:
    """The names of all modules; a file of the operator's under a name of ours does not count."""
    own = []
    if folder:
        try:
            own = [path.stem for path in Path(folder).glob("*.py") if not path.name.startswith("_")]
        except OSError:
            own = []
    return sorted({*built_in(), *own})


def _read(name: str, path: Path) -> ModuleFile:
    """The file's bytes, looked at and read by one handle: what was judged is what is run. Raises ModuleRefused."""
    try:
        _judge(os.lstat(path.parent), f"The folder {path.parent}")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ModuleRefused(f"The module «{name}» cannot be read: {error.strerror}.") from None
    with os.fdopen(handle, "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ModuleRefused(f"The module «{name}» is no plain file.")
        _judge(found, f"The file {path.name}")
        source = opened.read(SOURCE_BYTES + 1)
    if len(source) > SOURCE_BYTES:
        raise ModuleRefused(f"The module «{name}» has more than {SOURCE_BYTES} bytes.")
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        raise ModuleRefused(f"The module «{name}» is not UTF-8 text.") from None
    return ModuleFile(name, hashlib.sha256(source).hexdigest(), path.name, source=text)


def _judge(found: os.stat_result, what: str) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise ModuleRefused(f"{what} belongs to somebody else: it must belong to root or to PagerPal's user.")
    if stat.S_IMODE(found.st_mode) & WRITABLE_BY_OTHERS:
        raise ModuleRefused(f"{what} can be written by others: take that away (chmod go-w).")


@cache
def _built_in_file(name: str) -> ModuleFile:
    source = files(PACKAGE).joinpath(f"{name}.py").read_bytes()
    return ModuleFile(name, hashlib.sha256(source).hexdigest(), f"{name}.py", dotted=f"{PACKAGE}.{name}")


def _spec(name: str, module: AlarmModule) -> ParamSpec:
    spec = module.params[name]
    return ParamSpec(
        name=name,
        type=TYPES[spec["type"]],
        required=bool(spec.get("required", False)),
        default=spec.get("default"),
        description=str(spec.get("description", "")),
        choices=tuple(spec.get("choices", ())),
        minimum=spec.get("minimum"),
        maximum=spec.get("maximum"),
        is_place=bool(spec.get("place", False)),
    )
