"""Looking at the machine keeps its time, whatever a part does; what does not come is named."""

import asyncio
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest

from app.intelligence.local.looking import Look, look, within
from app.intelligence.local.machine import Part, Unseen
from app.intelligence.local.params import LocalParams
from app.intelligence.local.readings import name_servers, processes
from app.intelligence.local.words import read
from app.intelligence.types import Evidence, Subject
from app.platform.clock import SystemClock
from app.platform.threads import CannotMeasure, Threads


async def test_a_part_that_hangs_is_left_behind_and_named() -> None:
    threads, release, unseen = Threads(), threading.Event(), list[Unseen]()

    async def fails() -> None:
        raise PermissionError(13, "Permission denied")

    async def breaks() -> None:
        raise CannotMeasure("the measurement broke off")

    async def well() -> int:
        return 7

    parts: dict[Part, Look] = {
        Part.MEMORY: well,
        Part.CPU: fails,
        Part.SOCKETS: breaks,
        Part.DISKS: partial(threads, release.wait),
    }
    # What hangs would do so for ever.
    found = await asyncio.wait_for(within(parts, 0.1, unseen), 10)
    release.set()
    assert found == {Part.MEMORY: 7}
    assert {each.part: each.why for each in unseen} == {
        Part.DISKS: "no answer within 0.1 s",
        Part.CPU: "Permission denied",
        Part.SOCKETS: "the measurement broke off",
    }


async def test_nobody_who_waits_any_more_leaves_nothing_running() -> None:
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await within({Part.CPU: waits}, 60, [])
    await asyncio.wait_for(ended.wait(), 10)


async def test_this_very_machine_is_seen_as_psutil_sees_it() -> None:
    hints = read(Evidence(Subject(1, "port 9 on localhost", "critical", "triggered")))
    machine = await look(hints, LocalParams(top_n_processes=3), now=SystemClock().now())
    assert machine.unseen == ()
    assert machine.memory is not None
    assert machine.memory.total_bytes == psutil.virtual_memory().total
    assert machine.cpu is not None
    assert 0 <= machine.cpu.busy_percent <= 100
    assert machine.processes is not None
    assert len(machine.processes.by_memory) == 3
    root = next(mount for mount in machine.mounts if mount.path == "/")
    assert root.used_percent == pytest.approx(psutil.disk_usage("/").percent, abs=0.2)


def test_a_process_is_read_by_all_its_names_and_without_its_secrets() -> None:
    own = processes.one("self")
    assert own is None, "a pid is a number"
    me = psutil.Process()
    found = processes.one(str(me.pid))
    assert found is not None
    assert (found.name, found.rss_bytes > 0) == (me.name(), True)
    assert processes.one("0") is None


def test_a_command_line_is_shown_without_its_secrets() -> None:
    command = [sys.executable, "-c", "print(); import time; time.sleep(60)", "--password", "pl4inly-f4ke", "-v"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = processes.one(str(child.pid))
        assert found is not None
        shown = processes.with_command(found).command
        child.kill()
    assert shown.endswith("--password *** -v")


def test_name_servers_are_silent_only_when_none_of_them_answers(tmp_path: Path) -> None:
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("search example.com\nnameserver 127.0.0.1\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        answering = threading.Thread(target=lambda: server.sendto(b"refused", server.recvfrom(512)[1]))
        answering.start()
        assert name_servers.read(str(configuration), port) == ()
        answering.join()
    assert name_servers.read(str(configuration), port) == ("127.0.0.1",)
    configuration.write_text("search example.com\n")
    assert name_servers.read(str(configuration), port) == ()
