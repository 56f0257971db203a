"""Processor time of a process, by thread, from /proc: exact where a profiler would disturb what it measures."""

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time, in all and per named thread (equal names are added up)."""

    total: float
    threads: dict[str, float] = field(default_factory=dict)

    def minus(self, before: "Cost") -> "Cost":
        """What was spent since `before`."""
        names = {name: spent - before.threads.get(name, 0.0) for name, spent in self.threads.items()}
        return Cost(self.total - before.total, names)

    def per(self, count: int) -> "Cost":
        """The share of each of `count` pieces of work."""
        return Cost(self.total / max(1, count), {name: spent / max(1, count) for name, spent in self.threads.items()})


def cost_of(pid: int) -> Cost:
    """What a process and its threads have spent so far; threads that ended count in the total only."""
    threads: dict[str, float] = defaultdict(float)
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, spent = _stat(task / "stat")
        threads["event loop" if task.name == str(pid) else name] += spent
    return Cost(_stat(Path(f"/proc/{pid}/stat"))[1], dict(threads))


def _stat(path: Path) -> tuple[str, float]:
    text = path.read_text(encoding="ascii", errors="replace")
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, (int(fields[11]) + int(fields[12])) / TICKS
