"""Which signs of trouble a machine shows, and how much each would explain alone. Values only.

A weight is the share of incidents that look like this and are this: 0.95 for what cannot be well (no space left),
0.3 for what is often well (a busy processor). Below `SLIGHT` nothing is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from app.intelligence.local.machine import Cpu, Knock, Machine, Memory, Mount, PortFound, Process, Processes, Sockets
from app.intelligence.local.sizes import named, percent, size
from app.intelligence.local.words import Hints
from app.intelligence.types import RecommendationType as Kind
from app.platform.types import JsonObject

SLIGHT = 0.2
GIBIBYTE = 1024**3
# So much free space is enough for a while, whatever the share.
ROOMY_BYTES = 50 * GIBIBYTE


class Cause(StrEnum):
    """What is wrong, so that what to do can be said."""

    SPACE = "space"
    INODES = "inodes"
    SLOW_DISK = "slow_disk"
    SILENT_MOUNT = "silent_mount"
    MEMORY = "memory"
    GROUP_LIMIT = "group_limit"
    SWAPPING = "swapping"
    OOM_KILLS = "oom_kills"
    CPU_BUSY = "cpu_busy"
    CPU_STOLEN = "cpu_stolen"
    CPU_THROTTLED = "cpu_throttled"
    STOPPED = "stopped"
    NOT_RUNNING = "not_running"
    ZOMBIE = "zombie"
    FILE_HANDLES = "file_handles"
    PIDS = "pids"
    PORT_REFUSED = "port_refused"
    PORT_SILENT = "port_silent"
    NOT_TAKEN = "not_taken"
    UNANSWERED = "unanswered"
    INTERFACE = "interface"
    TRACKING = "tracking"
    DNS = "dns"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was seen, of which kind it is, how much it explains, and in which words it is told.

    `about` is what it is about (a path, a program, a port) and `figures` are the numbers, for who reads JSON.
    """

    kind: Kind
    cause: Cause
    weight: float
    text: str
    about: str = ""
    figures: JsonObject = field(default_factory=dict)
    process: Process | None = None


def of_machine(machine: Machine, hints: Hints) -> list[Sign]:
    """Every sign that the machine shows, the weightiest first; `hints` says whom the incident names."""
    found: list[Sign] = []
    for mount in machine.mounts:
        found += _mount(mount, hints)
    for path in machine.silent_mounts:
        text = f"{path} does not answer: what touches it hangs"
        found.append(Sign(Kind.DISK, Cause.SILENT_MOUNT, 0.8, text, path, {"path": path}))
    if machine.memory:
        found += _memory(machine.memory)
    if machine.cpu:
        found += _cpu(machine.cpu)
    if machine.processes:
        found += _processes(machine.processes)
    if machine.sockets:
        found += _sockets(machine.sockets)
    for port in machine.ports:
        found += _port(port)
    found += _rest_of_network(machine)
    return sorted((sign for sign in found if sign.weight >= SLIGHT), key=lambda sign: -sign.weight)


def _mount(mount: Mount, hints: Hints) -> Iterator[Sign]:
    is_named = mount.path in hints.paths
    figures: JsonObject = {"path": mount.path, "used_percent": mount.used_percent, "free_bytes": mount.free_bytes}
    weight = _steps(mount.used_percent, (99, 0.95), (97, 0.85), (93, 0.65), (88, 0.4), (80, 0.25))
    if mount.free_bytes >= ROOMY_BYTES and weight < 0.95:
        weight /= 2
    text = f"{mount.path} is {percent(mount.used_percent)} full, {size(mount.free_bytes)} free"
    yield Sign(Kind.DISK, Cause.SPACE, _raised(weight, is_named), text, mount.path, figures)
    if mount.inodes_percent is not None:
        weight = _steps(mount.inodes_percent, (99, 0.95), (97, 0.85), (93, 0.65), (88, 0.4))
        text = (
            f"{mount.path} has used {percent(mount.inodes_percent)} of its inodes (no new file can be made without "
            f"one), while {size(mount.free_bytes)} of its space are free"
        )
        figures = {**figures, "inodes_percent": mount.inodes_percent}
        yield Sign(Kind.DISK, Cause.INODES, _raised(weight, is_named), text, mount.path, figures)


