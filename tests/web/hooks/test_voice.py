"""A call that Twilio has made: what is said, and what a digit does."""

import re
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from app.notify.action_links import CALL_VALID_FOR, call_token_for
from app.usecases import people
from app.usecases.answer.voice import spoken
from tests.web.hooks.conftest import BASE_URL, Doors

PATH = "/integrations/twilio_voice/"


@pytest.fixture
def called(doors: Doors) -> Doors:
    """Ravi's phone rings because of incident 1."""
    doors.phone("Ravi", channel="twilio_voice")
    doors.policy("Ravi", "Noor")
    doors.incident("Disk 142 <full> & more")
    doors.sent(1, "twilio_voice", provider_id="CA1")
    return doors


def token(doors: Doors) -> str:
    """The token of the call about incident 1."""
    [page] = [each for each in doors.pages(1) if each.channel == "twilio_voice"]
    return call_token_for(doors.rt.secrets, page.id, now=doors.now)


def ask(doors: Doors, path: str, digit: str = "", sid: str = "CA1") -> ElementTree.Element:
    """One request of the call; the TwiML that it is answered with."""
    fields = [("CallSid", sid), ("From", "+15005550006"), *([("Digits", digit)] if digit else [])]
    response = doors.twilio(path, fields)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/xml")
    return ElementTree.fromstring(response.text)  # noqa: S314  our own answer


def said(answer: ElementTree.Element) -> str:
    return " ".join(each.text or "" for each in answer.iter("Say"))


def answer_path(answer: ElementTree.Element) -> str:
    [gather] = answer.iter("Gather")
    url = urlsplit(gather.attrib["action"])
    assert f"{url.scheme}://{url.netloc}" == BASE_URL
    return f"{url.path}?{url.query}"


def test_the_call_says_what_it_is_about_digit_by_digit(called: Doors) -> None:
    answer = ask(called, f"{PATH}?token={token(called)}")
    assert "This is Pager Pal for Ravi." in said(answer)
    assert "Incident 1, critical: Disk 1 4 2 <full> & more." in said(answer)
    assert "Press 1 to acknowledge" in said(answer)
    assert called.status(1) == "triggered"


def test_one_acknowledges(called: Doors) -> None:
    answer = ask(called, answer_path(ask(called, f"{PATH}?token={token(called)}")), "1")
    assert "number 1 Disk 1 4 2 <full> & more: acknowledged, it is yours." in said(answer)
    assert answer.find("Hangup") is not None
    assert called.status(1) == "acknowledged"
    assert called.responders(1) == [(called.person("Ravi").id, "responder", "voice")]
    assert called.story(1)[-1] == "Ravi acknowledged by phone"


def test_two_passes_it_on_and_a_repeated_request_does_not_do_it_again(called: Doors) -> None:
    path = answer_path(ask(called, f"{PATH}?token={token(called)}"))
    first = said(ask(called, path, "2"))
    assert "The next level is paged" in first
    assert called.escalation(1).level == 2
    story = called.story(1)
    assert said(ask(called, path, "2")) == first
    assert called.story(1) == story


def test_three_resolves(called: Doors) -> None:
    ask(called, f"{PATH}?token={token(called)}", "3")
    assert called.status(1) == "resolved"


def test_another_digit_or_none_repeats_it_and_then_hangs_up(called: Doors) -> None:
    path = f"{PATH}?token={token(called)}"
    for digit in ("7", "", "9", "*"):
        answer = ask(called, path, digit)
        assert "Press 1 to acknowledge" in said(answer)
        redirect = answer.find("Redirect")
        assert redirect is not None
        assert re.sub(".*/integ", "/integ", redirect.text or "") == answer_path(answer)
        path = answer_path(answer)
    answer = ask(called, path)
    assert "No answer was given" in said(answer)
    assert answer.find("Gather") is None
    assert called.status(1) == "triggered"


def test_what_somebody_has_meanwhile_is_said_and_not_asked(called: Doors) -> None:
    called.slack_account("Noor", "U123ABC456")
    called.posted(1)
    called.react("eyes")
    answer = ask(called, f"{PATH}?token={token(called)}")
    assert "It is acknowledged already by Noor." in said(answer)
    assert answer.find("Gather") is None


def test_a_token_is_short_lived_and_cannot_be_made_up(called: Doors) -> None:
    good = token(called)
    fields = [("CallSid", "CA1"), ("Digits", "1")]
    for bad in ("", "x", good[:-1] + ("A" if good[-1] != "A" else "B"), "%C3%A4"):
        assert called.twilio(f"{PATH}?token={bad}", fields).status_code == 404
    called.world.clock.advance(seconds=CALL_VALID_FOR.total_seconds())
    assert called.twilio(f"{PATH}?token={good}", fields).status_code == 410
    assert called.status(1) == "triggered"


def test_without_twilio_s_signature_the_token_alone_opens_nothing(called: Doors) -> None:
    response = called.twilio(f"{PATH}?token={token(called)}", [("CallSid", "CA1"), ("Digits", "1")], signature="x")
    assert response.status_code == 403
    assert called.status(1) == "triggered"


def test_somebody_who_left_is_told_so(called: Doors) -> None:
    path = f"{PATH}?token={token(called)}"
    people.deactivate_user(called.rt, user_id=called.person("Ravi").id, actor=called.admin, now=called.now)
    for digit in ("", "1"):
        assert "not active" in said(ask(called, path, digit))
    assert called.status(1) == "triggered"


@pytest.mark.parametrize(
    ("text", "said"),
    [("#42 db-17_a", "number 4 2 db-1 7 a"), ("10.0.0.1", "1 0.0.0.1"), ("no digits", "no digits"), ("", "")],
)
def test_numbers_are_spoken_digit_by_digit(text: str, said: str) -> None:
    assert spoken(text) == said
