"""Every module with what it says of itself, and why one that lies there is not run."""

import asyncio
from dataclasses import dataclass
from functools import partial

from app.alarms import kinds, running
from app.alarms.errors import ModuleRefused
from app.alarms.kinds import Listed
from app.alarms.types import Description
from app.platform.runtime import Runtime


@dataclass(frozen=True, slots=True)
class ModuleShown:
    """One module; `error` is set where it cannot be run, and then nothing else is known of it."""

    name: str
    is_built_in: bool
    sha256: str
    about: Description | None
    error: str = ""


async def list_modules(rt: Runtime) -> list[ModuleShown]:
    """Every module by name; one that is broken is shown with its error."""
    listed = await rt.outside.blocking(partial(kinds.list_modules, rt.settings.alarm_modules_dir))
    return list(await asyncio.gather(*(_shown(rt, each) for each in listed)))


async def _shown(rt: Runtime, listed: Listed) -> ModuleShown:
    if listed.file is None:
        return ModuleShown(listed.name, False, "", None, listed.refusal)
    try:
        about = await running.describe(listed.file, rt.clock)
    except ModuleRefused as refused:
        return ModuleShown(listed.name, listed.file.is_built_in, listed.file.sha256, None, refused.message)
    return ModuleShown(listed.name, listed.file.is_built_in, listed.file.sha256, about)