def _memory(memory: Memory) -> Iterator[Sign]:
    share = memory.available_percent
    figures: JsonObject = {"available_bytes": memory.available_bytes, "total_bytes": memory.total_bytes}
    text = f"only {percent(share)} of memory can be had ({size(memory.available_bytes)} of {size(memory.total_bytes)})"
    weight = _steps(-share, (-3, 0.95), (-6, 0.85), (-10, 0.6), (-15, 0.35))
    yield Sign(Kind.MEMORY, Cause.MEMORY, weight, text, figures=figures)
    if memory.stalled_percent is not None:
        weight = _steps(memory.stalled_percent, (20, 0.85), (5, 0.6), (1, 0.3))
        text = f"tasks waited for memory {percent(memory.stalled_percent)} of the last 10 s"
        figures = {"stalled_percent": memory.stalled_percent}
        yield Sign(Kind.MEMORY, Cause.MEMORY, weight, text, figures=figures)
    for group in memory.groups:
        text = (
            f"control group {group.name} holds {percent(group.percent)} of the {size(group.limit_bytes)} that it may"
            + (f", and {group.oom_kills} of its processes were killed for it" if group.oom_kills else "")
        )
        if group.holder:
            text += f"; most by {group.holder.name} (pid {group.holder.pid}), {size(group.holder.rss_bytes)}"
        figures = {"group": group.name, "used_bytes": group.used_bytes, "limit_bytes": group.limit_bytes}
        weight = _steps(group.percent, (97, 0.9), (93, 0.75), (88, 0.45))
        yield Sign(Kind.MEMORY, Cause.GROUP_LIMIT, weight, text, group.name, figures, group.holder)
    yield from _swap(memory)


def _swap(memory: Memory) -> Iterator[Sign]:
    rate = memory.swapped_pages_per_second
    weight = _steps(rate, (5000, 0.7), (500, 0.5), (100, 0.25))
    figures: JsonObject = {"pages_per_second": round(rate), "swap_used_bytes": memory.swap_used_bytes}
    text = f"{round(rate)} pages a second are swapped"
    yield Sign(Kind.MEMORY, Cause.SWAPPING, weight, text, figures=figures)
    if memory.swap_total_bytes:
        share = 100 * memory.swap_used_bytes / memory.swap_total_bytes
        weight = _steps(share, (95, 0.4), (80, 0.25)) + (0.2 if share >= 80 and memory.available_percent < 20 else 0)
        text = f"swap is {percent(share)} full"
        yield Sign(Kind.MEMORY, Cause.SWAPPING, weight, text, figures=figures)
    if memory.oom_kills:
        text = f"the kernel has killed {memory.oom_kills} processes for lack of memory since it started"
        yield Sign(Kind.MEMORY, Cause.OOM_KILLS, 0.25, text, figures={"oom_kills": memory.oom_kills})


