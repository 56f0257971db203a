"""From what checks found to alerts, on both databases; what was found is made up."""

from typing import Any

import pytest

from app.alerts import queries as alerts, sources
from app.alerts.types import Alert, AlertStatus
from app.checks import kinds, queries
from app.checks.checkers import disk, network
from app.checks.rules import judge
from app.checks.types import CheckResult, CheckRun, CheckStatus, NewCheckRun, Reading, Thresholds
from app.incidents import queries as incidents
from app.incidents.types import IncidentFilter
from app.platform.runtime import Runtime
from app.platform.types import JsonObject, PageQuery
from app.usecases import catalogue, people, run_checks
from app.usecases.watch_host.bridge import record
from tests.support.clock import FrozenClock
from tests.support.people import add_admin


@pytest.fixture
def admin(rt: Runtime) -> Any:
    """Somebody who is paged where nobody else is."""
    return add_admin(rt)


def found(checker: str, value: float | None, metrics: JsonObject, rt: Runtime, error: str | None = None) -> NewCheckRun:
    """What a checker would have found by its own thresholds."""
    own = kinds.get_checker(checker)
    thresholds = Thresholds(own.warning_threshold, own.critical_threshold, own.is_inverted)
    status = CheckStatus.UNKNOWN if value is None else judge(Reading(value, "", metrics, error), thresholds)
    result = CheckResult(status, f"{checker} is {status}", metrics, checker, error, value)
    return NewCheckRun(result, thresholds, 1.0, rt.clock.now())


def memory(rt: Runtime, value: float | None) -> NewCheckRun:
    return found("memory", value, {} if value is None else {"memory_percent": value}, rt)


def disks(rt: Runtime, unreadable: tuple[str, ...] = (), **percents: float) -> NewCheckRun:
    usage = {
        f"/{name}": {"percent": percent, "free_gb": 1.0, "inodes_percent": 0.0} for name, percent in percents.items()
    }
    metrics = {"disks": usage, "unreadable": dict.fromkeys(unreadable, "gone"), "worst_path": "/", "worst_percent": 0}
    return found("disk", max(percents.values()), metrics, rt, "cannot look" if unreadable else None)


def hosts(rt: Runtime, **there: bool) -> NewCheckRun:
    shown = {name: {"reachable": each, "latency_ms": None, "method": "icmp"} for name, each in there.items()}
    share = 100 * sum(there.values()) / len(there)
    return found("network", share, {"hosts": shown, "reachable_percent": share}, rt)


def keep(rt: Runtime, *made: NewCheckRun, is_asked: bool = True) -> list[CheckRun]:
    trace_id = rt.ids.hex32()
    return rt.db.write(lambda tx: record(tx, rt, made, trace_id=trace_id, is_asked=is_asked, now=rt.clock.now()))


def fired(rt: Runtime) -> list[Alert]:
    return sorted(rt.db.read(lambda tx: alerts.list_alerts(tx)).items, key=lambda alert: alert.id)


def states(rt: Runtime) -> dict[str, tuple[str, str]]:
    return {each.labels["target"]: (each.status.value, each.severity.value) for each in fired(rt)}


def test_a_new_installation_looks_and_wakes_nobody_before_somebody_says_whom(rt: Runtime, admin: Any) -> None:
    (run,) = keep(rt, memory(rt, 99), is_asked=False)
    assert (run.status, run.alert_id, fired(rt)) == (CheckStatus.CRITICAL, None, [])
    source = rt.db.read(lambda tx: alerts.find_internal_source(tx, "checks"))
    assert source is not None
    team = people.create_team(rt, name="Ops", actor=admin, now=rt.clock.now())
    catalogue.update_source(rt, source_id=source.id, changes={"team_id": team.id}, actor=admin, now=rt.clock.now())
    (run,) = keep(rt, memory(rt, 99), is_asked=False)
    assert run.alert_id == fired(rt)[0].id


def test_whoever_asks_or_has_set_a_checker_up_wants_to_hear_of_it(rt: Runtime, admin: Any) -> None:
    keep(rt, memory(rt, 99), is_asked=True)
    assert len(fired(rt)) == 1
    run_checks.change_config(rt, checker="disk", changes={"cadence_seconds": 60}, actor=admin, now=rt.clock.now())
    keep(rt, disks(rt, var=99), is_asked=False)
    assert states(rt) == {"memory": ("firing", "critical"), "/var": ("firing", "critical")}
    run_checks.change_config(rt, checker="disk", changes={"enabled": False}, actor=admin, now=rt.clock.now())
    assert keep(rt, disks(rt, home=99))[0].alert_id is None


