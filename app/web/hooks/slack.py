"""Slack's requests: events (reactions) and interactions (buttons), signed with the app's signing secret.

Slack waits 3 seconds and sends an event up to three times more: the answer goes out right after the commit, and what
only one person is to read follows it.
"""

import hashlib
import json
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.notify import inbound
from app.notify.configs import active_configs
from app.notify.inbound import Answered
from app.notify.signing import is_slack_signature
from app.platform import strictjson
from app.platform.errors import FieldError, Invalid, Unauthenticated
from app.platform.logs import get_logger
from app.platform.ports import HttpFailed
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.answer.slack import Post, Press, Reaction, take_press, take_reaction
from app.web.hooks.bodies import body_of
from app.web.hooks.vendors import MAX_BYTES, SignatureWrong, attended, form_of

VENDOR: Final = "slack"
JSON_TYPE = "application/json; charset=utf-8"
EPHEMERAL_SECONDS = 5.0
TEXT_LIMIT = 200
# Whoever pressed a button is always answered; a reaction that counted shows in the thread.
SILENT_REACTIONS = frozenset({"ack", "decline", "ignored"})

log = get_logger(__name__)


async def receive(request: Request) -> Response:
    """An event or an interaction, whichever address it was sent to; what we have no use for is taken and ignored."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        body = await _signed(request)
        payload = _payload(request.headers.get("content-type", ""), body)
        if payload.get("type") == "url_verification":
            await rt.db.run(lambda tx: inbound.note(tx, VENDOR, "challenge", now=rt.clock.now()))
            return JSONResponse({"challenge": _text(payload.get("challenge"))})
        if payload.get("type") == "event_callback":
            return await _event(rt, payload)
        return await _interaction(rt, payload, body)


async def _event(rt: Runtime, payload: JsonObject) -> Response:
    event, item = _object(payload.get("event")), _object(_object(payload.get("event")).get("item"))
    if event.get("type") != "reaction_added" or _is_ours(payload, event):
        return _taken()
    post = Post(_text(item.get("channel")), _text(item.get("ts")))
    reaction = Reaction(
        _needed(payload, "event_id"), _needed(event, "user", "event."), post, _text(event.get("reaction"))
    )
    answered = await take_reaction(rt, reaction, now=rt.clock.now())
    if answered.outcome in SILENT_REACTIONS or not answered.text:
        return _taken()
    return _taken(BackgroundTask(_whisper, rt, reaction, answered.text))


async def _interaction(rt: Runtime, payload: JsonObject, body: bytes) -> Response:
    actions = payload.get("actions")
    if payload.get("type") != "block_actions" or not isinstance(actions, list) or not actions:
        return _taken()
    action, container = _object(actions[0]), _object(payload.get("container"))
    channel = _text(container.get("channel_id")) or _text(_object(payload.get("channel")).get("id"))
    press = Press(
        # Pressing again is another press; the same request once more is not.
        id=hashlib.sha256(body).hexdigest(),
        slack_user=_needed(_object(payload.get("user")), "id", "user."),
        post=Post(channel, _text(container.get("message_ts"))),
        action=_text(action.get("action_id")),
        value=_text(action.get("value")),
    )
    answered = await take_press(rt, press, now=rt.clock.now())
    if not answered.text:
        return _taken()
    url = payload.get("response_url")
    return _said(answered, BackgroundTask(_respond, rt, str(url), answered.text) if url else None)


async def _signed(request: Request) -> bytes:
    """The body, when Slack signed it just now. Raises Unauthenticated, SignatureWrong, TooLarge."""
    rt: Runtime = request.app.state.runtime
    signature = request.headers.get("x-slack-signature", "")
    if not signature:
        raise Unauthenticated("The request carries no X-Slack-Signature.")
    body = await body_of(request, at_most=MAX_BYTES)
    secret = rt.settings.slack_signing_secret
    if not secret:
        raise SignatureWrong("SLACK_SIGNING_SECRET is not set, so nothing from Slack can be believed.")
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    if not is_slack_signature(signature, timestamp=timestamp, body=body, secret=secret, now=rt.clock.now()):
        raise SignatureWrong("The X-Slack-Signature is wrong or older than five minutes: check SLACK_SIGNING_SECRET.")
    return body


def _payload(content_type: str, body: bytes) -> JsonObject:
    """What the request says: JSON, or a form whose field `payload` is JSON; empty for forms without one."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        value = strictjson.loads(body)
    else:
        said = dict(form_of(body)).get("payload")
        value = strictjson.loads_text(said) if said else {}
    if not isinstance(value, dict):
        raise Invalid("The request is not what Slack sends.", [FieldError("", "must be an object")])
    return value


def _is_ours(payload: JsonObject, event: JsonObject) -> bool:
    """Whether the reaction is the bot's own, put there for people to tap."""
    given = payload.get("authorizations")
    bots = [_object(each) for each in given] if isinstance(given, list) else []
    return any(bot.get("is_bot") and bot.get("user_id") == event.get("user") for bot in bots)


def _taken(then: BackgroundTask | None = None) -> Response:
    return JSONResponse({"ok": True}, background=then)


def _said(answered: Answered, then: BackgroundTask | None) -> Response:
    return JSONResponse(_ephemeral(answered.text), background=then)


def _ephemeral(text: str) -> JsonObject:
    return {"response_type": "ephemeral", "replace_original": False, "text": _escaped(text)}


async def _respond(rt: Runtime, url: str, text: str) -> None:
    """Tell whoever pressed the button what came of it, them alone; Slack gave the address with the press."""
    await _post(rt, url, _ephemeral(text), {})


async def _whisper(rt: Runtime, reaction: Reaction, text: str) -> None:
    """Tell whoever reacted why it did not count, them alone; without a bot there is no way to."""
    configs = await rt.db.run_read(lambda tx: active_configs(tx, [VENDOR], rt.secrets))
    bots = [(rt.settings.slack_bot_token, rt.settings.slack_api_url)]
    bots += [(str(getattr(each, "bot_token", "")), str(getattr(each, "api_url", ""))) for each in configs]
    token, api_url = next((bot for bot in bots if bot[0]), ("", ""))
    if token:
        body = {"channel": reaction.post.channel, "user": reaction.slack_user, "text": _escaped(text)}
        url = f"{api_url.rstrip('/')}/chat.postEphemeral"
        await _post(rt, url, body, {"authorization": f"Bearer {token}"})


async def _post(rt: Runtime, url: str, body: JsonObject, headers: dict[str, str]) -> None:
    if not rt.settings.notification_sending_enabled:
        return
    headers = {"content-type": JSON_TYPE, **headers}
    content = json.dumps(body).encode()
    try:
        await rt.outside.http.request("POST", url, headers=headers, content=content, timeout_seconds=EPHEMERAL_SECONDS)
    except HttpFailed as failed:
        # What counted is in the timeline; only this courtesy is lost.
        log.warning("an answer in Slack was not shown", reason=failed.reason)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:TEXT_LIMIT] if isinstance(value, str) else ""


def _needed(payload: JsonObject, name: str, where: str = "") -> str:
    value = _text(payload.get(name))
    if not value:
        raise Invalid("The request is not what Slack sends.", [FieldError(f"{where}{name}", "is missing")])
    return value
