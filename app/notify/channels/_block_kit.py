"""A message as Slack's Block Kit (https://api.slack.com/block-kit): title, what is known, state, and buttons.

The quirk that cost time: `<!channel>` in the text of an alert would call everybody, so nothing of an alert may be read
as markup.
"""

import json
import re
from collections.abc import Mapping

from app.notify.channels._base import EMOJIS, JsonObject, JsonValue, Message, clip

HEADER_LIMIT, SECTION_LIMIT, TEXT_LIMIT, FIELD_LIMIT = 150, 3000, 4000, 2000
LABELS_AT_MOST = 10
OVER = ("resolved", "closed")
BUTTONS: Mapping[str, tuple[str, str]] = {
    "acknowledge": ("Acknowledge", "primary"), "resolve": ("Resolve", ""), "escalate": ("Escalate", "danger"),
}  # fmt: skip
# What a template may make of a message; where it goes is not among it.
MADE = ("text", "blocks", "attachments", "unfurl_links", "unfurl_media")
# What calls people: an alert's text comes into operators' templates too.
_CALLS = re.compile(r"<(?=[!@#])")


def content(message: Message, *, buttons: bool) -> JsonObject:
    """The text for lock screens, and the blocks of an operator's template or ours."""
    text = clip(_escaped(f"{_sign(message)} {message.subject}"), TEXT_LIMIT)
    made = _made(message.payload)
    return {"text": text, **(made if made is not None else {"blocks": _blocks(message, buttons=buttons)})}


def _blocks(message: Message, *, buttons: bool) -> list[JsonObject]:
    """A message as Block Kit: title, what is known, state, and the buttons for what can still be done."""
    title = clip(f"{_sign(message)} {message.subject}", HEADER_LIMIT)
    found: list[JsonObject] = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}}]
    found.append({"type": "section", "text": _mrkdwn(clip(_escaped(_news(message)), SECTION_LIMIT))})
    tags = list((message.facts.get("tags") or {}).items())[:LABELS_AT_MOST]
    if tags:
        fields = [
            _mrkdwn(clip(f"*{_escaped(str(name))}*\n{_escaped(str(value))}", FIELD_LIMIT)) for name, value in tags
        ]
        found.append({"type": "section", "fields": fields})
    about = [_escaped(part) for part in (message.status and f"now {message.status}",) if part]
    if message.link:
        about.append(f"<{message.link}|Open in PagerPal>")
    if about:
        found.append({"type": "context", "elements": [_mrkdwn(" · ".join(about))]})
    if buttons and message.actions:
        elements = [_button(each.name, each.token) for each in message.actions if each.name in BUTTONS]
        found.append({"type": "actions", "block_id": "answers", "elements": elements})
    return found


def _button(name: str, token: str) -> JsonObject:
    label, style = BUTTONS[name]
    return {
        "type": "button",
        "action_id": name,
        "text": {"type": "plain_text", "text": label},
        "value": token,
        **({"style": style} if style else {}),
    }


def news(message: Message) -> str:
    """What is new, as a line in the incident's thread; where several share it, it says of which."""
    which = f"#{message.incident_id}: " if message.thread_is_shared else ""
    return clip(_escaped(f"{which}{_news(message)}"), TEXT_LIMIT)


def _news(message: Message) -> str:
    said = message.facts.get("news") or message.facts.get("message") or message.text
    repeat = "Possible repeat: " if message.possible_repeat else ""
    return f"{repeat}{str(said).strip() or message.subject}"


def _sign(message: Message) -> str:
    return EMOJIS["success"] if message.status in OVER else EMOJIS.get(message.severity, "")


def _made(payload: str) -> JsonObject | None:
    """What an operator's template made: Block Kit JSON, or plain text; None for JSON that is broken."""
    try:
        made = _tamed(json.loads(payload)) if payload else None
    except (ValueError, RecursionError):
        return None if payload.lstrip().startswith(("{", "[")) else {"text": clip(_escaped(payload), TEXT_LIMIT)}
    if isinstance(made, list):
        return {"blocks": made}
    return {name: made[name] for name in MADE if name in made} if isinstance(made, dict) else None


def _tamed(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return _CALLS.sub("&lt;", value)
    if isinstance(value, dict):
        return {name: _tamed(inner) for name, inner in value.items()}
    return [_tamed(inner) for inner in value] if isinstance(value, list) else value


def _mrkdwn(text: str) -> JsonObject:
    return {"type": "mrkdwn", "text": text}


def _escaped(text: str) -> str:
    """Text that mentions nobody and links nowhere: `<!channel>` in an alert wakes nobody up."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
