"""The readiness checklist as live checks."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app.accounts import queries as people
from app.platform import lease
from app.platform.runtime import Runtime
from app.usecases import catalogue, watch
from app.usecases.watch import CheckStatus, ReadinessItem
from tests.service.watch.conftest import Opener
from tests.support.clock import FrozenClock

CHECKS = [
    "placeholders", "secret_key", "session_cookie", "base_url", "allowed_origins", "tls", "sending", "providers",
    "migrations", "admin", "fallback", "workers", "provider_health", "test_alert", "coverage", "rota", "levels",
    "routing", "local_checks", "retention", "backup", "durability",
]  # fmt: skip


def found(rt: Runtime) -> dict[str, ReadinessItem]:
    """Every check by name."""
    return {item.check: item for item in watch.readiness(rt, rt.clock.now())}


def test_the_list_is_complete_and_in_order(rt: Runtime) -> None:
    assert list(found(rt)) == CHECKS


def test_an_admin_turns_two_checks_green(rt: Runtime, request: pytest.FixtureRequest) -> None:
    before = found(rt)
    assert (before["admin"].status, before["fallback"].status) == (CheckStatus.FAIL, CheckStatus.FAIL)
    request.getfixturevalue("admin")
    after = found(rt)
    assert (after["admin"].status, after["fallback"].status) == (CheckStatus.OK, CheckStatus.OK)
    assert "Ada" in after["fallback"].detail


async def test_the_leader_must_be_alive(rt: Runtime, clock: FrozenClock) -> None:
    assert found(rt)["workers"].status is CheckStatus.FAIL
    rt.db.write(lambda tx: lease.take(tx, lease.LEADER, owner=rt.owner, now=clock.now()))
    await watch.beat(rt, clock.now())
    assert found(rt)["workers"].status is CheckStatus.OK
    clock.advance(minutes=1)
    assert found(rt)["workers"].status is CheckStatus.FAIL


def test_a_switched_off_worker_is_named(rt: Runtime) -> None:
    off = replace(rt, settings=rt.settings.model_copy(update={"escalation_worker_enabled": False}))
    assert found(off)["workers"].detail == "Switched off: ESCALATION_WORKER_ENABLED."


def test_the_schema_of_another_version_is_red_and_ends_the_list(rt: Runtime) -> None:
    rt.db.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = 'other'")))
    items = found(rt)
    assert items["migrations"].status is CheckStatus.FAIL
    assert list(items)[-1] == "migrations"


def test_committed_is_kept(rt: Runtime) -> None:
    if rt.db.dialect == "sqlite":
        Path(str(rt.db.url.database)).chmod(0o600)
    item = found(rt)["durability"]
    if rt.db.dialect == "sqlite":
        assert item.status is CheckStatus.OK
    else:
        # The test server runs without fsync, which a real one must not.
        assert (item.status, "off" in item.detail) == (CheckStatus.FAIL, True)


def test_a_database_file_that_others_can_read_is_told(rt: Runtime) -> None:
    if rt.db.dialect == "sqlite":
        Path(str(rt.db.url.database)).chmod(0o604)
        assert found(rt)["durability"].status is CheckStatus.WARN


def test_until_a_test_alert_was_answered_the_list_asks_for_one(rt: Runtime, admin: int, opener: Opener) -> None:
    opener(paged_to=admin)
    assert found(rt)["test_alert"].status is CheckStatus.WARN


def test_a_channel_stands_in_for_missing_providers(rt: Runtime, clock: FrozenClock, admin: int) -> None:
    assert found(rt)["providers"].status is CheckStatus.FAIL
    actor = rt.db.read(lambda tx: people.get_user(tx, admin))
    catalogue.create_channel(
        rt,
        name="chat",
        driver="webhook",
        config={"endpoint": "https://chat.example.com/in"},
        actor=actor,
        now=clock.now(),
    )
    assert found(rt)["providers"].status is CheckStatus.WARN
