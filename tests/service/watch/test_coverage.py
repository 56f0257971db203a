"""What is wrong with who is on call, on the schedule's page, in the banners and in the readiness list."""

from datetime import timedelta

from app.oncall.types import Schedule
from app.usecases import catalogue, people, rota, watch
from app.usecases.watch import BannerLevel, CheckStatus, Finding, FindingKind, ReadinessItem
from tests.support.duty import Duty


def test_covered_schedule_has_no_finding(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor")
    duty.covers(schedule, "ravi", hours=24 * 15)
    assert _findings(duty, schedule) == []


def test_gap_now_is_a_danger_once_something_pages_by_the_schedule(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", after=5, hours=24 * 15)
    [finding] = _findings(duty, schedule)
    assert (finding.kind, finding.level, finding.start) == (FindingKind.GAP_NOW, BannerLevel.WARNING, None)
    assert finding.end == duty.now + timedelta(hours=5)
    assert _banners(duty) == {}

    duty.policy((10, [schedule]))
    [finding] = _findings(duty, schedule)
    assert finding.level is BannerLevel.DANGER
    banner = _banners(duty)["gap_now"]
    assert banner.level is BannerLevel.DANGER
    assert banner.text == "Nobody is on call for Platform until Mon 2 Mar, 14:00 UTC."
    assert banner.link == f"/schedules/{schedule.id}"
    assert _readiness(duty, "coverage").status is CheckStatus.FAIL


def test_warning_stays_when_all_the_time_is_uncovered(duty: Duty) -> None:
    schedule = duty.schedule()
    catalogue.create_source(duty.rt, name="Grafana", schedule_id=schedule.id, actor=duty.admin, now=duty.now)
    [finding] = _findings(duty, schedule)
    assert (finding.kind, finding.is_danger, finding.start, finding.end) == (FindingKind.GAP_NOW, True, None, None)
    assert _banners(duty)["gap_now"].text == "Nobody is on call for Platform."
    assert _readiness(duty, "coverage").status is CheckStatus.FAIL


def test_gap_within_fourteen_days_is_a_warning_with_its_time_in_the_schedule_s_zone(duty: Duty) -> None:
    schedule = duty.schedule(timezone="Europe/Vienna")
    duty.covers(schedule, "ravi", hours=24 * 13)
    duty.policy((10, [schedule]))
    [finding] = _findings(duty, schedule)
    assert (finding.kind, finding.level) == (FindingKind.GAP_AHEAD, BannerLevel.WARNING)
    assert finding.text == "Nobody is on call for Platform from Sun 15 Mar, 10:00 CET"
    assert _banners(duty)["coverage"].text == f"{finding.text}."
    assert _readiness(duty, "coverage").status is CheckStatus.WARN


def test_person_on_the_rota_without_a_usable_contact_method_is_named_before_their_shift(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=48)
    duty.covers(schedule, "noor", after=48, hours=24 * 15)
    duty.policy((10, [schedule]))
    duty.loses_contact_methods("noor")
    [finding] = _findings(duty, schedule)
    assert (finding.kind, finding.user_id, finding.is_danger) == (
        FindingKind.UNREACHABLE, duty.person("noor").id, False
    )  # fmt: skip
    assert finding.text == "Noor is on call for Platform from Wed 4 Mar, 09:00 UTC and has no usable contact method"
    assert _readiness(duty, "rota").status is CheckStatus.WARN

    duty.world.clock.advance(days=2)
    [finding] = _findings(duty, schedule)
    assert finding.is_danger
    assert _banners(duty)["unreachable"].level is BannerLevel.DANGER
    assert _readiness(duty, "rota").status is CheckStatus.FAIL


def test_backup_who_is_not_active_or_cannot_be_reached_is_named(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor")
    duty.covers(schedule, "ravi", hours=24 * 15)
    duty.loses_contact_methods("noor")
    assert [each.text for each in _findings(duty, schedule)] == [
        "Noor, the backup of Platform, has no usable contact method"
    ]
    people.deactivate_user(duty.rt, user_id=duty.person("noor").id, actor=duty.admin, now=duty.now)
    assert [each.text for each in _findings(duty, schedule)] == ["Noor, the backup of Platform, is not active"]
    assert _readiness(duty, "rota").detail == "Noor, the backup of Platform, is not active."


def test_schedule_that_is_switched_off_is_a_danger_while_something_pages_by_it(duty: Duty) -> None:
    schedule = duty.schedule()
    duty.covers(schedule, "ravi", hours=24 * 15)
    duty.policy((10, [schedule]))
    rota.update_schedule(duty.rt, schedule_id=schedule.id, changes={"is_active": False}, actor=duty.admin, now=duty.now)
    [finding] = _findings(duty, schedule)
    assert (finding.kind, finding.is_danger) == (FindingKind.GAP_NOW, True)
    assert _readiness(duty, "coverage").status is CheckStatus.FAIL
    other = duty.schedule("Other", is_active=False)
    assert _findings(duty, other) == []


def test_level_that_reaches_nobody_is_in_the_readiness_list(duty: Duty) -> None:
    team = people.create_team(duty.rt, name="Empty", actor=duty.admin, now=duty.now)
    duty.policy((10, ["ravi"]), (10, [team]))
    item = _readiness(duty, "levels")
    assert (item.status, item.detail) == (CheckStatus.WARN, "Reaches nobody now: On duty, level 2.")
    duty.loses_contact_methods("ravi")
    assert _readiness(duty, "levels").detail == "Reaches nobody now: On duty, level 1; On duty, level 2."


def test_many_gaps_are_told_in_short(duty: Duty) -> None:
    schedule = duty.schedule()
    for day in range(14):
        duty.covers(schedule, "ravi", after=24 * day, hours=12)
    duty.policy((10, [schedule]))
    assert _readiness(duty, "coverage").detail.endswith("And 9 more.")
    assert _banners(duty)["coverage"].text.endswith("There are 13 more warnings on who is on call.")


def _findings(duty: Duty, schedule: Schedule) -> list[Finding]:
    return duty.rt.db.read(lambda tx: watch.coverage(tx, [schedule.id], duty.now))[schedule.id]


def _banners(duty: Duty) -> dict[str, watch.Banner]:
    """The banners about who is on call, by code."""
    found = duty.rt.db.read(lambda tx: watch.banners(tx, duty.rt.settings, duty.now))
    return {each.code: each for each in found if each.link.startswith("/schedules/")}


def _readiness(duty: Duty, check: str) -> ReadinessItem:
    return next(item for item in watch.readiness(duty.rt, duty.now) if item.check == check)
