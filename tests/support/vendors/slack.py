"""Slack on loopback: chat.postMessage, chat.update, reactions.add, and incoming webhooks."""

from dataclasses import dataclass, field
from typing import Any

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer

TOKEN = "xoxb-0000-example-token"
CHANNELS = ("C0OPS", "U0RAVI", "U0NOOR", "D0RAVI")


@dataclass
class Post:
    """One message in Slack: what it shows now, its thread, and the reactions under it."""

    channel: str
    ts: str
    content: JsonObject
    thread_ts: str | None = None
    reactions: list[str] = field(default_factory=list)
    edits: int = 0


class Slack(Vendor):
    """The API, for a bot whose token is TOKEN."""

    kind = "slack"
    refusal = json_answer(200, {"ok": False, "error": "channel_not_found"})
    throttle = json_answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "120"})
    hidden_failures = (
        (json_answer(200, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}), False),
        (json_answer(200, {"ok": False, "error": "internal_error"}), False),
        (json_answer(200, {"ok": False, "error": "invalid_auth"}), True),
        (json_answer(200, {"ok": False, "error": "is_archived"}), True),
        (json_answer(200, {"ok": False}), True),
    )

    def __init__(self) -> None:
        self.posts: list[Post] = []
        super().__init__()

    @property
    def config(self) -> JsonObject:
        return {"bot_token": TOKEN, "channel": "C0OPS", "api_url": f"{self.url}/api"}

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/services/"):
            return Answer(200, b"ok") if request.json().get("text") else Answer(400, b"no_text")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no("invalid_auth")
        if "application/json" not in request.headers.get("content-type", ""):
            return _no("invalid_form_data")
        body = request.json()
        if body.get("channel") not in CHANNELS:
            return _no("channel_not_found")
        match request.path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._post(body)
            case "chat.update":
                return self._update(body)
            case "reactions.add":
                return self._react(body)
        return _no("unknown_method")

    def _post(self, body: JsonObject) -> Answer:
        fault = _content_fault(body)
        if fault:
            return _no(fault)
        channel = "D0RAVI" if body["channel"] == "U0RAVI" else body["channel"]
        post = Post(channel, f"1767344400.{len(self.posts):06d}", body, body.get("thread_ts"))
        if post.thread_ts and self._find(channel, post.thread_ts) is None:
            return _no("thread_not_found")
        self.posts.append(post)
        return json_answer(200, {"ok": True, "channel": channel, "ts": post.ts, "message": {"text": body["text"]}})

    def _update(self, body: JsonObject) -> Answer:
        post = self._find(body["channel"], body.get("ts"))
        if post is None:
            return _no("message_not_found")
        fault = _content_fault(body)
        if fault:
            return _no(fault)
        post.content, post.edits = body, post.edits + 1
        return json_answer(200, {"ok": True, "channel": post.channel, "ts": post.ts, "text": body["text"]})

    def _react(self, body: JsonObject) -> Answer:
        post = self._find(body["channel"], body.get("timestamp"))
        if post is None:
            return _no("message_not_found")
        if body["name"] in post.reactions:
            return _no("already_reacted")
        post.reactions.append(body["name"])
        return json_answer(200, {"ok": True})

    def _find(self, channel: Any, ts: Any) -> Post | None:
        return next((post for post in self.posts if (post.channel, post.ts) == (channel, ts)), None)


def _no(error: str) -> Answer:
    return json_answer(200, {"ok": False, "error": error})


def _content_fault(body: JsonObject) -> str | None:
    """What Slack minds about a message: no text, or blocks beyond its limits."""
    if not body.get("text"):
        return "no_text"
    blocks = body.get("blocks", [])
    if len(blocks) > 50:
        return "invalid_blocks"
    for block in blocks:
        text = (block.get("text") or {}).get("text", "x")
        limit = 150 if block["type"] == "header" else 3000
        fields = block.get("fields", [])
        values = [len(element.get("value", "")) for element in block.get("elements", [])]
        if not 0 < len(text) <= limit or len(fields) > 10 or max(values, default=0) > 2000:
            return "invalid_blocks"
    return None
