"""What goes over the wire to each vendor, word by word (wire formats §11)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element, fromstring

import pytest

from app.notify import callbacks
from app.notify.action_links import read_call_token, read_token
from app.notify.channels._base import callback
from app.notify.types import Notification
from app.platform.settings import Settings
from tests.service.notify.conftest import Ward
from tests.service.notify.test_vendors import Desk
from tests.support.http_server import Request
from tests.support.loopback import LOOPBACK, on_loopback
from tests.support.vendors import infobip, slack, twilio
from tests.support.vendors.infobip import InfobipSms, InfobipWhatsapp
from tests.support.vendors.mattermost import Mattermost
from tests.support.vendors.pagerduty import KEY as ROUTING_KEY, PagerDuty
from tests.support.vendors.ses import KEYS, REGION, Ses
from tests.support.vendors.slack import Slack
from tests.support.vendors.slack_view import page_of
from tests.support.vendors.twilio import TwilioSms, TwilioVoice
from tests.support.vendors.vendor import Vendor

PHONE = "+491511234567"
TITLE = "Disk full on db-1"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The database plays no part here."""
    return sqlite_url


@contextmanager
def paged(ward: Ward, kind: type[Vendor], address: str, **settings: Any) -> Iterator[tuple[Request, Notification]]:
    """What the vendor is asked when Ravi is paged by it, and the page."""
    with kind.open() as vendor:
        ward.reached_by("Ravi", kind.kind, address)
        values = {name: vendor.url if value == "URL" else value for name, value in settings.items()}
        rt = on_loopback(ward.with_settings(**values).rt)
        there = Ward(rt, ward.world, ward.admin, ward.policy_id)
        incident_id = there.opens(TITLE)
        there.delivers_all()
        (row,) = there.messages(incident_id)
        assert row.status.value == "sent", row.last_error
        yield vendor.requests[0], row


def form_of(request: Request) -> dict[str, str]:
    """A request's form."""
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


def acknowledge_link(ward: Ward, text: str) -> int:
    """The page that the link in a text acknowledges."""
    token = text.rpartition("/a/")[2]
    link = read_token(ward.rt.secrets, token, now=ward.now)
    assert link.action == "acknowledge"
    return link.notification_id


TWILIO = {
    "twilio_account_sid": twilio.SID, "twilio_auth_token": twilio.TOKEN, "twilio_from": "+15005550006",
    "twilio_base_url": "URL",
}  # fmt: skip


def test_twilio_sms(ward: Ward) -> None:
    with paged(ward, TwilioSms, PHONE, **TWILIO) as (request, row):
        assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{twilio.SID}/Messages.json")
        assert request.headers["authorization"] == twilio.LOGIN
        form = form_of(request)
        assert form.keys() == {"To", "From", "Body", "StatusCallback"}
        assert (form["To"], form["From"]) == (PHONE, "+15005550006")
        assert form["StatusCallback"] == "https://pager.example.com/integrations/twilio_status/"
        assert form["Body"].startswith("CRITICAL #1 Disk full on db-1. Reply ACK 1 or https://pager.example.com/a/")
        assert acknowledge_link(ward, form["Body"]) == row.id


def test_twilio_does_not_hear_of_a_callback_that_it_cannot_reach(ward: Ward) -> None:
    local = {"pagerpal_base_url": "http://127.0.0.1:8000"}
    with paged(ward, TwilioSms, PHONE, **TWILIO, **local) as (request, _row):
        assert form_of(request)["StatusCallback"].startswith("http://127.0.0.1:8000/")
    vendors = Settings(pagerpal_env="test").twilio_base_url
    assert callback("http://127.0.0.1:8000/integrations/twilio_status/", vendors) == ""


