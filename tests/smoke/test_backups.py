"""A schedule's backup: paged when whoever is on call does not answer, and at once when nobody is (B21, seed 002)."""

from app.incidents import queries as incidents
from app.usecases import answer, people, rota
from tests.smoke.story import Story


def test_page_goes_to_the_current_slot_s_user_first_and_escalates_to_the_backup_after_the_delay(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=15)
    story.source("grafana", schedule_id=platform.id)

    story.post("grafana")
    story.expect_page("ravi", says="level 1 of 2")
    story.advance(minutes=14, seconds=59)
    story.expect_nothing()
    story.advance(seconds=1)
    story.expect_page("noor", says="level 2 of 2")
    story.advance(minutes=15)
    story.expect_page("ada", says="fallback")
    story.advance(hours=5)
    story.expect_nothing()


def test_acknowledging_writes_an_incident_responder_row_and_cancels_the_escalation_so_the_backup_isn_t_paged(
    story: Story,
) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor")
    story.policy(levels=[(30, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.acknowledges("ravi")
    incident_id = story.incident.id
    [responder] = story.rt.db.read(lambda tx: incidents.responders_of(tx, incident_id))
    assert (responder.user_id, responder.role, responder.joined_at) == (
        story.person("ravi").id, "responder", story.now
    )  # fmt: skip
    story.advance(hours=3)
    story.expect_nothing()


def test_backup_is_paged_within_its_level_at_the_schedule_s_delay_and_the_level_ends_at_its_own(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=10)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi", says="level 1 of 2")
    story.advance(minutes=10)
    story.expect_page("noor", says="level 1 of 2")
    assert story.tells("Backup of Platform paged: Noor (email)")
    story.advance(minutes=20)
    story.expect_page("omar", says="level 2 of 2")


def test_backup_whose_turn_comes_after_the_level_is_over_is_passed_and_the_timeline_says_so(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=30)
    story.policy(levels=[(15, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=15)
    story.expect_page("omar")
    assert story.tells("Backup of Platform passed: the level was over before Noor's turn")
    story.advance(minutes=5)
    story.expect_nothing()


def test_backup_whose_turn_comes_as_the_level_ends_is_paged_beside_the_next_level(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=15)
    story.policy(levels=[(15, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=15)
    story.expect_page("noor", says="level 1 of 2")
    story.expect_page("omar", says="level 2 of 2")


def test_escalating_by_hand_passes_the_backup_that_still_waits(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=10)
    story.policy(levels=[(30, platform), (60, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.escalate_now)
    story.expect_page("omar")
    assert story.tells("Backup of Platform passed")
    story.advance(minutes=30)
    story.expect_nothing()


def test_nobody_is_on_call_so_the_backup_is_paged_at_once_and_only_once(story: Story) -> None:
    platform = story.schedule(backup="noor", delay=15)
    story.source("grafana", schedule_id=platform.id)
    story.post("grafana")
    story.expect_page("noor")
    assert story.tells("Level 1 skipped: it reaches nobody now (nobody is on call for Platform)")
    story.advance(minutes=14, seconds=59)
    story.expect_nothing()
    story.advance(seconds=1)
    story.expect_page("ada", says="fallback")


def test_nobody_is_on_call_inside_a_policy_so_the_backup_is_paged_on_that_level(story: Story) -> None:
    platform = story.schedule(backup="noor", delay=5)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("noor", says="level 1 of 2")
    assert story.tells("Nobody is on call for Platform")
    story.advance(minutes=29)
    story.expect_nothing()
    story.advance(minutes=1)
    story.expect_page("omar")


def test_nobody_is_on_call_because_the_schedule_is_switched_off_so_the_backup_is_paged_at_once(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor")
    story.source("grafana", schedule_id=platform.id)
    rota.update_schedule(
        story.rt, schedule_id=platform.id, changes={"is_active": False}, actor=story.admin, now=story.now
    )
    story.post("grafana")
    story.expect_page("noor")
    story.acknowledges("noor")


def test_nobody_is_on_call_and_there_is_no_backup_so_the_admins_are_paged_at_once(story: Story) -> None:
    platform = story.schedule()
    story.source("grafana", schedule_id=platform.id)
    story.post("grafana")
    story.expect_page("ada", says="fallback")


def test_the_page_didn_t_escalate_because_escalation_to_is_not_set_so_the_admins_are_paged(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], delay=15)
    story.source("grafana", schedule_id=platform.id)
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=15)
    story.expect_page("ada", says="fallback")


def test_the_page_didn_t_escalate_because_the_backup_is_no_active_member_so_the_timeline_says_so(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=15)
    story.policy(levels=[(30, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.leaves("noor")
    story.advance(minutes=15)
    story.expect_nothing()
    assert story.tells("Backup of Platform not paged: Noor is not active")
    story.advance(minutes=15)
    story.expect_page("ada", says="fallback")


def test_the_page_didn_t_escalate_because_the_backup_has_no_contact_method_so_the_timeline_says_so(
    story: Story,
) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=15)
    story.policy(levels=[(30, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.loses_contact_methods("noor")
    story.advance(minutes=15)
    story.expect_nothing()
    assert story.tells("No usable contact method: Noor")
    story.advance(minutes=15)
    story.expect_page("ada", says="fallback")


def test_the_page_didn_t_escalate_because_the_worker_was_down_so_the_backup_is_paged_late(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=10)
    story.policy(levels=[(30, platform), (15, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    story.world.clock.advance(hours=1)
    story.settle()
    story.expect_page("noor", within_seconds=1)
    story.expect_page("omar", within_seconds=1)
    assert story.tells("Late by 50 min")
    story.advance(minutes=15)
    story.expect_page("ada")


def test_multi_hop_escalation_goes_from_primary_to_secondary_to_tertiary(story: Story) -> None:
    primary = story.schedule("Primary", rota=["ravi"])
    secondary = story.schedule("Secondary", rota=["noor"])
    story.policy(levels=[(10, primary), (10, secondary), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi", says="level 1 of 3")
    story.advance(minutes=10)
    story.expect_page("noor", says="level 2 of 3")
    story.advance(minutes=10)
    story.expect_page("omar", says="level 3 of 3")
    story.advance(minutes=10)
    story.expect_page("ada", says="fallback")


def test_backup_is_called_at_once_when_every_message_of_its_level_fails_for_good(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=20)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.refuses_mail()
    story.post("grafana")
    story.expect_page("noor", says="level 1 of 2")
    assert story.tells("Backup of Platform paged: Noor (email)")
    story.advance(minutes=29)
    story.expect_nothing()
    story.advance(minutes=1)
    story.expect_page("omar")


def test_person_on_call_without_any_contact_method_does_not_keep_the_backup_waiting(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=20)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.loses_contact_methods("ravi")
    story.post("grafana")
    story.expect_page("noor", says="level 1 of 2")
    assert story.tells("No usable contact method: Ravi")


def test_backup_who_is_on_call_themselves_is_paged_once_on_the_level(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="ravi", delay=5)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=29)
    story.expect_nothing()
    story.advance(minutes=1)
    story.expect_page("omar")


def test_snooze_puts_the_backup_off_until_the_level_has_begun_anew(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=10)
    story.policy(levels=[(30, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.snooze, until=story.now.replace(hour=10))
    story.advance(minutes=59)
    story.expect_nothing()
    story.advance(minutes=1)
    story.expect_page("ravi")
    story.advance(minutes=10)
    story.expect_page("noor")
    story.acknowledges("noor")


def test_deactivated_person_s_page_goes_to_the_backup_when_nobody_else_is_on_duty(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="noor", delay=20)
    story.policy(levels=[(30, platform), (10, "omar")])
    story.post("grafana")
    story.expect_page("ravi")
    people.deactivate_user(story.rt, user_id=story.person("ravi").id, actor=story.admin, now=story.now)
    story.settle()
    story.expect_page("noor", says="level 1 of 2")
    story.acknowledges("noor")
