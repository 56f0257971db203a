"""`/metrics`: read by Prometheus with its own token, or by any account."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.main import create_app
from app.platform.runtime import Runtime
from tests.security.asgi import Direct, running

TOKEN = "metrics-token-of-this-test"
BEARER = [(b"authorization", f"Bearer {TOKEN}".encode())]


@pytest.fixture
async def app(rt: Runtime) -> AsyncIterator[Direct]:
    """The application with METRICS_TOKEN set."""
    with_token = replace(rt, settings=rt.settings.model_copy(update={"metrics_token": TOKEN}))
    async with running(create_app(rt=with_token, with_clock=False)) as direct:
        yield direct


async def test_prometheus_reads_it_with_the_token(app: Direct) -> None:
    reply = await app.call("GET", "/metrics", headers=BEARER)
    assert reply.status == 200
    assert reply.headers[b"content-type"].startswith(b"text/plain; version=")
    lines = reply.body.decode().splitlines()
    assert 'pagerpal_incidents{status="triggered"} 0.0' in lines
    assert 'pagerpal_notifications{status="pending"} 0.0' in lines
    assert "# TYPE pagerpal_deliveries_total counter" in lines
    assert 'pagerpal_build_info{version="0.1.0"} 1.0' in lines
    assert any(line.startswith('pagerpal_job_healthy{name="escalation"}') for line in lines)


async def test_a_stranger_does_not(app: Direct) -> None:
    assert (await app.call("GET", "/metrics", headers=[])).status == 401
    wrong = [(b"authorization", b"Bearer \xe9")]
    assert (await app.call("GET", "/metrics", headers=wrong)).status == 401


async def test_without_a_token_set_an_empty_one_opens_nothing(rt: Runtime) -> None:
    async with running(create_app(rt=rt, with_clock=False)) as direct:
        assert (await direct.call("GET", "/metrics", headers=[(b"authorization", b"Bearer ")])).status == 401


async def test_the_token_opens_nothing_else(app: Direct) -> None:
    assert (await app.call("GET", "/api/v1/users", headers=BEARER)).status == 401
