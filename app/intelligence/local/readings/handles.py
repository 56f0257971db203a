"""What processes hold open: whose a socket is, and which deleted files still take up space."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.intelligence.local.machine import File, Process
from app.intelligence.local.readings import processes

HANDLES_AT_MOST = 50_000
SECONDS_AT_MOST = 0.4
LEAST_BYTES = 1024 * 1024
BLOCK_BYTES = 512
DELETED = " (deleted)"
# Memory that only looks like a file.
NO_FILES = ("/memfd:", "/SYSV", "/dev/zero", "anon_inode:", "pipe:", "socket:")


@dataclass(frozen=True, slots=True)
class Held:
    """Owners by the inode of their socket, and deleted files, the largest first."""

    owners: dict[str, Process]
    deleted: tuple[File, ...]


def read(inodes: frozenset[str], *, wants_deleted: bool) -> Held:
    """Walk over all handles once, as far as they may be seen and the time goes."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[str, Process] = {}
    deleted: dict[tuple[int, int], File] = {}
    for pid, path, target in _handles():
        if target in wanted and wanted[target] not in owners:
            owner = processes.one(pid)
            if owner is not None:
                owners[wanted[target]] = processes.with_command(owner)
        elif wants_deleted and target.endswith(DELETED) and not target.startswith(NO_FILES):
            _add_deleted(deleted, pid, path, target)
    largest = sorted(deleted.values(), key=lambda file: -file.size_bytes)
    return Held(owners, tuple(largest[:10]))


def _handles() -> Iterator[tuple[str, str, str]]:
    ends_at, left = time.perf_counter() + SECONDS_AT_MOST, HANDLES_AT_MOST
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names[:left]:
            path = f"/proc/{pid}/fd/{name}"
            try:
                yield pid, path, os.readlink(path)
            except OSError:
                continue
        left -= len(names)
        if left <= 0 or time.perf_counter() > ends_at:
            return


def _add_deleted(deleted: dict[tuple[int, int], File], pid: str, path: str, target: str) -> None:
    try:
        found = os.stat(path)
    except OSError:
        return
    taken = found.st_blocks * BLOCK_BYTES
    if taken >= LEAST_BYTES and (found.st_dev, found.st_ino) not in deleted:
        owner = processes.one(pid)
        holder = f"{owner.name} (pid {pid})" if owner else f"pid {pid}"
        deleted[found.st_dev, found.st_ino] = File(target.removesuffix(DELETED), taken, holder)
