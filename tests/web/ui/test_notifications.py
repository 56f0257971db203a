"""The delivery log: every message with its outcome, errors that open, and sending a lost one again."""

from collections.abc import Callable

from app.notify import queries as outbox, service as notify
from app.notify.types import Claim, NotificationStatus, Outcome, Report
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.usecases import people
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]
LONG = "the receiver answered 500: " + "no such thing " * 20


def fails(rt: Runtime, *, permanently: bool = True) -> int:
    """Whatever is due is sent and does not get through; the number of the first message."""
    outcome = Outcome.REFUSED if permanently else Outcome.FAILED
    report = Report(outcome, subject="[CRITICAL] #1 Disk full", body="The disk is full.", error=LONG)

    def lose(tx: Tx) -> list[Claim]:
        claims = notify.claim(tx, now=rt.clock.now(), owner="x", busy={})
        for each in claims:
            notify.record(tx, each, report, now=rt.clock.now(), roll=0.5)
        return claims

    claims = rt.db.write(lose)
    return claims[0].notification.id


def test_lost_message_is_listed_with_a_clipped_error_that_opens(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    fire()
    fails(rt)
    page = open_screen("Ravi").open("/notifications")
    assert "Ravi" in page.by_id("list").text
    assert "failed" in page.by_id("list").text
    assert "…" in page.html
    assert LONG.strip() in page.by_id("list").text


def test_filters_narrow_the_list(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    fails(rt)
    screen = open_screen("Vera")
    assert "Ravi" in screen.open("/notifications?status=failed").by_id("list").text
    assert "Ravi" in screen.open(f"/notifications?incident_id={number}&kind=page").by_id("list").text
    assert "Nothing matches" in screen.open("/notifications?status=sent").text
    assert "Nothing matches" in screen.open(f"/notifications?user_id={company.vera.id}").text
    assert screen.open("/notifications?status=nonsense&kind=7").status == 200


def test_message_shows_its_tries_its_text_and_its_reasons(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    fire()
    number = fails(rt)
    page = open_screen("Ravi").open(f"/notifications/{number}")
    assert LONG.strip() in page.by_id("tries").text
    assert "The disk is full." in page.by_id("text").text
    assert "level 1" in page.by_id("why").text


def test_lost_message_is_sent_again_by_a_responder_and_not_by_a_viewer(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    fire()
    number = fails(rt)
    path = f"/notifications/{number}/retry"
    assert path not in open_screen("Vera").open("/notifications").html
    screen = open_screen("Ravi")
    page = screen.open(f"/notifications/{number}").form(path).send()
    assert "It is being sent again." in page.text
    message = rt.db.read(lambda tx: outbox.get_notification(tx, number))
    assert message.status is NotificationStatus.PENDING
    assert path not in screen.open(f"/notifications/{number}").html


def test_where_somebody_is_reached_is_not_shown_to_everybody(
    rt: Runtime, company: Company, fire: Fire, open_screen: Open
) -> None:
    people.add_contact_method(
        rt, user_id=company.ravi.id, channel="webhook", address="https://secret-place.example.com/x", verified=True,
        actor=company.ada, now=rt.clock.now(),
    )  # fmt: skip
    fire()
    number = fails(rt)
    screen = open_screen("Vera")
    assert "ravi@example.com" not in screen.open("/notifications").html
    assert "ravi@example.com" not in screen.open(f"/notifications/{number}").html


def test_incident_leads_to_its_messages(company: Company, fire: Fire, open_screen: Open) -> None:
    number = fire()
    assert f"/notifications?incident_id={number}" in open_screen("Ravi").open(f"/incidents/{number}").html
