"""What was seen of this machine, in values: None is «not looked at or not to be had», and `unseen` says why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Part(StrEnum):
    """One part of the machine, which is looked at on its own and within its own time."""

    MEMORY = "memory"
    CPU = "CPU"
    DISKS = "disks"
    FILES = "large and old files"
    PROCESSES = "processes"
    SOCKETS = "sockets"
    INTERFACES = "network interfaces"
    PORTS = "named ports"
    HANDLES = "open files"
    DNS = "name servers"


@dataclass(frozen=True, slots=True)
class Unseen:
    """A part that could not be looked at."""

    part: Part
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    """A control group with a limit of its own, as a container or a service has; `holder` is its largest process."""

    name: str
    used_bytes: int
    limit_bytes: int
    oom_kills: int = 0
    holder: "Process | None" = None

    @property
    def percent(self) -> float:
        """How much of its limit is in use."""
        return 100 * self.used_bytes / self.limit_bytes


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory and swap of the whole machine, and the control groups that are nearest to their limits.

    `stalled_percent`: the share of the last 10 s in which some task waited for memory (PSI).
    """

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int = 0
    swap_used_bytes: int = 0
    swapped_pages_per_second: float = 0.0
    oom_kills: int = 0
    stalled_percent: float | None = None
    groups: tuple[Group, ...] = ()

    @property
    def available_percent(self) -> float:
        """The share that can be had without swapping."""
        return 100 * self.available_bytes / self.total_bytes


@dataclass(frozen=True, slots=True)
class Cpu:
    """How busy the processors were during the sample; shares in percent of all of them."""

    cores: int
    busy_percent: float
    iowait_percent: float = 0.0
    steal_percent: float = 0.0
    load_1: float | None = None
    stalled_percent: float | None = None
    io_stalled_percent: float | None = None
    throttled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """One file system; `inodes_percent` is None where it has no fixed number of them."""

    path: str
    kind: str
    total_bytes: int
    free_bytes: int
    used_percent: float
    inodes_percent: float | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file that takes up space; `holder` is the program that keeps a deleted one."""

    path: str
    size_bytes: int
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """What lies in the places that were walked over, and what is deleted and still held open."""

    large: tuple[File, ...] = ()
    old: tuple[File, ...] = ()
    deleted: tuple[File, ...] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `state` is the letter of proc(5), `command` has no secrets."""

    pid: int
    name: str
    state: str
    rss_bytes: int = 0
    cpu_percent: float = 0.0
    command: str = ""
    has_terminal: bool = False

    @property
    def is_stopped(self) -> bool:
        """Whether a signal or a debugger holds it."""
        return self.state in ("T", "t")

    @property
    def is_zombie(self) -> bool:
        """Whether it has ended and only its entry is left."""
        return self.state in ("Z", "X")


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes that matter.

    `named` are those that the incident names; an empty tuple means that none runs. `installed` are the names of those
    that belong to this machine as a program or a service.
    """

    count: int
    by_memory: tuple[Process, ...] = ()
    by_cpu: tuple[Process, ...] = ()
    stopped: tuple[Process, ...] = ()
    waiting: tuple[Process, ...] = ()
    zombies: int = 0
    named: Mapping[str, tuple[Process, ...]] = field(default_factory=dict)
    installed: frozenset[str] = frozenset()
    files_percent: float | None = None
    pids_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket on which connections wait and are not taken, and whose it is where that could be seen."""

    address: str
    port: int
    waiting: int
    owner: Process | None = None


@dataclass(frozen=True, slots=True)
class Sockets:
    """Listening sockets that take nobody, and connections to elsewhere that nobody answers."""

    stuck: tuple[Listener, ...] = ()
    unanswered: tuple[str, ...] = ()
    tracked_percent: float | None = None
    listening: frozenset[int] = frozenset()
    overflows: int = 0


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that has no carrier, or on which packets were lost during the sample."""

    name: str
    is_down: bool = False
    lost: int = 0


class Knock(StrEnum):
    """What became of a connection to a port of this machine."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class PortFound:
    """A port that the incident names, and whether anybody answers there; `is_certain` when it names the host too."""

    address: str
    port: int
    knock: Knock
    owner: Process | None = None
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Machine:
    """All that was seen, on which machine, and what was not."""

    hostname: str
    names: frozenset[str] = frozenset()
    memory: Memory | None = None
    cpu: Cpu | None = None
    mounts: tuple[Mount, ...] = ()
    silent_mounts: tuple[str, ...] = ()
    files: Files | None = None
    processes: Processes | None = None
    sockets: Sockets | None = None
    interfaces: tuple[Interface, ...] = ()
    ports: tuple[PortFound, ...] = ()
    silent_name_servers: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
