"""PagerDuty on loopback: the Events API v2, with the incidents that it would have."""

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer

KEY = "0123456789abcdef0123456789abcdef"
AFTER = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}


class PagerDuty(Vendor):
    """The events endpoint; `incidents` are statuses by deduplication key."""

    kind = "pagerduty"
    refusal = json_answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["x"]})
    hidden_failures = ()

    def __init__(self) -> None:
        self.incidents: dict[str, str] = {}
        super().__init__()

    @property
    def config(self) -> JsonObject:
        return {"integration_key": KEY, "events_url": f"{self.url}/v2/enqueue"}

    def answer(self, request: Request) -> Answer:
        event = request.json()
        errors = _faults(event)
        if errors:
            return json_answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        key, action = event["dedup_key"], event["event_action"]
        is_open = self.incidents.get(key, "resolved") != "resolved"
        # A trigger for one that is open is only added to it, and what is over cannot be acknowledged.
        if is_open != (action == "trigger"):
            self.incidents[key] = AFTER[action]
        return json_answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})


def _faults(event: JsonObject) -> list[str]:
    faults = []
    if event.get("routing_key") != KEY:
        faults.append("routing_key is invalid")
    if event.get("event_action") not in AFTER:
        faults.append("event_action is invalid")
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        faults.append("dedup_key is invalid")
    if event.get("event_action") == "trigger":
        payload = event.get("payload") or {}
        if not 0 < len(payload.get("summary", "")) <= 1024:
            faults.append("payload.summary is missing or too long")
        if payload.get("severity") not in ("critical", "error", "warning", "info") or not payload.get("source"):
            faults.append("payload.severity or payload.source is invalid")
        if "links" in payload or "client" in payload:
            faults.append("links and client stand beside the payload")
    return faults
