"""A dead name server and a crowd of slow page views: neither keeps anybody from being paged."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.jobs import clockwork
from app.main import create_app
from app.notify.models import NotificationRow
from app.notify.types import NotificationStatus
from app.platform import crews
from app.platform.addresses import AddressFilter, Lookups
from app.platform.bus import Bus
from app.platform.crews import VISIT_THREADS, begin_visit
from app.platform.db import Db, Tx
from app.platform.http import OutboundHttp
from app.platform.runtime import Runtime
from app.platform.writer import Writer
from app.usecases import catalogue, climb, deliver
from tests.security.asgi import Direct, Reply, running
from tests.service.notify.conftest import Ward
from tests.service.notify.test_bulkheads import write
from tests.support.callers import browser
from tests.support.http_server import HttpServer
from tests.support.loopback import LOOPBACK

NAMES = 12


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Set, it ends what hangs."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def threaded(ward: Ward) -> Iterator[Runtime]:
    """The runtime of a real process, with threads."""
    db = Db(ward.rt.settings.database_url, bus=Bus())
    yield replace(ward.rt, db=db, writer=Writer(db), bus=db.bus)
    db.dispose()


@asynccontextmanager
async def serving(rt: Runtime) -> AsyncIterator[Direct]:
    """The application over it, in which nothing happens by itself."""
    async with running(create_app(rt=rt, with_clock=False)) as app:
        yield app


async def dashboard(app: Direct, cookie: str) -> Reply:
    return await app.call("GET", "/dashboard", headers=[(b"cookie", cookie.encode())])


def test_names_that_hang_hold_up_no_page_and_no_view(
    ward: Ward, threaded: Runtime, http_server: HttpServer, let_go: threading.Event
) -> None:
    asked: list[str] = []

    def hang(host: str) -> list[str]:
        asked.append(host)
        let_go.wait(20)
        raise OSError("no such name")

    for number in range(NAMES):
        config = {"endpoint": f"https://dead-{number}.example.com/in"}
        made = catalogue.create_channel(
            ward.rt, name=f"Team {number}", driver="webhook", config=config, actor=ward.admin, now=ward.now
        )
        write(ward, made.id, 1)
    ward.reached_by("Ravi", "webhook", f"{http_server.url}/in")
    incident_id = ward.opens()
    cookie = browser(ward.rt, ward.admin).cookie

    async def night() -> None:
        http = OutboundHttp(AddressFilter(LOOPBACK, resolve=Lookups(hang, seconds=10)))
        rt = replace(threaded, outside=replace(threaded.outside, http=http))
        async with serving(rt) as app:
            while len(asked) < NAMES or not http_server.requests:
                await deliver.deliver_due(rt, ward.now)
            assert (await app.call("GET", "/health")).status == 200
            assert (await dashboard(app, cookie)).status == 200
            let_go.set()

    asyncio.run(night())
    assert len(http_server.wait_for(1)) == 1
    assert ward.statuses(incident_id) == [NotificationStatus.SENT]
    waiting = select(NotificationRow.status, NotificationRow.last_error).where(NotificationRow.channel_id.is_not(None))
    again = [tuple(row) for row in ward.reads(lambda tx: tx.execute(waiting).all())]
    assert again == [(NotificationStatus.RETRYING, "the host name could not be looked up")] * NAMES


def test_slow_page_views_hold_up_no_escalation(
    ward: Ward, threaded: Runtime, let_go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "VISIT_PATIENCE_SECONDS", 0.01)
    ward.opens()
    ward.delivers()
    ward.world.clock.advance(minutes=15)
    cookie = browser(ward.rt, ward.admin).cookie
    looking = threading.Semaphore(0)

    def slow(_tx: Tx) -> None:
        looking.release()
        let_go.wait(20)

    async def view() -> None:
        await begin_visit()
        await threaded.db.run_read(slow)

    async def night() -> None:
        async with serving(threaded) as app:
            views = [asyncio.ensure_future(view()) for _ in range(VISIT_THREADS)]
            while looking._value < VISIT_THREADS:
                await asyncio.sleep(0.005)
            assert (await climb.climb_due(threaded, ward.now, None)).stepped == 1
            await deliver.deliver_due(threaded, ward.now)
            assert len(ward.sent_to("Noor")) == 1
            assert (await app.call("GET", "/health")).status == 200
            refused = await dashboard(app, cookie)
            assert (refused.status, refused.headers[b"retry-after"]) == (503, b"2")
            let_go.set()
            await asyncio.gather(*views)
            assert (await dashboard(app, cookie)).status == 200

    asyncio.run(night())


def test_a_look_up_that_hangs_does_not_hold_up_the_end(
    ward: Ward, threaded: Runtime, let_go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clockwork, "STOP_SECONDS", 0.05)
    ward.reached_by("Ravi", "webhook", "https://dead.example.com/in")
    incident_id = ward.opens()
    asked = threading.Event()

    def hang(_host: str) -> list[str]:
        asked.set()
        let_go.wait(20)
        return []

    async def night() -> float:
        http = OutboundHttp(AddressFilter(LOOPBACK, resolve=Lookups(hang, seconds=20)))
        rt = replace(threaded, outside=replace(threaded.outside, http=http))
        async with running(create_app(rt=rt)):
            while not asked.is_set():
                await asyncio.sleep(0.005)
            begun = asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - begun

    assert asyncio.run(night()) < 5
    # Its lease runs out, and the next process sends it.
    assert ward.statuses(incident_id) == [NotificationStatus.IN_FLIGHT]
