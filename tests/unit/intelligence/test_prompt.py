"""What leaves in a prompt: what is listed, inside the fence, clipped, and none of 500 planted secrets."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from app.intelligence.prompt import FENCE, QUESTION, SCHEMA, SYSTEM, build
from app.intelligence.scrub import scrub_text
from app.intelligence.types import ALL_LABELS, AlertFacts, CheckFacts, Prompt, Subject
from tests.support.injections import INJECTIONS
from tests.support.planted import planted

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def subject_with(texts: list[str]) -> Subject:
    """An incident that has these texts in every place that a sender can write into."""
    described = " ".join(texts)
    alert = AlertFacts(
        name=texts[0],
        status="firing",
        severity="critical",
        description=described,
        labels={f"label_{index}": text for index, text in enumerate(texts)} | {"api_token": texts[0]},
        annotations={text: text for text in texts},
        started_at=START,
    )
    return Subject(
        incident_id=7,
        title=texts[-1],
        severity="critical",
        status="triggered",
        description=described,
        metadata={"nested": {"list": [*texts]}},
        alerts=(alert,),
        checks=(CheckFacts("disk", "warning", described, {"output": described, "percent": 91.5}),),
    )


def told(prompt: Prompt) -> dict[str, Any]:
    """The data inside the fence."""
    opened, _, rest = prompt.user.partition(f"<{FENCE}>\n")
    data, _, after = rest.partition(f"\n</{FENCE}>")
    assert opened == ""
    assert after == f"\n\n{QUESTION}"
    found: dict[str, Any] = json.loads(data)
    return found


def test_none_of_500_planted_secrets_is_in_a_prompt() -> None:
    secrets = planted()
    assert len(secrets) == 500
    leaked = []
    for start in range(0, len(secrets), 5):
        batch = secrets[start : start + 5]
        prompt = build(subject_with([text for _, text in batch]), labels=ALL_LABELS)
        whole = prompt.system + prompt.user + prompt.summary
        leaked += [text for secret, text in batch if secret in whole]
    assert leaked == []


def test_a_secret_under_a_telling_name_is_hidden_whatever_it_looks_like() -> None:
    alert = AlertFacts("A", "firing", "critical", labels={"db_password": "summer", "apiKey": "x1", "team": "web"})
    data = told(build(Subject(7, "T", "critical", "triggered", alerts=(alert,)), labels=ALL_LABELS))
    (first,) = data["alerts"]
    assert first["labels"] == {"db_password": "***", "apiKey": "***", "team": "web"}


@pytest.mark.parametrize(
    "text",
    [
        'passwd "letmein99" was refused',
        "login with password letmein99 failed",
        "psql: password 'letmein99'",
        "the password (letmein99) is old",
        "password for user app: letmein99",
        "password was reset to letmein99",
        "credentials of bob: letmein99",
        "secret letmein99 was rejected",
        "API key `letmein99` is unknown",
        "ALTER USER app IDENTIFIED BY 'letmein99'",
        "mongosh -u root -p letmein99",
        "docker login -u bob -p letmein99 registry.example.com",
        "ldapsearch -x -D cn=admin -w letmein99",
        "sqlcmd -S db -U sa -P letmein99",
        "snmpget -v3 -u ops -A letmein99 -X letmein99 switch",
        "smbclient -U bob%letmein99 //files/share",
        "kubectl create secret generic app --from-literal=key=letmein99",
        "git clone bob:letmein99@git.example.com/app",
    ],
)
def test_a_password_is_hidden_however_it_is_said(text: str) -> None:
    assert "letmein99" not in scrub_text(text)


@pytest.mark.parametrize("text", ["password for " + "a " * 2000, "a" * 4000 + ":", "mysql " * 650, "password 'x" * 360])
def test_no_text_keeps_the_scrubber_busy(text: str) -> None:
    # A runaway pattern would take minutes.
    began = time.process_time()
    scrub_text(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "text",
    [
        "HighMemoryUsage on web-prod-03.eu-west-1.example.com:9100 is above 95 %",
        "pod checkout-api-7d9f8b6c5d-x2k4p in namespace shop restarts",
        "/var/lib/postgresql/16/main is 91 % full, 1234567 inodes left",
        "p99 latency of GET /api/v1/orders/{id} is 2.5 s since 2026-03-02T09:00:00Z",
        "KubeDeploymentReplicasMismatch: 2/5 replicas, see runbook",
        "10.20.30.40 does not answer, packet loss 100%",
        'FATAL: password authentication failed for user "app" on db-1',
        'MountVolume.SetUp failed: secret "web-tls-2" not found in namespace shop',
        "token bucket of api-7d9f8 is empty, session pool exhausted: 5 of 5",
        "access key rotation is 5 days overdue, client id 42",
        "ssh -p 2222 web-1 and docker ps -p 80 hang; mailto:ops@example.com",
    ],
)
def test_what_an_engineer_needs_is_left(text: str) -> None:
    assert scrub_text(text) == text


def test_labels_annotations_and_metadata_are_told_only_where_they_are_named() -> None:
    subject = subject_with(["plain text"])
    data = told(build(subject))
    (alert,) = data["alerts"]
    assert (alert["labels"], alert["annotations"], data["metadata"]) == ({}, {}, {})
    (named,) = told(build(subject, labels=frozenset({"label_0"})))["alerts"]
    assert (named["labels"], named["annotations"]) == ({"label_0": "plain text"}, {})


def test_the_prompt_says_json_has_the_schema_and_is_the_same_each_time() -> None:
    subject = subject_with(["plain text"])
    prompt = build(subject)
    assert prompt == build(subject)
    assert prompt.system == SYSTEM
    assert json.dumps(SCHEMA, separators=(",", ":")) in prompt.system
    assert "JSON" in prompt.user
    assert prompt.summary == "plain text (critical; 1 alert, 1 check)"


@pytest.mark.parametrize("text", INJECTIONS)
def test_an_injection_stays_inside_the_fence(text: str) -> None:
    prompt = build(subject_with([text]), labels=ALL_LABELS)
    told(prompt)
    assert prompt.system == SYSTEM
    assert prompt.user.count(f"<{FENCE}>") == prompt.user.count(f"</{FENCE}>") == 1
    assert prompt.user.count("\n") == 4, "data is one line"


def test_a_prompt_is_bounded_however_much_is_sent() -> None:
    alert = AlertFacts("a" * 9999, "firing", "critical", "b" * 99999, labels={f"l{n}": "v" * 9999 for n in range(999)})
    checks = tuple(CheckFacts("disk", "ok", "c" * 99999) for _ in range(99))
    subject = Subject(7, "t" * 9999, "critical", "triggered", "word " * 99999, alerts=(alert,) * 500, checks=checks)
    assert len(build(subject, labels=ALL_LABELS).user) < 250_000
    assert len(build(subject).user) < 100_000
    assert '"description":""' in build(Subject(7, "T", "critical", "triggered", " " * 99999)).user