def test_each_file_system_is_judged_by_itself(rt: Runtime, clock: FrozenClock) -> None:
    (run,) = keep(rt, disks(rt, var=85, home=96, srv=10))
    assert states(rt) == {"/var": ("firing", "warning"), "/home": ("firing", "critical")}
    assert run.alert_id == next(each.id for each in fired(rt) if each.labels["target"] == "/home")
    assert fired(rt)[0].description == "/var is 85 % full, 1 GiB free"
    assert fired(rt)[0].labels["value"] == "85"
    clock.advance(minutes=5)
    keep(rt, disks(rt, ("/home",), var=10))
    assert states(rt) == {"/var": ("resolved", "warning"), "/home": ("firing", "critical")}
    clock.advance(minutes=5)
    keep(rt, disks(rt, var=10))
    assert states(rt)["/home"] == ("resolved", "critical")


def test_a_host_that_is_gone_counts_as_much_as_too_few_are_left(rt: Runtime, clock: FrozenClock) -> None:
    keep(rt, hosts(rt, a=False, b=True, c=True, d=True))
    assert states(rt) == {}
    clock.advance(minutes=1)
    keep(rt, hosts(rt, a=False, b=False, c=True, d=True))
    assert states(rt) == {"a": ("firing", "warning"), "b": ("firing", "warning")}
    clock.advance(minutes=1)
    keep(rt, hosts(rt, a=False, b=False, c=False, d=True))
    assert set(states(rt).values()) == {("firing", "critical")}
    clock.advance(minutes=1)
    keep(rt, hosts(rt, a=True, b=True, c=True, d=False))
    assert set(states(rt).values()) == {("resolved", "critical")}


def test_what_is_not_known_neither_fires_nor_resolves_until_it_lasts(rt: Runtime, clock: FrozenClock) -> None:
    keep(rt, memory(rt, 99))
    for _ in range(2):
        clock.advance(minutes=1)
        keep(rt, memory(rt, None))
    assert states(rt) == {"memory": ("firing", "critical")}
    clock.advance(minutes=1)
    keep(rt, memory(rt, None))
    assert states(rt) == {"memory": ("firing", "critical"), " measuring": ("firing", "warning")}
    clock.advance(minutes=1)
    keep(rt, memory(rt, 10))
    assert states(rt) == {"memory": ("resolved", "critical"), " measuring": ("resolved", "warning")}


def test_what_never_could_be_measured_is_no_news(rt: Runtime) -> None:
    for _ in range(5):
        (run,) = keep(rt, memory(rt, None))
    assert fired(rt) == []
    (watch,) = rt.db.read(lambda tx: queries.watches_of(tx, run.hostname)).values()
    assert watch.recent == ["unknown"] * 5


def test_a_run_and_its_alert_are_written_together_or_not_at_all(rt: Runtime) -> None:
    class Struck(Exception):
        pass

    def write(tx: Any) -> None:
        record(tx, rt, [memory(rt, 99)], trace_id="t" * 32, is_asked=True, now=rt.clock.now())
        raise Struck

    with pytest.raises(Struck):
        rt.db.write(write)
    assert (fired(rt), rt.db.read(queries.last_runs)) == ([], {})
    (run,) = keep(rt, memory(rt, 99))
    assert [run.alert_id] == [each.id for each in fired(rt)]
    opened = rt.db.read(lambda tx: incidents.list_incidents(tx, IncidentFilter(), PageQuery())).items
    assert len(opened) == 1


def test_people_may_have_a_source_of_that_name(rt: Runtime, admin: Any) -> None:
    catalogue.create_source(rt, name="checks", actor=admin, now=rt.clock.now())
    keep(rt, memory(rt, 99))
    keep(rt, memory(rt, 99))
    own = rt.db.read(lambda tx: alerts.find_internal_source(tx, sources.CHECKS_SOURCE))
    assert own is not None
    assert (own.name, own.is_internal, own.pipeline) == ("PagerPal checks", True, "local-monitor")
    assert [(each.status, each.source_id) for each in fired(rt)] == [(AlertStatus.FIRING, own.id)]


def test_the_first_source_of_people_is_made_though_pagerpal_has_its_own(rt: Runtime) -> None:
    rt.db.write(lambda tx: sources.internal_source(tx, name="checks", pipeline="local-monitor", now=rt.clock.now()))
    assert catalogue.first_source(rt, now=rt.clock.now())


def test_parts_are_read_from_what_was_stored() -> None:
    assert [part.name for part in disk.parts({"disks": {}, "unreadable": {"/data": "gone"}})] == ["/data"]
    (part,) = network.parts({"hosts": {"a": {"reachable": False, "error": "no echo"}}})
    assert (part.is_there, part.message) == (False, "a does not answer: no echo")
