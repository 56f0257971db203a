"""Carrying out a node, outside any transaction. A node is given its context, gives its result, and calls no other."""

import asyncio
from dataclasses import dataclass
from functools import partial

from app.checks.queries import runs_of_trace as checks_of
from app.checks.types import CheckOrder, NewCheckRun
from app.intelligence.types import AnalysisFailed
from app.pipeline import transform
from app.pipeline.errors import StageFailed, TransformFailed
from app.pipeline.types import Node, NodeType
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases import analyze, run_checks
from app.usecases.run_pipeline.outputs import Analyzed, Checked, NodeResult, NothingToDo, Transformed
from app.usecases.run_pipeline.steps import NodeContext

NO_CHECKER = "no checker is switched on that measures anything here"


async def carry_out(rt: Runtime, work: NodeContext) -> NodeResult:
    """What this node gives, within its time-out. Raises StageFailed, and whatever the stage itself stumbles over."""
    try:
        async with asyncio.timeout(work.node.timeout_seconds):
            match work.node.type:
                case NodeType.CONTEXT:
                    return await _check(rt, work)
                case NodeType.INTELLIGENCE:
                    return await _analyze(rt, work)
                case NodeType.TRANSFORM:
                    return await rt.outside.blocking(partial(_transform, work))
                case _:
                    raise StageFailed("NotAStage", f"{work.node.type} is not carried out here", is_retryable=False)
    except TimeoutError as error:
        seconds = f"{work.node.timeout_seconds:g} s"
        raise StageFailed("TimedOut", f"no result within {seconds}", is_retryable=True) from error


async def _check(rt: Runtime, work: NodeContext) -> NodeResult:
    orders = await rt.db.run_read(lambda tx: orders_of(tx, work.node))
    if not orders:
        return NothingToDo(NO_CHECKER)
    started = rt.clock.monotonic()
    try:
        found = await _shared.measure(rt, orders)
    except NotFound as error:
        raise StageFailed(type(error).__name__, error.message, is_retryable=False) from error
    fp("stage.after_check")
    return Checked(tuple(found), round((rt.clock.monotonic() - started) * 1000, 1))


def orders_of(tx: Tx, node: Node) -> list[CheckOrder]:
    """The checks that a node asks for: those it names, else all that are switched on and quick."""
    params = node.config.get("params") or {}
    names = node.config.get("checker_names")
    if names is None:
        return run_checks.orders_for_stage(tx)
    return [CheckOrder(name, params.get(name, {})) for name in names]


async def _analyze(rt: Runtime, work: NodeContext) -> NodeResult:
    started = rt.clock.monotonic()
    # An incident's checks are its evidence anyway.
    is_of_host = work.context.incident_id is None
    checks = await rt.db.run_read(lambda tx: checks_of(tx, work.context.trace_id)) if is_of_host else []
    try:
        run = await analyze.analyze(
            rt,
            incident_id=work.context.incident_id,
            now=rt.clock.now(),
            trace_id=work.context.trace_id,
            pipeline_run_id=work.context.run_id,
            provider=work.node.config.get("provider"),
            at_most_seconds=work.node.timeout_seconds,
            checks=checks,
            checker_output_ref=work.run.checker_output_ref,
        )
    except AnalysisFailed as failed:
        raise StageFailed(failed.fault.value, failed.message, is_retryable=failed.retryable) from failed
    fp("stage.after_analyze")
    return Analyzed(run, round((rt.clock.monotonic() - started) * 1000, 1))


def _transform(work: NodeContext) -> NodeResult:
    try:
        return Transformed(transform.apply(work.node.config, work.previous_outputs))
    except TransformFailed as failed:
        raise StageFailed("TransformFailed", str(failed), is_retryable=False) from failed


@dataclass(slots=True)
class _Shared:
    """Measurements under way, by what they measure: many incidents at once ask for the same of this host."""

    _under_way: dict[tuple[object, ...], "asyncio.Task[list[NewCheckRun]]"]

    async def measure(self, rt: Runtime, orders: list[CheckOrder]) -> list[NewCheckRun]:
        """What these checks find; who asks while the same is being measured is given that."""
        key = (id(asyncio.get_running_loop()), id(rt.db), repr(orders))
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(run_checks.measure(rt, orders, now=rt.clock.now()))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # One that gives up does not take the measurement from the others.
        return await asyncio.shield(task)


_shared = _Shared({})