def _cpu(cpu: Cpu) -> Iterator[Sign]:
    weight = _steps(cpu.busy_percent, (97, 0.55), (90, 0.4), (80, 0.25))
    is_queueing = cpu.load_1 is not None and cpu.load_1 >= 2 * cpu.cores
    is_waiting = cpu.stalled_percent is not None and cpu.stalled_percent >= 40
    if weight and (is_queueing or is_waiting):
        weight += 0.12
    text = f"the processors are {percent(cpu.busy_percent)} busy"
    if cpu.load_1 is not None:
        text += f", load {cpu.load_1:.1f} on {named(cpu.cores, 'core')}"
    figures: JsonObject = {"busy_percent": cpu.busy_percent, "load_1": cpu.load_1, "cores": cpu.cores}
    yield Sign(Kind.CPU, Cause.CPU_BUSY, weight, text, figures=figures)
    weight = _steps(cpu.steal_percent, (25, 0.7), (10, 0.45), (5, 0.25))
    text = f"{percent(cpu.steal_percent)} of the processors' time is given to other machines of this host (steal)"
    yield Sign(Kind.CPU, Cause.CPU_STOLEN, weight, text, figures={"steal_percent": cpu.steal_percent})
    for group in cpu.throttled:
        yield Sign(Kind.CPU, Cause.CPU_THROTTLED, 0.5, f"control group {group} is held back by its quota", group)
    weight = _steps(cpu.iowait_percent, (40, 0.6), (20, 0.4))
    if cpu.io_stalled_percent is not None:
        weight = max(weight, _steps(cpu.io_stalled_percent, (60, 0.6), (30, 0.4)))
    text = f"the processors wait {percent(cpu.iowait_percent)} of their time for disks"
    if cpu.io_stalled_percent is not None:
        text += f", and tasks waited for them {percent(cpu.io_stalled_percent)} of the last 10 s"
    yield Sign(Kind.DISK, Cause.SLOW_DISK, weight, text, figures={"iowait_percent": cpu.iowait_percent})


def _processes(processes: Processes) -> Iterator[Sign]:
    seen: set[int] = set()
    for name, found in processes.named.items():
        stopped = next((each for each in found if each.is_stopped), None)
        if stopped:
            seen.add(stopped.pid)
            yield _stopped(stopped, 0.96, name)
        elif found and all(each.is_zombie for each in found):
            text = f"{name} (pid {found[0].pid}) has ended and is a zombie: its parent does not take note of it"
            yield Sign(Kind.PROCESS, Cause.ZOMBIE, 0.9, text, name, {"pid": found[0].pid}, found[0])
        elif not found:
            is_ours = name in processes.installed
            text = f"no process named {name} runs" + ("" if is_ours else ", and no program of that name was found here")
            weight = 0.85 if is_ours else 0.45
            yield Sign(Kind.PROCESS, Cause.NOT_RUNNING, weight, text, name, {"program": name})
    for process in processes.stopped:
        if process.pid not in seen:
            # One that somebody stopped at a terminal is theirs.
            yield _stopped(process, 0.3 if process.has_terminal or process.state == "t" else 0.74, process.name)
    if processes.zombies:
        weight = _steps(processes.zombies, (100, 0.5), (20, 0.3))
        text = f"{processes.zombies} processes have ended and are zombies"
        yield Sign(Kind.PROCESS, Cause.ZOMBIE, weight, text, figures={"zombies": processes.zombies})
    for process in processes.waiting[:3]:
        text = f"{process.name} (pid {process.pid}) waits for a disk and cannot be interrupted"
        yield Sign(Kind.DISK, Cause.SLOW_DISK, 0.3, text, process.name, {"pid": process.pid}, process)
    yield from _exhausted(processes)


def _stopped(process: Process, weight: float, name: str) -> Sign:
    by = "a debugger" if process.state == "t" else "a signal"
    text = f"{name} (pid {process.pid}) is stopped by {by}: it exists and does nothing"
    figures: JsonObject = {"pid": process.pid, "program": name, "state": process.state}
    return Sign(Kind.PROCESS, Cause.STOPPED, weight, text, name, figures, process)


def _exhausted(processes: Processes) -> Iterator[Sign]:
    if processes.files_percent is not None:
        weight = _steps(processes.files_percent, (98, 0.9), (90, 0.6))
        text = f"{percent(processes.files_percent)} of the file handles of this machine are in use"
        figures: JsonObject = {"files_percent": processes.files_percent}
        yield Sign(Kind.PROCESS, Cause.FILE_HANDLES, weight, text, figures=figures)
    if processes.pids_percent is not None:
        weight = _steps(processes.pids_percent, (98, 0.9), (90, 0.6))
        text = f"{percent(processes.pids_percent)} of the processes and threads that this machine may have exist"
        yield Sign(Kind.PROCESS, Cause.PIDS, weight, text, figures={"pids_percent": processes.pids_percent})


