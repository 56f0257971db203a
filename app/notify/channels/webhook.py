"""Generic HTTP: one request to any URL, with your own headers and body.

The body is JSON of our own, or what a Jinja template makes of the same values. Every request carries the
notification's idempotency key as `Idempotency-Key`, so that a receiver can tell a repeat.
"""

import json
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    DeliveryFailed,
    HttpAnswer,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    SecretMap,
    call,
    template_source,
)


class WebhookConfig(ChannelConfig):
    """Where to send and how; a contact method brings its own URL."""

    endpoint: str = Field(default="", description="The URL that is called.")
    webhook_url: Secret = Field(default="", description="The same, kept secret: for URLs that are a key themselves.")
    method: Literal["POST", "PUT", "PATCH", "GET"] = Field(default="POST", description="POST, PUT, PATCH or GET.")
    headers: SecretMap = Field(default_factory=dict, description="Further headers; their values are kept secret.")
    body_template: str = Field(
        default="", max_length=65536, description="Jinja template of the body, or `file:name.j2`; empty: our JSON."
    )
    success_statuses: tuple[int, ...] = Field(default=(), description="Answers that mean success; empty: 200 to 299.")
    message_id_path: str = Field(default="", description="Where the answer's JSON names the message: `result.id`.")
    disabled: bool = Field(default=False, description="Say that it was sent and send nothing.")

    @field_validator("body_template", mode="before")
    @classmethod
    def _body_of_file(cls, value: object) -> object:
        return template_source(value)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if self.endpoint and self.webhook_url:
            raise ValueError("give endpoint or webhook_url, not both")
        for url in (self.endpoint, self.webhook_url):
            if url and not url.lower().startswith(("http://", "https://")):
                raise ValueError("the URL must begin with https:// or http://")
        return self


async def send(message: Message, config: WebhookConfig, outside: Outside) -> Receipt:
    """Make one request. Raises DeliveryFailed: permanent for 3xx and 4xx, not for 408, 425, 429 and 5xx."""
    if config.disabled:
        return Receipt(detail="disabled: nothing was sent")
    url = message.to or config.endpoint or config.webhook_url
    if not url:
        raise DeliveryFailed("there is no URL to call: endpoint is empty", permanent=True)
    headers = {"Idempotency-Key": message.idempotency_key, **config.headers}
    content = None
    if config.method != "GET":
        content = _body(message).encode()
        headers = {"Content-Type": "application/json", **headers}
    answer = await call(
        outside,
        config.method,
        url,
        config=config,
        headers=headers,
        content=content,
        accepts=lambda status: status in config.success_statuses if config.success_statuses else 200 <= status < 300,
    )
    return Receipt(provider_message_id=_message_id(answer, config.message_id_path), detail=str(answer.status))


def _body(message: Message) -> str:
    # A template may make anything, not only JSON; without one, or when it failed, our own JSON goes.
    return message.payload or json.dumps(default_body(message), ensure_ascii=False)


def default_body(message: Message) -> JsonObject:
    """What is posted when there is no template."""
    return {
        "notification_id": message.notification_id,
        "idempotency_key": message.idempotency_key,
        "possible_repeat": message.possible_repeat,
        "subject": message.subject,
        **message.facts,
    }


def _message_id(answer: HttpAnswer, path: str) -> str | None:
    """The text or number at `path` in the answer's JSON; None where there is none."""
    if not path:
        return None
    try:
        found: Any = json.loads(answer.body)
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return str(found) if isinstance(found, str | int) else None


SAMPLES = (
    Sample(
        name="JSON to an endpoint, with a secret header",
        config={"endpoint": "https://hooks.example.com/in", "headers": {"Authorization": "Bearer s3cret-token"}},
        expect={
            "method": "POST",
            "url": "https://hooks.example.com/in",
            "headers": {"Authorization": "Bearer s3cret-token", "Content-Type": "application/json"},
            "json": {"severity": "critical", "possible_repeat": False},
        },
    ),
    Sample(
        name="a person's own URL, put",
        config={"method": "PUT", "success_statuses": [204]},
        to="https://ravi.example.com/pager",
        status=204,
        expect={"method": "PUT", "url": "https://ravi.example.com/pager"},
    ),
)

PLUGIN = Channel(
    label="Generic HTTP",
    config_model=WebhookConfig,
    send=send,
    address_label="URL",
    from_settings=lambda _settings: {},
    payload_field="body_template",
    samples=SAMPLES,
    setup="Give the URL and, where the receiver wants one, a header with its key. Internal addresses must be listed in "
    "OUTBOUND_ALLOWED_NETWORKS.",
)
