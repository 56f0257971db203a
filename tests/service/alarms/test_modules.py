"""Modules in processes of their own: the operator's files, broken ones, hanging ones, and where they may reach."""

import asyncio
import json
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.alarms import queries, running
from app.alarms.answers import Live
from app.alarms.errors import AlarmInvalid
from app.alarms.kinds import get_module
from app.alarms.running import Order
from app.alarms.types import Found, Outcome
from app.platform.clock import SystemClock
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import in_thread
from app.usecases import run_alarms
from app.usecases.run_alarms import asking
from tests.service.alarms.conftest import LISTED, Watch

URL = {"url": "https://stats.example.com/items"}
BASE = "from app.alarms.modules._base import Detection, FetchError\n\nPARAMS = {}\n\n\ndef detect(client, params):\n"
BAD = {
    "exits": ("    import os\n    os._exit(3)\n", "ended its process"),
    "leaves": ("    raise SystemExit(1)\n", "SystemExit"),
    "raises": ("    raise KeyError('https://x.example.com/?token=s3cret-token-value')\n", "KeyError"),
    "cannot_fetch": ("    raise FetchError('the source is away')\n", "the source is away"),
    "yields_nonsense": ("    yield 7\n", "no dedupe_key"),
    "has_no_key": ("    yield Detection('', 'x')\n", "no dedupe_key"),
    "yields_what_is_no_json": ("    yield Detection('a', 'x', '', {'x': object()})\n", "not JSON"),
    "opens_a_socket": ("    import socket\n    socket.create_connection(('127.0.0.1', 9))\n", "by its client only"),
    "writes_a_file": ("    open('/dev/shm/pagerpal-test', 'w').write('x' * 10000)\n", "OSError"),
    "eats_memory": ("    x = [0] * 10**9\n    yield x\n", "MemoryError"),
    "is_no_python": ("    this is no python at all\n", "SyntaxError"),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for processes."""
    return sqlite_url


def runs(watch: Watch, name: str, *, seconds: float = 20) -> Found:
    """One run of a module of the folder, by itself."""
    order = Order(get_module(name, str(watch.folder)), {}, {}, watch.now)
    live = Live(watch.rt.outside, watch.rt.clock, {})
    return watch.run(running.run(order, live, SystemClock(), seconds=seconds))


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_module_is_unknown_with_its_reason(watch: Watch, name: str) -> None:
    body, reason = BAD[name]
    watch.drops("bad", BASE + body)
    found = runs(watch, "bad")
    assert (found.outcome, found.detections) == (Outcome.UNKNOWN, ())
    assert reason.lower() in found.error.lower()
    assert "s3cret-token-value" not in found.error + found.trace


def test_a_module_without_end_is_cut_and_the_same_entity_counts_once(watch: Watch) -> None:
    watch.drops(
        "endless", BASE + "    n = 0\n    while True:\n        n += 1\n        yield Detection(str(n // 2), 'x')\n"
    )
    found = runs(watch, "endless")
    assert (found.outcome, found.is_cut, len(found.detections)) == (Outcome.FIRING, True, 501)
    assert any("key of another" in warning for warning in found.warnings)


def test_what_a_module_does_not_know_has_the_key_of_its_detection(watch: Watch) -> None:
    key = "https://x.example.com/?token=s3cret-token-value"
    watch.drops("partial", BASE + f"    client.unknown('{key}', 'away: {key}')\n    yield Detection('{key}', 'x')\n")
    found = runs(watch, "partial")
    assert found.not_known == {found.detections[0].dedupe_key}
    assert "s3cret-token-value" not in repr(found.not_known) + repr(found.warnings)


def test_a_module_that_hangs_is_killed_with_what_it_started(watch: Watch) -> None:
    watch.drops(
        "hangs",
        BASE + "    import subprocess, time\n    child = subprocess.Popen(['sleep', '60'])\n"
        "    client.get('https://tell.example.com/' + str(child.pid))\n    time.sleep(60)\n",
    )
    found = runs(watch, "hangs", seconds=1.5)
    assert found.error == "no result within 1.5 s"
    child = int(watch.world.http.calls[0].url.rpartition("/")[2])
    assert _has_ended(child)


def test_what_a_module_prints_and_logs_does_not_get_in_the_way(watch: Watch) -> None:
    watch.drops(
        "loud", BASE + "    import logging\n    print('hello')\n    logging.warning('careful')\n    return []\n"
    )
    found = runs(watch, "loud")
    assert (found.outcome, found.warnings) == (Outcome.CLEAR, ("careful",))


def test_a_new_file_is_run_at_the_next_tick_and_a_changed_one_too(watch: Watch) -> None:
    watch.drops("listed", LISTED)
    watch.makes("items", module="listed", params=URL)
    watch.world.http.next.append(_items(disk=90, cpu=0))
    run = watch.run(run_alarms.tick(watch.rt, watch.now, None)).run
    assert run is not None
    line = run.per_alarm["alarm_items"]
    assert (line["outcome"], line["subjects"]) == ("firing", ["disk is 90"])
    watch.drops("listed", LISTED.replace("is {item", "has {item"))
    watch.world.http.next.append(_items(cpu=7))
    watch.world.clock.advance(minutes=5)
    later = watch.run(run_alarms.tick(watch.rt, watch.now, None)).run
    assert later is not None
    assert later.per_alarm["alarm_items"]["subjects"] == ["cpu has 7"]
    assert later.per_alarm["alarm_items"]["module_hash"] != line["module_hash"]
    assert watch.event("disk").clear_time == watch.now


def test_the_module_of_the_guide_works_as_it_stands(watch: Watch) -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "plugins.md").read_text()
    watch.drops("queues", guide.partition("```python\n")[2].partition("```")[0])
    watch.makes("queues", module="queues", params={"url": "https://queues.example.com/"})
    watch.world.http.next.append(HttpAnswer(200, {}, b'{"mails": 1001, "jobs": 3}'))
    run = watch.run(run_alarms.run_now(watch.rt, watch.now, name="queues"))
    assert run.per_alarm["alarm_queues"]["subjects"] == ["mails has 1001 messages"]


def test_a_broken_file_is_an_error_of_its_alarm_only(watch: Watch) -> None:
    watch.drops("listed", LISTED)
    watch.makes("items", module="listed", params=URL)
    watch.drops("listed", "def detect(:\n")
    run = watch.run(run_alarms.tick(watch.rt, watch.now, None)).run
    assert run is not None
    assert run.errors == 1
    assert "SyntaxError" in run.per_alarm["alarm_items"]["error"]
    assert run.per_alarm["alarm_probe"]["outcome"] == "clear"
    shown = {each.name: each for each in watch.run(run_alarms.list_modules(watch.rt))}
    assert "SyntaxError" in shown["listed"].error
    assert shown["source_silent"].error == ""


def test_a_module_that_cannot_be_loaded_is_not_loaded_anew_at_every_view(watch: Watch) -> None:
    loaded = watch.folder / "loaded"
    loaded.touch()
    path = watch.drops(
        "broken", f"import os\nos.utime({str(loaded)!r}, ns=(0, os.stat({str(loaded)!r}).st_mtime_ns + 1))\n1 / 0\n"
    )
    os.utime(loaded, ns=(0, 0))

    def views() -> tuple[str, int]:
        shown = {each.name: each for each in watch.run(run_alarms.list_modules(watch.rt))}
        return shown["broken"].error.rpartition(": ")[2], loaded.stat().st_mtime_ns

    assert views() == ("division by zero", 1)
    assert views() == ("division by zero", 1)
    watch.world.clock.advance(seconds=61)
    assert views() == ("division by zero", 2)
    path.write_text(path.read_text().replace("1 / 0", "raise KeyError('mended in part')"))
    assert views() == ("'mended in part'", 3)


def test_a_tick_loads_a_module_anew_that_was_refused_a_moment_ago(watch: Watch) -> None:
    ready = watch.folder / "ready"
    watch.drops("waits", LISTED + f"\n\nopen({str(ready)!r}).close()\n")
    shown = {each.name: each for each in watch.run(run_alarms.list_modules(watch.rt))}
    assert "FileNotFoundError" in shown["waits"].error
    ready.touch()
    found = watch.run(asking.ask(watch.rt, "waits", URL, now=watch.now))
    assert "FileNotFoundError" not in found.error


@pytest.mark.parametrize("name", ["../x", "alarm-os", "os.path", "..x", "x/y", "Åse", "_base", "", "a" * 65])
def test_a_name_that_is_none_is_refused(watch: Watch, name: str) -> None:
    with pytest.raises(AlarmInvalid) as refused:
        watch.makes("strange", module=name)
    assert refused.value.errors[0].path == "module"


def test_a_file_that_others_can_write_is_not_run(watch: Watch) -> None:
    path = watch.drops("listed", LISTED, mode=0o666)
    assert _refusal(watch) == "The file listed.py can be written by others: take that away (chmod go-w)."
    path.chmod(0o644)
    assert _refusal(watch) == ""
    watch.folder.chmod(0o777)
    assert "can be written by others" in _refusal(watch)


def test_a_link_is_not_followed(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(LISTED)
    (watch.folder / "listed.py").symlink_to(tmp_path / "elsewhere.py")
    assert "cannot be read" in _refusal(watch)


def test_a_file_of_somebody_else_is_not_run(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    path = watch.drops("listed", LISTED)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        # Only root can give a file away; whoever else runs this is somebody else than the file's owner.
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "belongs to somebody else" in _refusal(watch)


def test_what_cannot_be_fetched_is_not_clear(watch: Watch) -> None:
    watch.drops("listed", LISTED)
    watch.makes("items", module="listed", params=URL)
    watch.world.http.next.append(_items(disk=90))
    watch.run(run_alarms.run_now(watch.rt, watch.now, name="items"))
    watch.world.http.next.append(HttpFailed("no answer within 20 s"))
    run = watch.run(run_alarms.run_now(watch.rt, watch.now, name="items"))
    assert run.per_alarm["alarm_items"]["error"] == "FetchError: no answer within 20 s"
    assert len(watch.active()) == 1


def test_what_prometheus_answers_in_part_fires_and_clears_nothing(watch: Watch) -> None:
    def answers(*jobs: str, **more: object) -> tuple[int, int, list[str]]:
        result = [{"metric": {"job": job}, "value": [0, "0"]} for job in jobs]
        told = {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
        watch.world.http.next.append(HttpAnswer(200, {}, json.dumps(told).encode()))
        watch.world.clock.advance(minutes=5)
        line = watch.run(run_alarms.run_now(watch.rt, watch.now, name="up")).per_alarm["alarm_up"]
        return (line["new"], line["cleared"], line["warnings"])

    watch.makes("up", module="prometheus_query", params={"url": "https://prom.example.com", "query": "up == 0"})
    assert answers("web") == (1, 0, [])
    reason = "Prometheus may have answered in part, so nothing clears: one store is away"
    assert answers("db", warnings=["one store is away"]) == (1, 0, [reason])
    assert answers("db") == (0, 1, [])


def test_an_alarm_that_waits_for_a_setting_is_no_error_until_somebody_wants_its_mail(watch: Watch) -> None:
    run = watch.run(run_alarms.run_now(watch.rt, watch.now, name="panda_failure_rate_eic_all"))
    line = run.per_alarm["alarm_panda_failure_rate_eic_all"]
    assert (line["outcome"], line["is_set_up"], run.errors) == ("unknown", False, 0)


def test_rows_of_a_named_database_are_read_and_never_written(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "stats.db"
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE TABLE lags (host TEXT, lag INTEGER)")
        opened.execute("INSERT INTO lags VALUES ('db-1', 3), ('db-2', 90)")
    opened.close()
    named = watch.with_settings(alarm_sql_connections=(f"stats=sqlite:///{file}",))
    query = {"connection": "stats", "query": "SELECT host, lag FROM lags WHERE lag > 60;"}
    made = named.makes("lag", module="sql_query", params=query)
    run = named.run(run_alarms.run_now(named.rt, named.now, name="lag"))
    assert run.per_alarm[made.entry_id]["subjects"] == ["host=db-2, lag=90"]
    for attempt in ("DELETE FROM lags", "SELECT 1) AS x; DROP TABLE lags; --", "PRAGMA user_version = 7"):
        named.sets(params={**query, "query": attempt})
        run = named.run(run_alarms.run_now(named.rt, named.now, name="lag"))
        assert "the query failed" in run.per_alarm[made.entry_id]["error"]
    with sqlite3.connect(file) as opened:
        assert opened.execute("SELECT count(*) FROM lags").fetchone() == (2,)
    opened.close()


def test_secrets_in_what_is_watched_are_neither_mailed_nor_shown(watch: Watch) -> None:
    urls = [f"https://shop.example.com/health?token=s3cret-token-{number}" for number in (1, 2)]
    made = watch.makes("web", module="http_probe", params={"urls": urls, "tries": 1})
    watch.world.http.next += [HttpFailed("no answer within 10 s")] * 2
    watch.run(run_alarms.run_now(watch.rt, watch.now, name="web"))
    events = watch.rt.db.read(lambda tx: queries.active_events(tx, made.id))
    assert len({event.dedupe_key for event in events}) == 2
    assert events[0].subject == "https://shop.example.com/health?token=*** cannot be reached: no answer within 10 s"
    assert "s3cret-token" not in repr(events)


def test_a_slow_query_takes_no_thread_that_pages_need(watch: Watch, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "stats.db").close()
    outside = replace(watch.rt.outside, blocking=in_thread)
    live = Live(outside, watch.rt.clock, {"stats": f"sqlite:///{tmp_path / 'stats.db'}"})
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    question = {"kind": "sql", "connection": "stats", "query": endless, "timeout_seconds": 0.5}

    async def beside() -> bool:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        asked = asyncio.create_task(live.answer(question))
        await asyncio.sleep(0)
        await in_thread(int)
        was_held_up = asked.done()
        assert "the query failed" in (await asked)["error"]
        return was_held_up

    assert not asyncio.run(beside())


def test_a_module_that_hangs_delays_the_others_by_less_than_a_second(watch: Watch) -> None:
    watch.drops("hangs", BASE + "    import time\n    time.sleep(60)\n")
    watch.drops("quick", BASE + "    yield Detection('a', 'a fails')\n")
    clock = SystemClock()
    took: dict[str, float] = {}

    async def one(name: str, seconds: float) -> None:
        order = Order(get_module(name, str(watch.folder)), {}, {}, watch.now)
        started = clock.monotonic()
        await running.run(order, Live(watch.rt.outside, watch.rt.clock, {}), clock, seconds=seconds)
        took[name] = clock.monotonic() - started

    async def alone_and_beside() -> float:
        await one("quick", 20)
        alone = took["quick"]
        await asyncio.gather(one("hangs", 3), one("quick", 20))
        return took["quick"] - alone

    assert asyncio.run(alone_and_beside()) < 1
    assert took["hangs"] >= 3


def _items(**values: int) -> HttpAnswer:
    items = [{"name": name, "value": value} for name, value in values.items()]
    return HttpAnswer(200, {}, json.dumps({"items": items}).encode())


def _refusal(watch: Watch) -> str:
    return {each.name: each.error for each in watch.run(run_alarms.list_modules(watch.rt))}["listed"]


def _has_ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be buried, within a few seconds."""
    moment = threading.Event()
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        moment.wait(0.02)
    return False
