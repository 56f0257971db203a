"""An alarm, an engine whose modules say what the test wants, and an outbox to look into."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.accounts.types import User
from app.alarms import queries, service
from app.alarms.types import Alarm, AlarmEvent, Detection, EventFilter, EventState, Found, Outcome, Trigger
from app.notify import queries as outbox
from app.notify.types import Notification, NotificationFilter, NotificationKind
from app.platform.db import Db, Tx
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.platform.types import JsonObject, PageQuery
from app.usecases import deliver, run_alarms
from tests.support.people import add_admin
from tests.support.world import World

T = TypeVar("T")
ALL = PageQuery(page_size=1000)
UNREACHABLE = Found(Outcome.UNKNOWN, error="FetchError: no answer within 20 s")

# A module of the operator's: each item of the answer is a detection.
LISTED = '''"""Items of a list."""
from app.alarms.modules._base import Detection

PARAMS = {"url": {"type": str, "required": True, "place": True}, "over": {"type": int, "default": 0}}


def detect(client, params):
    for item in client.get_json(params["url"])["items"]:
        if item["value"] > params["over"]:
            yield Detection(item["name"], f"{item['name']} is {item['value']}")
'''


@dataclass
class Watch:
    """Alarms in a test; mail goes to the world's mail port."""

    rt: Runtime
    world: World
    admin: User
    folder: Path
    alarm: Alarm = field(init=False)

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.rt.clock.now()

    def run(self, awaited: Awaitable[T]) -> T:
        """The result of a coroutine."""

        async def wait() -> T:
            return await awaited

        return asyncio.run(wait())

    def makes(self, name: str, **settings: Any) -> Alarm:
        """An alarm is set up, with mail on and one recipient unless the test says otherwise."""
        given = {
            "module": "source_silent",
            "title": name,
            "enabled": True,
            "recipients": ["ops@example.com"],
            **settings,
        }
        made = run_alarms.create_alarm(self.rt, entry_id=name, settings=given, actor=self.admin, now=self.now)
        self.alarm = self.run(made)
        return self.alarm

    def sets(self, **changes: Any) -> None:
        """Somebody changes the alarm."""
        changing = run_alarms.change_alarm(
            self.rt, name=self.alarm.entry_id, changes=changes, version=None, actor=self.admin, now=self.now
        )
        self.alarm = self.run(changing)

    def ticks(self, *found: str | Detection | Found, minutes: float = 5) -> JsonObject:
        """The next boundary: these entities fire (or that is the outcome), and what is due is delivered."""
        self.world.clock.advance(minutes=minutes)
        line = self.records(*found)
        self.delivers()
        return line

    def records(self, *found: str | Detection | Found) -> JsonObject:
        """The engine's step for one alarm, without delivery."""
        whole = _found(found)
        return self.rt.db.write(partial(self._record, found=whole))

    def _record(self, tx: Tx, found: Found) -> JsonObject:
        run_id = service.begin_run(tx, boundary=None, trigger=Trigger.MANUAL, owner="test", now=self.now)
        assert run_id is not None
        return run_alarms.record(tx, self.rt, self.alarm, found, run_alarms.Pass(run_id, self.now))

    def delivers(self) -> None:
        """Everything that is due leaves."""

        async def whole() -> None:
            await deliver.deliver_due(self.rt, self.now)
            await deliver.drain(self.rt)
            # A connection that is kept open belongs to this event loop.
            await self.rt.outside.close()

        asyncio.run(whole())

    def acks(self, key: str) -> AlarmEvent:
        """Somebody acknowledges what holds of an entity."""
        (event,) = [event for event in self.active() if event.dedupe_key == key]
        return self.run(run_alarms.acknowledge(self.rt, event_id=event.id, actor=self.admin, now=self.now))

    def with_settings(self, **changes: Any) -> "Watch":
        """The same database under other settings."""
        rt = replace(self.rt, settings=self.rt.settings.model_copy(update=changes))
        other = Watch(rt, self.world, self.admin, self.folder)
        other.alarm = self.alarm
        return other

    def stored(self) -> Alarm:
        """The alarm as it is now."""
        return self.rt.db.read(lambda tx: queries.get_alarm(tx, self.alarm.entry_id))

    def events(self, **filters: Any) -> list[AlarmEvent]:
        """The alarm's events, the newest first."""
        wanted = EventFilter(alarm_id=self.alarm.id, **filters)
        return self.rt.db.read(lambda tx: queries.list_events(tx, wanted, ALL)).items

    def active(self) -> list[AlarmEvent]:
        """What holds."""
        return self.events(state=EventState.ACTIVE)

    def event(self, key: str) -> AlarmEvent:
        """The newest event of an entity."""
        return self.events(dedupe_key=key)[0]

    def mails(self) -> list[str]:
        """The subjects of every mail that has left."""
        return [mail.subject for mail in self.world.mail.sent]

    def rows(self) -> list[Notification]:
        """Every message of alarms, oldest first."""
        wanted = NotificationFilter(kind=NotificationKind.ALARM)
        return self.rt.db.read(lambda tx: outbox.list_notifications(tx, wanted, PageQuery(page_size=200))).items[::-1]

    def drops(self, name: str, source: str, *, mode: int = 0o644) -> Path:
        """A file is put into ALARM_MODULES_DIR."""
        path = self.folder / f"{name}.py"
        path.write_text(source)
        path.chmod(mode)
        return path


def _found(given: Sequence[str | Detection | Found]) -> Found:
    if given and isinstance(given[0], Found):
        return given[0]
    detections = tuple(each if isinstance(each, Detection) else Detection(str(each), f"{each} fails") for each in given)
    return Found(Outcome.FIRING if detections else Outcome.CLEAR, detections)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ALARM_MODULES_DIR."""
    made = tmp_path / "modules"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture
def settings(database_url: str, folder: Path) -> Settings:
    """Mail is set up, and the operator has modules of their own."""
    return Settings(
        pagerpal_env="test",
        database_url=database_url,
        pagerpal_base_url="https://pager.example.com",
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        alarm_modules_dir=str(folder),
    )


@pytest.fixture
def watch(rt: Runtime, world: World, db: Db, folder: Path) -> Watch:
    """An alarm named `probe` that mails one address, once a day."""
    made = Watch(rt, world, add_admin(rt), folder)
    made.makes("probe", title="Probe", content="What to do: look.")
    return made
