"""Where the processor time of one webhook goes: by thread, by stage of the way, and by function."""

import pstats
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cost import cost_of
from tests.bench.ingest import Target, load
from tests.kill.appliance import Desk, Server, fresh_server
from tests.kill.sink import running_sink
from tests.support.postgres import running_cluster

SECONDS = 6.0
MOST_FUNCTIONS = 14
MOST_STEPS = 40
# First match wins: part of a file's path → stage.
STAGES = (
    ("app/web/", "door (app/web)"),
    ("app/alerts/drivers", "driver"),
    ("app/alerts/detection", "driver"),
    ("strictjson", "strict JSON"),
    ("/json/", "JSON"),
    ("app/usecases", "use case (app/usecases)"),
    ("app/platform/writer", "writer and transactions"),
    ("app/platform/db", "writer and transactions"),
    ("app/platform/logs", "logging"),
    ("structlog", "logging"),
    ("/logging/", "logging"),
    ("app/platform", "floor (app/platform)"),
    ("app/notify", "notify"),
    ("app/", "contexts"),
    ("sqlalchemy", "SQLAlchemy"),
    ("psycopg", "psycopg"),
    ("uvicorn", "uvicorn"),
    ("starlette", "Starlette and FastAPI"),
    ("fastapi", "Starlette and FastAPI"),
    ("asyncio", "asyncio"),
)
BUILT_IN = (
    ("sqlite3", "database driver (C)"),
    ("psycopg", "database driver (C)"),
    ("_json", "JSON"),
    ("encode", "JSON"),
    ("hashlib", "hashes"),
    ("hash", "hashes"),
    ("uvloop", "uvloop and httptools"),
    ("httptools", "uvloop and httptools"),
    ("sqlalchemy", "SQLAlchemy"),
)
Function = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """One thread's share: microseconds per webhook, in all, by stage and by function."""

    name: str
    total: float
    stages: dict[str, float]
    functions: list[tuple[float, float, str]]
    steps: list[tuple[float, float, str]]


def profile(database: str) -> list[str]:
    """Load one server of this kind (`sqlite`, `postgresql`) unprofiled, then profiled; the lines to print."""
    with tempfile.TemporaryDirectory(prefix="pagerpal-profile-") as name:
        folder = Path(name)
        with running_sink(folder / "mails.jsonl") as sink:
            if database == "sqlite":
                plain = _exact(folder, f"sqlite:///{folder / 'plain.db'}", sink.port)
                accepted = _profiled(folder, f"sqlite:///{folder / 'profiled.db'}", sink.port)
            else:
                with running_cluster(durable=True) as cluster:
                    plain = _exact(folder, cluster.create("plain"), sink.port)
                    accepted = _profiled(folder, cluster.create("profiled"), sink.port)
        threads = [_read(path, accepted) for path in sorted((folder / "profiles").glob("*.prof"))]
        return [*plain, *_lines([one for one in threads if one.total >= 1.0])]


def _exact(folder: Path, database_url: str, smtp_port: int) -> list[str]:
    """Processor time per webhook without any profiler."""
    with fresh_server(folder, database_url, smtp_port) as server:
        server.start()
        target = _target(server)
        before = cost_of(target.pid)
        result = load(target, connections=16, seconds=SECONDS, run="aa")
        spent = cost_of(target.pid).minus(before).per(result["statuses"]["202"])
        parts = ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in sorted(spent.threads.items()))
        return [
            f"without profiler: {result['rate']:.0f} accepted/s, p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms, "
            f"{spent.total * 1e6:.0f} µs of processor time per webhook ({parts})"
        ]


def _profiled(folder: Path, database_url: str, smtp_port: int) -> int:
    """The same under the profiler; returns the number of accepted webhooks."""
    (folder / "profiles").mkdir()
    with fresh_server(folder, database_url, smtp_port) as server:
        server.launcher = (sys.executable, "-m", "tests.bench.profiled", str(folder / "profiles"))
        server.start()
        target = _target(server)
        assert server.process is not None
        server.process.send_signal(signal.SIGUSR1)
        time.sleep(0.2)
        result = load(target, connections=16, seconds=SECONDS, run="bb")
        server.stop()
        return int(result["statuses"]["202"])


def _target(server: Server) -> Target:
    duty = Desk(server.port).duty("bench", grouping="group_key")
    assert server.process is not None
    return Target("profiled", server.port, duty.api_key, server.process.pid)


def _read(path: Path, accepted: int) -> ThreadTime:
    stages: dict[str, float] = defaultdict(float)
    functions, steps = [], []
    for function, (calls, _, own, with_callees, _) in pstats.Stats(str(path)).stats.items():  # type: ignore[attr-defined]
        micro = own * 1e6 / accepted
        stages[_stage(function)] += micro
        functions.append((micro, calls / accepted, _name(function)))
        if "/app/" in function[0] and "site-packages" not in function[0]:
            steps.append((with_callees * 1e6 / accepted, calls / accepted, _name(function)))
    top = (sorted(rows, reverse=True)[:most] for rows, most in ((functions, MOST_FUNCTIONS), (steps, MOST_STEPS)))
    return ThreadTime(path.stem, sum(stages.values()), dict(stages), *top)


def _stage(function: Function) -> str:
    file, _, name = function
    table, text = (BUILT_IN, name) if file == "~" else (STAGES, file)
    return next((stage for part, stage in table if part in text), "rest of Python")


def _name(function: Function) -> str:
    file, line, name = function
    short = file.split("site-packages/")[-1]
    return name if file == "~" else f"{'/'.join(short.split('/')[-3:])}:{line} {name}"


def _lines(threads: Sequence[ThreadTime]) -> list[str]:
    lines = ["with one cProfile per thread (it slows Python calls about threefold: read the shares, not the sums)"]
    for thread in sorted(threads, key=lambda one: -one.total):
        lines.append(f"thread «{thread.name}»: {thread.total:.0f} µs per webhook")
        for stage, micro in sorted(thread.stages.items(), key=lambda item: -item[1]):
            if micro >= 1:
                lines.append(f"    {micro / thread.total:5.0%} {micro:7.0f} µs  {stage}")
        lines.append("    by function: own µs, calls per webhook")
        lines += [f"      {micro:7.1f} {calls:7.2f}  {name}" for micro, calls, name in thread.functions]
        lines.append("    by step of ours: µs with what it calls, calls per webhook")
        lines += [f"      {micro:7.1f} {calls:7.2f}  {name}" for micro, calls, name in thread.steps]
    return lines
