"""Hand-offs: whoever comes on call inherits what is open, both people are told, and nobody is paged twice."""

from datetime import timedelta

from app.usecases import answer, rota
from tests.smoke.story import Story


def test_whoever_comes_on_call_at_the_rotation_s_boundary_inherits_what_is_open_in_one_message(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"])
    story.policy(levels=[(600, platform)])
    story.advance(hours=23, minutes=50)
    for number in (1, 2):
        story.post("grafana", ruleId=number, ruleName=f"Trouble {number}")
        story.expect_page("ravi", says=f"#{number}")
        story.advance(minutes=2)

    story.advance(minutes=6)
    page = story.expect_page("noor", says="You inherit 2 open incidents")
    assert "#1 Trouble 1" in page.text
    assert "#2 Trouble 2" in page.text
    assert len(page.links) == 2
    assert story.incident.assigned_to == story.person("noor").id
    assert story.tells("Level 1 paged anew, because Platform was handed over: Noor (email)")
    story.expect_notice("ravi", says="You are off call for Platform")
    story.expect_notice("noor", says="Ravi hands over to you")
    story.advance(hours=5)
    story.expect_nothing()


def test_what_was_answered_is_not_inherited(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"])
    story.policy(levels=[(600, platform)])
    story.advance(hours=23, minutes=50)
    story.post("grafana", ruleId=1)
    story.expect_page("ravi")
    story.acknowledges("ravi")
    story.advance(minutes=1)
    story.post("grafana", ruleId=2)
    story.expect_page("ravi", within_seconds=60)
    story.advance(minutes=9)
    page = story.expect_page("noor", says="You inherit 1 open incident:")
    assert "#2" in page.subject
    assert "#1" not in page.text


def test_answer_between_the_hand_off_and_the_message_drops_it(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(600, platform)])
    story.post("grafana", ruleId=1)
    story.expect_page("ravi")
    story.advance(minutes=2)
    story.post("grafana", ruleId=2)
    story.expect_page("ravi")
    # Noor has been paged a moment ago, so what she inherits waits for her minute's end.
    story.source("other", team_id=story.team("noor", "noor").id)
    story.post("other", ruleId=3)
    story.expect_page("noor")
    story.acknowledges("noor")
    story.hands_off(platform, "noor")
    story.expect_nothing()
    story.resolves_all_but(2, "ravi")
    story.advance(minutes=1)
    page = story.expect_page("noor", says="You inherit 1 open incident", within_seconds=60)
    assert "#2" in page.subject


def test_oncall_handoff_tells_the_previous_and_the_next_owner_and_the_page_goes_to_the_next(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(60, platform)])
    story.hands_off(platform, "noor", by="ravi")
    story.expect_notice("noor", says="You are on call for Platform")
    story.expect_notice("ravi", says="You are off call for Platform")
    assert story.notices == []

    story.post("grafana")
    story.expect_page("noor")
    story.acknowledges("noor")


