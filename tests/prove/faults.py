"""Real faults made on this machine, each told in words that are right, vague and misleading: what the analysis says.

Everything is bounded: a few MiB of tmpfs, 256 MiB of memory behind a limit of its own, seconds of the processors. What
cannot be made here (no root, no control groups) is named, never passed over.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from app.intelligence.local import LocalParams, analyze, judging, words
from app.intelligence.local.looking import look
from app.intelligence.types import Analysis, Evidence, RecommendationType as Kind, Subject
from app.platform.clock import SystemClock
from tests.support.checks import outside

T = TypeVar("T")

MEBIBYTE = 1024 * 1024
GROUP_BYTES = 256 * MEBIBYTE
SECONDS_AT_MOST = 2.0
RIGHT_AT_LEAST = 0.9
TICK_SECONDS = 0.002
PROGRAM = "ledger-sync"

SAY_READY = "import sys, time; print('ready', flush=True);"
HOLD = """
import sys, time
from pathlib import Path
from typing import TypeVar
group, limit, used = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
(group / "cgroup.procs").write_text("0")
held = []
while int(used.read_text()) < 0.985 * limit:
    held.append(b"\\1" * 1048576)
print("ready", flush=True)
time.sleep(60)
"""
LISTEN = """
import socket, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
print(listener.getsockname()[1], flush=True)
time.sleep(60)
"""

# What a monitoring tool might write about each kind of trouble, and what somebody may write who does not know.
WORDS = {
    Kind.MEMORY: ("HostOutOfMemory", "memory is almost used up, swap is growing"),
    Kind.DISK: ("HostDiskSpaceLow", "the filesystem is almost full"),
    Kind.CPU: ("HighCpuLoad", "cpu load is very high"),
    Kind.PROCESS: ("ProcessDown", "the process has crashed or is hung"),
    Kind.NETWORK: ("ConnectionTimeouts", "connections time out, packets are lost"),
}
WORDINGS = ("right", "vague", "misleading")
VAGUE = (
    ("Something is wrong", "customers complain that the site does not work"),
    ("HealthCheckFailed", "the nightly export did not finish"),
    ("SLO burn rate", "error budget is going down"),
)


class CannotMake(Exception):
    """This machine does not let us make the fault."""


@dataclass(frozen=True, slots=True)
class Made:
    """A fault that is there now, and what a right alert says of it; `named` is what every alert must name."""

    title: str
    description: str
    named: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, and how it is made."""

    name: str
    kind: Kind
    make: Callable[[ExitStack], Made]


@dataclass(frozen=True, slots=True)
class Asked:
    """One analysis of one fault."""

    fault: str
    wording: str
    expected: Kind
    analysis: Analysis
    seconds: float
    stall_seconds: float
    idle_stall_seconds: float

    @property
    def is_right(self) -> bool:
        """Whether the right kind stands first."""
        return self.analysis.recommendations[0].type is self.expected

    def line(self) -> str:
        """What was said, for who wants to know why."""
        said = self.analysis.recommendations[0].type.value
        return (
            f"{self.fault}, told in {self.wording} words: {said}, not {self.expected.value} ({self.analysis.summary})"
        )


@dataclass
class Report:
    """What came of it all."""

    asked: list[Asked] = field(default_factory=list)
    not_made: dict[str, str] = field(default_factory=dict)
    before: str = ""

    @property
    def wrong(self) -> list[str]:
        """The analyses in which another kind stands first."""
        return [each.line() for each in self.asked if not each.is_right]

    @property
    def share(self) -> float:
        """The share of right ones."""
        return 1 - len(self.wrong) / len(self.asked) if self.asked else 0.0

    def violations(self) -> list[str]:
        """Which promises were broken."""
        late = [f"{each.fault}: {each.seconds:.2f} s" for each in self.asked if each.seconds >= SECONDS_AT_MOST]
        return late + (self.wrong if self.share < RIGHT_AT_LEAST else [])

    def lines(self) -> list[tuple[str, str]]:
        """The table."""
        rows = [("before any fault", self.before)]
        for fault in dict.fromkeys(each.fault for each in self.asked):
            mine = [each for each in self.asked if each.fault == fault]
            right = Counter(each.wording for each in mine if each.is_right)
            tried = Counter(each.wording for each in mine)
            rows.append((fault, ", ".join(f"{wording} {right[wording]}/{count}" for wording, count in tried.items())))
        rows += [(name, f"NOT MADE: {why}") for name, why in self.not_made.items()]
        longest = max((each.seconds for each in self.asked), default=0.0)
        stalls = sorted(each.stall_seconds for each in self.asked) or [0.0]
        idle = sorted(each.idle_stall_seconds for each in self.asked) or [0.0]
        middle = len(stalls) // 2
        rows += [
            ("right kind first", f"{100 * self.share:.1f} % of {len(self.asked)}"),
            ("longest analysis", f"{longest:.2f} s"),
            ("loop late, median", f"{1000 * stalls[middle]:.0f} ms (nobody looking: {1000 * idle[middle]:.0f} ms)"),
            ("loop late, longest", f"{1000 * stalls[-1]:.0f} ms (nobody looking: {1000 * idle[-1]:.0f} ms)"),
        ]
        return rows + [("wrong", line) for line in self.wrong]


