"""`serve`: the first start, an orderly stop, and everything that must not start."""

import json
import re
import shlex
import signal
import sqlite3
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Served
from tests.support.people import PASSWORD

Start = Callable[..., Served]


def test_the_first_start_says_what_to_do_and_the_curl_line_works(start: Start, run: Run) -> None:
    server = start()
    server.wait_until("curl")
    assert f"PagerPal 0.1.0 answers at http://127.0.0.1:{server.port}" in server.said
    assert re.search(r"/login with this set-up code: [2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", server.said)
    assert server.get("/health")[0] == 200
    line = next(line for line in server.said.splitlines() if line.strip().startswith("curl"))
    done = subprocess.run([*shlex.split(line), "-s"], capture_output=True, text=True, timeout=20, check=True)
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["incidents_created"]) == ("accepted", 1)
    beside = run("send-test-alert")
    assert (beside.returncode, beside.stdout) == (0, "Sent; see http://127.0.0.1:8000/incidents/2\n")


@pytest.mark.parametrize("told", ["", "https://pager.example.com"])
def test_links_lead_to_the_port_that_is_served_unless_an_address_was_told(start: Start, run: Run, told: str) -> None:
    server = start(PAGERPAL_BASE_URL=told)
    server.wait_until("answers at")
    assert run("create-admin", "--email", "ada@example.com", "--password-stdin", given=PASSWORD).returncode == 0
    credentials = b64encode(f"ada@example.com:{PASSWORD}".encode()).decode()
    status, body = server.get("/api/v1/system/integrations", {"Authorization": f"Basic {credentials}"})
    assert status == 200
    url = json.loads(body)["twilio"]["inbound_url"]
    assert url.startswith(f"{told or f'http://127.0.0.1:{server.port}'}/integrations/")


def test_a_stop_is_orderly_and_ends_with_0(start: Start) -> None:
    server = start()
    server.wait_until("answers at")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert "Traceback" not in server.said


def test_demo_needs_no_key_and_sends_nothing(start: Start) -> None:
    server = start("--demo", SECRET_KEY="", PAGERPAL_ENV="")
    server.wait_until("Safe mode")
    assert json.loads(server.get("/health")[1])["sending"] is False


def test_uvicorn_can_start_it_too(start: Start) -> None:
    server = start(launcher=("-m", "uvicorn", "app.main:app"))
    server.wait_until("Uvicorn running")
    assert server.get("/health")[0] == 200
    assert server.said.count("set-up code: ") == server.said.count("X-API-Key: ") == 1


def test_uvicorn_with_several_workers_ends_with_a_sentence(start: Start) -> None:
    server = start(launcher=("-m", "uvicorn", "app.main:app", "--workers", "2"))
    server.process.wait(30)
    assert "start several processes on one PostgreSQL database" in server.said
    assert "Traceback" not in server.said


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "a weak key": ({"PAGERPAL_ENV": "production", "SECRET_KEY": "changeme"}, "SECRET_KEY is a placeholder"),
    "a wrong value": ({"SMTP_PORT": "many"}, "SMTP_PORT: "),
    "a missing file": ({"SMTP_PASSWORD": "", "SMTP_PASSWORD_FILE": "/nowhere"}, "SMTP_PASSWORD_FILE: "),
    "several workers": ({"WEB_CONCURRENCY": "4"}, "one worker per process"),
    "an unknown failpoint": ({"PAGERPAL_FAILPOINTS": "no.such=kill"}, "no such place: no.such"),
    "no database": ({"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "DATABASE_URL: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_must_not_start_says_why_in_one_sentence(run: Run, case: str) -> None:
    variables, sentence = REFUSED[case]
    done = run("serve", "--port", "0", **variables)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newer_schema_is_refused_even_with_auto_migrate(run: Run, tmp_path: Path) -> None:
    run("migrate")
    database = sqlite3.connect(tmp_path / "pagerpal.db")
    with database:
        database.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    database.close()
    done = run("serve", "--port", "0", AUTO_MIGRATE="true")
    assert (done.returncode, "which this version does not know" in done.stderr) == (1, True)
