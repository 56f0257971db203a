"""Twilio's doors: who is believed, what a text message does, and what its sender reads."""

import pytest

from app.accounts.types import Role
from app.notify.signing import is_twilio_signature
from app.usecases import catalogue, people
from tests.support.callers import bearer
from tests.web.hooks.conftest import BASE_URL, NUMBER, Doors, twilio_signature

SMS = "/integrations/twilio_sms/"


def test_acknowledgement_by_sms_is_the_person_s_and_says_so(paged: Doors) -> None:
    said = paged.sms("ACK 1 on it")
    assert "<Message>#1 Disk full: acknowledged, it is yours.</Message>" in said
    ravi = paged.person("Ravi")
    assert paged.found(1).assigned_to == ravi.id
    assert paged.status(1) == "acknowledged"
    assert paged.responders(1) == [(ravi.id, "responder", "sms")]
    assert paged.story(1)[-1] == "Ravi acknowledged by SMS: on it"
    assert {page.status for page in paged.pages(1) if page.status == "pending"} == set()


def test_without_a_number_the_newest_page_is_meant_and_the_others_are_named(paged: Doors) -> None:
    for title in ("Load high", "Queue long"):
        paged.world.clock.advance(seconds=90)
        paged.incident(title)
        paged.sent(paged.found(1).id + 1, "twilio_sms")
    said = paged.sms("Ack")
    assert "#3 Queue long: acknowledged, it is yours. Your other pages still wait: #2, #1." in said
    assert [paged.status(number) for number in (1, 2, 3)] == ["triggered", "triggered", "acknowledged"]
    assert "#3 Queue long: you have it already. Your other pages still wait: #2, #1." in paged.sms("Ack")
    assert [paged.status(number) for number in (1, 2, 3)] == ["triggered", "triggered", "acknowledged"]


def test_several_answers_in_one_message_are_all_done(paged: Doors) -> None:
    paged.incident("Load high")
    said = paged.sms("ack 2\nresolve 1")
    assert "#2 Load high: acknowledged, it is yours.\n#1 Disk full: resolved." in said
    assert (paged.status(1), paged.status(2)) == ("resolved", "acknowledged")


def test_decline_pages_the_next_level_at_once_and_leaves_the_sender_alone(paged: Doors) -> None:
    paged.phone("Ravi", channel="twilio_voice", minutes=5)
    paged.incident("Load high")
    assert "#2 Load high: declined. The next level is paged." in paged.sms("Decline 2")
    assert paged.escalation(2).level == 2
    assert paged.responders(2) == [(paged.person("Ravi").id, "declined", "sms")]
    waiting = {(page.user_id, page.channel) for page in paged.pages(2) if page.status == "pending"}
    assert waiting == {(paged.person("Noor").id, "email")}
    assert "Ravi declined by SMS" in paged.story(2)
    assert "you have declined it before" in paged.sms("decline 2")
    assert paged.escalation(2).level == 2


def test_whoever_declines_and_then_takes_it_after_all_has_it(paged: Doors) -> None:
    paged.sms("decline")
    assert "acknowledged, it is yours" in paged.sms("ack 1")
    assert paged.responders(1) == [(paged.person("Ravi").id, "responder", "sms")]


def test_declining_what_somebody_else_has_wakes_nobody(paged: Doors) -> None:
    paged.slack_account("Noor", "U123ABC456")
    paged.posted(1)
    paged.react("eyes")
    assert "#1 Disk full: noted. Noor has it, nobody else is paged." in paged.sms("decline 1")
    assert paged.status(1) == "acknowledged"
    assert paged.escalation(1).level == 1


def test_whoever_has_it_can_pass_it_on(paged: Doors) -> None:
    paged.sms("ack 1")
    assert "The next level is paged" in paged.sms("decline 1")
    assert paged.status(1) == "triggered"
    assert paged.escalation(1).level == 2


