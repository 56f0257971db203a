"""Mattermost, incoming webhooks (https://developers.mattermost.com/integrate/webhooks/incoming/).

The quirk that cost time: «@channel» in an alert's text would call everybody, so every @ that could is taken apart by a
character of no width.
"""

import json
import re

from pydantic import Field, field_validator

from app.notify.channels._base import (
    COLORS,
    EMOJIS,
    Channel,
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    clip,
    post_json,
    template_source,
)

TEXT_LIMIT = 16000
FIELDS_AT_MOST = 10
_MENTION = re.compile(r"@(?=\w)")
_MARKUP = re.compile(r"([\\`*_~\[\]#|<>])")


class MattermostConfig(ChannelConfig):
    """One incoming webhook; a contact method brings its own."""

    webhook_url: Secret = Field(default="", description="The webhook: https://chat.example.com/hooks/…")
    channel: str = Field(default="", max_length=80, description="Another channel, where the webhook may choose.")
    username: str = Field(default="", max_length=80, description="Name to write under.")
    icon_url: str = Field(default="", description="Picture to write under.")
    payload_template: str = Field(
        default="", max_length=65536, description="Jinja template of the JSON posted, or `file:name.j2`; empty: ours."
    )

    @field_validator("payload_template", mode="before")
    @classmethod
    def _payload_of_file(cls, value: object) -> object:
        return template_source(value)


async def send(message: Message, config: MattermostConfig, outside: Outside) -> Receipt:
    """Post one message. Raises DeliveryFailed by the HTTP status."""
    url = message.to or config.webhook_url
    if not url.lower().startswith(("http://", "https://")):
        raise DeliveryFailed("there is no webhook to post to: webhook_url is no URL", permanent=True)
    place = {"channel": config.channel, "username": config.username, "icon_url": config.icon_url}
    body = {**{name: value for name, value in place.items() if value}, **_content(message)}
    await post_json(outside, url, body, config=config)
    return Receipt(detail="ok")


def _content(message: Message) -> JsonObject:
    made = _made(message.payload)
    if made is not None:
        return made
    is_over = message.status in ("resolved", "closed")
    sign = EMOJIS["success"] if is_over else EMOJIS.get(message.severity, "")
    tone = "success" if is_over else message.severity
    repeat = "Possible repeat: " if message.possible_repeat else ""
    news = str(message.facts.get("news") or message.facts.get("message") or message.text)
    tags = list((message.facts.get("tags") or {}).items())[:FIELDS_AT_MOST]
    attachment: JsonObject = {
        "fallback": clip(_tame(message.subject), 300),
        "color": COLORS.get(tone, COLORS["info"]),
        "title": clip(_tame(message.subject), 300),
        "title_link": message.link,
        "text": clip(_plain(news), TEXT_LIMIT),
        "fields": [{"short": True, "title": _tame(name), "value": _plain(str(value))} for name, value in tags],
        "footer": f"now {message.status}" if message.status else "PagerPal",
    }
    text = clip(f"{repeat}{sign} {_plain(message.subject)}", TEXT_LIMIT)
    # Priority stands on a first message only: an urgent «resolved» would wake people for nothing.
    urgent = message.severity == "critical" and message.event in ("triggered", "escalated", "reopened")
    return {"text": text, "attachments": [attachment], **({"priority": {"priority": "urgent"}} if urgent else {})}


def _made(payload: str) -> JsonObject | None:
    """What an operator's template made: JSON of a post, or its text; None for JSON that is broken."""
    try:
        made = json.loads(payload) if payload else None
    except (ValueError, RecursionError):
        return None if payload.lstrip().startswith("{") else {"text": clip(_tame(payload), TEXT_LIMIT)}
    return made if isinstance(made, dict) else None


def _plain(text: str) -> str:
    """Text that formats nothing and calls nobody."""
    return _tame(_MARKUP.sub(r"\\\1", text))


def _tame(text: str) -> str:
    return _MENTION.sub("@\u200b", text)


SAMPLES = (
    Sample(
        name="a team's channel",
        config={"webhook_url": "https://chat.example.com/hooks/s3cret-part", "channel": "ops"},
        answer="ok",
        expect={
            "method": "POST",
            "url": "https://chat.example.com/hooks/s3cret-part",
            "json": {"channel": "ops", "text": "🔴 \\[CRITICAL\\] \\#7 Disk full"},
        },
    ),
)

PLUGIN = Channel(
    label="Mattermost",
    config_model=MattermostConfig,
    send=send,
    address_label="Incoming webhook (URL)",
    from_settings=lambda _settings: {},
    payload_field="payload_template",
    samples=SAMPLES,
    setup="In Mattermost add an incoming webhook for the channel and give its URL here. Internal addresses must be "
    "listed in OUTBOUND_ALLOWED_NETWORKS.",
)
