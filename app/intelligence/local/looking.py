"""Looks at this machine: every part in a thread of its own, all at once, and each in bounds.

What does not answer in time is left behind and said: a file system that hangs holds up nothing but its own thread.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Any, TypeAlias

import psutil

from app.intelligence.local.machine import (
    File,
    Files,
    Knock,
    Listener,
    Machine,
    Mount,
    Part,
    PortFound,
    Process,
    Sockets,
    Unseen,
)
from app.intelligence.local.params import LocalParams
from app.intelligence.local.readings import (
    cpu,
    disks,
    handles,
    interfaces,
    memory,
    name_servers,
    processes,
    sockets,
)
from app.intelligence.local.readings.handles import Held
from app.intelligence.local.words import NAME_SERVER_WORDS, Endpoint, Hints
from app.intelligence.types import RecommendationType as Kind
from app.platform.host import hostname as this_host
from app.platform.threads import CannotMeasure, Threads
from app.platform.types import JsonObject
from app.platform.walking import walk

# The first look samples what moves; the second follows what the first one found.
FIRST_SECONDS = 1.0
SECOND_SECONDS = 0.7
# Parts begin one after the other: all at once they would want the interpreter at once, and the event loop would wait.
APART_SECONDS = 0.025
REMOTE_SECONDS = 0.5
KNOCK_SECONDS = 0.5
WALK_SECONDS = 0.5
WALK_ENTRIES = 100_000
# From here on it matters what lies on a file system.
FULL_PERCENT = 88.0
MEBIBYTE = 1024 * 1024
EXPECTED = (OSError, psutil.Error, CannotMeasure)

# Of the process, so that what hangs is counted once.
_threads = Threads(at_most=24)
Look: TypeAlias = Callable[[], Coroutine[Any, Any, Any]]


async def look(hints: Hints, params: LocalParams, *, now: datetime) -> Machine:
    """What can be seen of this machine within `FIRST_SECONDS` and `SECOND_SECONDS`. Raises nothing."""
    unseen: list[Unseen] = []
    names = _own_names()
    first = await within(_first(hints, params), FIRST_SECONDS, unseen)
    mounts, silent = first.get(Part.DISKS, ((), ()))
    seen: sockets.Found | None = first.get(Part.SOCKETS)
    second = await within(_second(hints, params, names, mounts, seen, now.timestamp()), SECOND_SECONDS, unseen)
    held: Held = second.get(Part.HANDLES) or Held({}, ())
    ports = second.get(Part.PORTS, ())
    return Machine(
        hostname=this_host(),
        names=names,
        memory=first.get(Part.MEMORY),
        cpu=first.get(Part.CPU),
        mounts=mounts,
        silent_mounts=silent,
        files=_files(second.get(Part.FILES), held),
        processes=first.get(Part.PROCESSES),
        sockets=_owned(seen, held) if seen else None,
        interfaces=first.get(Part.INTERFACES, ()),
        ports=tuple(replace(port, owner=_owner_of(port, seen, held)) for port in ports),
        silent_name_servers=first.get(Part.DNS, ()),
        unseen=tuple(unseen),
    )


def _first(hints: Hints, params: LocalParams) -> dict[Part, Look]:
    parts: dict[Part, Look] = {
        Part.CPU: partial(_threads, cpu.read),
        Part.PROCESSES: partial(
            _threads, partial(processes.read, hints.programs, hints.mentioned, params.top_n_processes)
        ),
        Part.MEMORY: partial(_threads, memory.read),
        Part.DISKS: _disks,
    }
    if os.path.exists("/proc/net"):
        parts |= {Part.SOCKETS: partial(_threads, sockets.read), Part.INTERFACES: partial(_threads, interfaces.read)}
    if NAME_SERVER_WORDS & set(hints.said.get(Kind.NETWORK, ())):
        parts[Part.DNS] = partial(_threads, name_servers.read)
    return parts


def _second(
    hints: Hints,
    params: LocalParams,
    names: frozenset[str],
    mounts: Sequence[Mount],
    seen: sockets.Found | None,
    now: float,
) -> dict[Part, Look]:
    full = [mount for mount in mounts if mount.used_percent >= FULL_PERCENT]
    parts: dict[Part, Look] = {}
    if full or hints.kind is Kind.DISK:
        parts[Part.FILES] = partial(_walk, params, full, now)
    if seen:
        wanted = [found for endpoint in hints.endpoints if (found := _place(endpoint, names, seen))]
        inodes = set(seen.inodes) | {seen.listening[port.port][1] for port in wanted if port.port in seen.listening}
        if wanted:
            parts[Part.PORTS] = partial(_knock_all, wanted)
        if inodes or full:
            look_at_handles = partial(handles.read, frozenset(inodes), wants_deleted=bool(full))
            parts[Part.HANDLES] = partial(_threads, look_at_handles)
    return parts


async def within(parts: Mapping[Part, Look], seconds: float, unseen: list[Unseen]) -> dict[Part, Any]:
    """What comes of the parts in so many seconds; the others are let go, not waited for."""
    tasks = {
        asyncio.create_task(_begun(look, after_seconds=number * APART_SECONDS)): part
        for number, (part, look) in enumerate(parts.items())
    }
    if not tasks:
        return {}
    try:
        done, late = await asyncio.wait(tasks, timeout=seconds)
    finally:
        # The thread of what is late ends by itself, or never; neither is waited for.
        for task in tasks:
            task.cancel()
    unseen += [Unseen(tasks[task], f"no answer within {seconds:g} s") for task in late]
    found = {}
    for task in done:
        try:
            found[tasks[task]] = task.result()
        except EXPECTED as error:
            unseen.append(Unseen(tasks[task], _why(error)))
    return found


async def _begun(look: Look, *, after_seconds: float) -> Any:
    await asyncio.sleep(after_seconds)
    return await look()


def _why(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or (str(error) if isinstance(error, CannotMeasure) else type(error).__name__)


async def _disks() -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """The file systems, and which remote ones do not answer."""
    local, remote = await _threads(disks.mounted)
    asked = [_remote(path, kind) for path, kind in remote]
    near, others = await asyncio.gather(_threads(partial(disks.read, local)), asyncio.gather(*asked))
    mounts = (*near, *(mount for found in others if found is not None for mount in found))
    silent = tuple(path for (path, _), found in zip(remote, others, strict=True) if found is None)
    return mounts, silent


async def _remote(path: str, kind: str) -> tuple[Mount, ...] | None:
    """One remote file system; None when it does not answer."""
    try:
        async with asyncio.timeout(REMOTE_SECONDS):
            return await _threads(partial(disks.read, [(path, kind)]))
    except TimeoutError:
        return None


async def _walk(params: LocalParams, full: Sequence[Mount], now: float) -> JsonObject:
    return await walk(await _threads(partial(_question, params, full, now)))


def _question(params: LocalParams, full: Sequence[Mount], now: float) -> JsonObject:
    """What is walked over: the places of the configuration, and file systems that are full and small enough."""
    roots = [os.path.expanduser(path) for path in params.scan_paths]
    roots += [mount.path for mount in full if mount.path != "/"]
    least_mb = min([params.large_file_threshold_mb, *(mount.total_bytes / MEBIBYTE / 10 for mount in full)])
    return {
        "roots": _apart(roots),
        "now": now,
        "old_file_days": params.old_file_days,
        "large_file_threshold_mb": least_mb,
        "hog_mb": params.large_file_threshold_mb,
        "top": params.top_n_processes,
        "entries": WALK_ENTRIES,
        "seconds": WALK_SECONDS,
    }


def _apart(paths: Sequence[str]) -> list[str]:
    """The paths without those inside another, which is another file system or walked over anyway."""
    return list(dict.fromkeys(path for path in paths if not any(
        path != other and path.startswith(f"{other.rstrip('/')}/") and not os.path.ismount(path) for other in paths
    )))  # fmt: skip


def _files(found: JsonObject | None, held: Held) -> Files | None:
    if found is None:
        return Files(deleted=held.deleted) if held.deleted else None
    return Files(
        large=tuple(File(path, size) for size, path, _ in found["large"]),
        old=tuple(File(path, size) for size, path, _ in found["old"]),
        deleted=held.deleted,
        is_complete=not found["is_cut"],
    )


def _place(endpoint: Endpoint, names: frozenset[str], seen: sockets.Found) -> PortFound | None:
    """A named port as a place of this machine, if it is one: other hosts are not asked."""
    if endpoint.host and endpoint.host not in names and not _is_loopback(endpoint.host):
        return None
    address, _ = seen.listening.get(endpoint.port, ("", ""))
    if not address:
        return None if sockets.is_bound_udp(endpoint.port) else PortFound(
            endpoint.host or "127.0.0.1", endpoint.port, Knock.REFUSED, is_certain=bool(endpoint.host)
        )  # fmt: skip
    return PortFound(_reachable(address), endpoint.port, Knock.OPEN, is_certain=bool(endpoint.host))


def _reachable(address: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  compared only


async def _knock_all(ports: Sequence[PortFound]) -> tuple[PortFound, ...]:
    return tuple(await asyncio.gather(*(_knock(port) for port in ports)))


async def _knock(port: PortFound) -> PortFound:
    """Whether a connection to a port that is listened on is made; nothing is said on it."""
    if port.knock is Knock.REFUSED:
        return port
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            _, writer = await asyncio.open_connection(port.address, port.port)
    except TimeoutError:
        return replace(port, knock=Knock.SILENT)
    except OSError:
        return replace(port, knock=Knock.REFUSED)
    writer.close()
    return port


def _owned(seen: sockets.Found, held: Held) -> Sockets:
    """The stuck listeners with their owners."""
    owner_of = {listener: held.owners.get(inode) for inode, listener in seen.inodes.items()}
    stuck: tuple[Listener, ...] = tuple(replace(each, owner=owner_of.get(each)) for each in seen.sockets.stuck)
    return replace(seen.sockets, stuck=stuck)


def _owner_of(port: PortFound, seen: sockets.Found | None, held: Held) -> Process | None:
    inode = seen.listening.get(port.port, ("", ""))[1] if seen else ""
    return held.owners.get(inode)


def _own_names() -> frozenset[str]:
    """By which names and addresses this machine may be called."""
    names = {this_host().lower(), this_host().partition(".")[0].lower(), "localhost"}
    with suppress(OSError):
        for addresses in psutil.net_if_addrs().values():
            names |= {each.address.partition("%")[0] for each in addresses}
    return frozenset(names)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
