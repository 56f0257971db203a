"""Web push to a browser or an installed PagerPal on a phone (RFC 8030, 8291, 8292).

The address is what the browser's `PushSubscription` says as JSON. The quirk that cost time: a subscription belongs to
one server key for ever, so that key is made once and kept; a new one would silence every device.
"""

import json
from typing import Any

from pydantic import Field

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    Settings,
    call,
)
from app.platform.webpush import (
    PLAIN_BYTES_AT_MOST,
    KeyInvalid,
    Subscription,
    authorization,
    encrypt,
    private_key_of,
)

# A page that arrives after hours wakes somebody for nothing: escalation has gone on long before.
TTL_SECONDS = 4 * 3600
GONE = frozenset({404, 410})
BODY_LIMIT = 600
TITLE_LIMIT = 160


class WebPushConfig(ChannelConfig):
    """The key by which push services know this PagerPal."""

    private_key: Secret = Field(
        default="", description="VAPID private key: 32 bytes in base64url; made at first start."
    )
    subject: str = Field(default="", description="Whom a push service may write to: mailto: or https: address.")


async def send(message: Message, config: WebPushConfig, outside: Outside) -> Receipt:
    """Push to one device. Raises DeliveryFailed: permanent and with `address_gone` when it has unsubscribed."""
    subscription = _subscription_of(message.to)
    if not config.private_key:
        raise DeliveryFailed("the server key of web push is not there: it is made when somebody opens their profile")
    try:
        key = private_key_of(config.private_key)
        content = encrypt(_payload(message), subscription)
    except KeyInvalid as error:
        raise DeliveryFailed(f"the push cannot be encrypted: {error}", permanent=True) from error
    headers = {
        "Authorization": authorization(key, subscription.endpoint, subject=config.subject, now=outside.now()),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_SECONDS),
        "Urgency": "high" if message.severity == "critical" or _is_page(message) else "normal",
        **_topic(message),
    }
    answer = await call(
        outside, "POST", subscription.endpoint, config=config, headers=headers, content=content,
        accepts=lambda status: 200 <= status < 300 or status in GONE,
    )  # fmt: skip
    if answer.status in GONE:
        raise DeliveryFailed(
            f"the device has unsubscribed (the push service answered {answer.status})",
            permanent=True,
            address_gone=True,
        )
    return Receipt(provider_message_id=answer.headers.get("location"), detail=str(answer.status))


def _subscription_of(address: str) -> Subscription:
    try:
        told = json.loads(address)
        return Subscription(str(told["endpoint"]), str(told["keys"]["p256dh"]), str(told["keys"]["auth"]))
    except (ValueError, LookupError, TypeError) as error:
        raise DeliveryFailed(
            "web push reaches devices of people only: this one is not subscribed", permanent=True
        ) from error


def _payload(message: Message) -> bytes:
    """What the service worker shows; the text gives way where it all would be too long."""
    facts = message.facts
    told = facts.get("links")
    links: dict[str, Any] = told if isinstance(told, dict) else {}
    shown: JsonObject = {
        "id": message.notification_id,
        "title": message.subject[:TITLE_LIMIT],
        "body": _body(message)[:BODY_LIMIT],
        "tag": _topic(message).get("Topic", f"notification-{message.notification_id}"),
        "severity": message.severity,
        "url": links.get("incident"),
        "acknowledge": links.get("acknowledge"),
    }
    plain = _json(shown)
    if len(plain) > PLAIN_BYTES_AT_MOST:
        plain = _json({**shown, "body": ""})
    return plain


def _body(message: Message) -> str:
    incident = message.facts.get("incident")
    if isinstance(incident, dict):
        return str(incident.get("summary") or incident.get("description") or "")
    return str(message.text)


def _topic(message: Message) -> dict[str, str]:
    """A newer page of an incident takes the place of one that the device has not fetched yet."""
    incident = message.facts.get("incident")
    number = incident.get("id") if isinstance(incident, dict) and not message.facts.get("bundle") else None
    return {"Topic": f"incident-{number}"} if number is not None else {}


def _is_page(message: Message) -> bool:
    return message.facts.get("kind") == "page"


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _from_settings(settings: Settings) -> JsonObject:
    subject = settings.vapid_subject or settings.pagerpal_base_url
    return {"private_key": settings.vapid_private_key, "subject": subject}


# Keys of the appendix of RFC 8291.
_DEVICE = {
    "endpoint": "https://push.example.com/send/abc",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}

SAMPLES = (
    Sample(
        name="a page to a phone",
        config={"private_key": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "subject": "mailto:ops@example.com"},
        to=json.dumps(_DEVICE),
        expect={
            "method": "POST",
            "url": "https://push.example.com/send/abc",
            "headers": {"Content-Encoding": "aes128gcm", "TTL": "14400", "Urgency": "high", "Topic": "incident-7"},
        },
    ),
)

PLUGIN = Channel(
    label="Web push",
    config_model=WebPushConfig,
    send=send,
    from_settings=_from_settings,
    for_teams=False,
    samples=SAMPLES,
    setup="Nothing to set up: open your profile on the device and switch notifications on. The server key is made at "
    "first start; VAPID_PRIVATE_KEY brings one of your own.",
)
