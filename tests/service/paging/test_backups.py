"""Backups inside a level: what the escalation waits for, and who is asked when nobody on the level can be reached."""

from datetime import timedelta
from functools import partial

from app.accounts.types import Urgency
from app.escalation import running
from app.escalation.types import Backup, EscalationStatus
from app.incidents import service as incidents
from app.incidents.types import NewIncident, Severity
from app.notify import queries as outbox
from app.platform.db import Tx
from app.usecases import answer, paging, people, rota
from tests.support.duty import Duty
from tests.support.statements import Statements


def test_escalation_waits_for_the_backup_first_and_for_the_level_s_end_then(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [schedule])))
    started = duty.now
    waiting = duty.escalation(incident_id)
    assert waiting.due_at == started + timedelta(minutes=10)
    assert waiting.backups == (Backup(schedule.id, duty.person("noor").id, started + timedelta(minutes=10)),)

    duty.advance(minutes=10)
    called = duty.escalation(incident_id)
    assert (called.level, called.episode, called.backups) == (1, 1, ())
    assert called.due_at == started + timedelta(minutes=30)
    assert called.level_started_at == started
    assert duty.incident(incident_id).assigned_to == duty.person("ravi").id


def test_two_schedules_on_a_level_have_their_own_backups_and_one_person_is_paged_once(duty: Duty) -> None:
    first = duty.schedule("First", backup="noor", delay=5)
    second = duty.schedule("Second", backup="noor", delay=10)
    third = duty.schedule("Third", backup="kim", delay=10)
    for schedule in (first, second, third):
        duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [first, second, third])))
    duty.advance(minutes=5)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    duty.advance(minutes=5)
    assert duty.paged(incident_id) == ["ravi", "noor", "kim"]


def test_schedule_on_which_nobody_is_on_call_calls_its_backup_at_once_beside_the_others(duty: Duty) -> None:
    covered, empty = duty.schedule("Covered", backup="kim", delay=5), duty.schedule("Empty", backup="noor")
    duty.covers(covered, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [covered, empty])))
    assert duty.paged(incident_id) == ["ravi", "noor"]
    assert duty.tells(incident_id, "Nobody is on call for Empty")
    why = duty.pages(incident_id)[1].facts["why"]
    assert why["via"] == "nobody on call for Empty: its backup"
    duty.advance(minutes=5)
    assert duty.paged(incident_id) == ["ravi", "noor", "kim"]
    assert duty.pages(incident_id)[2].facts["why"]["reason"] == "backup"


def test_backup_that_was_taken_away_meanwhile_is_still_paged_and_a_new_one_is_not(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [schedule])))
    rota.update_schedule(
        duty.rt,
        schedule_id=schedule.id,
        changes={"escalation_to_user_id": duty.person("kim").id},
        actor=duty.admin,
        now=duty.now,
    )
    duty.advance(minutes=10)
    assert duty.paged(incident_id) == ["ravi", "noor"]


def test_answer_takes_the_waiting_backups_away(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [schedule])))
    duty.does(answer.acknowledge, incident_id, "ravi")
    assert duty.escalation(incident_id).backups == ()
    duty.advance(hours=2)
    assert duty.paged(incident_id) == ["ravi"]


