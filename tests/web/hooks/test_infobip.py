"""Infobip's doors: the secret in the path, messages that come in, answers that go out as messages."""

import json
from typing import Any

import pytest

from app.notify.callbacks import infobip_path, is_path_secret
from app.notify.types import NotificationKind
from app.platform.secrets import SecretBox
from tests.web.hooks.conftest import NUMBER, Doors


@pytest.fixture
def paged(doors: Doors) -> Doors:
    """Ravi was paged by Infobip's SMS for incident 1; Noor is on the next level."""
    doors.phone("Ravi", channel="infobip_sms")
    doors.policy("Ravi", "Noor")
    doors.incident()
    doors.sent(1, "infobip_sms", provider_id="M1")
    return doors


def sms(text: str, *, message_id: str = "I1", sender: str = NUMBER[1:]) -> dict[str, Any]:
    """A text message as Infobip delivers it: numbers stand without a plus."""
    return {"messageId": message_id, "from": sender, "to": "41793026731", "text": text, "cleanText": ""}


def test_acknowledgement_is_answered_by_a_message_of_its_own(paged: Doors) -> None:
    response = paged.infobip("infobip_inbound", [sms("ack 1")])
    assert (response.status_code, response.json()["taken"]) == (200, 1)
    assert paged.status(1) == "acknowledged"
    assert paged.responders(1) == [(paged.person("Ravi").id, "responder", "sms")]
    [reply] = paged.messages(NotificationKind.REPLY)
    assert (reply.channel, reply.address, reply.user_id) == ("infobip_sms", NUMBER, paged.person("Ravi").id)
    assert reply.facts["text"] == "#1 Disk full: acknowledged, it is yours."


def test_a_retry_changes_nothing_and_sends_nothing_more(paged: Doors) -> None:
    for _ in range(3):
        assert paged.infobip("infobip_inbound", [sms("decline 1")]).status_code == 200
    assert paged.escalation(1).level == 2
    assert len(paged.messages(NotificationKind.REPLY)) == 1


def test_whatsapp_is_its_own_way(doors: Doors) -> None:
    doors.phone("Ravi", channel="infobip_whatsapp")
    doors.policy("Ravi")
    doors.incident()
    doors.sent(1, "infobip_whatsapp")
    result = {
        "messageId": "W1", "from": NUMBER[1:], "integrationType": "WHATSAPP",
        "message": {"type": "TEXT", "text": "ACK"},
    }  # fmt: skip
    assert doors.infobip("infobip_inbound", [result]).status_code == 200
    assert doors.responders(1) == [(doors.person("Ravi").id, "responder", "whatsapp")]
    assert doors.story(1)[-1] == "Ravi acknowledged by WhatsApp"
    assert doors.messages(NotificationKind.REPLY)[0].channel == "infobip_whatsapp"


def test_nothing_more_is_sent_to_whoever_said_stop(paged: Doors) -> None:
    paged.infobip("infobip_inbound", [sms("STOP")])
    assert paged.messages(NotificationKind.REPLY) == []
    paged.incident("Load high")
    assert {page.channel for page in paged.pages(2)} == {"email"}


def test_several_messages_in_one_request_are_taken_one_by_one(paged: Doors) -> None:
    paged.incident("Load high")
    results = [sms("ack 1", message_id="A"), {"from": "1"}, sms("ack 2", message_id="B"), "junk", None]
    response = paged.infobip("infobip_inbound", results)
    assert (response.json()["taken"], response.json()["passed_over"]) == (2, 3)
    assert (paged.status(1), paged.status(2)) == ("acknowledged", "acknowledged")


WRONG_SECRETS: list[str] = ["x", "0" * 40, "%C3%A4", "a" * 4000]


def test_a_wrong_secret_is_refused_and_counted(paged: Doors) -> None:
    for secret in WRONG_SECRETS:
        for what in ("infobip_inbound", "infobip_reports"):
            response = paged.client.post(f"/integrations/{what}/{secret}/", json={"results": [sms("ack 1")]})
            assert response.status_code == 404
        assert paged.status(1) == "triggered"
        assert paged.state("infobip").last_outcome == "refused"


def test_one_path_s_secret_does_not_open_the_other(paged: Doors) -> None:
    secret = infobip_path(paged.rt.secrets, "infobip_reports").split("/")[-2]
    assert paged.client.post(f"/integrations/infobip_inbound/{secret}/", json={"results": []}).status_code == 404


def test_the_address_stays_good_when_the_secret_key_is_changed() -> None:
    old, new = "an-old-key-an-old-key-an-old-key-1", "a-new-key-a-new-key-a-new-key-a-n2"
    secret = infobip_path(SecretBox(old), "infobip_inbound").split("/")[-2]
    assert is_path_secret(SecretBox(new, [old]), "infobip_inbound", secret)
    assert not is_path_secret(SecretBox(new), "infobip_inbound", secret)


HOSTILE: list[bytes] = [
        b"", b"{", b"[]", b"null", b"1", b'{"results": 1}', b'{"results": [1, null, {}]}', b'{"results": [[]]}',
        b'{"results": [{"messageId": {}, "from": []}]}', b'{"results": [{"messageId": "x", "from": true}]}',
        b'{"results": [' + b"{}," * 300 + b"{}]}", b"\xff", b"[" * 100_000, b'{"results": "' + b"x" * 300_000 + b'"}',
    ]  # fmt: skip


def test_hostile_bodies_are_refused_in_words(paged: Doors) -> None:
    for body in HOSTILE:
        for what in ("infobip_inbound", "infobip_reports"):
            response = paged.client.post(infobip_path(paged.rt.secrets, what), content=body)
            assert 400 <= response.status_code < 500
            assert response.headers["content-type"] == "application/problem+json"


STRANGE: list[Any] = [None, 7, 2**70, 1.5, "\x00", "x" * 5000, [], {}, True, "\ud800", "<script>"]


def test_strange_values_are_no_server_error(paged: Doors) -> None:
    for value in STRANGE:
        for key in ("messageId", "from", "text", "message", "integrationType"):
            body = json.dumps({"results": [{**sms("ACK 99"), key: value}]}).encode()
            assert paged.client.post(infobip_path(paged.rt.secrets, "infobip_inbound"), content=body).status_code < 500
        report = {"messageId": "M1", "status": {"groupId": 2}, "doneAt": "2026-03-02T09:24:44.555+0000", "error": {}}
        for key in report:
            body = json.dumps({"results": [{**report, key: value}]}).encode()
            assert paged.client.post(infobip_path(paged.rt.secrets, "infobip_reports"), content=body).status_code < 500
