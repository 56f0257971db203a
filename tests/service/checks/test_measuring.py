"""What checkers measure on this machine, and what they say when they cannot."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.checks.checkers import disk, network
from app.checks.errors import CheckInvalid
from app.checks.kinds import checked, checkers
from app.checks.running import result_of
from app.checks.types import CheckStatus, Reading
from app.platform.ports import Outside
from app.platform.threads import CannotMeasure, Threads
from tests.support.checks import config_of, outside, result

GIB = 1024**3
MIB = 1024**2
QUICK = {"samples": 2, "sample_interval": 0.1}


async def test_memory_is_what_psutil_says() -> None:
    found = await result("memory", {"include_swap": True})
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    assert found.metrics["memory_percent"] == pytest.approx(memory.percent, abs=2)
    assert found.metrics["memory_total_gb"] == round(memory.total / GIB, 2)
    assert found.metrics["memory_available_gb"] == pytest.approx(memory.available / GIB, abs=0.5)
    assert found.metrics["memory_used_gb"] == pytest.approx(memory.used / GIB, abs=0.5)
    assert found.metrics["swap_percent"] == pytest.approx(swap.percent, abs=1)
    assert found.metrics["swap_total_gb"] == round(swap.total / GIB, 2)


async def test_without_being_asked_swap_is_not_looked_at() -> None:
    assert not [name for name in (await result("memory")).metrics if name.startswith("swap")]


async def test_disk_is_what_psutil_says(tmp_path: Path) -> None:
    found = await result("disk", {"paths": ["/", str(tmp_path)]})
    for path in ("/", str(tmp_path)):
        usage, shown = psutil.disk_usage(path), found.metrics["disks"][path]
        assert shown["percent"] == pytest.approx(usage.percent, abs=0.2)
        assert shown["total_gb"] == round(usage.total / GIB, 2)
        assert shown["free_gb"] == pytest.approx(usage.free / GIB, abs=0.2)
        assert shown["used_gb"] == pytest.approx(usage.used / GIB, abs=0.2)
    percents = {path: shown["percent"] for path, shown in found.metrics["disks"].items()}
    assert found.metrics["worst_percent"] == max(percents.values())
    assert percents[found.metrics["worst_path"]] == max(percents.values())


async def test_a_file_system_that_cannot_be_looked_at_is_not_well(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    some = await result("disk", {"paths": ["/", gone]}, warning_threshold=100, critical_threshold=100)
    assert some.status is CheckStatus.UNKNOWN
    assert gone in str(some.error)
    none = await result("disk", {"paths": [gone]})
    assert (none.status, none.metrics) == (CheckStatus.UNKNOWN, {})


async def test_inodes_are_counted_beside_space() -> None:
    counts = os.statvfs("/")
    shown = (await result("disk")).metrics["disks"]["/"]
    used = counts.f_files - counts.f_ffree
    wanted = 100 * used / (used + counts.f_favail) if counts.f_files else 0.0
    assert shown["inodes_percent"] == pytest.approx(wanted, abs=0.2)


async def test_cpu_is_averaged_over_its_samples() -> None:
    found = (await result("cpu", {**QUICK, "per_cpu": True})).metrics
    assert found["samples"] == 2
    assert found["cpu_count"] == psutil.cpu_count() == len(found["per_cpu_percent"])
    assert 0 <= found["cpu_min"] <= found["cpu_percent"] <= found["cpu_max"] <= 100
    assert "per_cpu_percent" not in (await result("cpu", QUICK)).metrics


async def test_cpu_sees_a_busy_machine() -> None:
    burner = [sys.executable, "-c", "while True: pass"]
    burning = [subprocess.Popen(burner) for _ in range(psutil.cpu_count() or 1)]
    try:
        found = await result("cpu", {"samples": 2, "sample_interval": 0.3})
    finally:
        for process in burning:
            process.kill()
            process.wait()
    assert found.metrics["cpu_percent"] > 85


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs under a name of its own."""
    program = tmp_path / "a-name-of-more-than-15-letters"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "60"])
    yield process
    process.kill()
    process.wait()


async def test_a_process_is_found_by_its_whole_name(sleeper: subprocess.Popen[bytes]) -> None:
    found = await result("process", {"processes": ["a-name-of-more-than-15-letters", "no-such-program"]})
    shown = found.metrics["processes"]["a-name-of-more-than-15-letters"]
    assert (shown["running"], shown["pid"], shown["count"]) == (True, sleeper.pid, 1)
    assert shown["memory_percent"] == pytest.approx(psutil.Process(sleeper.pid).memory_percent(), abs=0.1)
    assert found.metrics["processes"]["no-such-program"] == {
        "running": False, "pid": None, "status": None, "cpu_percent": None, "memory_percent": None, "count": 0
    }  # fmt: skip
    counted = [found.metrics[name] for name in ("running_count", "total_count", "running_percent")]
    assert counted == [1, 2, 50.0]
    assert found.status is CheckStatus.WARNING


