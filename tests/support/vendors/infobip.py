"""Infobip on loopback: SMS v3 and WhatsApp."""

from typing import Any

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer

KEY = "example-infobip-key"


def status(group: str, name: str) -> JsonObject:
    """The status of one message."""
    groups = {"ACCEPTED": 0, "PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}
    return {"groupId": groups[group], "groupName": group, "id": 26, "name": name, "description": "as documented"}


def service_exception(code: int, message_id: str) -> Answer:
    """How Infobip refuses."""
    fault = {"messageId": message_id, "text": "as documented"}
    return json_answer(code, {"requestError": {"serviceException": fault}})


class InfobipSms(Vendor):
    """POST /sms/3/messages."""

    kind = "infobip_sms"
    refusal = service_exception(400, "BAD_REQUEST")
    hidden_failures = (
        (json_answer(200, {"messages": [{"messageId": "m", "status": status("REJECTED", "REJECTED_NETWORK")}]}), True),
        (
            json_answer(200, {"messages": [{"messageId": "m", "status": status("REJECTED", "REJECTED_SYSTEM_ERROR")}]}),
            False,
        ),
        (
            json_answer(200, {"messages": [{"messageId": "m", "status": status("UNDELIVERABLE", "UNDELIVERABLE_X")}]}),
            True,
        ),
    )

    @property
    def config(self) -> JsonObject:
        return {"base_url": self.url, "api_key": KEY, "sender": "PagerPal", "to": "+491511234567"}

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"App {KEY}":
            return service_exception(401, "UNAUTHORIZED")
        if request.path != "/sms/3/messages":
            return service_exception(404, "NOT_FOUND")
        (message,) = request.json()["messages"]
        (destination,) = message["destinations"]
        if not destination["to"].isdigit() or not message["content"]["text"] or not message["sender"]:
            return service_exception(400, "BAD_REQUEST")
        sent = _sent(destination["to"], destination.get("messageId"))
        return json_answer(200, {"bulkId": "b", "messages": [{**sent, "details": {"messageCount": 1}}]})


class InfobipWhatsapp(Vendor):
    """POST /whatsapp/1/message/text and /template."""

    kind = "infobip_whatsapp"
    refusal = service_exception(400, "BAD_REQUEST")
    hidden_failures = (
        (json_answer(200, {"messageId": "m", "status": status("REJECTED", "REJECTED_DESTINATION")}), True),
    )

    @property
    def config(self) -> JsonObject:
        return {"base_url": self.url, "api_key": KEY, "sender": "441134960000", "to": "+491511234567"}

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"App {KEY}":
            return service_exception(401, "UNAUTHORIZED")
        body = request.json()
        if request.path == "/whatsapp/1/message/text":
            return json_answer(200, _sent(body["to"], body["messageId"])) if body["content"]["text"] else self.refusal
        if request.path == "/whatsapp/1/message/template":
            (message,) = body["messages"]
            content = message["content"]
            ok = content["templateName"] and content["language"] and content["templateData"]["body"]["placeholders"]
            return json_answer(200, {"messages": [_sent(message["to"], message["messageId"])]}) if ok else self.refusal
        return service_exception(404, "NOT_FOUND")


def _sent(to: str, message_id: Any) -> JsonObject:
    return {"to": to, "destination": to, "messageId": message_id, "status": status("PENDING", "PENDING_ACCEPTED")}
