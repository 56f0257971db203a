"""Nobody on call, nobody reachable, mail servers that fail: silence is never the result (promise 3)."""

from structlog.testing import capture_logs

from app.accounts.types import Urgency
from app.alerts import queries as alerts
from app.notify import queries as outbox
from app.platform.ports import MailFailed
from app.usecases import deliver, people
from tests.smoke.story import Story


def test_level_that_reaches_nobody_is_skipped_at_once(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    people.deactivate_user(story.rt, user_id=story.person("ravi").id, actor=story.admin, now=story.now)

    story.post("grafana")
    story.expect_page("noor")
    assert story.tells("Level 1 skipped")


def test_source_without_anybody_pages_the_admins(story: Story) -> None:
    story.source("grafana")
    story.post("grafana")
    story.expect_page("ada", says="fallback")


def test_person_deactivated_after_being_paged_is_passed_at_once(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.post("grafana")
    story.expect_page("ravi")

    people.deactivate_user(story.rt, user_id=story.person("ravi").id, actor=story.admin, now=story.now)
    story.settle()
    story.expect_page("noor")
    assert story.tells("deactivated")


def test_address_that_is_refused_for_good_passes_the_level_at_once(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))

    story.post("grafana")
    story.expect_page("noor")
    assert story.tells("no such mailbox")


def test_mail_server_that_is_down_is_tried_again_and_the_next_level_comes_at_its_time(story: Story) -> None:
    story.policy(levels=[(15, "ravi"), (10, "noor")])
    story.world.mail.next.extend(MailFailed("connection refused") for _ in range(3))

    story.post("grafana")
    story.expect_nothing()
    story.advance(minutes=5)
    story.expect_page("ravi", within_seconds=300)

    story.advance(minutes=10)
    story.expect_page("noor")


def test_two_hundred_incidents_for_one_person_are_a_few_messages(story: Story) -> None:
    story.policy(levels=[(600, "ravi")])
    for number in range(200):
        story.post("grafana", ruleId=number + 1)
    story.expect_page("ravi")
    story.expect_nothing()

    story.advance(seconds=60)
    story.expect_page("ravi", says="199 more incidents")
    story.advance(minutes=10)
    story.expect_nothing()


def test_page_that_did_not_get_through_is_in_the_log_with_its_reason(story: Story) -> None:
    story.policy(levels=[(15, "ravi")])
    story.world.mail.next.append(MailFailed("no such mailbox", code=550, permanent=True))

    with capture_logs() as lines:
        story.post("grafana")

    story.expect_page("ada", says="fallback")
    said = [(line["log_level"], line["event"], line.get("incident_id")) for line in lines]
    number = story.incident.id
    [failed] = [line for line in lines if line["event"] == "message" and line["log_level"] == "warning"]
    assert (failed["incident_id"], failed["error"]) == (number, "no such mailbox")
    assert ("warning", "Level 1 passed: no message of it got through (no such mailbox)", number) in said


def test_source_that_pages_the_admins_as_it_should_leaves_no_warning_in_the_log(story: Story) -> None:
    story.source("grafana")

    with capture_logs() as lines:
        story.post("grafana")

    story.expect_page("ada", says="fallback")
    assert [line for line in lines if line["log_level"] != "info"] == []


def test_nobody_to_page_is_an_error_in_the_log(story: Story) -> None:
    story.source("grafana")
    story.loses_contact_methods("ada")

    with capture_logs() as lines:
        story.post("grafana")

    [error] = [line for line in lines if line["log_level"] == "error"]
    assert error["event"] == "Nobody to page: there is no active admin who can be reached"
    assert error["incident_id"] == story.incident.id


def test_first_page_of_an_incident_that_reached_nobody_says_what_fired_and_where(story: Story) -> None:
    story.source("grafana")
    story.loses_contact_methods("ada")
    story.post("grafana")
    story.expect_nothing()
    [alert] = story.rt.db.read(lambda tx: alerts.alerts_of_incident(tx, story.incident.id))

    email = people.add_contact_method(
        story.rt,
        user_id=story.admin.id,
        channel="email",
        address="ada@example.com",
        actor=story.admin,
        now=story.now,
        verified=True,
    )
    people.add_rule(
        story.rt,
        user_id=story.admin.id,
        urgency=Urgency.HIGH,
        delay_minutes=0,
        contact_method_id=email.id,
        actor=story.admin,
        now=story.now,
    )
    story.settle()

    page = story.expect_page("ada", says=f"Alert {alert.name} from grafana prod")
    assert "Source: grafana prod" in page.text
    [row] = story.rt.db.read(lambda tx: outbox.notifications_of(tx, story.incident.id))
    told = story.rt.db.read(lambda tx: deliver.why(tx, row.id))
    assert told["alert"] == {"id": alert.id, "name": alert.name}
    assert told["source"] == "grafana prod"
