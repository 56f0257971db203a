"""Durable ingest beside a bare control, interleaved, median of several runs; optionally where the time goes."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.cost import Cost, cost_of
from tests.kill.appliance import ROOT, Desk, Server, environment_for, free_port, fresh_server
from tests.kill.calls import Caller, NoAnswer, NotSent
from tests.kill.facts import Store
from tests.kill.sink import running_sink
from tests.support.postgres import running_cluster

PATH = "/alerts/webhook/alertmanager/"
QUIET_SECONDS = 1.5
FLOORS = {"SQLite": (0.10, 0.15), "PostgreSQL": (0.05, 0.08)}


@dataclass(frozen=True, slots=True)
class Target:
    """Something to load: where it listens, which process it is, and the store to count in afterwards."""

    name: str
    port: int
    key: str
    pid: int
    store: Store | None = None


@dataclass
class Measured:
    """All runs of one target; `costs` is the processor time per accepted webhook."""

    name: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    accepted: int = 0
    stored: int | None = None

    @property
    def rate(self) -> float:
        """Accepted webhooks a second, median."""
        return self.median("rate")

    def median(self, key: str) -> float:
        """The median of one figure of the runs."""
        return float(statistics.median(run[key] for run in self.runs))


@dataclass(frozen=True, slots=True)
class Bench:
    """What to measure: `runs` of `seconds` each over `connections`."""

    runs: int = 5
    seconds: float = 5.0
    connections: int = 16
    databases: tuple[str, ...] = ("sqlite", "postgresql")


def measure(bench: Bench) -> list[Measured]:
    """The control first, then each database, run by run in turn."""
    with tempfile.TemporaryDirectory(prefix="pagerpal-bench-") as name:
        folder = Path(name)
        with targets(folder, bench.databases) as found:
            results = {target.name: Measured(target.name) for target in found}
            for number in range(bench.runs):
                control, *candidates = found
                for candidate in candidates:
                    _run(control, results[control.name], bench, f"c{number}{candidates.index(candidate)}")
                    _run(candidate, results[candidate.name], bench, f"a{number}{candidates.index(candidate)}")
            for target in found:
                if target.store is not None:
                    results[target.name].stored = _stored(target.store)
            return list(results.values())


def _run(target: Target, into: Measured, bench: Bench, run: str) -> None:
    time.sleep(QUIET_SECONDS)
    before = cost_of(target.pid)
    result = load(target, connections=bench.connections, seconds=bench.seconds, run=run)
    into.runs.append(result)
    into.accepted += result["statuses"].get("202", 0)
    into.costs.append(cost_of(target.pid).minus(before).per(result["statuses"].get("202", 1)))


def load(target: Target, *, connections: int, seconds: float, run: str, warmup_seconds: float = 1.0) -> dict[str, Any]:
    """One run of the load client against a target; its summary. `run` must be new for each run."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.load",
        "--port",
        str(target.port),
        f"--key={target.key}",
        "--run",
        run,
    ]
    more = ["--connections", str(connections), "--seconds", str(seconds), "--warmup-seconds", str(warmup_seconds)]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextmanager
def targets(folder: Path, databases: Sequence[str]) -> Iterator[list[Target]]:
    """The control and a server per database, all running, one source each; all end with the block."""
    with ExitStack() as stack:
        found = [stack.enter_context(running_control(folder))]
        smtp_port = stack.enter_context(running_sink(folder / "mails.jsonl")).port
        if "sqlite" in databases:
            url = f"sqlite:///{folder / 'bench.db'}"
            found.append(stack.enter_context(candidate("SQLite", folder, url, smtp_port)))
        if "postgresql" in databases:
            url = stack.enter_context(running_cluster(durable=True)).create("bench")
            found.append(stack.enter_context(candidate("PostgreSQL", folder, url, smtp_port)))
        yield found


