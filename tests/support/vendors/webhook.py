"""Anybody's HTTP endpoint on loopback."""

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer


class Webhook(Vendor):
    """Takes JSON and names the message."""

    kind = "webhook"
    refusal = Answer(404, b"gone")
    hidden_failures = ()

    @property
    def config(self) -> JsonObject:
        return {"endpoint": f"{self.url}/in", "message_id_path": "result.id", "headers": {"X-Key": "example-key"}}

    def answer(self, request: Request) -> Answer:
        request.json()
        return json_answer(200, {"result": {"id": f"w-{len(self.requests)}"}})
