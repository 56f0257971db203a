"""Checks made now: by the API, the command line, or a stage of a pipeline. Read – measure – write down.

No transaction is open while anything is measured. Those that load the machine measure after the others, one by one:
a walk over directories must not look like a busy processor.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from app.accounts.service import record_audit
from app.accounts.types import User
from app.checks import kinds, queries, running, service as checks
from app.checks.checkers._base import place_fields
from app.checks.errors import OthersPlaces
from app.checks.types import CheckConfig, CheckOrder, CheckRun, NewCheckRun
from app.platform.db import Tx
from app.platform.host import hostname
from app.platform.runtime import Runtime
from app.platform.types import JsonObject


async def run(
    rt: Runtime,
    orders: Sequence[CheckOrder],
    *,
    now: datetime,
    trace_id: str = "",
    incident_id: int | None = None,
    may_choose_places: bool = True,
) -> list[CheckRun]:
    """Make these checks, in their order, whether they are switched on or not; each ends within its time-out.

    With `may_choose_places` False an order may not say where on the machine or in the network to look.
    Raises CheckerMissing, CheckInvalid, OthersPlaces before anything is measured.
    """
    found = await measure(rt, orders, now=now, may_choose_places=may_choose_places)
    trace_id = trace_id or rt.ids.hex32()
    return await rt.db.run(partial(record, found=found, trace_id=trace_id, incident_id=incident_id))


async def measure(
    rt: Runtime, orders: Sequence[CheckOrder], *, now: datetime, may_choose_places: bool = True
) -> list[NewCheckRun]:
    """The same without writing anything down: for who records the results together with something else."""
    for order in orders:
        _check_order(order, may_choose_places=may_choose_places)
    stored = await rt.db.run_read(queries.configs)
    configs = [kinds.ordered(stored[order.checker], order) for order in orders]
    for config in configs:
        kinds.checked(config)
    return await _measured(rt, configs, now)


def record(tx: Tx, found: Sequence[NewCheckRun], *, trace_id: str, incident_id: int | None = None) -> list[CheckRun]:
    """Write down what was measured on this host, inside the caller's transaction."""
    return checks.record_many(tx, found, hostname=hostname(), trace_id=trace_id, incident_id=incident_id)


def orders_for_all(tx: Tx) -> list[CheckOrder]:
    """One order for every checker that is switched on and has anything to measure on this system."""
    return [
        CheckOrder(name)
        for name, config in queries.configs(tx).items()
        if config.enabled and kinds.applies_here(kinds.get_checker(name))
    ]


def orders_for_stage(tx: Tx) -> list[CheckOrder]:
    """Those of them that are quick, for no incident waits for a walk over directories, and that ask no strangers."""
    configs = queries.configs(tx)
    return [
        order
        for order in orders_for_all(tx)
        if not kinds.get_checker(order.checker).is_heavy and not kinds.asks_strangers(configs[order.checker])
    ]


def change_config(rt: Runtime, *, checker: str, changes: Mapping[str, Any], actor: User, now: datetime) -> CheckConfig:
    """Change how a checker is set up; None goes back to its own. Raises CheckerMissing, CheckInvalid."""
    return rt.db.write(lambda tx: write_config(tx, checker=checker, changes=changes, actor=actor, now=now))


def write_config(tx: Tx, *, checker: str, changes: Mapping[str, Any], actor: User, now: datetime) -> CheckConfig:
    """The same inside the caller's transaction."""
    before = queries.get_config(tx, checker)
    config = checks.change_config(tx, checker, changes=changes, now=now)
    record_audit(
        tx,
        actor=actor,
        action="changed",
        object_type="check",
        object_id=checker,
        before=_shown(before),
        after=_shown(config),
        now=now,
    )
    return config


async def _measured(rt: Runtime, configs: Sequence[CheckConfig], now: datetime) -> list[NewCheckRun]:
    light = [config for config in configs if not kinds.get_checker(config.checker).is_heavy]
    made = await asyncio.gather(*(running.make(config, rt.outside, rt.clock, now=now) for config in light))
    found = dict(zip(map(id, light), made, strict=True))
    for config in configs:
        if id(config) not in found:
            found[id(config)] = await running.make(config, rt.outside, rt.clock, now=now)
    return [found[id(config)] for config in configs]


def _check_order(order: CheckOrder, *, may_choose_places: bool) -> None:
    named = place_fields(kinds.get_checker(order.checker).params_model) & order.params.keys()
    if named and not may_choose_places:
        raise OthersPlaces(sorted(named))


def _shown(config: CheckConfig) -> JsonObject:
    return {name: getattr(config, name) for name in CheckConfig.__slots__ if name != "checker"}