@contextmanager
def candidate(name: str, folder: Path, database_url: str, smtp_port: int) -> Iterator[Target]:
    """The real server on an empty database with one source that groups as its sender does."""
    with fresh_server(folder, database_url, smtp_port, LOG_FORMAT="json") as server:
        server.start()
        duty = Desk(server.port).duty("bench", grouping="group_key")
        assert server.process is not None
        yield Target(name, server.port, duty.api_key, server.process.pid, Store(database_url))


@contextmanager
def running_control(folder: Path) -> Iterator[Target]:
    """The bare application under the same server with the same event loop and parser."""
    port = free_port()
    server = Server(port, environment_for("", port=port, smtp_port=0), folder / "control.log")
    command = [sys.executable, "-m", "uvicorn", "tests.bench.control:app", "--host", "127.0.0.1", "--port", str(port)]
    with server.log.open("ab") as log:
        process = subprocess.Popen(
            [*command, "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_for(port)
        yield Target("control", port, "", process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    caller = Caller(port)
    while time.monotonic() < deadline:
        try:
            caller.post(PATH, {})
            return
        except (NotSent, NoAnswer):
            time.sleep(0.05)
    raise AssertionError("the control did not start")


def _stored(store: Store) -> int:
    return int(store.rows("SELECT count(*) AS stored FROM alerts")[0]["stored"])


def table(results: Sequence[Measured], bench: Bench) -> tuple[list[str], bool]:
    """The lines to print, and whether every floor was reached and the figures agree with each other."""
    control, *candidates = results
    shape = f"{bench.runs} runs of {bench.seconds:g} s, {bench.connections} connections"
    lines = [
        f"durable ingest, bodies of {control.runs[0]['body_bytes']} bytes, {shape}, interleaved, medians",
        f"{'':12}{'accepted/s':>11}{'of control':>11}{'p50 ms':>8}{'p99 ms':>8}{'CPU µs':>8}{'client CPU':>11}  runs",
    ]
    for one in results:
        share = one.rate / control.rate
        cost = statistics.median(cost.total for cost in one.costs) * 1e6
        rates = " ".join(f"{run['rate']:.0f}" for run in one.runs)
        client = one.median("client_cpu_seconds") / (bench.seconds + 1.0)
        lines.append(
            f"{one.name:12}{one.rate:11.0f}{share:11.3f}{one.median('p50_ms'):8.2f}{one.median('p99_ms'):8.2f}"
            f"{cost:8.0f}{client:10.0%}   {rates}"
        )
    good = True
    for one in candidates:
        floor, goal = FLOORS[one.name]
        share = one.rate / control.rate
        verdict = "goal reached" if share >= goal else "above the floor" if share >= floor else "BELOW THE FLOOR"
        lines.append(f"{one.name}: {share:.3f} of the control; floor {floor:.2f}, goal {goal:.2f}: {verdict}")
        for name, of_threads in _threads(one).items():
            lines.append(f"    {name}: {of_threads * 1e6:.0f} µs of processor time per webhook")
        problems = list(_disagreements(one, bench))
        lines += [f"    DISAGREES: {problem}" for problem in problems]
        good = good and share >= floor and not problems
    return lines, good


def _threads(one: Measured) -> dict[str, float]:
    names = sorted({name for cost in one.costs for name in cost.threads})
    return {name: statistics.median(cost.threads.get(name, 0.0) for cost in one.costs) for name in names}


def _disagreements(one: Measured, bench: Bench) -> Iterator[str]:
    """Figures that contradict each other: stored against accepted, rate against latency (Little's law), refusals."""
    if one.stored != one.accepted:
        yield f"{one.accepted} accepted, {one.stored} stored"
    for run in one.runs:
        busy = run["rate"] * run["mean_ms"] / 1000
        if abs(busy - bench.connections) > bench.connections * 0.1:
            yield f"rate × mean latency is {busy:.1f} requests on the way over {bench.connections} connections"
        if set(run["statuses"]) - {"202"}:
            yield f"answers other than 202: {run['statuses']} {run['first_refusal']}"
