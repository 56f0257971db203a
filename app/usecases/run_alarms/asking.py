"""One alarm's question, asked: its module found, its parameters checked, its facts read, its process run."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from app.alarms import kinds, rules, running
from app.alarms.answers import Live
from app.alarms.errors import ModuleMissing, ModuleRefused
from app.alarms.running import Order
from app.alarms.types import Description, Found, ModuleFile, Outcome
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.run_alarms.facts import API, facts_for


async def find(rt: Runtime, module: str, *, anew: bool = False) -> tuple[ModuleFile, Description]:
    """A module as it lies there now, and what it says of itself. Raises ModuleMissing, ModuleRefused.

    One that could not be loaded a moment ago is loaded `anew`, or refused for the same reason again.
    """
    file = await rt.outside.blocking(partial(kinds.get_module, module, rt.settings.alarm_modules_dir))
    return file, await running.describe(file, rt.clock, anew=anew)


async def ask(rt: Runtime, module: str, params: JsonObject, *, now: datetime) -> Found:
    """What the module finds with these parameters; whatever is in its way is «unknown» with the reason."""
    try:
        # A tick, and a test by hand, must not be told of a moment when the machine was busy.
        file, about = await find(rt, module, anew=True)
        values, errors = rules.checked_params(about.params, params)
        if errors:
            wrong = "; ".join(f"{each.path} {each.message}" for each in errors)
            return _unknown(f"the parameters are not valid: {wrong}", file)
        if API in about.needs and not rt.settings.alarm_api_base_url:
            return replace(_unknown("ALARM_API_BASE_URL is not set", file), is_set_up=False)
        facts = await rt.db.run_read(partial(facts_for, needs=about.needs, now=now))
    except (ModuleMissing, ModuleRefused) as refused:
        return _unknown(refused.message)
    live = Live(rt.outside, rt.clock, rt.settings.sql_connections)
    order = Order(file, values, facts, now, rt.settings.alarm_api_base_url)
    found = await running.run(order, live, rt.clock)
    return found if about.replays else replace(found, recording=None)


def _unknown(reason: str, file: ModuleFile | None = None) -> Found:
    return Found(Outcome.UNKNOWN, error=reason, sha256=file.sha256 if file else "")