def test_twilio_voice_speaks_and_takes_a_digit(ward: Ward) -> None:
    with paged(ward, TwilioVoice, PHONE, **TWILIO) as (request, row):
        assert request.path == f"/2010-04-01/Accounts/{twilio.SID}/Calls.json"
        form = form_of(request)
        assert form.keys() == {"To", "From", "Twiml", "Timeout", "StatusCallback"}
        gather = only(fromstring(form["Twiml"]))  # noqa: S314  our own XML
        assert (gather.tag, gather.get("numDigits"), gather.get("method")) == ("Gather", "1", "POST")
        says = [each.text for each in gather if each.tag == "Say"]
        assert (
            says
            == [
                "PagerPal. Critical incident, number 1. Disk full on db-1. "
                "Press 1 to acknowledge, 2 to escalate, 3 to resolve."
            ]
            * 2
        )
        action = urlsplit(gather.get("action") or "")
        assert f"{action.scheme}://{action.netloc}{action.path}" == (
            "https://pager.example.com/integrations/twilio_voice/"
        )
        token = dict(parse_qsl(action.query))["token"]
        assert read_call_token(ward.rt.secrets, token, now=ward.now) == row.id


def only(root: Element) -> Element:
    """The one element in another."""
    (child,) = root
    return child


INFOBIP = {
    "infobip_base_url": "URL", "infobip_api_key": infobip.KEY, "infobip_sms_sender": "PagerPal",
    "infobip_whatsapp_sender": "441134960000",
}  # fmt: skip


def test_infobip_sms(ward: Ward) -> None:
    with paged(ward, InfobipSms, PHONE, **INFOBIP) as (request, row):
        assert (request.method, request.path) == ("POST", "/sms/3/messages")
        assert request.headers["authorization"] == f"App {infobip.KEY}"
        (message,) = request.json()["messages"]
        reports = callbacks.infobip_path(ward.rt.secrets, "infobip_reports")
        assert message["sender"] == "PagerPal"
        assert message["destinations"] == [{"to": "491511234567", "messageId": row.idempotency_key}]
        assert message["content"]["text"].startswith("CRITICAL #1 Disk full on db-1. Reply ACK 1 or https://")
        assert message["webhooks"] == {
            "delivery": {"url": f"https://pager.example.com{reports}"},
            "contentType": "application/json",
            "callbackData": str(row.id),
        }
        assert row.provider_message_id == row.idempotency_key


def test_infobip_whatsapp_by_template(ward: Ward) -> None:
    more = {"infobip_whatsapp_template": "page", "infobip_whatsapp_language": "en_GB"}
    with paged(ward, InfobipWhatsapp, PHONE, **INFOBIP, **more) as (request, row):
        assert request.path == "/whatsapp/1/message/template"
        (message,) = request.json()["messages"]
        link = message["content"]["templateData"]["body"]["placeholders"].pop()
        assert acknowledge_link(ward, link) == row.id
        notify_url = message.pop("notifyUrl")
        assert notify_url.startswith("https://pager.example.com/integrations/infobip_reports/")
        assert message == {
            "from": "441134960000",
            "to": "491511234567",
            "messageId": row.idempotency_key,
            "callbackData": str(row.id),
            "content": {
                "templateName": "page",
                "templateData": {"body": {"placeholders": ["1", "critical", TITLE]}},
                "language": "en_GB",
            },
        }


def test_infobip_whatsapp_as_free_text(ward: Ward) -> None:
    with paged(ward, InfobipWhatsapp, PHONE, **INFOBIP) as (request, _row):
        assert request.path == "/whatsapp/1/message/text"
        assert "Reply ACK 1" in request.json()["content"]["text"]


def test_pagerduty(ward: Ward) -> None:
    with PagerDuty.open() as vendor:
        desk = Desk(ward, vendor)
        desk.delivers()
        (request,) = vendor.requests
        event = request.json()
        assert event.keys() == {
            "routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links",
        }  # fmt: skip
        assert (event["routing_key"], event["event_action"], event["client"]) == (ROUTING_KEY, "trigger", "PagerPal")
        link = f"https://pager.example.com/incidents/{desk.incident_id}"
        assert event["links"] == [{"href": link, "text": "Open in PagerPal"}]
        payload = event["payload"]
        assert payload["summary"] == "[CRITICAL] #1 Disk full on db-1"
        assert (payload["severity"], payload["source"], payload["timestamp"]) == (
            "critical", "db-1", "2026-03-02T09:00:00+00:00",
        )  # fmt: skip