def prove(rounds: int, wordings: Sequence[str] = WORDINGS, *, compares: bool = True) -> Report:
    """Make each fault so many times, and ask about it in each wording; `compares` the loop with one that only waits."""
    report = Report()
    with asyncio.Runner() as runner:
        report.before, shown = runner.run(_as_it_is())
        for number in range(rounds):
            for fault in FAULTS:
                with ExitStack() as stack:
                    try:
                        made = fault.make(stack)
                    except CannotMake as why:
                        report.not_made[fault.name] = str(why)
                        continue
                    for wording in wordings:
                        title, description = _told(made, fault, wording, number, shown)
                        report.asked.append(runner.run(_ask(fault, wording, title, description, compares=compares)))
    return report


async def _as_it_is() -> tuple[str, frozenset[Kind]]:
    """What the machine shows by itself: words of these kinds would mislead nobody."""
    nothing = Evidence(Subject(None, "", "info", "triggered"))
    hints = words.read(nothing)
    verdict = judging.judge(nothing, hints, await look(hints, LocalParams(), now=SystemClock().now()))
    shown = [sign for sign in verdict.signs if sign.weight >= judging.SEEN]
    return "; ".join(sign.text for sign in shown) or "all is well", frozenset(sign.kind for sign in shown)


def _told(made: Made, fault: Fault, wording: str, number: int, shown: frozenset[Kind]) -> tuple[str, str]:
    if wording == "right":
        return made.title, made.description
    if wording == "vague":
        title, description = VAGUE[number % len(VAGUE)]
        return title, f"{description} {made.named}".strip()
    others = [kind for kind in WORDS if kind is not fault.kind and kind not in shown]
    title, description = WORDS[others[number % len(others)]]
    return title, f"{description} {made.named}".strip()


async def _ask(fault: Fault, wording: str, title: str, description: str, *, compares: bool) -> Asked:
    subject = Subject(incident_id=1, title=title, severity="critical", status="triggered", description=description)
    clock, world = outside()
    begun = time.perf_counter()
    analysis, stall = await _stall(analyze(Evidence(subject), LocalParams(), world, clock=clock))
    seconds = time.perf_counter() - begun
    # The same fault, as long, and nobody looks: what the machine itself makes the loop wait.
    _, idle = await _stall(asyncio.sleep(seconds if compares else 0))
    return Asked(fault.name, wording, fault.kind, analysis, seconds, stall, idle)


async def _stall(work: Awaitable[T]) -> tuple[T, float]:
    """What comes of the work, and by how much the loop was late at most meanwhile."""
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            worst = max(worst, time.perf_counter() - begun - TICK_SECONDS)

    ticking = asyncio.create_task(tick())
    try:
        outcome = await work
    finally:
        ticking.cancel()
    return outcome, worst


def _full_tmpfs(stack: ExitStack) -> Made:
    folder = stack.enter_context(_tmpfs("size=16m"))
    with suppress(OSError):
        (folder / "spool").write_bytes(b"\0" * 32 * MEBIBYTE)
    return Made("DiskSpaceLow", f"{folder} has no space left")


def _no_inodes(stack: ExitStack) -> Made:
    folder = stack.enter_context(_tmpfs("size=16m,nr_inodes=300"))
    with suppress(OSError):
        for number in range(1000):
            (folder / f"session-{number}").touch()
    return Made("Cannot create files", f"no space left on device on {folder}, inodes are used up")