async def test_a_process_that_was_stopped_does_not_run(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    found = await result("process", {"processes": ["a-name-of-more-than-15-letters"]})
    shown = found.metrics["processes"]["a-name-of-more-than-15-letters"]
    assert (shown["running"], shown["status"]) == (False, "stopped")
    assert found.status is CheckStatus.CRITICAL


async def test_no_process_named_is_well() -> None:
    found = await result("process")
    assert (found.status, found.metrics["running_percent"], found.metrics["total_count"]) == (CheckStatus.OK, 100.0, 0)


# --- network ------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """An open port on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_open_port_is_reached_over_tcp_and_a_closed_one_is_not(listener: socket.socket) -> None:
    there, gone = f"127.0.0.1:{listener.getsockname()[1]}", f"127.0.0.1:{closed_port()}"
    found = await result("network", {"hosts": [there, gone]})
    hosts = found.metrics["hosts"]
    assert hosts[there]["reachable"]
    assert hosts[there]["method"] == f"tcp:{listener.getsockname()[1]}"
    assert hosts[there]["latency_ms"] >= 0
    assert hosts[gone] == {
        "reachable": False, "latency_ms": None, "method": f"tcp:{gone.partition(':')[2]}", "error": "connection refused"
    }  # fmt: skip
    counted = [found.metrics[name] for name in ("reachable_count", "total_hosts", "reachable_percent")]
    assert counted == [1, 2, 50.0]
    assert found.status is CheckStatus.WARNING
    assert gone in found.message


async def test_a_host_is_reached_whether_or_not_icmp_is_allowed() -> None:
    (shown,) = (await result("network", {"hosts": ["127.0.0.1"], "ping_count": 2})).metrics["hosts"].values()
    assert shown["reachable"]
    assert shown["method"] == ("icmp" if may_send_icmp() else shown["method"])
    assert shown["method"] == "icmp" or shown["method"].startswith("tcp:")


async def test_without_icmp_a_refused_connection_shows_that_somebody_is_there() -> None:
    found = await network._knock("127.0.0.1", why_not_icmp="ICMP is not allowed here")
    assert found.reachable
    assert found.method in {f"tcp:{port}" for port in network.USUAL_PORTS}


class WithoutIcmp(socket.socket):
    """What a process is given that may not send ICMP."""

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
            raise PermissionError(1, "Operation not permitted")
        super().__init__(family, type, proto, fileno)


async def test_without_the_right_to_send_icmp_hosts_are_reached_over_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", WithoutIcmp)
    found = await result("network", {"hosts": ["127.0.0.1"]})
    (shown,) = found.metrics["hosts"].values()
    assert (found.status, shown["reachable"]) == (CheckStatus.OK, True)
    assert shown["method"].startswith("tcp:")


def may_send_icmp() -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with suppress(PermissionError), socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP):
            return True
    return False


@pytest.mark.parametrize(
    "host",
    [
        "-oX", "a;b", "a b", "$(id)", "`id`", "a|b", "../etc", "", " ", "a\nb", "host:0", "host:65536", "host:x",
        "host:", "[::1", "[::1]:x", "fe80::1%eth0", "é" * 300, "-a.example.com", "x" * 254, "a..b", "http://a",
        "a@b", "١:١",
    ],
)  # fmt: skip
async def test_a_host_that_is_none_is_refused_before_anything_is_asked(host: str) -> None:
    with pytest.raises(CheckInvalid):
        checked(config_of("network", params={"hosts": [host]}))


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("8.8.8.8", ("8.8.8.8", None)),
        ("db.example.com", ("db.example.com", None)),
        ("db_1.example.com.:5432", ("db_1.example.com.", 5432)),
        ("::1", ("::1", None)),
        ("[::1]:53", ("::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
    ],
)
def test_a_host_has_a_name_and_perhaps_a_port(host: str, parts: tuple[str, int | None]) -> None:
    assert network.split(host) == parts


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb", "/bin/sh", "x" * 201])
async def test_a_process_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CheckInvalid):
        checked(config_of("process", params={"processes": [name]}))


# --- scans --------------------------------------------------------------------------------------------------------


def write(path: Path, mebibytes: float, *, days_old: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(int(mebibytes * MIB)))
    changed_at = path.stat().st_mtime - days_old * 86400
    os.utime(path, (changed_at, changed_at))
    return path


async def scanned(tmp_path: Path, **params: object) -> Reading:
    found = await result("disk_common", {"scan_paths": [str(tmp_path)], "large_file_threshold_mb": 2, **params})
    assert found.status is not CheckStatus.UNKNOWN, found.error
    return Reading(found.metrics["total_recoverable_mb"], found.message, found.metrics)


async def test_old_and_large_files_count_once(tmp_path: Path) -> None:
    write(tmp_path / "new-and-small", 1)
    old = write(tmp_path / "logs" / "old", 1, days_old=31)
    large = write(tmp_path / "large", 3)
    both = write(tmp_path / "deep" / "er" / "both", 4, days_old=365)
    found = await scanned(tmp_path)
    assert {each["path"] for each in found.metrics["old_files"]} == {str(old), str(both)}
    assert [each["path"] for each in found.metrics["large_files"]] == [str(both), str(large)]
    assert found.value == pytest.approx(8, abs=0.1)
    assert found.metrics["complete"]


