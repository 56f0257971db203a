"""Checks that are made, written down and set up, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.accounts.types import User
from app.checks import kinds, queries
from app.checks.errors import CheckerMissing, CheckInvalid, OthersPlaces
from app.checks.queries import CheckRunFilter
from app.checks.types import CheckConfig, CheckOrder, CheckRun, CheckStatus
from app.incidents.types import Actor, Severity
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer, run_checks
from tests.support.clock import FrozenClock
from tests.support.people import add_admin

QUICK = {"samples": 1, "sample_interval": 0.05}


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Somebody who sets checks up."""
    return add_admin(rt)


async def run(rt: Runtime, *orders: CheckOrder, **more: Any) -> list[CheckRun]:
    return await run_checks.run(rt, orders, now=rt.clock.now(), **more)


def change(rt: Runtime, admin: User, checker: str, **changes: Any) -> CheckConfig:
    return run_checks.change_config(rt, checker=checker, changes=changes, actor=admin, now=rt.clock.now())


async def test_a_check_leaves_a_run_with_what_it_found_and_by_which_thresholds(rt: Runtime) -> None:
    (made,) = await run(rt, CheckOrder("memory"), trace_id="t" * 32)
    assert made == rt.db.read(lambda tx: queries.get_run(tx, made.id))
    assert (made.checker_name, made.trace_id, made.executed_at) == ("memory", "t" * 32, rt.clock.now())
    assert (made.warning_threshold, made.critical_threshold) == (70.0, 90.0)
    assert (made.error, made.alert_id, made.incident_id) == ("", None, None)
    assert made.hostname
    assert made.metrics["memory_percent"] > 0
    assert (made.is_ok, made.is_critical, made.has_issue, made.created_alert) == (
        made.status is CheckStatus.OK, made.status is CheckStatus.CRITICAL, not made.is_ok, False
    )  # fmt: skip


async def test_several_checks_come_in_their_order_with_one_trace(rt: Runtime) -> None:
    names = ["disk_linux", "memory", "process", "memory"]
    made = await run(rt, *map(CheckOrder, names))
    assert [each.checker_name for each in made] == names
    assert len({each.trace_id for each in made}) == 1


async def test_an_order_changes_parameters_and_thresholds_this_once(rt: Runtime) -> None:
    (made,) = await run(rt, CheckOrder("cpu", QUICK, warning_threshold=0, critical_threshold=100.0))
    assert made.metrics["samples"] == 1
    assert (made.warning_threshold, made.critical_threshold) == (0.0, 100.0)
    assert made.has_issue
    assert rt.db.read(lambda tx: queries.get_config(tx, "cpu")) == kinds.defaults_of("cpu")


async def test_nothing_is_measured_when_one_order_is_wrong(rt: Runtime) -> None:
    with pytest.raises(CheckerMissing):
        await run(rt, CheckOrder("memory"), CheckOrder("nosuch"))
    with pytest.raises(CheckInvalid):
        await run(rt, CheckOrder("memory"), CheckOrder("cpu", {"samples": 0}))
    with pytest.raises(CheckInvalid):
        await run(rt, CheckOrder("memory", warning_threshold=95.0))
    assert rt.db.read(queries.last_runs) == {}


@pytest.mark.parametrize(
    ("checker", "params"),
    [
        ("disk", {"paths": ["/root"]}),
        ("network", {"hosts": ["127.0.0.1:22"]}),
        ("process", {"processes": ["sshd"]}),
        ("disk_common", {"scan_paths": ["/root"]}),
    ],
)
async def test_where_to_look_is_not_everybodys_to_say(rt: Runtime, checker: str, params: dict[str, Any]) -> None:
    with pytest.raises(OthersPlaces):
        await run(rt, CheckOrder(checker, params), may_choose_places=False)


def test_a_stage_asks_no_host_that_nobody_has_chosen(rt: Runtime, admin: User) -> None:
    def asked() -> set[str]:
        return {order.checker for order in rt.db.read(run_checks.orders_for_stage)}

    assert asked() == {"cpu", "memory", "disk", "process"}
    change(rt, admin, "network", params={"hosts": ["gateway.example.com"]})
    assert asked() == {"cpu", "memory", "disk", "process", "network"}