def test_mattermost_calls_nobody_whatever_an_alert_says(ward: Ward) -> None:
    with Mattermost.open() as vendor:
        desk = Desk(ward, vendor, title="@channel *look* <!here> [x](http://evil.example.com)")
        desk.delivers()
        body = vendor.requests[0].json()
        assert body["channel"] == "ops"
        assert "@channel" not in str(body)
        assert "[x](" not in body["text"]
        assert body["attachments"][0]["color"] == "#b3261e"


def test_slack_calls_nobody_whatever_an_alert_says(ward: Ward) -> None:
    with Slack.open() as vendor:
        desk = Desk(ward, vendor, title="<!channel> & <@U0NOOR> <http://evil.example.com|click>")
        desk.delivers()
        body = vendor.requests[0].json()
        assert "<!" not in body["text"]
        assert "<@" not in body["text"]
        header, *others = body["blocks"]
        assert header["text"]["type"] == "plain_text"
        assert "<!channel" not in str(others)


def test_slack_blocks(ward: Ward) -> None:
    with Slack.open() as vendor:
        desk = Desk(ward, vendor)
        desk.delivers()
        post, *reactions = vendor.requests
        assert post.path == "/api/chat.postMessage"
        assert post.headers["authorization"] == f"Bearer {slack.TOKEN}"
        assert post.headers["content-type"] == "application/json; charset=utf-8"
        body = post.json()
        assert (body["channel"], body["text"]) == ("C0OPS", "🔴 [CRITICAL] #1 Disk full on db-1")
        header, section, fields, context, actions = body["blocks"]
        assert header["text"]["text"] == "🔴 [CRITICAL] #1 Disk full on db-1"
        assert section["text"] == {"type": "mrkdwn", "text": "97 % used"}
        assert fields["fields"] == [{"type": "mrkdwn", "text": "*host*\ndb-1"}]
        assert "now triggered" in context["elements"][0]["text"]
        for button in actions["elements"]:
            link = read_token(ward.rt.secrets, button["value"], now=ward.now)
            assert link.action == button["action_id"]
        assert [each.json()["name"] for each in reactions] == ["white_check_mark", "x"]
        page = page_of(body["blocks"])
        assert "<h3>🔴 [CRITICAL] #1 Disk full on db-1</h3>" in page
        assert "<button class='primary'>Acknowledge</button>" in page


def test_an_incoming_webhook_of_slack_gets_no_buttons(ward: Ward) -> None:
    with Slack.open() as vendor:
        allowed = ward.with_settings(outbound_allowed_networks=LOOPBACK)
        url = f"{vendor.url}/services/T0/B0/x"
        desk = Desk(allowed, vendor, bot_token="", webhook_url=url)
        desk.delivers()
        (request,) = vendor.requests
        assert "actions" not in [block["type"] for block in request.json()["blocks"]]
        desk.tells("resolved")
        desk.delivers()
        assert len(vendor.requests) == 2


def test_ses(ward: Ward) -> None:
    with Ses.open() as vendor:
        desk = Desk(ward, vendor)
        desk.delivers()
        (request,) = vendor.requests
        assert (request.method, request.path) == ("POST", "/v2/email/outbound-emails")
        signature = request.headers["authorization"]
        assert f"Credential={KEYS['access_key_id']}/" in signature
        assert f"/{REGION}/ses/aws4_request" in signature
        mail = vendor.mail()
        assert mail["FromEmailAddress"] == "pager@example.com"
        assert mail["Destination"] == {"ToAddresses": ["ops@example.com"]}
        simple = mail["Content"]["Simple"]
        assert simple["Subject"] == {"Data": "[CRITICAL] #1 Disk full on db-1", "Charset": "UTF-8"}
        assert simple["Body"].keys() == {"Text", "Html"}
        headers = {each["Name"]: each["Value"] for each in simple["Headers"]}
        assert headers["References"] == headers["In-Reply-To"]
        assert (headers["X-Priority"], headers["Auto-Submitted"]) == ("1", "auto-generated")
        assert simple["Attachments"][0]["FileName"] == "incident.json"