def _sockets(sockets: Sockets) -> Iterator[Sign]:
    for listener in sockets.stuck:
        place = f"{listener.address}:{listener.port}"
        figures: JsonObject = {"port": listener.port, "waiting": listener.waiting}
        text = f"{named(listener.waiting, 'connection')} to {place} wait and are not taken"
        if listener.owner and listener.owner.is_stopped:
            yield _stopped_behind(listener.owner, place, figures)
        else:
            text += f" by {listener.owner.name} (pid {listener.owner.pid})" if listener.owner else ""
            weight = 0.78 if listener.waiting > 1 else 0.6
            yield Sign(Kind.NETWORK, Cause.NOT_TAKEN, weight, text, place, figures, listener.owner)
    if sockets.unanswered:
        count = len(sockets.unanswered)
        text = f"{named(count, 'connection')} from here are not answered, to {', '.join(sockets.unanswered[:3])}"
        weight = _steps(count, (10, 0.65), (3, 0.5), (1, 0.3))
        yield Sign(Kind.NETWORK, Cause.UNANSWERED, weight, text, figures={"unanswered": count})
    if sockets.overflows:
        text = f"{named(sockets.overflows, 'connection')} were dropped by full queues of listening sockets just now"
        yield Sign(Kind.NETWORK, Cause.NOT_TAKEN, 0.5, text, figures={"overflows": sockets.overflows})
    if sockets.tracked_percent is not None:
        weight = _steps(sockets.tracked_percent, (98, 0.9), (90, 0.6))
        text = f"the table of tracked connections is {percent(sockets.tracked_percent)} full"
        yield Sign(Kind.NETWORK, Cause.TRACKING, weight, text, figures={"tracked_percent": sockets.tracked_percent})


def _stopped_behind(owner: Process, place: str, figures: JsonObject) -> Sign:
    text = f"{place} takes no connections because {owner.name} (pid {owner.pid}) is stopped"
    return Sign(Kind.PROCESS, Cause.STOPPED, 0.9, text, owner.name, {**figures, "pid": owner.pid}, owner)


def _port(found: PortFound) -> Iterator[Sign]:
    place = f"{found.address}:{found.port}"
    figures: JsonObject = {"port": found.port, "address": found.address, "answer": found.knock.value}
    if found.knock is Knock.REFUSED:
        text = f"{place}, which the incident names, refuses connections: nothing listens there"
        weight = 0.8 if found.is_certain else 0.5
        yield Sign(Kind.NETWORK, Cause.PORT_REFUSED, weight, text, place, figures)
    elif found.knock is Knock.SILENT and found.owner and found.owner.is_stopped:
        yield _stopped_behind(found.owner, place, figures)
    elif found.knock is Knock.SILENT:
        text = f"{place}, which the incident names, does not answer: connections to it time out"
        yield Sign(Kind.NETWORK, Cause.PORT_SILENT, 0.93, text, place, figures, found.owner)


def _rest_of_network(machine: Machine) -> Iterator[Sign]:
    for interface in machine.interfaces:
        if interface.is_down:
            text = f"interface {interface.name} is switched on and has no carrier"
            yield Sign(Kind.NETWORK, Cause.INTERFACE, 0.6, text, interface.name)
        elif interface.lost:
            text = f"interface {interface.name} lost {named(interface.lost, 'packet')} while we looked"
            yield Sign(Kind.NETWORK, Cause.INTERFACE, 0.5, text, interface.name, {"lost": interface.lost})
    if machine.silent_name_servers:
        text = f"no name server answers ({', '.join(machine.silent_name_servers[:3])})"
        yield Sign(Kind.NETWORK, Cause.DNS, 0.75, text)


def _steps(value: float, *steps: tuple[float, float]) -> float:
    """The weight of the first step that the value reaches; 0 below all of them."""
    return next((weight for least, weight in steps if value >= least), 0.0)


def _raised(weight: float, is_named: bool) -> float:
    return min(0.97, weight * 1.15) if is_named else weight
