"""Alarms for pages and browsers: a module of the operator's own, and an engine whose modules say what a test wants."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.accounts import queries as people
from app.alarms import queries, rules, service
from app.alarms.types import Alarm, Detection, Found, Outcome, Trigger
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import run_alarms
from app.usecases.run_alarms.recording import counters_of

# What it detects is told by its parameters.

QUEUES = '''"""Queues that are longer than they may be."""

from app.alarms.modules._base import AlarmModule, Detection, FetchError

PARAMS = {
    "queues": {"type": dict, "required": True, "description": "The length of each queue by its name."},
    "limit": {"type": int, "default": 100, "minimum": 1, "description": "Fire above this length."},
    "is_down": {"type": bool, "default": False, "description": "As if the broker did not answer."},
}


def detect(client, params):
    if params["is_down"]:
        raise FetchError("the broker does not answer")
    for name, length in params["queues"].items():
        if length > params["limit"]:
            yield Detection(f"queue:{name}", f"Queue {name} holds {length} jobs", "Too long.", {"length": length})


PLUGIN = AlarmModule(label="Queue length", params=PARAMS, detect=detect, setup="Give the queues and the limit.")
'''
LONG = {"mail": 240, "thumbs": 3}


def modules_in(folder: Path, **files: str) -> Path:
    """A folder as ALARM_MODULES_DIR may be, with the module «queue_length» and these files."""
    folder.mkdir(mode=0o755)
    for name, source in {"queue_length": QUEUES, **files}.items():
        path = folder / f"{name}.py"
        path.write_text(source)
        path.chmod(0o644)
    return folder


def makes(rt: Runtime, name: str, **settings: Any) -> Alarm:
    """An alarm is set up by the first admin; it mails nobody unless the test says so."""
    (admin, *_) = rt.db.read(people.active_admins)
    given = {"module": "source_silent", "title": name.capitalize(), **settings}
    return asyncio.run(run_alarms.create_alarm(rt, entry_id=name, settings=given, actor=admin, now=rt.clock.now()))


def engine_runs(rt: Runtime, found: Mapping[str, Found], *, trigger: Trigger = Trigger.TICK) -> int:
    """The engine runs now, and its modules find this, by the alarm's name; gives the run's id."""
    now = rt.clock.now()

    def write(tx: Tx) -> int:
        run_id = service.begin_run(
            tx,
            boundary=rules.boundary_of(now) if trigger is Trigger.TICK else None,
            trigger=trigger,
            owner="a",
            now=now,
        )
        assert run_id is not None
        about = run_alarms.Pass(run_id, now)
        alarms = {name: queries.get_alarm(tx, name) for name in found}
        lines = {alarm.entry_id: run_alarms.record(tx, rt, alarm, found[name], about) for name, alarm in alarms.items()}
        counters = counters_of(lines.values())
        service.end_run(tx, run_id, counters=counters, per_alarm=lines, errors=counters["errors"], now=now)
        return run_id

    return rt.db.write(write)


def firing(*keys: str) -> Found:
    """These entities fire; without any, nothing does."""
    detections = tuple(Detection(key, f"{key} fails", f"Look at {key}.", {"host": key}) for key in keys)
    return Found(Outcome.FIRING if keys else Outcome.CLEAR, detections, sha256="c0ffee" * 10, duration_ms=12.0)