def test_hand_off_now_passes_on_what_is_open_and_it_escalates_as_it_would_have(story: Story) -> None:
    platform = story.schedule(rota=["ravi"], backup="omar", delay=20)
    story.policy(levels=[(30, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=10)
    story.hands_off(platform, "noor")
    story.expect_page("noor", says="took over from Ravi")
    story.advance(minutes=10)
    story.expect_page("omar", says="backup of Platform")
    story.advance(minutes=10)
    story.expect_page("ada", says="fallback")


def test_planned_hand_off_is_told_when_it_is_made_and_takes_effect_at_its_time(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(600, platform)])
    story.hands_off(platform, "noor", at=story.now + timedelta(hours=2))
    story.expect_notice("noor", says="You are on call for Platform from")
    story.expect_notice("ravi", says="You are off call for Platform from")
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(hours=2)
    story.expect_page("noor", says="You inherit 1 open incident")
    assert story.notices == []


def test_override_takes_over_what_is_open_and_gives_it_back_without_a_second_page(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(600, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.overrides(platform, "noor", hours=1)
    story.expect_page("noor", says="You inherit 1 open incident")
    assert story.incident.assigned_to == story.person("noor").id
    story.advance(hours=1)
    story.expect_nothing()
    assert story.incident.assigned_to == story.person("ravi").id
    assert story.tells("Assigned to Ravi, who was paged before: Platform was handed over")


def test_rotation_that_is_changed_now_passes_on_what_is_open(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(600, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(hours=1)
    rota.update_schedule(
        story.rt,
        schedule_id=platform.id,
        changes={"rotation": story.daily("noor")},
        actor=story.admin,
        now=story.now,
    )
    story.settle()
    story.expect_page("noor", says="You inherit 1 open incident")


def test_deactivated_person_s_page_goes_to_whoever_is_on_duty_now(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"], backup="omar", delay=20)
    story.policy(levels=[(30, platform), (10, "kim")])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=5)
    story.leaves("ravi")
    story.expect_page("noor", says="You inherit 1 open incident")
    assert story.tells("Level 1 paged anew, because Ravi was deactivated: Noor (email)")
    assert story.incident.assigned_to == story.person("noor").id
    story.expect_notice("noor", says="You are on call for Platform")
    story.advance(minutes=15)
    story.expect_page("omar")
    story.advance(minutes=10)
    story.expect_page("kim", says="level 2 of 2")


def test_deactivated_person_s_page_is_passed_when_the_level_stands_for_nobody_else(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.policy(levels=[(30, platform), (10, "kim")])
    story.post("grafana")
    story.expect_page("ravi")
    story.leaves("ravi")
    story.expect_page("kim")
    assert story.tells("Level 1 passed: Ravi was deactivated")


def test_team_s_schedule_that_is_handed_over_passes_on_what_the_team_was_paged_for(story: Story) -> None:
    team = story.team("Platform people", "ravi", "noor")
    story.schedule(rota=["ravi", "noor"], team_id=team.id)
    story.policy(levels=[(3000, team)])
    story.advance(hours=1)
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(hours=23)
    story.expect_page("noor", says="You inherit 1 open incident")


def test_incident_on_a_level_without_the_schedule_is_not_inherited(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"])
    story.policy(levels=[(10, platform), (3000, "kim")])
    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=10)
    story.expect_page("kim")
    story.advance(hours=25)
    story.expect_nothing()


def test_snoozed_incident_is_not_inherited_and_pages_whoever_is_on_call_when_the_snooze_ends(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"])
    story.policy(levels=[(600, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.snooze, until=story.now + timedelta(hours=26))
    story.advance(hours=25)
    story.expect_nothing()
    story.advance(hours=1)
    story.expect_page("noor")
    story.acknowledges("noor")


def test_hand_off_that_was_missed_while_the_process_was_down_is_caught_up(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "kim", "noor"])
    story.policy(levels=[(6000, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.notices.clear()
    story.world.clock.advance(hours=50)
    story.settle()
    story.expect_page("noor", says="You inherit 1 open incident")
    story.expect_notice("noor", says="Ravi hands over to you")
    assert [notice.to for notice in story.notices if "on call" in notice.subject] == []


def test_incident_that_somebody_else_was_given_stays_theirs(story: Story) -> None:
    platform = story.schedule(rota=["ravi", "noor"])
    story.policy(levels=[(3000, platform)])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.assign, user_id=story.person("kim").id)
    story.advance(hours=24)
    story.expect_page("noor", says="You inherit 1 open incident")
    assert story.incident.assigned_to == story.person("kim").id


def test_shift_is_announced_twelve_hours_before_to_whoever_has_it(story: Story) -> None:
    story.schedule(rota=["ravi", "noor"])
    story.notices.clear()
    story.advance(hours=11, minutes=59)
    assert story.notices == []
    story.advance(minutes=1)
    notice = story.expect_notice("noor", says="Your shift on Platform begins Tue 3 Mar, 09:00 UTC")
    assert (
        "You are on call from Tue 3 Mar, 09:00 UTC until Wed 4 Mar, 09:00 UTC. Ravi hands over to you." in notice.text
    )
    story.advance(hours=11)
    assert story.notices == []


def test_shift_that_was_made_a_moment_ago_is_not_announced_beside_its_making(story: Story) -> None:
    platform = story.schedule(rota=["ravi"])
    story.overrides(platform, "noor", hours=1, after=5)
    story.advance(hours=4)
    assert story.notices == []


def test_gap_is_told_to_the_team_seventy_two_hours_before_it_begins_and_once(story: Story) -> None:
    team = story.team("Platform people", "ravi", "noor")
    platform = story.schedule(team_id=team.id)
    story.overrides(platform, "ravi", hours=100)
    story.notices.clear()
    story.advance(hours=28)
    for name in ("ravi", "noor"):
        notice = story.expect_notice(name, says="Nobody is on call for Platform from Fri 6 Mar, 13:00 UTC")
        assert "It has no backup" in notice.text
    story.advance(hours=71)
    assert story.notices == []
    story.advance(hours=1)
    story.expect_notice("ravi", says="You are off call for Platform")
    assert story.notices == []


def test_gap_of_a_schedule_without_a_team_is_told_to_the_admins_at_once_where_it_has_begun(story: Story) -> None:
    platform = story.schedule(backup="noor")
    assert story.notices == []
    story.source("grafana", schedule_id=platform.id)
    story.advance(hours=25)
    notice = story.expect_notice("ada", says="Nobody is on call for Platform")
    assert "nobody comes on for two weeks" in notice.text
    assert "its backup, Noor" in notice.text
    story.advance(days=3)
    assert story.notices == []
