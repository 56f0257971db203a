"""What to do first about each cause: looking before touching, commands that can be pasted. Values only."""

import shlex
from collections.abc import Callable, Mapping

from app.intelligence.local.signs import Cause, Sign
from app.intelligence.types import RecommendationType as Kind

Steps = Callable[[Sign], tuple[str, ...]]


def title(sign: Sign) -> str:
    """What a recommendation about this is called."""
    return _TITLES[sign.cause].format(about=sign.about or "this machine")


def steps(sign: Sign) -> tuple[str, ...]:
    """The first steps; what changes something stands last and says on which condition."""
    return _STEPS[sign.cause](sign)


def first_look(kind: Kind) -> tuple[str, ...]:
    """Where to look when nothing was seen."""
    return _FIRST_LOOKS[kind]


def _space(sign: Sign) -> tuple[str, ...]:
    path = shlex.quote(sign.about)
    return (
        f"df -h {path}",
        f"du -xh --max-depth=2 {path} 2>/dev/null | sort -h | tail -20",
        f"lsof +L1 {path}  # deleted and still held open: free again when their program is restarted",
        "Then move or delete what you know to be dispensable, the largest first",
    )


def _inodes(sign: Sign) -> tuple[str, ...]:
    path = shlex.quote(sign.about)
    return (
        f"df -i {path}",
        f"du --inodes -x --max-depth=3 {path} 2>/dev/null | sort -n | tail -20",
        "Then remove the many small files where they are made without end (sessions, queues, caches), and stop what "
        "makes them",
    )


def _group(sign: Sign) -> tuple[str, ...]:
    return (
        "systemd-cgtop -m -b -n 1 | head -20",
        f"cat {shlex.quote(f'/proc/{sign.process.pid}/status')}" if sign.process else "free -m",
        f"Then restart what runs in {sign.about}, or raise its limit if it needs more than it was given",
    )


def _stopped(sign: Sign) -> tuple[str, ...]:
    pid = sign.process.pid if sign.process else 0
    return (
        f"ps -o pid,ppid,user,stat,lstart,cmd -p {pid}",
        "Find out who stopped it and why: somebody may be looking at it",
        f"kill -CONT {pid}  # lets it go on",
    )


def _not_running(sign: Sign) -> tuple[str, ...]:
    name = shlex.quote(sign.about)
    return (
        f"systemctl status {name} --no-pager",
        f"journalctl -u {name} -n 50 --no-pager",
        f"systemctl start {name}  # when the log says why it ended, and that this is mended",
    )


def _zombie(sign: Sign) -> tuple[str, ...]:
    return (
        "ps -eo pid,ppid,stat,comm | awk '$3 ~ /^Z/'",
        "Then restart the parent (second column): a zombie itself cannot be killed",
    )


def _port(sign: Sign) -> tuple[str, ...]:
    port = int(str(sign.figures.get("port") or 0))
    look = f"ss -ltnp 'sport = :{port}'  # Recv-Q: connections that wait; Send-Q: how many may"
    if sign.cause is Cause.PORT_REFUSED:
        return (look, "systemctl list-units --failed --no-pager", "Then start the service that should listen there")
    owner = (f"ps -o pid,stat,wchan:20,cmd -p {sign.process.pid}",) if sign.process else ()
    return (
        look,
        *owner,
        "nft list ruleset; iptables -S  # whether a rule drops them",
        "Then restart the service that does not take its connections, or take back the rule",
    )


def _taken(sign: Sign) -> tuple[str, ...]:
    if sign.figures.get("port"):
        return _port(sign)
    return ("nstat -az TcpExtListenOverflows TcpExtListenDrops", "ss -ltn  # Recv-Q near Send-Q: not taken fast enough")


def _always(*lines: str) -> Steps:
    return lambda _sign: lines


