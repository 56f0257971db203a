"""Control groups with limits of their own, of both versions (cgroups(7)): containers and services hit these first."""

import os
from collections.abc import Iterator
from pathlib import Path

from app.intelligence.local.machine import Group
from app.intelligence.local.readings import proc, processes

ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
FOLDERS_AT_MOST = 400
DEPTH_AT_MOST = 4
PROCESSES_AT_MOST = 200
# Nearer to the limit than this, it is worth knowing who is in it.
NEAR_PERCENT = 85.0


def near_memory_limit(total_bytes: int) -> tuple[Group, ...]:
    """The groups that have used the most of a limit that is lower than all of memory, the fullest first."""
    found = [*_second_version(total_bytes), *_first_version(total_bytes)]
    return tuple(sorted(found, key=lambda group: -group.percent)[:5])


def throttled_counts() -> dict[str, int]:
    """How often each group with a quota of CPU time has been held back."""
    found = {}
    for root in (*ROOTS, "/sys/fs/cgroup/cpu"):
        for folder in _folders(root):
            quota = proc.text_or_nothing(folder / "cpu.max") or proc.text_or_nothing(folder / "cpu.cfs_quota_us")
            if quota and not quota.startswith(("max", "-1")):
                found[_name(folder, root)] = proc.counters(folder / "cpu.stat").get("nr_throttled", 0)
    return found


def _second_version(total_bytes: int) -> Iterator[Group]:
    for root in ROOTS:
        for folder in _folders(root):
            limit, used = proc.number(folder / "memory.max"), proc.number(folder / "memory.current")
            if limit and used is not None and limit < total_bytes:
                # What can be given back at once is not in the way.
                spare = proc.counters(folder / "memory.stat").get("inactive_file", 0)
                kills = proc.counters(folder / "memory.events").get("oom_kill", 0)
                yield _group(folder, root, used - spare, limit, kills)


def _first_version(total_bytes: int) -> Iterator[Group]:
    root = "/sys/fs/cgroup/memory"
    for folder in _folders(root):
        limit = proc.number(folder / "memory.limit_in_bytes")
        used = proc.number(folder / "memory.usage_in_bytes")
        if limit and used is not None and limit < total_bytes:
            spare = proc.counters(folder / "memory.stat").get("total_inactive_file", 0)
            kills = proc.counters(folder / "memory.oom_control").get("oom_kill", 0)
            yield _group(folder, root, used - spare, limit, kills)


def _group(folder: Path, root: str, used: int, limit: int, kills: int) -> Group:
    group = Group(_name(folder, root), max(0, used), limit, kills)
    if group.percent < NEAR_PERCENT:
        return group
    pids = proc.text_or_nothing(folder / "cgroup.procs").split()[:PROCESSES_AT_MOST]
    members = [each for pid in pids if (each := processes.one(pid)) is not None]
    largest = max(members, key=lambda each: each.rss_bytes, default=None)
    return Group(group.name, group.used_bytes, limit, kills, processes.with_command(largest) if largest else None)


def _folders(root: str) -> Iterator[Path]:
    """The folders below a root that are groups, the nearest first, so many at most."""
    waiting, seen = [(Path(root), 0)], 0
    while waiting and seen < FOLDERS_AT_MOST:
        folder, depth = waiting.pop(0)
        seen += 1
        yield folder
        if depth < DEPTH_AT_MOST:
            try:
                with os.scandir(folder) as entries:
                    inner = [Path(each.path) for each in entries if each.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            waiting += [(each, depth + 1) for each in inner]


def _name(folder: Path, root: str) -> str:
    inside = str(folder).removeprefix(root)
    return inside or "/"