def test_level_whose_messages_all_fail_calls_whoever_came_on_duty_before_it_is_passed(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi", hours=1)
    duty.covers(schedule, "kim", after=1)
    incident_id = duty.opens(policy=duty.policy((300, [schedule]), (10, ["omar"])))
    duty.world.clock.advance(minutes=70)
    duty.rt.db.write(lambda tx: paging.page_on(tx, incident_id, duty.now, "no message of it got through (550)"))
    assert duty.paged(incident_id) == ["ravi", "kim"]
    assert duty.tells(incident_id, "Level 1 paged anew, because no message of it got through (550): Kim (email)")
    duty.rt.db.write(lambda tx: paging.page_on(tx, incident_id, duty.now, "no message of it got through (550)"))
    assert duty.paged(incident_id) == ["ravi", "kim", "noor"]
    duty.rt.db.write(lambda tx: paging.page_on(tx, incident_id, duty.now, "no message of it got through (550)"))
    assert duty.paged(incident_id) == ["ravi", "kim", "noor", "omar"]
    assert duty.tells(incident_id, "Level 1 passed: no message of it got through (550)")


def test_plan_that_repeats_begins_again_after_a_level_that_failed_for_good(duty: Duty) -> None:
    incident_id = duty.opens(policy=duty.policy((10, ["ravi"]), repeat=1))
    duty.rt.db.write(lambda tx: paging.page_on(tx, incident_id, duty.now, "no message of it got through"))
    repeated = duty.escalation(incident_id)
    assert (repeated.episode, repeated.level, repeated.round) == (2, 1, 1)
    duty.rt.db.write(lambda tx: paging.page_on(tx, incident_id, duty.now, "no message of it got through"))
    assert duty.paged(incident_id) == ["ravi", "ravi", "ada"]
    assert duty.escalation(incident_id).status is EscalationStatus.FALLBACK


def test_person_deactivated_beside_another_who_was_paged_passes_nothing(duty: Duty) -> None:
    incident_id = duty.opens(policy=duty.policy((10, ["ravi", "noor"]), (10, ["kim"])))
    people.deactivate_user(duty.rt, user_id=duty.person("ravi").id, actor=duty.admin, now=duty.now)
    assert duty.paged(incident_id) == ["ravi", "noor"]


def test_person_deactivated_on_a_team_s_level_hands_it_to_the_team(duty: Duty) -> None:
    team = people.create_team(duty.rt, name="Platform", actor=duty.admin, now=duty.now)
    for name in ("ravi", "noor"):
        people.add_member(duty.rt, team_id=team.id, user_id=duty.person(name).id, actor=duty.admin, now=duty.now)
    schedule = duty.schedule(team_id=team.id)
    duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [team]), (10, ["kim"])))
    assert duty.paged(incident_id) == ["ravi"]
    people.deactivate_user(duty.rt, user_id=duty.person("ravi").id, actor=duty.admin, now=duty.now)
    assert duty.paged(incident_id) == ["ravi", "noor"]
    assert duty.escalation(incident_id).level == 1


def test_person_whose_last_contact_method_is_taken_away_is_passed_over(duty: Duty) -> None:
    incident_id = duty.opens(policy=duty.policy((10, ["ravi"]), (10, ["kim"])))
    duty.loses_contact_methods("ravi")
    assert duty.paged(incident_id) == ["ravi", "kim"]
    assert duty.tells(incident_id, "Level 1 passed: Ravi cannot be reached any more")


def test_two_hundred_incidents_through_a_schedule_are_paged_with_the_queries_of_two(
    duty: Duty, statements: Statements
) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi")
    policy = duty.policy((30, [schedule]))
    counts = []
    for number in (2, 200):
        with statements.counted() as count:
            duty.rt.db.write(partial(_start, duty=duty, policy_id=policy, number=number))
        counts.append(count())
    assert counts[0] == counts[1]
    waiting = duty.rt.db.read(running.climbing)
    assert len(waiting) == 202
    assert all(len(each.backups) == 1 for each in waiting)
    assert len(duty.rt.db.read(lambda tx: outbox.paged_on_levels(tx, [each.incident_id for each in waiting]))) == 202


def test_deactivation_hands_two_hundred_incidents_over_with_the_queries_of_two(
    duty: Duty, statements: Statements
) -> None:
    for number in (2, 200):
        schedule = duty.schedule(f"Schedule {number}")
        duty.covers(schedule, f"leaver{number}")
        policy = duty.policy((30, [schedule]), (30, ["noor"]), name=f"Policy {number}")
        duty.rt.db.write(partial(_start, duty=duty, policy_id=policy, number=number))
    counts = []
    for number in (2, 200):
        leaver = duty.person(f"leaver{number}")
        with statements.counted() as count:
            people.deactivate_user(duty.rt, user_id=leaver.id, actor=duty.admin, now=duty.now)
        counts.append(count())
    assert counts[0] == counts[1]
    assert len(duty.rt.db.read(running.climbing)) == 202


def test_step_that_comes_late_calls_the_backup_and_the_next_level_one_after_the_other(duty: Duty) -> None:
    schedule = duty.schedule(backup="noor", delay=10)
    duty.covers(schedule, "ravi")
    incident_id = duty.opens(policy=duty.policy((30, [schedule]), (30, ["omar"])))
    duty.world.clock.advance(hours=2)
    duty.steps()
    assert duty.paged(incident_id) == ["ravi", "noor"]
    duty.steps()
    assert duty.paged(incident_id) == ["ravi", "noor", "omar"]
    assert duty.escalation(incident_id).due_at == duty.now + timedelta(minutes=30)


def _start(tx: Tx, duty: Duty, policy_id: int, number: int) -> None:
    plan, version_id = paging.plan_for(tx, policy_id=policy_id, schedule_id=None, team_id=None)
    new = [NewIncident(f"Incident {each}", "", Severity.CRITICAL, None, f"{number}-{each}") for each in range(number)]
    opened = incidents.open_many(tx, new, now=duty.now)
    orders = [paging.Order(incident, plan, Urgency.HIGH, {}, version_id) for incident in opened]
    paging.start(tx, orders, now=duty.now)
