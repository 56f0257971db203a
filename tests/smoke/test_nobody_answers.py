"""Nobody answers: the page climbs the policy, level by level, and stops the moment somebody does."""

from app.usecases import answer
from tests.smoke.story import Story


def test_unanswered_page_climbs_to_the_next_level_and_then_to_the_admins(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])

    story.post("grafana")
    story.expect_page("ravi", says="checkout errors")

    story.advance(minutes=14, seconds=59)
    story.expect_nothing()

    story.advance(seconds=1)
    story.expect_page("noor", says="level 2 of 2")

    story.advance(minutes=10)
    story.expect_page("ada", says="fallback")

    story.advance(hours=5)
    story.expect_nothing()


def test_policy_that_repeats_begins_again_at_level_one(story: Story) -> None:
    story.policy(levels=[(5, "ravi")], repeat=1)

    story.post("grafana")
    story.expect_page("ravi")
    story.advance(minutes=5)
    story.expect_page("ravi")
    story.advance(minutes=5)
    story.expect_page("ada")


def test_answer_from_the_mail_link_ends_the_climb(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])

    story.post("grafana")
    page = story.expect_page("ravi")

    story.scanner_follows(page.links)  # a mail gateway opens every link before Ravi does
    assert story.incident.status == "triggered"

    story.taps(page.links[0])
    assert story.incident.status == "acknowledged"
    assert story.timeline[-1].text == "Ravi acknowledged by email link"

    story.advance(hours=2)
    story.expect_nothing()


def test_link_that_was_used_says_what_happened_and_by_whom(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    story.post("grafana")
    page = story.expect_page("ravi")
    story.taps(page.links[0])

    assert "Ravi" in story.taps(page.links[0], status=409)


def test_lapsed_acknowledgement_pages_its_giver_again_and_then_goes_on(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")], ack_timeout_minutes=30)
    story.post("grafana")
    story.expect_page("ravi")
    story.acknowledges("ravi")

    story.advance(minutes=29, seconds=59)
    story.expect_nothing()
    story.advance(seconds=1)
    story.expect_page("ravi")
    assert story.incident.status == "triggered"

    story.advance(minutes=15)
    story.expect_page("noor")


def test_snoozed_incident_is_quiet_and_then_pages_its_level_again(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.post("grafana")
    story.expect_page("ravi")
    story.does("ravi", answer.snooze, until=story.now.replace(hour=12))

    story.advance(hours=2, minutes=59)
    story.expect_nothing()
    story.advance(minutes=1)
    story.expect_page("ravi")
    story.advance(minutes=15)
    story.expect_page("noor")


def test_escalate_now_pages_the_next_level_at_once(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.post("grafana")
    story.expect_page("ravi")

    story.does("ravi", answer.escalate_now)
    story.expect_page("noor")
    story.advance(minutes=10)
    story.expect_page("ada")
