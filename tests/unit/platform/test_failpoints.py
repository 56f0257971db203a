"""Failpoints: inert by default, armed only in tests, named by the source itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform import failpoints
from app.platform.errors import StartRefused
from app.platform.failpoints import Action, FailpointRaised, arm, disarm, fp, named_places, parse
from app.platform.settings import Settings


@pytest.fixture(autouse=True)
def _inert_again() -> Iterator[None]:
    yield
    disarm()


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source names two places."""
    monkeypatch.setattr(failpoints, "named_places", lambda: {"ingest.after_commit": [], "notify.before_send": []})


def test_places_do_nothing_by_default() -> None:
    fp("ingest.after_commit")


def test_an_armed_place_raises(places: None) -> None:
    arm(Settings(pagerpal_env="test", pagerpal_failpoints="ingest.after_commit=raise"))
    fp("notify.before_send")
    with pytest.raises(FailpointRaised, match=r"ingest\.after_commit"):
        fp("ingest.after_commit")


def test_an_armed_place_sleeps(places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    arm(Settings(pagerpal_env="test", pagerpal_failpoints="notify.before_send=sleep:2"))
    fp("notify.before_send")
    assert slept == [2.0]


def test_a_probability_of_zero_never_strikes(places: None) -> None:
    arm(Settings(pagerpal_env="test", pagerpal_failpoints="ingest.after_commit=raise:0"))
    for _ in range(100):
        fp("ingest.after_commit")


def test_kill_is_a_real_sigkill() -> None:
    code = (
        "from app.platform import failpoints as f\n"
        "f._armed['here'] = f.Action('kill', 1.0)\n"
        "f.fp('here')\n"
        "print('survived')\n"
    )
    root = Path(failpoints.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=root, env=os.environ, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, b"", b"failpoint here: kill\n")


@pytest.mark.parametrize("environment", ["production", "development"])
def test_no_other_environment_can_be_armed(environment: str) -> None:
    settings = Settings.model_validate(
        {
            "pagerpal_env": environment,
            "secret_key": "kX3vq8Zb1nLr5TyWm0cJd7fGh2sPa9Ue",
            "pagerpal_failpoints": "ingest.after_commit=raise",
        }
    )
    with pytest.raises(StartRefused, match="PAGERPAL_ENV=test"):
        arm(settings)
    fp("ingest.after_commit")


def test_an_unknown_place_stops_the_start(places: None) -> None:
    with pytest.raises(StartRefused, match="no such place: ingest\\.typo"):
        arm(Settings(pagerpal_env="test", pagerpal_failpoints="ingest.typo=kill"))


def test_actions_are_read() -> None:
    assert parse("a.b=kill:0.2, c=raise,d=sleep:2") == {
        "a.b": Action("kill", 0.2),
        "c": Action("raise", 1.0),
        "d": Action("sleep", 2.0),
    }


@pytest.mark.parametrize("text", ["a", "a=", "a=explode", "a=kill:2", "a=raise:-1", "a=sleep:soon"])
def test_an_action_that_cannot_be_read_stops_the_start(text: str) -> None:
    with pytest.raises(StartRefused, match="PAGERPAL_FAILPOINTS"):
        parse(text)


def test_names_come_from_the_source(tmp_path: Path) -> None:
    package = tmp_path / "app"
    package.mkdir()
    (package / "one.py").write_text('fp("b.two")\n\n\ndef f():\n    fp("a.one")\n')
    (package / "two.py").write_text('fp("a.one")\nother("c")\n# fp("d")\n')
    assert named_places(package) == {"a.one": ["app/one.py:5", "app/two.py:1"], "b.two": ["app/one.py:1"]}