_TITLES: Mapping[Cause, str] = {
    Cause.SPACE: "Free space on {about}",
    Cause.INODES: "Free inodes on {about}",
    Cause.SLOW_DISK: "See what the disks are busy with",
    Cause.SILENT_MOUNT: "See why {about} does not answer",
    Cause.MEMORY: "See who holds the memory",
    Cause.GROUP_LIMIT: "Relieve control group {about}",
    Cause.SWAPPING: "See what is swapped",
    Cause.OOM_KILLS: "See whom the kernel killed",
    Cause.CPU_BUSY: "See who keeps the processors busy",
    Cause.CPU_STOLEN: "Ask who else is on this host",
    Cause.CPU_THROTTLED: "Look at the CPU quota of {about}",
    Cause.STOPPED: "Let {about} go on",
    Cause.NOT_RUNNING: "See why {about} does not run",
    Cause.ZOMBIE: "Restart the parent of the zombies",
    Cause.FILE_HANDLES: "See who holds the file handles",
    Cause.PIDS: "See who makes so many processes",
    Cause.PORT_REFUSED: "Start what should listen at {about}",
    Cause.PORT_SILENT: "See why {about} does not answer",
    Cause.NOT_TAKEN: "See why connections to {about} are not taken",
    Cause.UNANSWERED: "See which hosts do not answer",
    Cause.INTERFACE: "Look at interface {about}",
    Cause.TRACKING: "Look at the connection tracking",
    Cause.DNS: "Look at the name servers",
    Cause.CHECK: "Look at what check {about} found",
}

_STEPS: Mapping[Cause, Steps] = {
    Cause.SPACE: _space,
    Cause.INODES: _inodes,
    Cause.SLOW_DISK: _always(
        "iostat -x 1 5", "ps -eo pid,stat,wchan:20,comm | awk '$2 ~ /^D/'", "dmesg -T --level=err,warn | tail -20"
    ),
    Cause.SILENT_MOUNT: lambda sign: (
        f"findmnt {shlex.quote(sign.about)}",
        "ps -eo pid,stat,wchan:20,comm | awk '$2 ~ /^D/'",
        "Then look at the server behind it; do not touch the path from a shell that you need",
    ),
    Cause.MEMORY: _always(
        "free -m",
        "ps -eo pid,user,rss,comm --sort=-rss | head",
        "dmesg -T | grep -iE 'out of memory|killed process' | tail",
        "Then restart the largest if it is known to be safe to restart",
    ),
    Cause.GROUP_LIMIT: _group,
    Cause.SWAPPING: _always("vmstat 1 5", "ps -eo pid,user,rss,comm --sort=-rss | head"),
    Cause.OOM_KILLS: _always("dmesg -T | grep -iE 'out of memory|killed process' | tail", "free -m"),
    Cause.CPU_BUSY: _always(
        "top -b -n 1 | head -20",
        "ps -eo pid,user,pcpu,etime,comm --sort=-pcpu | head",
        "Then lower its priority (renice -n 10 -p PID) before you stop anything that you do not know",
    ),
    Cause.CPU_STOLEN: _always("vmstat 1 5  # column st", "Then ask who runs the host, or move this machine"),
    Cause.CPU_THROTTLED: _always("systemd-cgtop -c -b -n 2 | head -20", "Then raise its quota if its work is wanted"),
    Cause.STOPPED: _stopped,
    Cause.NOT_RUNNING: _not_running,
    Cause.ZOMBIE: _zombie,
    Cause.FILE_HANDLES: _always(
        "cat /proc/sys/fs/file-nr",
        "lsof -n 2>/dev/null | awk '{print $1, $2}' | sort | uniq -c | sort -n | tail",
    ),
    Cause.PIDS: _always("ps -eo nlwp,pid,user,comm --sort=-nlwp | head", "cat /proc/loadavg"),
    Cause.PORT_REFUSED: _port,
    Cause.PORT_SILENT: _port,
    Cause.NOT_TAKEN: _taken,
    Cause.UNANSWERED: _always("ss -tn state syn-sent", "ip route", "Then look at the other side, and at what filters"),
    Cause.INTERFACE: lambda sign: (f"ip -s link show {shlex.quote(sign.about)}", "dmesg -T | tail -20"),
    Cause.TRACKING: _always("sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max", "ss -s"),
    Cause.DNS: _always("cat /etc/resolv.conf", "getent hosts example.com"),
    Cause.CHECK: lambda sign: (f"pagerpal check run {shlex.quote(sign.about)}",),
}

_FIRST_LOOKS: Mapping[Kind, tuple[str, ...]] = {
    Kind.MEMORY: ("free -m", "ps -eo pid,user,rss,comm --sort=-rss | head"),
    Kind.DISK: ("df -h", "df -i"),
    Kind.CPU: ("uptime", "ps -eo pid,user,pcpu,comm --sort=-pcpu | head"),
    Kind.PROCESS: ("systemctl list-units --failed --no-pager", "journalctl -p err -n 50 --no-pager"),
    Kind.NETWORK: ("ss -s", "ip -s link", "ip route"),
    Kind.GENERAL: ("uptime", "df -h", "free -m", "journalctl -p err -n 50 --no-pager"),
}
