"""Processes: the largest, the busiest, those that do nothing, and those that the incident names (proc(5)).

One file is read for each process and moment; command lines only of those that are shown, without their secrets.
"""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import psutil

from app.intelligence.local.machine import Process, Processes
from app.intelligence.local.readings import proc
from app.intelligence.scrub import scrub_text
from app.platform.threads import CannotMeasure

SAMPLE_SECONDS = 0.3
COMMAND_READ = 1000
COMMAND_LIMIT = 200
SHOWN_AT_MOST = 10
KERNEL_THREADS = 2
NAME_BYTES = 15
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
PROGRAM_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/sbin", "/bin")
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A process at one moment; `seconds` is the CPU time that it has had."""

    process: Process
    seconds: float
    started: int


def read(programs: Sequence[str], mentioned: frozenset[str], top: int) -> Processes:
    """What runs, seen twice a moment apart. Raises OSError, psutil.Error."""
    before, begun = _all(), time.perf_counter()
    time.sleep(SAMPLE_SECONDS)
    passed = max(time.perf_counter() - begun, 0.01)
    after = _all()
    now = {pid: replace(seen.process, cpu_percent=_busy(seen, before.get(pid), passed)) for pid, seen in after.items()}
    everything = list(now.values())
    by_memory = sorted(everything, key=lambda each: -each.rss_bytes)[:top]
    by_cpu = sorted((each for each in everything if each.cpu_percent >= 1), key=lambda each: -each.cpu_percent)[:top]
    stopped = [each for each in everything if each.is_stopped]
    waiting = [each for each in everything if each.state == "D" and _state(before.get(each.pid)) == "D"]
    named = _named(everything, programs)
    for each in stopped:
        for name in sorted(_names_of(each) & mentioned):
            named.setdefault(name, []).append(each)
    return Processes(
        count=len(everything),
        by_memory=_with_commands(by_memory),
        by_cpu=_with_commands(by_cpu),
        stopped=_with_commands(stopped[:SHOWN_AT_MOST]),
        waiting=_with_commands(waiting[:SHOWN_AT_MOST]),
        zombies=sum(each.is_zombie for each in everything),
        named={name: _with_commands(found[:SHOWN_AT_MOST]) for name, found in named.items()},
        installed=frozenset(name for name in programs if _is_installed(name)),
        files_percent=_files_percent(),
        pids_percent=_pids_percent(),
    )


def one(pid: str) -> Process | None:
    """One process as it is now; None when there is none."""
    try:
        seen = _read_stat(int(pid))
    except (OSError, ValueError, IndexError):
        return None
    return seen.process if seen else None


def with_command(process: Process) -> Process:
    """The process with its command line, of which secrets are hidden."""
    command = " ".join(_command(process.pid))
    clipped = " ".join(scrub_text(command, COMMAND_READ).split())
    return replace(process, command=clipped if len(clipped) <= COMMAND_LIMIT else f"{clipped[: COMMAND_LIMIT - 1]}…")


def _all() -> dict[int, _Seen]:
    if not proc.PROC.joinpath("self", "stat").exists():
        return _all_by_psutil()
    if not proc.PROC.joinpath("1", "stat").exists():
        raise CannotMeasure("only its own processes are shown to this account (hidepid)")
    found = {}
    for name in os.listdir(proc.PROC):
        if name.isdigit():
            try:
                seen = _read_stat(int(name))
            except (OSError, ValueError, IndexError):
                continue  # it has ended meanwhile
            if seen is not None:
                found[int(name)] = seen
    return found


def _read_stat(pid: int) -> _Seen | None:
    """A process by its stat file; None for a thread of the kernel, which is nobody's program."""
    line = proc.text(f"/proc/{pid}/stat", 4096)
    name = line[line.index("(") + 1 : line.rindex(")")]
    fields = line[line.rindex(")") + 2 :].split()
    if int(fields[1]) == KERNEL_THREADS or pid == KERNEL_THREADS:
        return None
    process = Process(
        pid=pid, name=name, state=fields[0], rss_bytes=int(fields[21]) * PAGE, has_terminal=fields[4] != "0"
    )
    return _Seen(process, (int(fields[11]) + int(fields[12])) / TICKS, int(fields[19]))