def _busy_processors(stack: ExitStack) -> Made:
    for _ in range(3 * (os.cpu_count() or 1)):
        _start(stack, [sys.executable, "-c", f"{SAY_READY}\nwhile True: pass"])
    return Made("HostHighCpuLoad", "CPU load is above 95 %")


def _held_memory(stack: ExitStack) -> Made:
    group, limit, used = stack.enter_context(_group())
    limit.write_text(str(GROUP_BYTES))
    _start(stack, [sys.executable, "-c", HOLD, str(group), str(GROUP_BYTES), str(used)])
    return Made("ContainerMemoryUsage", "memory working set is near the limit, OOM kill is next")


def _stopped_process(stack: ExitStack) -> Made:
    process = _start(stack, [_program(stack), "60"], says_ready=False)
    process.send_signal(signal.SIGSTOP)
    _wait_for_state(process.pid, "T")
    return Made("ProcessNotResponding", f"process {PROGRAM} does not answer")


def _stopped_server(stack: ExitStack) -> Made:
    process = _start(stack, [sys.executable, "-c", LISTEN], says_ready=False)
    port = int((process.stdout or sys.stdin).readline())
    process.send_signal(signal.SIGSTOP)
    _wait_for_state(process.pid, "T")
    _connect(stack, port)
    return Made("ServiceHung", f"the daemon on port {port} has stopped and does not answer")


def _blocked_port(stack: ExitStack) -> Made:
    process = _start(stack, [sys.executable, "-c", LISTEN], says_ready=False)
    port = int((process.stdout or sys.stdin).readline())
    _connect(stack, port)
    return Made("EndpointDown", f"connection to 127.0.0.1:{port} timed out")


def _closed_port(stack: ExitStack) -> Made:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    named = f"(127.0.0.1:{port})"
    return Made("EndpointDown", f"connection refused by 127.0.0.1:{port}", named)


FAULTS = (
    Fault("fill a tmpfs", Kind.DISK, _full_tmpfs),
    Fault("exhaust inodes", Kind.DISK, _no_inodes),
    Fault("burn the processors", Kind.CPU, _busy_processors),
    Fault("hold memory", Kind.MEMORY, _held_memory),
    Fault("stop a process", Kind.PROCESS, _stopped_process),
    Fault("stop a server", Kind.PROCESS, _stopped_server),
    Fault("block a port", Kind.NETWORK, _blocked_port),
    Fault("close a port", Kind.NETWORK, _closed_port),
)


@contextmanager
def _tmpfs(options: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pagerpal-fault-") as name:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "pagerpal-fault", name], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            raise CannotMake(f"no file system can be mounted: {mounted.stderr.strip()}")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], capture_output=True, check=True)


@contextmanager
def _group() -> Iterator[tuple[Path, Path, Path]]:
    """A control group of either version: its folder, its limit and its use."""
    name = f"pagerpal-fault-{os.getpid()}"
    for root, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        folder = Path(root) / name
        with suppress(OSError):
            folder.mkdir()
            if (folder / limit).exists():
                try:
                    yield folder, folder / limit, folder / used
                finally:
                    _remove(folder)
                return
            folder.rmdir()
    raise CannotMake("no control group with a limit of memory can be made")


def _remove(folder: Path) -> None:
    """A group is gone a moment after its last process."""
    for _ in range(100):
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.02)
    raise CannotMake(f"{folder} stays")


def _program(stack: ExitStack) -> str:
    """A program with a name of its own, that sleeps."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pagerpal-fault-"))
    sleep = "/bin/sleep"
    os.symlink(sleep, f"{folder}/{PROGRAM}")
    return f"{folder}/{PROGRAM}"


def _start(stack: ExitStack, command: list[str], *, says_ready: bool = True) -> "subprocess.Popen[str]":
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    stack.callback(_end, process)
    if says_ready and process.stdout and not process.stdout.readline():
        raise CannotMake(f"{command[0]} ended at once ({process.wait()})")
    return process


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _wait_for_state(pid: int, letter: str) -> None:
    ends_at = time.monotonic() + 5
    while time.monotonic() < ends_at:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == letter:
            return
    raise CannotMake("the process does not stop")


def _connect(stack: ExitStack, port: int) -> None:
    """More connections than a queue of one takes."""
    for _ in range(4):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
