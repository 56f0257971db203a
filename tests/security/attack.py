"""Posts hostile cases to the whole application in this process and says which promise broke."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.main import create_app
from app.platform.ports import HttpAnswer, HttpFailed
from app.platform.runtime import build_runtime
from app.platform.settings import Settings
from tests.kill.appliance import ADMIN_EMAIL, ADMIN_PASSWORD, Desk, fresh_server
from tests.kill.calls import basic
from tests.kill.facts import Store
from tests.kill.ledger import Ledger
from tests.kill.sink import running_sink
from tests.security.asgi import Direct, Reply, running
from tests.security.hostile import FIXTURES, Case, Cases
from tests.security.wire import throw

LIMIT_BYTES = 1_048_576
WORKERS = 16
MOST_FINDINGS = 20
CERTIFICATE = FIXTURES / "cloudwatch" / "_sns_test_cert.pem"


@dataclass
class AttackReport:
    """How many of what, and every finding with what it takes to see it again."""

    cases: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    good: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[tuple[str, str]]:
        """The table: what and how much."""
        return [
            ("bodies posted", f"{self.cases} in {self.seconds:.0f} s"),
            ("kinds", ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))),
            ("answers", ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))),
            ("good alerts hidden among bad ones", f"{self.good}"),
            ("violations", str(len(self.findings))),
        ]


def settings_for(database_url: str) -> Settings:
    """A test process in safe mode, without workers: only intake is of interest."""
    return Settings(
        pagerpal_env="test", database_url=database_url, secret_key="hostile-0123456789-abcdefghijklmnop-XYZ",
        notification_sending_enabled=False, notification_retry_worker_enabled=False, escalation_worker_enabled=False,
        pipeline_worker_enabled=False, retention_worker_enabled=False, oncall_watch_worker_enabled=False,
    )  # fmt: skip


class OnlyTheCertificate:
    """The `Http` port: serves the certificate that the signed fixtures name, and nothing else."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        """The certificate for a vendor's address."""
        if method == "GET" and url.startswith("https://sns."):
            return HttpAnswer(200, {}, CERTIFICATE.read_bytes())
        raise HttpFailed(f"nothing may be asked of {url[:60]}", permanent=True)


async def assault(folder: Path, *, cases: int, seed: int) -> AttackReport:
    """Everything: a fresh SQLite appliance in this process, then the real server over raw sockets."""
    url = f"sqlite:///{folder / 'hostile.db'}"
    with running_sink(folder / "mails.jsonl") as sink, fresh_server(folder, url, sink.port) as server:
        report = await attack(url, cases=cases, seed=seed)
        server.start()
        duty = Desk(server.port).duty("honest")
        report.findings += throw(server, duty, Ledger(folder / "senders.jsonl"))
        return report


async def attack(database_url: str, *, cases: int, seed: int) -> AttackReport:
    """Post `cases` hostile requests to an application on this migrated database with an administrator."""
    report = AttackReport()
    begun = time.monotonic()
    made = Cases(seed)
    kept: list[str] = []
    rt = build_runtime(settings_for(database_url))
    rt = replace(rt, outside=replace(rt.outside, http=OnlyTheCertificate()))
    async with running(create_app(rt=rt)) as app:
        key = await _source_key(app)
        numbers = iter(range(cases))

        async def work() -> None:
            for number in numbers:
                case = made.case(number)
                _judge(report, case, await _post(app, case, key), kept)

        await asyncio.gather(*(work() for _ in range(WORKERS)))
    stored = {row["name"] for row in Store(database_url).rows("SELECT name FROM alerts WHERE name LIKE 'good %'")}
    report.findings += [
        f"lost good alert: «{name}» was accepted and is not stored" for name in kept if name not in stored
    ]
    report.good = len(kept)
    report.cases = cases
    report.seconds = time.monotonic() - begun
    return report


async def _source_key(app: Direct) -> bytes:
    headers = [(b"content-type", b"application/json")]
    headers += [(name.lower().encode(), value.encode()) for name, value in basic(ADMIN_EMAIL, ADMIN_PASSWORD).items()]
    body = {"name": "attacked", "driver": "auto", "config": {"allow_query_key": True}}
    reply = await app.call("POST", "/api/v1/alert-sources", json.dumps(body).encode(), headers=headers)
    assert reply.status == 201, reply
    return str(json.loads(reply.body)["api_key"]).encode()


async def _post(app: Direct, case: Case, key: bytes) -> Reply:
    headers = list(case.headers)
    if case.has_key:
        headers.append((b"x-api-key", key))
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return await app.call(
        case.method, case.path, case.body, query=case.query, headers=headers, chunks=case.chunks, cut_off=case.cut_off
    )


def _judge(report: AttackReport, case: Case, reply: Reply, kept: list[str]) -> None:
    report.kinds[case.kind.split(" in ")[0].split(" ")[0] if case.kind.startswith("in ") else case.kind] += 1
    report.statuses[reply.status] += 1
    found = _fault(case, reply)
    if found and len(report.findings) < MOST_FINDINGS:
        where = f"{case.method} {case.path[:80]} {case.query[:60]!r} {case.headers}"
        report.findings.append(f"case {case.number} ({case.kind}): {found}; {where}; body {case.body[:400]!r}")
    if case.good and reply.status == 202:
        kept += case.good


def _fault(case: Case, reply: Reply) -> str | None:
    if reply.error is not None:
        return f"raised {type(reply.error).__name__}: {reply.error}"
    if case.cut_off:
        return None if reply.status < 500 else f"answered {reply.status} to a caller who had left"
    if reply.status == 0 or reply.status >= 500:
        return f"answered {reply.status}: {reply.body[:300]!r}"
    if case.good and reply.status != 202 and len(case.body) <= LIMIT_BYTES:
        return f"refused a batch with good alerts: {reply.status} {reply.body[:300]!r}"
    if reply.status >= 400 and case.method != "HEAD" and not _is_problem(reply):
        return f"answered {reply.status} without problem+json: {reply.body[:100]!r}"
    return None


def _is_problem(reply: Reply) -> bool:
    try:
        problem: Any = json.loads(reply.body)
    except ValueError:
        return False
    kind = reply.headers.get(b"content-type", b"").split(b";")[0]
    return kind == b"application/problem+json" and problem.get("status") == reply.status


__all__ = ["AttackReport", "assault", "attack", "settings_for"]