def _all_by_psutil() -> dict[int, _Seen]:
    """Where there is no /proc."""
    letters = {psutil.STATUS_STOPPED: "T", psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_DISK_SLEEP: "D"}
    found = {}
    for each in psutil.process_iter(["name", "status", "memory_info", "cpu_times", "terminal", "create_time"]):
        info = each.info
        memory, times = info["memory_info"], info["cpu_times"]
        process = Process(
            pid=each.pid,
            name=info["name"] or "",
            state=letters.get(info["status"], "S"),
            rss_bytes=memory.rss if memory else 0,
            has_terminal=bool(info["terminal"]),
        )
        found[each.pid] = _Seen(process, times.user + times.system if times else 0.0, int(info["create_time"] or 0))
    return found


def _busy(now: _Seen, before: _Seen | None, passed: float) -> float:
    """Percent of one core; a number that went to a new process tells nothing about it yet."""
    if before is None or before.started != now.started:
        return 0.0
    return round(100 * max(0.0, now.seconds - before.seconds) / passed, 1)


def _state(seen: _Seen | None) -> str:
    return seen.process.state if seen else ""


def _with_commands(found: Iterable[Process]) -> tuple[Process, ...]:
    return tuple(with_command(each) for each in found)


def _named(everything: Sequence[Process], programs: Sequence[str]) -> dict[str, list[Process]]:
    """Those of each name that was asked for, be it the process's, its program's or its script's."""
    named: dict[str, list[Process]] = {name: [] for name in programs}
    wanted = {name.lower(): name for name in programs}
    for each in everything if programs else ():
        for name in _names_of(each):
            if name.lower() in wanted:
                named[wanted[name.lower()]].append(each)
    return named


def _names_of(process: Process) -> set[str]:
    """What a process may be called: its name, its program, the script or module that an interpreter runs."""
    words = _command(process.pid)
    names = {process.name}
    # Daemons write what they do behind their name: «nginx: master process».
    names |= {os.path.basename(words[0].partition(":")[0])} if words else set()
    scripts = [word for word in words[1:4] if not word.startswith("-")][:1]
    names |= {os.path.basename(script) for script in scripts}
    names |= {os.path.splitext(os.path.basename(script))[0] for script in scripts if script.endswith((".py", ".sh"))}
    if len(process.name) == NAME_BYTES:  # the kernel cuts names there
        names |= {os.path.basename(word) for word in words[:1] if os.path.basename(word).startswith(process.name)}
    return names - {""}


def _command(pid: int) -> list[str]:
    """The words of a command line; none where there are none or they may not be read."""
    if not proc.PROC.joinpath("self").exists():
        try:
            return psutil.Process(pid).cmdline()
        except psutil.Error:
            return []
    try:
        return [word for word in proc.text(f"/proc/{pid}/cmdline", COMMAND_READ).split("\0") if word]
    except OSError:
        return []


def _is_installed(name: str) -> bool:
    """Whether a program or a service of that name belongs to this machine."""
    return any(os.path.exists(f"{folder}/{name}") for folder in PROGRAM_FOLDERS) or any(
        os.path.exists(f"{folder}/{name}.service") for folder in UNIT_FOLDERS
    )


def _files_percent() -> float | None:
    words = proc.text_or_nothing("/proc/sys/fs/file-nr").split()
    return round(100 * int(words[0]) / int(words[2]), 1) if len(words) == 3 and int(words[2]) else None


def _pids_percent() -> float | None:
    words = proc.text_or_nothing("/proc/loadavg").split()
    limits = [proc.number("/proc/sys/kernel/pid_max"), proc.number("/proc/sys/kernel/threads-max")]
    known = [limit for limit in limits if limit]
    if len(words) < 4 or not known:
        return None
    return round(100 * int(words[3].partition("/")[2]) / min(known), 1)