def test_the_last_one_who_declines_is_told_that_nobody_is_left(paged: Doors) -> None:
    paged.people["Ada"] = paged.admin
    paged.phone("Ada", "+15005550011")
    paged.sms("decline 1")
    paged.phone("Noor", "+15005550012")
    paged.sms("decline 1", sender="+15005550012")
    assert "nobody is left to page: all admins were" in paged.sms("decline 1", sender="+15005550011")
    assert paged.status(1) == "triggered"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ACK 99", "There is no incident #99."),
        ("who is this?", "was not understood, nothing was changed"),
        ("HELP", "reply ACK 7 (I have it)"),
        ("<b>ACK</b> & 1", "was not understood"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(paged: Doors, text: str, says: str) -> None:
    before = paged.story(1)
    assert says in paged.sms(text)
    assert paged.story(1) == before


def test_what_is_over_is_told_as_over(paged: Doors) -> None:
    paged.sms("RESOLVE 1")
    assert "#1 Disk full is resolved already. Nothing was changed." in paged.sms("ACK 1")
    assert "it is resolved already" in paged.sms("RESOLVE 1")
    assert "You have no page that waits for an answer." in paged.sms("ACK")


def test_a_retry_gets_the_first_answer_and_does_nothing(paged: Doors) -> None:
    first = paged.sms("decline 1", sid="SM42")
    story, pages = paged.story(1), len(paged.pages(1))
    assert paged.sms("decline 1", sid="SM42") == first
    assert paged.sms("resolve 1", sid="SM42") == first
    assert (paged.story(1), len(paged.pages(1))) == (story, pages)
    assert paged.status(1) == "triggered"


def test_markup_in_a_title_stays_text(doors: Doors) -> None:
    doors.phone("Ravi")
    doors.policy("Ravi")
    doors.incident("</Message><Redirect>x & y\x08")
    doors.sent(1, "twilio_sms")
    assert "#1 &lt;/Message&gt;&lt;Redirect&gt;x &amp; y: acknowledged" in doors.sms("ack")


STRANGERS: list[str] = ["+15005559999", "anonymous", "+1", "whatsapp:+15005559999", "12345"]


def test_an_unknown_number_is_told_so_and_changes_nothing(paged: Doors) -> None:
    for sender in STRANGERS:
        assert "belongs to nobody at PagerPal" in paged.sms("ACK 1", sender=sender)
        assert paged.status(1) == "triggered"


def test_an_unverified_number_is_nobody_s(paged: Doors) -> None:
    paged.phone("Noor", "+15005550077", verified=False)
    assert "belongs to nobody" in paged.sms("ACK 1", sender="+15005550077")


def test_a_number_that_two_people_share_answers_for_neither(paged: Doors) -> None:
    paged.phone("Noor")
    assert "More than one person has this number" in paged.sms("ACK 1")
    assert paged.status(1) == "triggered"


def test_somebody_who_left_cannot_answer(paged: Doors) -> None:
    people.deactivate_user(paged.rt, user_id=paged.person("Ravi").id, actor=paged.admin, now=paged.now)
    assert "You are not active at PagerPal any more" in paged.sms("ACK 1")
    assert paged.status(1) == "triggered"


def test_a_viewer_answers_only_what_they_were_paged_for(doors: Doors) -> None:
    doors.person("Vera", role=Role.VIEWER)
    doors.phone("Vera")
    doors.policy("Noor")
    doors.incident()
    assert "Only responders can answer #1 Disk full." in doors.sms("ACK 1")
    doors.policy("Vera")
    doors.incident("Load high")
    assert "acknowledged, it is yours" in doors.sms("ACK 2")


def test_two_machines_do_not_answer_each_other_for_ever(paged: Doors) -> None:
    answers = [paged.sms("I am away until Monday.", sender="+15005559999") for _ in range(8)]
    assert ["Message" in said for said in answers] == [True] * 5 + [False] * 3
    paged.world.clock.advance(hours=1)
    assert "Message" in paged.sms("hello", sender="+15005559999")


# --- STOP and START ------------------------------------------------------------------------------------------------


def test_stop_ends_messages_to_that_number_and_start_brings_them_back(paged: Doors) -> None:
    paged.incident("Load high")
    said = paged.sms("STOP")
    assert "Message" not in said
    [method] = [each for each in paged.methods("Ravi") if each.channel == "twilio_sms"]
    assert method.opted_out_at == paged.now
    assert "Ravi has stopped SMS: that page is not sent" in paged.story(2)
    assert {page.channel for page in paged.pages(2) if page.status == "pending"} == {"email"}
    assert paged.notices() == {
        "ravi@example.com": f"No more SMS to {NUMBER}",
        "ada@example.com": "Ravi has stopped SMS",
    }
    paged.incident("Queue long")
    assert {page.channel for page in paged.pages(3)} == {"email"}
    assert "sends messages to this number again" in paged.sms("start")
    paged.incident("Lag")
    assert {page.channel for page in paged.pages(4)} == {"email", "twilio_sms"}


def test_whoever_stops_the_only_way_to_them_is_passed_at_once(doors: Doors) -> None:
    doors.phone("Ravi", minutes=1)
    doors.drop_email("Ravi")
    doors.policy("Ravi", "Noor")
    doors.incident()
    doors.sms("stop")
    assert doors.escalation(1).level == 2
    assert doors.notices()["ada@example.com"] == "Ravi has stopped SMS"


def test_the_vendor_s_own_word_for_it_counts_in_any_language(paged: Doors) -> None:
    assert "Message" not in paged.sms("basta", OptOutType="STOP")
    paged.incident("Load high")
    assert {page.channel for page in paged.pages(2)} == {"email"}


def test_stop_from_a_shared_number_stops_it_for_everybody(paged: Doors) -> None:
    paged.phone("Noor")
    paged.sms("STOP")
    for name in ("Ravi", "Noor"):
        assert [each.opted_out_at is not None for each in paged.methods(name)] == [False, True]


# --- who is believed -----------------------------------------------------------------------------------------------

FIELDS = [("MessageSid", "SM9"), ("From", NUMBER), ("Body", "ACK 1"), ("Empty", "")]


FORGED: list[str] = ["", "AAAA", "é", "x" * 5000, twilio_signature(f"{BASE_URL}/other/", FIELDS)]


def test_a_forged_request_is_refused_and_counted(paged: Doors) -> None:
    for number, signature in enumerate(FORGED, start=1):
        paged.world.clock.advance(seconds=1)
        response = paged.client.post(
            SMS,
            data=dict(FIELDS),
            headers=[(b"x-twilio-signature", signature.encode())] if signature else [],
        )
        assert response.status_code in (401, 403)
        assert response.headers["content-type"] == "application/problem+json"
        assert paged.status(1) == "triggered"
        state = paged.state("twilio")
        assert (state.refused, state.last_outcome) == (number, "refused")
        assert "X-Twilio-Signature" in (state.last_error or "")


def test_a_signed_request_with_one_changed_field_is_refused(paged: Doors) -> None:
    signature = twilio_signature(f"{BASE_URL}{SMS}", FIELDS)
    changed = [("MessageSid", "SM9"), ("From", NUMBER), ("Body", "RESOLVE 1"), ("Empty", "")]
    assert paged.twilio(SMS, changed, signature=signature).status_code == 403
    assert paged.twilio(SMS, FIELDS, signature=signature).status_code == 200


def test_a_channel_with_an_account_of_its_own_is_believed_by_its_own_token(paged: Doors) -> None:
    signature = twilio_signature(f"{BASE_URL}{SMS}", FIELDS, "the-other-account-s-token")
    assert paged.twilio(SMS, FIELDS, signature=signature).status_code == 403
    config = {"account_sid": "AC1", "auth_token": "the-other-account-s-token", "from": "+15005550006", "to": NUMBER}
    catalogue.create_channel(paged.rt, name="Ops", driver="twilio_sms", config=config, actor=paged.admin, now=paged.now)
    assert paged.twilio(SMS, FIELDS, signature=signature).status_code == 200


@pytest.mark.parametrize("url", [BASE_URL, f"{BASE_URL}:443"])
def test_the_standard_port_may_be_signed_or_not(paged: Doors, url: str) -> None:
    assert paged.twilio(SMS, FIELDS, signature=twilio_signature(f"{url}{SMS}", FIELDS)).status_code == 200


def test_the_vector_of_the_vendor_s_library_fits() -> None:
    form = [
        ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"), ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert is_twilio_signature("RSOYDt4T1cUTdK1PDd93/VVr8B8=", url=url, form=form, tokens=["12345"])
    assert not is_twilio_signature("RSOYDt4T1cUTdK1PDd93/VVr8B8=", url=url, form=form, tokens=["12346", ""])


HOSTILE: list[bytes] = [
    b"",
    b"\xff\xfe=1",
    b"From=%ff",
    b"a=b",
    b"&".join(b"a=%d" % number for number in range(300)),
    b"x" * 300_000,
]


def test_hostile_bodies_are_refused_in_words(paged: Doors) -> None:
    for body in HOSTILE:
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "AAAA"}
        for path in (SMS, "/integrations/twilio_status/", "/integrations/twilio_voice/"):
            response = paged.client.post(path, content=body, headers=headers)
            assert 400 <= response.status_code < 500
            assert response.headers["content-type"] == "application/problem+json"


def test_a_signed_request_that_lacks_what_it_needs_is_invalid(paged: Doors) -> None:
    for path, field in ((SMS, "From"), ("/integrations/twilio_status/", "MessageSid")):
        response = paged.twilio(path, [("Body", "x\x00y")])
        assert response.status_code == 422
        assert response.json()["errors"][0]["path"] == field


def test_admins_see_what_came_in_last(paged: Doors) -> None:
    headers = bearer(paged.rt, paged.admin)

    def shown() -> dict[str, object]:
        found: dict[str, object] = paged.client.get("/api/v1/system/integrations", headers=headers).json()["twilio"]
        return found

    assert (shown()["last_inbound_at"], shown()["last_outcome"], shown()["last_error"]) == (None, None, None)
    assert shown()["inbound_url"] == f"{BASE_URL}{SMS}"
    paged.twilio(SMS, FIELDS, signature="forged")
    paged.world.clock.advance(seconds=2)
    paged.sms("ACK 1")
    after = shown()
    assert after["last_outcome"] == "ack"
    assert str(after["last_inbound_at"]).startswith("2026-03-02T09:00:02")
    assert "X-Twilio-Signature is wrong" in str(after["last_error"])
    assert (after["accepted"], after["refused"]) == (1, 1)