async def test_a_check_for_an_incident_is_found_by_it(rt: Runtime, admin: User) -> None:
    actor = Actor(admin.id, admin.name, admin.id, "api")
    incident = answer.open_incident(rt, title="Slow", severity=Severity.WARNING, actor=actor, now=rt.clock.now())
    (made,) = await run(rt, CheckOrder("memory"), incident_id=incident.id)
    assert rt.db.read(lambda tx: queries.runs_of_incident(tx, incident.id)) == [made]


async def test_runs_are_listed_newest_first_and_narrowed(rt: Runtime, clock: FrozenClock) -> None:
    (first,) = await run(rt, CheckOrder("memory"))
    clock.advance(minutes=5)
    second, other = await run(rt, CheckOrder("memory", warning_threshold=0), CheckOrder("process"))

    def listed(**wanted: Any) -> list[CheckRun]:
        return rt.db.read(lambda tx: queries.list_runs(tx, CheckRunFilter(**wanted), PageQuery())).items

    assert listed() == [other, second, first]
    assert listed(checker_name="memory") == [second, first]
    assert listed(status=CheckStatus.WARNING) == [second]
    assert listed(trace_id=second.trace_id) == [other, second]
    assert listed(hostname="elsewhere") == []
    assert rt.db.read(queries.last_runs) == {"memory": second, "process": other}


def test_a_change_is_kept_and_the_rest_stays_the_checkers_own(rt: Runtime, admin: User) -> None:
    change(rt, admin, "cpu", params={"samples": 3}, warning_threshold=60.0)
    config = change(rt, admin, "cpu", params={"per_cpu": True}, cadence_seconds=60, enabled=False, timeout=20.0)
    assert config == rt.db.read(lambda tx: queries.get_config(tx, "cpu"))
    assert config.params == {"samples": 3, "sample_interval": 1.0, "per_cpu": True}
    assert (config.warning_threshold, config.critical_threshold, config.timeout) == (60.0, 90.0, 20.0)
    assert (config.enabled, config.cadence_seconds) == (False, 60)
    assert "cpu" not in [order.checker for order in rt.db.read(run_checks.orders_for_all)]


def test_null_goes_back_to_the_checkers_own(rt: Runtime, admin: User) -> None:
    change(rt, admin, "cpu", params={"samples": 3, "per_cpu": True}, warning_threshold=60.0, timeout=30.0)
    config = change(rt, admin, "cpu", params={"samples": None}, warning_threshold=None, timeout=None)
    assert config.params == {"samples": 5, "sample_interval": 1.0, "per_cpu": True}
    assert (config.warning_threshold, config.timeout) == (70.0, 10.0)
    assert change(rt, admin, "cpu", params=None) == kinds.defaults_of("cpu")


@pytest.mark.parametrize(
    ("checker", "changes", "path"),
    [
        ("cpu", {"params": {"samples": 10}}, "timeout"),
        ("cpu", {"timeout": 5.0}, "timeout"),
        ("cpu", {"timeout": 0.0}, "timeout"),
        ("cpu", {"timeout": 601.0}, "timeout"),
        ("cpu", {"cadence_seconds": 1}, "cadence_seconds"),
        ("cpu", {"critical_threshold": 60.0}, "critical_threshold"),
        ("cpu", {"critical_threshold": 101.0}, "warning_threshold"),
        ("network", {"critical_threshold": 80.0}, "critical_threshold"),
        ("disk", {"params": {"paths": []}}, "params.paths"),
        ("disk", {"params": {"paths": ["relative"]}}, "params.paths[0]"),
        ("memory", {"params": {"surprise": 1}}, "params.surprise"),
    ],
)
def test_what_a_checker_cannot_work_with_is_refused_by_name(
    rt: Runtime, admin: User, checker: str, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(CheckInvalid) as refused:
        change(rt, admin, checker, **changes)
    assert [error.path for error in refused.value.errors] == [path]
    assert rt.db.read(lambda tx: queries.get_config(tx, checker)) == kinds.defaults_of(checker)


def test_first_changes_at_the_same_moment_are_both_kept(rt: Runtime, admin: User) -> None:
    changes = [{"warning_threshold": 60.0}, {"critical_threshold": 95.0}]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda each: change(rt, admin, "memory", **each), changes))
    config = rt.db.read(lambda tx: queries.get_config(tx, "memory"))
    assert (config.warning_threshold, config.critical_threshold) == (60.0, 95.0)
