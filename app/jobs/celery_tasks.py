"""Pipeline stages on Celery workers (B38): the three tasks of document 001, and the way to the broker.

    celery -A app.jobs.celery_tasks worker

A message holds the id of a run and nothing else: what is to be done stands in the database, and leases and fences see
to it that a message that comes twice, late or never harms nobody. Celery is an optional extra and imported where it
is used.
"""

import asyncio
import sys
import threading
from collections.abc import Coroutine, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from app.pipeline import queries
from app.pipeline.types import RunStatus
from app.platform import failpoints, logs
from app.platform.db import Tx
from app.platform.errors import StartRefused
from app.platform.migrate import prepare_schema
from app.platform.runtime import Runtime, build_runtime
from app.platform.settings import Settings, load_settings
from app.platform.types import JsonObject
from app.platform.workers import START_FAILURE
from app.usecases import run_pipeline

if TYPE_CHECKING:
    from celery import Celery

T = TypeVar("T")

QUEUE = "pagerpal"
# Longer than any stage: a message that is not done with by then is given to another worker, which finds nothing to do.
VISIBILITY_SECONDS = 3600
# A broker that does not answer at once is asked again at the next pass.
BROKER_SECONDS = 3.0


def run_pipeline_task(run_id: str) -> bool:
    """Take a run as far as it goes now; whether there was anything to do and it went well."""
    return _workplace().do(_go_on(_workplace().rt, run_id))


def start_pipeline_task(pipeline: str = "full", payload: JsonObject | None = None) -> str:
    """Make a run of this pipeline and queue it; gives its run id."""
    rt = _workplace().rt
    run_id = run_pipeline.start(rt, pipeline_name=pipeline, payload=payload, now=rt.clock.now()).run_id
    send(rt.settings, [run_id])
    return run_id


def resume_pipeline_task(run_id: str) -> bool:
    """Let a failed run go on after its last good stage, as far as it goes now."""
    rt = _workplace().rt
    run_pipeline.resume(rt, run_id=run_id, now=rt.clock.now())
    return run_pipeline_task(run_id)


def send(settings: Settings, run_ids: Sequence[str]) -> None:
    """Hand runs to the broker, or raise OSError when it does not take them; blocks for seconds at most."""
    application = _sender(settings.celery_broker_url)
    try:
        with application.producer_or_acquire() as producer:
            for run_id in run_ids:
                application.send_task(run_pipeline_task.__name__, args=[run_id], producer=producer, retry=False)
    except _broker_errors() as error:
        raise OSError(f"the broker did not take it ({type(error).__name__})") from error


class _Workplace:
    """A worker process's own runtime, on an event loop in a thread of its own, so that any pool of Celery's may ask."""

    def __init__(self) -> None:
        self.rt: Runtime = build_runtime(load_settings())
        failpoints.arm(self.rt.settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pipeline", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it on the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Let go of everything that is open."""
        self.do(self.rt.outside.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.rt.statsd.close()
        self.rt.db.dispose()


_opening = threading.Lock()
_open: list[_Workplace] = []


def _workplace() -> _Workplace:
    # Made by the first task and not before: a pool forks its processes, and a fork must not share a connection.
    with _opening:
        if not _open:
            _open.append(_Workplace())
        return _open[0]


def _leave(**_sent: Any) -> None:
    with _opening:
        while _open:
            _open.pop().close()


async def _go_on(rt: Runtime, run_id: str) -> bool:
    now = rt.clock.now()

    def waits(tx: Tx) -> bool:
        run = queries.get_run(tx, run_id)
        return run.status is RunStatus.RETRYING and run.due_at is not None and run.due_at > now

    # A message that comes twice must not cut the pause before the next attempt short.
    return not await rt.db.run_read(waits) and await run_pipeline.run_one(rt, run_id, now)


def _application(broker_url: str, **transport: float) -> "Celery":
    from celery import Celery  # noqa: PLC0415  optional, and slow to import

    made = Celery("pagerpal", broker=broker_url)
    made.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # Done with when it is done: a worker that dies in between leaves the message to another.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=BROKER_SECONDS,
        broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS, **transport},
        timezone="UTC",
    )
    for task in (run_pipeline_task, start_pipeline_task, resume_pipeline_task):
        made.task(task, name=task.__name__)
    return made


@cache
def _sender(broker_url: str) -> "Celery":
    quick = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    once = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    return _application(broker_url, **(quick if broker_url.startswith("redis") else {}), **once)


def _broker_errors() -> tuple[type[Exception], ...]:
    from celery.exceptions import OperationalError  # noqa: PLC0415  optional, and slow to import

    return OperationalError, OSError


def _served_by_celery() -> "Celery":
    from celery import signals  # noqa: PLC0415  optional, and slow to import

    settings = load_settings()
    if not settings.enable_celery_orchestration:
        raise StartRefused("ENABLE_CELERY_ORCHESTRATION is not set: nobody would give this worker anything to do.")
    signals.setup_logging.connect(lambda **_sent: logs.configure(settings), weak=False)
    signals.worker_init.connect(lambda **_sent: _prepare(settings), weak=False)
    signals.worker_process_shutdown.connect(_leave, weak=False)
    signals.worker_shutdown.connect(_leave, weak=False)
    return _application(settings.celery_broker_url)


def _prepare(settings: Settings) -> None:
    try:
        prepare_schema(settings.database_url, auto_migrate=settings.auto_migrate)
    except StartRefused as refused:
        _refuse(refused)


def _refuse(refused: StartRefused) -> None:
    sys.stderr.write(f"{refused}\n")
    raise SystemExit(START_FAILURE) from None


def __getattr__(name: str) -> Any:
    # Nothing runs at import: the application is made when Celery asks for it by name.
    if name == "app":
        try:
            return globals().setdefault("app", _served_by_celery())
        except StartRefused as refused:
            _refuse(refused)
    raise AttributeError(name)
