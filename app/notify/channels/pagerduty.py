"""PagerDuty, Events API v2 (https://developer.pagerduty.com/docs/events-api-v2): trigger, acknowledge, resolve.

The quirk that cost time: links and client stand beside the payload, not in it, and an acknowledge or a resolve has no
payload at all. One key per incident folds everything that we say about it into one incident over there.
"""

import json
from typing import Literal

from pydantic import Field, field_validator

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    answered,
    clip,
    post_json,
    template_source,
)

SUMMARY_LIMIT = 1024
KEY_LIMIT = 255
EVENTS = {"acknowledged": "acknowledge", "resolved": "resolve", "closed": "resolve"}
OVER = ("resolved", "closed")
SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info", "success": "info"}


class PagerDutyConfig(ChannelConfig):
    """One service's integration."""

    service_key: Secret = Field(
        alias="integration_key", min_length=20, description="Integration key of an «Events API v2» integration."
    )
    events_url: str = Field(
        default="https://events.pagerduty.com/v2/enqueue", description="Where events go; change it for the EU region."
    )
    event_action: Literal["trigger", "acknowledge", "resolve"] = Field(
        default="trigger", description="What a message does that is not about an answer."
    )
    fixed_key: str = Field(
        default="",
        alias="dedup_key",
        max_length=KEY_LIMIT,
        description="One key for everything; empty: one an incident.",
    )
    client: str = Field(default="PagerPal", description="What PagerDuty calls this installation.")
    client_url: str = Field(default="", description="Its address; empty: the incident's.")
    payload_template: str = Field(
        default="",
        max_length=65536,
        description="Jinja template of the payload's JSON, or `file:name.j2`; empty: ours.",
    )

    @field_validator("payload_template", mode="before")
    @classmethod
    def _payload_of_file(cls, value: object) -> object:
        return template_source(value)


async def send(message: Message, config: PagerDutyConfig, outside: Outside) -> Receipt:
    """Send one event. Raises DeliveryFailed: for good when PagerDuty calls the event invalid."""
    action = EVENTS.get(message.event, config.event_action)
    key = message.thread_ref or config.fixed_key or _key_of(message)
    if action == "trigger" and message.status in OVER:
        # It waited until the incident was over: nobody over there is woken for it.
        return Receipt(detail="nothing to trigger any more", thread_ref=key)
    if message.event == "updated" and message.thread_ref:
        # It knows of the incident; a trigger would open it anew there when it has just been resolved.
        return Receipt(detail="known there already", thread_ref=key)
    event: JsonObject = {"routing_key": config.service_key, "event_action": action, "dedup_key": key}
    if action == "trigger":
        event |= {"payload": _payload(message), "client": config.client}
        event |= {"client_url": config.client_url or message.link, "links": _links(message)}
    answer = await post_json(outside, config.events_url, event, config=config)
    named = str(answered(answer).get("dedup_key") or key)
    return Receipt(provider_message_id=named, thread_ref=named)


def _key_of(message: Message) -> str:
    """The same for everything about one incident, and for no other one of any installation."""
    name = message.thread_ids[0] if message.thread_ids else message.message_id
    return clip(name.strip("<>"), KEY_LIMIT)


def _payload(message: Message) -> JsonObject:
    made = _made(message.payload)
    facts = message.facts
    tags = dict(facts.get("tags") or {})
    payload: JsonObject = {
        "summary": clip(message.subject, SUMMARY_LIMIT),
        "source": str(tags.get("instance") or tags.get("host") or facts.get("context", {}).get("source") or "PagerPal"),
        "severity": SEVERITIES.get(message.severity, "info"),
        "component": str(tags.get("service") or tags.get("job") or ""),
        "group": str(tags.get("cluster") or tags.get("environment") or ""),
        "class": str(facts.get("context", {}).get("alert_name") or tags.get("alertname") or ""),
        "custom_details": {"text": clip(message.text, 8000), "tags": tags, "incident": facts.get("incident")},
    }
    created_at = (facts.get("incident") or {}).get("created_at")
    if created_at:
        payload["timestamp"] = created_at
    return {name: value for name, value in payload.items() if value not in ("", None)} | made


def _links(message: Message) -> list[JsonObject]:
    return [{"href": message.link, "text": "Open in PagerPal"}] if message.link else []


def _made(payload: str) -> JsonObject:
    """What an operator's template made of the payload, where it is an object."""
    try:
        made = json.loads(payload) if payload else {}
    except (ValueError, RecursionError):
        return {}
    return made if isinstance(made, dict) else {}


SAMPLES = (
    Sample(
        name="a trigger",
        config={"integration_key": "0123456789abcdef0123456789abcdef"},
        answer='{"status": "success", "message": "Event processed", "dedup_key": "incident-7.1@pager.example.com"}',
        status=202,
        expect={
            "method": "POST",
            "url": "https://events.pagerduty.com/v2/enqueue",
            "json": {
                "routing_key": "0123456789abcdef0123456789abcdef",
                "event_action": "trigger",
                "dedup_key": "incident-7.1@pager.example.com",
            },
        },
    ),
    Sample(
        name="an acknowledgement in its region",
        config={
            "integration_key": "0123456789abcdef0123456789abcdef",
            "events_url": "https://events.eu.pagerduty.com/v2/enqueue",
        },
        answer='{"status": "success", "dedup_key": "incident-7.1@pager.example.com"}',
        status=202,
        message={"event": "acknowledged", "status": "acknowledged", "thread_ref": "incident-7.1@pager.example.com"},
        expect={
            "url": "https://events.eu.pagerduty.com/v2/enqueue",
            "json": {"event_action": "acknowledge", "dedup_key": "incident-7.1@pager.example.com"},
        },
    ),
)

PLUGIN = Channel(
    label="PagerDuty",
    config_model=PagerDutyConfig,
    send=send,
    payload_field="payload_template",
    wakes=True,
    samples=SAMPLES,
    setup="In PagerDuty add an «Events API v2» integration to a service and give its integration key here. "
    "Incidents are acknowledged and resolved over there as they are here. A test opens an incident there.",
)
