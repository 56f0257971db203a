"""Crews of threads: what hangs in one holds up no other, and not the end of the process."""

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest
from anyio import to_thread

from app.platform import crews
from app.platform.crews import Crew, begin_visit, is_visit, limit_visits
from app.platform.errors import Unavailable

HANGS = """
import asyncio, threading
from app.platform.addresses import Lookups, NameNotResolved
from app.platform.crews import Crew, in_visitors_thread, leave_what_hangs

async def main():
    names = Lookups(lambda host: threading.Event().wait(), seconds=0.01)
    try:
        await names("dead.example.com")
    except NameNotResolved as error:
        print(error)
    hanging = [Crew("duty", threads=1), in_visitors_thread]
    hanging = [asyncio.ensure_future(each(threading.Event().wait)) for each in hanging]
    await asyncio.sleep(0.01)

asyncio.run(main())
leave_what_hangs(patience_seconds=0.01)
"""


def fails() -> None:
    raise ZeroDivisionError


async def test_what_a_thread_raises_is_raised_where_it_is_waited_for() -> None:
    crew = Crew("test", threads=1)
    with pytest.raises(ZeroDivisionError):
        await crew(fails)
    assert await crew(threading.current_thread) is not threading.current_thread()


async def test_a_thread_sees_what_its_caller_sees() -> None:
    seen: ContextVar[str] = ContextVar("seen")
    seen.set("here")
    assert await Crew("test", threads=1)(seen.get) == "here"


async def test_there_are_never_more_threads_than_allowed() -> None:
    crew, together = Crew("test", threads=3), threading.Barrier(3)
    found = await asyncio.gather(*(crew(lambda: (together.wait(5), threading.get_ident())) for _ in range(9)))
    assert len({ident for _, ident in found}) == 3


async def test_more_than_may_wait_is_refused_and_who_gave_up_makes_room() -> None:
    crew, let_go = Crew("test", threads=1, waiting=1), threading.Event()
    hanging = asyncio.ensure_future(crew(let_go.wait))
    await asyncio.sleep(0)
    while crew._jobs:
        await asyncio.sleep(0.001)
    waiting = asyncio.ensure_future(crew(int))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await crew(int)
    waiting.cancel()
    await asyncio.sleep(0)
    instead = asyncio.ensure_future(crew(int))
    await asyncio.sleep(0)
    let_go.set()
    assert (await hanging, await instead) == (True, 0)


def test_the_process_ends_while_a_look_up_a_read_and_a_request_hang() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "the host name could not be looked up within 0.01 s\n"
    assert ended.stderr == ""


async def test_a_request_waits_for_a_thread_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_visits()
    limiter = to_thread.current_default_thread_limiter()
    places = [object() for _ in range(crews.VISIT_THREADS)]
    for place in places:
        limiter.acquire_on_behalf_of_nowait(place)
    visit = asyncio.ensure_future(begin_visit())
    await asyncio.sleep(0)
    assert not visit.done()
    limiter.release_on_behalf_of(places[0])
    await visit

    limiter.acquire_on_behalf_of_nowait(places[0])
    monkeypatch.setattr(crews, "VISIT_PATIENCE_SECONDS", 0.001)
    with pytest.raises(Unavailable) as refused:
        await begin_visit()
    assert refused.value.retry_after_seconds
    assert is_visit()


async def test_a_request_behind_too_many_others_is_refused_at_once() -> None:
    limit_visits()
    limiter = to_thread.current_default_thread_limiter()
    for _ in range(crews.VISIT_THREADS):
        limiter.acquire_on_behalf_of_nowait(object())
    waiting = [asyncio.ensure_future(begin_visit()) for _ in range(crews.VISITS_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await begin_visit()
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
