"""The process that walks over directories: killed when its time is over, and low in priority while it runs.

Started by `walking.py` as a script of its own: a walk over a million files would hold up the event loop's thread. One
JSON object comes in, one goes out. Nothing is opened, no link is followed, no other file system is entered.
"""

import heapq
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

MEBIBYTE = 1024 * 1024
BLOCK_BYTES = 512
LOOK_AT_THE_CLOCK_EVERY = 256


class Scan:
    """One walk over some roots, and the sums that it makes."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.old_before = asked["now"] - asked["old_file_days"] * 86400
        self.large_bytes = asked["large_file_threshold_mb"] * MEBIBYTE
        self.hog_bytes = asked["hog_mb"] * MEBIBYTE
        self.top = asked["top"]
        self.entries_left = asked["entries"]
        self.ends_at = time.monotonic() + asked["seconds"]
        self.is_cut = False
        self.unreadable = 0
        self.old: list[tuple[int, str, float]] = []
        self.large: list[tuple[int, str, float]] = []
        self.hogs: list[tuple[int, str]] = []
        self.seen: set[tuple[int, int]] = set()

    def root(self, path: str) -> dict[str, Any] | None:
        """The sums of one root; None when there is none."""
        real = os.path.realpath(path)  # /tmp itself may be a link
        try:
            found = os.lstat(real)
        except OSError:
            return None
        if not stat.S_ISDIR(found.st_mode):
            return None
        sums: dict[str, Any] = {
            "path": path,
            "bytes": 0,
            "old_bytes": 0,
            "large_bytes": 0,
            "old_or_large_bytes": 0,
            "files": 0,
        }
        children: dict[str, int] = {}
        for child, entry_path, info in self._files(real, found.st_dev):
            size = self._size(info)
            sums["bytes"] += size
            sums["files"] += 1
            children[child] = children.get(child, 0) + size
            is_old, is_large = info.st_mtime < self.old_before, size >= self.large_bytes
            sums["old_bytes"] += size if is_old else 0
            sums["large_bytes"] += size if is_large else 0
            sums["old_or_large_bytes"] += size if is_old or is_large else 0
            if is_old and size:
                self._keep(self.old, (size, _text(entry_path), info.st_mtime))
            if is_large:
                self._keep(self.large, (size, _text(entry_path), info.st_mtime))
        for name, size in children.items():
            if size >= self.hog_bytes:
                self._keep(self.hogs, (size, _text(os.path.join(path, name))))
        return sums

    def _files(self, root: str, device: int) -> Iterator[tuple[str, str, os.stat_result]]:
        """Every file below a root with the child of the root under which it is."""
        waiting = [(root, "")]
        while waiting and not self.is_cut:
            folder, child = waiting.pop()
            try:
                entries = os.scandir(folder)
            except OSError:
                self.unreadable += 1
                continue
            with entries:
                for entry in entries:
                    if self._is_over():
                        return
                    with suppress(OSError):
                        info = entry.stat(follow_symlinks=False)
                        top = child or entry.name
                        if stat.S_ISDIR(info.st_mode):
                            waiting += [(entry.path, top)] if info.st_dev == device else []
                        elif stat.S_ISREG(info.st_mode):
                            yield top, entry.path, info

    def _size(self, info: os.stat_result) -> int:
        """What a file takes on the disk; a file with several names once."""
        if info.st_nlink > 1:
            identity = (info.st_dev, info.st_ino)
            if identity in self.seen:
                return 0
            self.seen.add(identity)
        return info.st_blocks * BLOCK_BYTES

    def _is_over(self) -> bool:
        self.entries_left -= 1
        looks = self.entries_left % LOOK_AT_THE_CLOCK_EVERY == 0
        self.is_cut = self.entries_left < 0 or (looks and time.monotonic() > self.ends_at)
        return self.is_cut

    def _keep(self, heap: list[Any], item: tuple[Any, ...]) -> None:
        if len(heap) < self.top:
            heapq.heappush(heap, item)
        else:
            heapq.heappushpop(heap, item)


def _text(path: str) -> str:
    """A path as it can be stored: names are bytes, and need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def main() -> None:
    """Walk as standard input says, and say what was found."""
    asked = json.load(sys.stdin)
    with suppress(OSError):
        os.nice(10)
    scan = Scan(asked)
    roots = [sums for path in asked["roots"] if (sums := scan.root(path)) is not None]
    json.dump(
        {
            "roots": roots,
            "old": sorted(scan.old, reverse=True),
            "large": sorted(scan.large, reverse=True),
            "hogs": sorted(scan.hogs, reverse=True),
            "unreadable": scan.unreadable,
            "is_cut": scan.is_cut,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
