"""From a real REST server with three pages of tasks to a real mailbox, by SMTP and by SES; and the preview of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.platform.addresses import AddressFilter
from app.platform.mail import SmtpMail
from app.platform.ports import Outside
from app.platform.runtime import in_thread
from app.usecases import run_alarms
from tests.service.alarms.conftest import Watch
from tests.support.http_server import Answer, HttpServer, Request
from tests.support.loopback import LOOPBACK, LoopbackHttp
from tests.support.smtp import SmtpServer
from tests.support.vendors.ses import KEYS, REGION, Ses

TASKS = [
    {
        "jeditaskid": number, "taskname": f"sim.{number}", "status": "running", "username": "someone", "site": "SITE",
        "nfinished": 100 - number, "nfailed": number, "nfinalfailed": number, "nactive": 0, "nretries": 0,
        "failurerate": 0.0, "computed_failurerate": 1.0, "computed_finalfailurerate": number / 100,
    }
    for number in range(60, 0, -1)
]  # fmt: skip


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for what goes over the wire."""
    return sqlite_url


def panda(request: Request) -> Answer:
    """Pages of twenty tasks, newest first."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
    before = int(query.get("before_id", 10**9))
    page = [task for task in TASKS if int(str(task["jeditaskid"])) < before][:20]
    last = page[-1]["jeditaskid"]
    body = {"items": page, "has_more": last != 1, "next_before_id": last}
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def source() -> Iterator[HttpServer]:
    """The REST source."""
    server = HttpServer()
    server.answer_by(panda)
    server.start()
    yield server
    server.stop()


def real(watch: Watch, source: HttpServer, **settings: object) -> Watch:
    """The same, going out over real sockets."""
    wired = watch.with_settings(alarm_api_base_url=source.url, outbound_allowed_networks=LOOPBACK, **settings)
    filter = AddressFilter(LOOPBACK)
    outside = Outside(LoopbackHttp(filter), SmtpMail(filter), in_thread, watch.rt.clock.now, allowed_networks=LOOPBACK)
    wired.rt = replace(wired.rt, outside=outside)
    wired.makes(
        "tasks", module="panda_failure_rate_eic_all", title="Failing tasks", content="Look at the *site* first.",
        params={"threshold": 0.56, "since_days": 2, "username": "someone"},
    )  # fmt: skip
    return wired


def test_the_mail_that_arrives_is_the_preview_that_was_shown(
    watch: Watch, source: HttpServer, smtp_server: SmtpServer
) -> None:
    wired = real(watch, source, smtp_host="127.0.0.1", smtp_port=smtp_server.port, smtp_starttls=False)
    shown = wired.run(run_alarms.preview(wired.rt, name="tasks", params=None, content=None, now=wired.now))
    assert (shown.is_synthetic, shown.message.subject) == (False, "Failing tasks: 4 detections")
    asked = [parse_qs(urlsplit(request.path).query) for request in source.requests]
    assert [query.get("before_id") for query in asked] == [None, ["41"], ["21"]]
    assert asked[0] == {"days": ["2"], "username": ["someone"], "limit": ["200"]}

    run = wired.run(run_alarms.run_now(wired.rt, wired.now, name="tasks"))
    wired.delivers()
    (mail,) = smtp_server.wait_for(1)
    plain, html = mail.message.get_body(("plain",)), mail.message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert mail.recipients == ["ops@example.com"]
    assert mail.message["Subject"] == shown.message.subject
    assert plain.get_content().splitlines() == shown.message.text.splitlines()
    assert html.get_content().splitlines() == shown.message.html.splitlines()
    assert all(f"sim.{number}: final failure rate 0.{number}" in plain.get_content() for number in (57, 58, 59))
    assert run.counters["events_new"] == 4


def test_a_preview_has_what_is_not_saved_yet(watch: Watch, source: HttpServer) -> None:
    wired = real(watch, source)
    unsaved: dict[str, Any] = {
        "params": {"threshold": 0.58, "username": "someone"},
        "title": "Tasks that fail",
        "content": "Call.",
    }
    unsaved["module"] = "panda_failure_rate_user"
    shown = wired.run(run_alarms.preview(wired.rt, name="tasks", now=wired.now, **unsaved))
    assert shown.message.subject == "Tasks that fail: 2 detections"
    assert "Call." in shown.message.text
    assert wired.stored().title == "Failing tasks"


def test_a_preview_is_made_up_only_where_nothing_fires(watch: Watch) -> None:
    shown = watch.run(run_alarms.preview(watch.rt, name="probe", params=None, content="New *words*.", now=watch.now))
    assert shown.is_synthetic
    assert "New *words*." in shown.message.text
    assert "Nothing fires just now: the detection below is made up" in shown.message.text
    assert watch.rows() == []


def test_by_ses_it_goes_out_once_ses_is_back(watch: Watch, source: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["secret_access_key"])
    with Ses.open() as ses:
        wired = real(watch, source, email_backend="ses", ses_region=REGION, ses_endpoint_url=ses.url)
        shown = wired.run(run_alarms.preview(wired.rt, name="tasks", params=None, content=None, now=wired.now)).message
        ses.server.answer(Ses.refusal)
        wired.run(run_alarms.run_now(wired.rt, wired.now, name="tasks"))
        wired.delivers()
        assert wired.event("task:60").last_notified is None
        wired.world.clock.advance(minutes=5)
        wired.run(run_alarms.run_now(wired.rt, wired.now, name="tasks"))
        wired.delivers()
        assert wired.event("task:60").last_notified == wired.now
        assert len(ses.requests) == 2
        mail = ses.mail()
        assert mail["Destination"] == {"ToAddresses": ["ops@example.com"]}
        sent = mail["Content"]["Simple"]
        assert sent["Subject"]["Data"] == shown.subject == "Failing tasks: 4 detections"
        text = sent["Body"]["Text"]["Data"].replace(" (still firing, since 2026-03-02 09:00 UTC)", "")
        assert text.splitlines() == shown.text.splitlines()
