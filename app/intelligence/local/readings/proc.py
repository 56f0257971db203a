"""Reads the kernel's text files, which are small, need no program, and say nothing where they do not exist."""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
READ_LIMIT = 2 * 1024 * 1024
LINES_AT_MOST = 20_000


def text(path: Path | str, limit: int = READ_LIMIT) -> str:
    """The beginning of a file. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        read, parts = 0, []
        while read < limit and (part := file.read(min(65536, limit - read))):
            parts.append(part)
            read += len(part)
    return b"".join(parts).decode("utf-8", "replace")


def text_or_nothing(path: Path | str) -> str:
    """The beginning of a file; empty where it cannot be read."""
    try:
        return text(path)
    except OSError:
        return ""


def lines(path: Path | str) -> Iterator[str]:
    """The lines of a table that may be long, in portions between which others get their turn; none if unreadable."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            for line, _ in zip(file, range(LINES_AT_MOST), strict=False):
                yield line
    except OSError:
        return


def number(path: Path | str) -> int | None:
    """The number that a file holds; None for another word, and where it cannot be read."""
    words = text_or_nothing(path).split()
    return int(words[0]) if words and words[0].isdigit() else None


def counters(path: Path | str) -> dict[str, int]:
    """The numbers of a file of names and numbers, as /proc/vmstat and memory.stat are."""
    found = {}
    for line in text_or_nothing(path).splitlines():
        name, _, value = line.partition(" ")
        if value.strip().isdigit():
            found[name] = int(value)
    return found


def stalled(resource: str) -> float | None:
    """The share of the last 10 s in which some task waited for a resource (PSI); None where that is not counted."""
    for line in text_or_nothing(PROC / "pressure" / resource).splitlines():
        if line.startswith("some avg10="):
            return float(line.split()[1].partition("=")[2])
    return None
