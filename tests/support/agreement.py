"""Asks every door who is on call at the same instants: pager, page, API, calendar feed and simulation (promise 5)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.accounts import sessions
from app.accounts.types import Identity, User
from app.main import create_app
from app.notify import queries as outbox
from app.notify.types import NotificationFilter
from app.oncall.types import Cadence, RotationPlan, Schedule
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token
from app.platform.types import PageQuery
from app.usecases import catalogue, people, rota
from app.web.cookies import session_cookie_name
from tests.support.client import Client
from tests.support.feeds import by_icalendar
from tests.support.people import PASSWORD, add_admin, add_user, email_of
from tests.support.world import World

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata",
    "Pacific/Chatham", "America/Santiago",
)  # fmt: skip
PEOPLE = ("Ravi", "Noor", "Kim", "Lena", "Tomas", "Ines", "Omar")
HOUR = timedelta(hours=1)
# Feeds look a year ahead; instants are asked for within that.
AHEAD = timedelta(days=350)
ANSWER = re.compile(r'<p class="answer" role="status">.*?<span class="name">([^<]*)</span>', re.DOTALL)
NOBODY = "nobody"


@dataclass(frozen=True)
class Asked:
    """One instant on one schedule, and what each door said: a name, or NOBODY."""

    schedule_id: int
    at: datetime
    said: dict[str, str]

    @property
    def agree(self) -> bool:
        """Whether there is one answer."""
        return len(set(self.said.values())) == 1


class Company:
    """Schedules of all kinds from one seed, each with an alert source that pages by it."""

    def __init__(self, rt: Runtime, world: World, *, schedules: int, seed: int) -> None:
        self.rt = rt
        self.world = world
        self.chance = Random(seed)
        self.admin = add_admin(rt)
        self.people = [add_user(rt, name, actor=self.admin) for name in PEOPLE]
        self.client = Client(create_app(rt=rt, with_clock=False), base_url=rt.settings.pagerpal_base_url)
        self.basic = (email_of("Ada"), PASSWORD)
        self.schedules = [self._schedule(number) for number in range(schedules)]
        self.keys = {schedule.id: self._source(schedule) for schedule in self.schedules}
        self.feeds = {schedule.id: self._feed(schedule) for schedule in self.schedules}
        # Somebody leaves before anybody asks: all doors must pass them over alike.
        people.deactivate_user(rt, user_id=self.people[0].id, actor=self.admin, now=self.now)

    @property
    def now(self) -> datetime:
        """The instant on the test's clock."""
        return self.rt.clock.now()

    def ask(self, instants: int) -> Iterator[Asked]:
        """Ask all doors, instant by instant in their order, because the pager only knows now."""
        feeds = {schedule_id: self._events(path) for schedule_id, path in self.feeds.items()}
        begin, end = self.now, self.now + AHEAD
        moments = [(self._instant(schedule, begin, end), schedule) for schedule in self._drawn(instants)]
        for at, schedule in sorted(moments, key=lambda each: each[0]):
            self.world.clock.set(at)
            self._sign_in()
            source_id, key = self.keys[schedule.id]
            yield Asked(
                schedule.id,
                at,
                {
                    "API": self._api(schedule, at),
                    "page": self._page(schedule, at),
                    "feed": next((name for start, finish, name in feeds[schedule.id] if start <= at < finish), NOBODY),
                    "simulation": self._simulated(source_id, at),
                    "pager": self._paged(key),
                },
            )

    # --- the doors ------------------------------------------------------------------------------------------------

    def _api(self, schedule: Schedule, at: datetime) -> str:
        found = self._get(f"/api/v1/schedules/{schedule.id}/oncall", at=at.isoformat())
        return found["user"]["name"] if found["user"] else NOBODY

    def _page(self, schedule: Schedule, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(schedule.timezone))
        shown = self.client.get(f"/schedules/{schedule.id}", params={"at": f"{local:%Y-%m-%dT%H:%M}"})
        found = ANSWER.search(shown.text)
        assert found, shown.text
        return found[1]

    def _simulated(self, source_id: int, at: datetime) -> str:
        answered = self.client.post(
            "/api/v1/simulate/page", json={"source_id": source_id, "at": at.isoformat()}, auth=self.basic
        )
        assert answered.status_code == 200, answered.text
        return self._first(answered.json()["pages"][0]["user"]["name"])

    def _paged(self, key: str) -> str:
        body = {"name": "Down", "status": "firing", "severity": "critical", "fingerprint": self.rt.ids.hex32()}
        answered = self.client.post("/alerts/webhook/generic/", json=body, headers={"X-API-Key": key})
        incident_id = answered.json()["incident_ids"][0]
        rows = self.rt.db.read(
            lambda tx: outbox.list_notifications(tx, NotificationFilter(incident_id=incident_id), PageQuery()).items
        )
        return self._first(rows[0].facts["user_name"])

    def _first(self, name: str) -> str:
        # Where nobody is on call the fallback is paged: Ada, who is on no schedule.
        return NOBODY if name == self.admin.name else name

    def _events(self, path: str) -> list[tuple[datetime, datetime, str]]:
        names = sorted((person.name for person in self.people), key=len, reverse=True)
        return [
            (heard.start, heard.end, next((name for name in names if heard.summary.startswith(name)), NOBODY))
            for heard in by_icalendar(self.client.get(path).content)
        ]

    def _get(self, path: str, **query: str) -> Any:
        answered = self.client.get(path, params=query, auth=self.basic)
        assert answered.status_code == 200, answered.text
        return answered.json()

    def _sign_in(self) -> None:
        """A session of this very day: those of the days before have lapsed."""
        token = self.rt.ids.token()
        self.rt.db.write(
            lambda tx: sessions.start_session(
                tx,
                user_id=self.admin.id,
                token_hash=hash_token(token),
                address="127.0.0.1",
                agent="",
                now=self.now,
            )
        )
        self.client.cookies.set(session_cookie_name(self.rt.settings), token)

    # --- what they are asked about --------------------------------------------------------------------------------

    def _drawn(self, count: int) -> list[Schedule]:
        return [self.schedules[number % len(self.schedules)] for number in range(count)]

    def _instant(self, schedule: Schedule, begin: datetime, end: datetime) -> datetime:
        zone = ZoneInfo(schedule.timezone)
        while True:
            at = begin + timedelta(minutes=self.chance.randint(1, int((end - begin) / timedelta(minutes=1))))
            local = at.astimezone(zone)
            # A form cannot say which of two equal local times it means.
            if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
                return at

    def _schedule(self, number: int) -> Schedule:
        chance = self.chance
        zone = chance.choice(ZONES)
        members = chance.sample(self.people, chance.randint(1, 5))
        cadence = chance.choice(list(Cadence))
        plan = RotationPlan(
            timezone=zone,
            cadence=cadence,
            handoff_time=datetime(2026, 1, 1, chance.randint(0, 23), chance.choice((0, 15, 30)), tzinfo=UTC).time(),
            start_date=self.now.date() + timedelta(days=chance.randint(-20, 20)),
            member_ids=tuple(member.id for member in members),
            handoff_weekday=chance.choice((None, 0, 4, 6)) if cadence is Cadence.WEEKLY else None,
            shift_length_hours=chance.choice((6, 12, 36, 100)) if cadence is Cadence.CUSTOM else None,
        )
        schedule = rota.create_schedule(
            self.rt, name=f"Duty {number}", timezone=zone, rotation=plan, actor=self.admin, now=self.now
        )
        for _ in range(chance.randint(0, 8)):
            self._override(schedule, chance.choice(self.people))
        return schedule

    def _override(self, schedule: Schedule, user: User) -> None:
        start = self.now + self.chance.randint(0, 300 * 24) * HOUR
        rota.add_override(
            self.rt,
            schedule_id=schedule.id,
            user_id=user.id,
            start_time=start,
            end_time=start + self.chance.randint(1, 300) * HOUR,
            identity=Identity(self.admin, "basic"),
            now=self.now,
        )

    def _source(self, schedule: Schedule) -> tuple[int, str]:
        source, key = catalogue.create_source(
            self.rt, name=schedule.name, schedule_id=schedule.id, pipeline="direct", actor=self.admin, now=self.now
        )
        return source.id, key

    def _feed(self, schedule: Schedule) -> str:
        made = rota.make_schedule_calendar(self.rt, schedule_id=schedule.id, actor=self.admin, now=self.now)
        return made.url.removeprefix(self.rt.settings.pagerpal_base_url)
