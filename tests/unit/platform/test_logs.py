"""Log lines: one per event, with ids, without secrets."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from app.platform.logs import bound, configure, get_logger
from app.platform.settings import Settings

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    """Everything logged so far, read as JSON."""
    stream = io.StringIO()
    configure(Settings(pagerpal_env="test"), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_the_event_its_facts_and_a_utc_time(lines: Lines) -> None:
    get_logger("app.test").info("Page sent", incident_id=42)
    [line] = lines()
    assert line.pop("at").endswith("Z")
    assert line == {"event": "Page sent", "incident_id": 42, "level": "info", "logger": "app.test"}


def test_ids_are_on_every_line_inside_and_gone_after(lines: Lines) -> None:
    with bound(trace_id="t1", run_id="r1"):
        get_logger("app.test").info("inside")
        logging.getLogger("library").warning("inside a library")
    get_logger("app.test").info("after")
    inside, library, after = lines()
    assert (inside["trace_id"], inside["run_id"]) == ("t1", "r1")
    assert library["trace_id"] == "t1"
    assert "trace_id" not in after


def test_secrets_are_taken_out(lines: Lines) -> None:
    get_logger("app.test").warning(
        "Send failed",
        config={"webhook_url": "https://canary"},
        url="https://u:canary@example.com/",
        smtp_password="canary",
    )
    [line] = lines()
    assert "canary" not in json.dumps(line)


def test_a_traceback_stays_one_line(lines: Lines) -> None:
    try:
        raise ValueError("postgresql://pager:canary@db.example.com/x")
    except ValueError:
        get_logger("app.test").exception("Job failed")
    [line] = lines()
    assert "ValueError" in line["exception"]
    assert "canary" not in line["exception"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/alerts/webhook/?api_key=canary", "/alerts/webhook/?api_key=***"),
        ("/a/canary.canary", "/a/***"),
        ("/integrations/infobip_inbound/canary/", "/integrations/infobip_inbound/***/"),
        ("/ping/canary/fail", "/ping/***/fail"),
        ("/incidents/42", "/incidents/42"),
    ],
)
def test_access_lines_hide_credentials_in_paths(lines: Lines, path: str, shown: str) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "10.0.0.1", "GET", path, "1.1", 200)
    [line] = lines()
    assert line["event"] == f'10.0.0.1 - "GET {shown} HTTP/1.1" 200'


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_text_from_outside_cannot_forge_a_line(log_format: str) -> None:
    stream = io.StringIO()
    configure(Settings.model_validate({"pagerpal_env": "test", "log_format": log_format}), stream)
    get_logger("app.test").info("bad\nat=2026 level=error\x1b[2J", name="a\r\nb\u2028c\u0085d")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_settings_that_do_nothing_are_told_at_the_start() -> None:
    stream = io.StringIO()
    configure(Settings(pagerpal_env="test", ui_password="hunter2"), stream)
    [line] = stream.getvalue().splitlines()
    assert "UI_USERNAME and UI_PASSWORD are ignored" in line
    assert "hunter2" not in line


def test_text_lines_read_from_left_to_right() -> None:
    stream = io.StringIO()
    configure(Settings(pagerpal_env="test", log_format="text"), stream)
    get_logger("app.test").warning("Page late", seconds=3)
    assert stream.getvalue().split("Z ", 1)[1] == "warning  app.test: Page late seconds=3\n"
