"""The application: a runtime, the doors over it, and the clock started and stopped with it.

`create_app` is what the command line, the tests and `uvicorn app.main:app` call.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from app.jobs.clockwork import Clockwork
from app.jobs.desk import Desk
from app.platform import failpoints, logs
from app.platform.crews import limit_visits
from app.platform.errors import StartRefused
from app.platform.memory import settle_memory
from app.platform.migrate import prepare_schema
from app.platform.runtime import Runtime, build_runtime
from app.platform.settings import Settings, load_settings
from app.platform.workers import START_FAILURE, refuse_many_workers
from app.usecases import deliver
from app.web.application import new_application
from app.web.greeting import greeting
from app.web.hooks.csp import Complaints
from app.web.hooks.keys import KeyCupboard
from app.web.hooks.pings import PingRates
from app.web.hooks.rates import Rates
from app.web.hooks.vendors import Refusals
from app.web.live import ending_with_the_process

WRITER_SECONDS = 2.0

log = logs.get_logger(__name__)


def create_app(
    settings: Settings | None = None, *, rt: Runtime | None = None, with_clock: bool = True, greets: bool = False
) -> FastAPI:
    """The application over these settings, or over a runtime that a test has made.

    Without the clock nothing happens by itself: the test calls what is due. One that `greets` says on standard error
    what a new installation needs; the command line does that itself.
    """
    rt = rt or build_runtime(settings or load_settings())
    failpoints.arm(rt.settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        limit_visits()
        clockwork = Clockwork(Desk(rt)) if with_clock else None
        if not rt.db.inline:
            rt.writer.start()
        if clockwork is not None:
            await clockwork.start()
        if greets:
            sys.stderr.write(await rt.db.aside(lambda: greeting(rt, rt.settings.pagerpal_base_url)))
        with ending_with_the_process(rt.bus):
            yield
        if clockwork is not None:
            await clockwork.stop()
        else:
            await deliver.drain(rt)
        await rt.outside.close()
        rt.statsd.close()
        # A database that hangs is not waited for: whoever was not answered asks again.
        try:
            async with asyncio.timeout(WRITER_SECONDS):
                await rt.db.aside(rt.writer.stop)
        except TimeoutError:
            log.error("the database did not take what was waiting", items=rt.writer.depth)
        rt.db.dispose()

    app = new_application(rt, lifespan=lifespan)
    app.state.keys = KeyCupboard(rt)
    app.state.rates = Rates()
    app.state.ping_rates = PingRates()
    app.state.complaints = Complaints()
    app.state.refusals = Refusals()
    app.state.refused = Counter[int]()
    return app


def _served_by_uvicorn() -> FastAPI:
    # `uvicorn app.main:app` (document 000): the same start as the command line's.
    settings = load_settings()
    refuse_many_workers(settings, sys.argv)
    logs.configure(settings)
    prepare_schema(settings.database_url, auto_migrate=settings.auto_migrate)
    app = create_app(settings, greets=True)
    settle_memory()
    return app


def __getattr__(name: str) -> Any:
    # Nothing runs at import: the application is made when a server asks for it by name.
    if name == "app":
        try:
            # Kept, because uvicorn asks twice.
            return globals().setdefault("app", _served_by_uvicorn())
        except StartRefused as refused:
            sys.stderr.write(f"{refused}\n")
            raise SystemExit(START_FAILURE) from None
    raise AttributeError(name)
