"""A backtest plays what was kept again, by the module and parameters of today."""

import json

import pytest

from app.alarms.errors import NothingStored
from app.alarms.types import Outcome
from app.platform.ports import HttpAnswer, HttpFailed
from app.usecases import run_alarms
from tests.service.alarms.conftest import LISTED, Watch


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for processes."""
    return sqlite_url


def test_it_tells_what_other_parameters_would_have_told(watch: Watch) -> None:
    watch.drops("listed", LISTED)
    watch.makes("disks", module="listed", params={"url": "https://stats.example.com/"})
    for value in (50, 50, 90, None, 10, 90):
        body = json.dumps({"items": [{"name": "disk", "value": value}]}).encode()
        watch.world.http.next.append(HttpFailed("no answer") if value is None else HttpAnswer(200, {}, body))
        watch.run(run_alarms.run_now(watch.rt, watch.now, name="disks"))
        watch.world.clock.advance(minutes=5)
    watch.delivers()
    asked = len(watch.world.http.calls)

    stored = watch.run(run_alarms.backtest(watch.rt, name="disks", days=1, now=watch.now))
    assert (stored.ticks, stored.fired, stored.cleared) == (5, 1, 0)
    watch.sets(params={"url": "https://stats.example.com/", "over": 60})
    told = watch.run(run_alarms.backtest(watch.rt, name="disks", days=1, now=watch.now))
    assert told.outcomes == {Outcome.CLEAR: 3, Outcome.FIRING: 2}
    assert (told.fired, told.cleared) == (2, 1)
    assert [mail.subjects for mail in told.mails] == [("disk is 90",), ("disk is 90",)]
    assert len(watch.world.http.calls) == asked


ASKING = '''"""Asks with a key, and says what it was answered."""
from app.alarms.modules._base import Detection

PARAMS = {"key": {"type": str, "required": True}}


def detect(client, params):
    headers = {"Authorization": f"Bearer {params['key']}", "X-Tenant": params["key"]}
    url = f"https://u:{params['key']}@stats.example.com/?api_key={params['key']}"
    answer = client.request("POST", url, headers=headers, body="q=1")
    if answer.headers.get("x-mark"):
        yield Detection("mark", answer.json()["said"])
'''
PLANTED = "planted-s3cret-4711"


@pytest.fixture
def asking(watch: Watch) -> Watch:
    """An alarm that was asked once, with a secret in all that went out and came back."""
    watch.drops("asking", ASKING)
    watch.makes("asking", module="asking", params={"key": PLANTED})
    headers = {"x-mark": "1", "set-cookie": f"sid={PLANTED}"}
    watch.world.http.next.append(HttpAnswer(200, headers, json.dumps({"said": "hi", "token": PLANTED}).encode()))
    watch.run(run_alarms.run_now(watch.rt, watch.now, name="asking"))
    return watch


def test_it_asks_again_with_another_key_than_at_that_time(asking: Watch) -> None:
    asking.sets(params={"key": "another-s3cret-0815"})
    told = asking.run(run_alarms.backtest(asking.rt, name="asking", days=1, now=asking.now))
    assert (told.outcomes, told.fired) == ({Outcome.FIRING: 1}, 1)


def test_what_was_not_asked_then_cannot_be_answered_now(watch: Watch) -> None:
    watch.drops("listed", LISTED)
    watch.makes("disks", module="listed", params={"url": "https://stats.example.com/"})
    watch.world.http.next.append(HttpAnswer(200, {}, b'{"items": []}'))
    watch.run(run_alarms.run_now(watch.rt, watch.now, name="disks"))
    watch.sets(params={"url": "https://other.example.com/"})
    told = watch.run(run_alarms.backtest(watch.rt, name="disks", days=1, now=watch.now))
    assert told.outcomes == {Outcome.UNKNOWN: 1}
    assert "was not asked at that time" in told.last_error


def test_what_is_the_data_of_others_is_not_kept(watch: Watch) -> None:
    watch.makes("lag", module="sql_query", params={"connection": "stats", "query": "SELECT 1 AS one"})
    with pytest.raises(NothingStored):
        watch.run(run_alarms.backtest(watch.rt, name="lag", days=1, now=watch.now))