async def test_links_are_not_followed_and_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    file = write(tmp_path / "large", 3)
    os.link(file, tmp_path / "again")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "alias").symlink_to(file)
    assert (await scanned(tmp_path)).value == pytest.approx(3, abs=0.1)


async def test_a_place_inside_another_is_not_counted_twice(tmp_path: Path) -> None:
    write(tmp_path / "in" / "large", 3)
    found = await result(
        "disk_common", {"scan_paths": [str(tmp_path), str(tmp_path / "in")], "large_file_threshold_mb": 2}
    )
    assert found.metrics["total_recoverable_mb"] == pytest.approx(3, abs=0.1)


async def test_names_that_are_not_text_can_be_stored(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")).write_bytes(os.urandom(3 * MIB))
    (shown,) = (await scanned(tmp_path)).metrics["large_files"]
    assert shown["path"].encode("utf-8").decode("utf-8").endswith("\ufffd\ufffd")


async def test_a_walk_that_takes_too_long_tells_what_it_saw(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / str(number)).touch()
    found = await scanned(tmp_path, scan_seconds=1e-6)
    assert not found.metrics["complete"]
    assert found.message.startswith("at least")


async def test_a_walk_that_nobody_waits_for_is_killed(tmp_path: Path) -> None:
    me = psutil.Process()
    before = {child.pid for child in me.children()}
    walking = asyncio.create_task(scanned(tmp_path))
    walkers: list[psutil.Process] = []
    while not walkers and not walking.done():
        await asyncio.sleep(0)
        walkers = [child for child in me.children() if child.pid not in before]
    walking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walking
    assert walkers
    assert not {child.pid for child in me.children()} & {walker.pid for walker in walkers}


async def test_a_walk_that_cannot_begin_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    found = await result("disk_common", {"scan_paths": [str(tmp_path)]})
    assert found.status is CheckStatus.UNKNOWN
    assert found.error == "the walk over the directories could not be made: No such file or directory"


async def test_only_a_few_walk_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, held = tmp_path / "go", tmp_path / "held"
    held.write_text(f'#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.02; done\nexec {sys.executable} "$@"\n')
    held.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(held))
    walks = [asyncio.create_task(result("disk_common", {"scan_paths": [str(tmp_path)]})) for _ in range(6)]
    refused = [await each for each in itertools.islice(asyncio.as_completed(walks), 2)]
    assert [each.error for each in refused] == ["too many other scans are under way"] * 2
    go.touch()
    found = await asyncio.gather(*walks)
    assert sorted(each.status for each in found) == [CheckStatus.OK] * 4 + [CheckStatus.UNKNOWN] * 2
    assert (await result("disk_common", {"scan_paths": [str(tmp_path)]})).is_ok()


# --- when it cannot be measured -----------------------------------------------------------------------------------


async def test_a_check_ends_with_its_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(deaf.getsockname())
        found = await result("network", {"hosts": [f"127.0.0.1:{deaf.getsockname()[1]}"]}, timeout=0.2)
    assert (found.status, found.error) == (CheckStatus.UNKNOWN, "no result within 0.2 s")


async def test_what_hangs_in_the_system_holds_up_nobody_and_is_counted() -> None:
    threads, release = Threads(at_most=1), threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await threads(release.wait)
    with pytest.raises(CannotMeasure, match="still hang"):
        await threads(lambda: 1)
    release.set()
    async with asyncio.timeout(5):
        while True:
            with suppress(CannotMeasure):
                assert await threads(lambda: 2) == 2
                break
            await asyncio.sleep(0)


async def test_what_is_raised_in_a_thread_reaches_who_waits() -> None:
    with pytest.raises(FileNotFoundError):
        await Threads()(lambda: os.stat("/no/such/file"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotMeasure("no sensor"), "no sensor"),
        (PermissionError(13, "Permission denied"), "[Errno 13] Permission denied"),
        (KeyError("secret"), "the checker broke: KeyError"),
    ],
)
async def test_a_checker_that_fails_is_unknown_with_its_reason(error: Exception, said: str) -> None:
    async def fail(_params: object, _outside: Outside) -> Reading:
        raise error

    config = config_of("disk")
    params, thresholds = checked(config)
    found = await result_of(replace(disk.PLUGIN, measure=fail), config, params, thresholds, outside()[1])
    assert (found.status, found.error) == (CheckStatus.UNKNOWN, said)


async def test_a_checker_for_another_system_is_unknown() -> None:
    elsewhere = next(name for name in ("disk_macos", "disk_linux") if not checkers()[name].applies_to(sys.platform))
    found = await result(elsewhere)
    assert found.status is CheckStatus.UNKNOWN
    assert "nothing to measure here" in str(found.error)
