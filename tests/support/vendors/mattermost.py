"""Mattermost on loopback: one incoming webhook."""

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer

HOOK = "/hooks/0000examplehook"


class Mattermost(Vendor):
    """POST /hooks/…."""

    kind = "mattermost"
    refusal = json_answer(
        404,
        {"id": "web.incoming_webhook.channel.app_error", "message": "Couldn't find the channel", "status_code": 404},
    )

    @property
    def config(self) -> JsonObject:
        return {"webhook_url": f"{self.url}{HOOK}", "channel": "ops"}

    def answer(self, request: Request) -> Answer:
        if request.path != HOOK:
            return json_answer(400, {"id": "web.incoming_webhook.invalid.app_error", "status_code": 400})
        body = request.json()
        if not body.get("text") and not body.get("attachments"):
            return json_answer(400, {"id": "web.incoming_webhook.text.app_error", "status_code": 400})
        return Answer(200, b"ok")
