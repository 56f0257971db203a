"""Slack: incoming webhooks (https://api.slack.com/messaging/webhooks) and a bot (chat.postMessage, chat.update).

The quirks that cost time: the API answers 200 with `"ok": false` for a failure, and a webhook tells nobody which
message it made, so threads, buttons that change and reactions need the bot (scopes chat:write, reactions:write).
"""

import json
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    DeliveryFailed,
    HttpAnswer,
    HttpFailed,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    Settings,
    answered,
    clip,
    is_within,
    message_ref,
    post_json,
    template_source,
)
from app.notify.channels._block_kit import content, news

HOOKS = "https://hooks.slack.com/"
# What may be better later; any other error word stays what it is until somebody changes something.
TEMPORARY = frozenset({
    "ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error", "service_unavailable",
    "request_timeout", "team_added_to_org", "accesslimited", "external_channel_migrating",
})  # fmt: skip
# Our token is not taken (any more): no message gets through until somebody changes that.
NO_LOGIN = frozenset({"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"})
# The first message cannot be changed any more; its thread may still be there.
NOT_EDITABLE = frozenset({
    "message_not_found", "cant_update_message", "edit_window_closed", "update_failed", "channel_not_found",
    "is_inactive", "invalid_ts",
})  # fmt: skip
# The thread is gone with its first message.
NO_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message", "message_not_found"})
POST_SECONDS, FOLLOW_SECONDS = 12.0, 5.0
REACTION_SECONDS = 2.0
JSON = {"Content-Type": "application/json; charset=utf-8"}


class SlackConfig(ChannelConfig):
    """An incoming webhook, or a bot and the channel that it writes to; a person is reached by the bot."""

    webhook_url: Secret = Field(default="", description="Incoming webhook: https://hooks.slack.com/services/…")
    bot_token: Secret = Field(default="", description="Bot token (xoxb-…): threads, buttons, reactions.")
    channel: str = Field(default="", max_length=80, description="Channel that the bot writes to, such as C0123456789.")
    api_url: str = Field(default="https://slack.com/api", description="Slack's API; another one only for tests.")
    username: str = Field(default="", max_length=80, description="Name to write under, where Slack allows it.")
    icon_emoji: str = Field(default="", max_length=80, description="Picture to write under, such as :pager:.")
    ack_emoji: tuple[str, ...] = Field(
        default=("white_check_mark", "eyes"), description="Reactions that acknowledge, with commas between."
    )
    decline_emoji: tuple[str, ...] = Field(default=("x",), description="Reactions that decline, with commas between.")
    payload_template: str = Field(
        default="", max_length=65536, description="Jinja template of Block Kit JSON, or `file:name.j2`; empty: ours."
    )

    @field_validator("ack_emoji", "decline_emoji", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        return [str(part).strip().strip(":") for part in parts] if isinstance(parts, list | tuple) else parts

    @field_validator("payload_template", mode="before")
    @classmethod
    def _payload_of_file(cls, value: object) -> object:
        return template_source(value)

    @model_validator(mode="after")
    def _webhook_or_bot(self) -> Self:
        if bool(self.webhook_url) == bool(self.bot_token):
            raise ValueError("give webhook_url or bot_token, one of them")
        return self


async def send(message: Message, config: SlackConfig, outside: Outside) -> Receipt:
    """Say it in Slack. Raises DeliveryFailed by Slack's error word, or by the HTTP status."""
    if config.webhook_url:
        body = {**_overrides(config, with_channel=True), **content(message, buttons=False)}
        await _asked(config.webhook_url, body, config, outside, {})
        return Receipt(detail="ok")
    channel = message.to or config.channel
    if not channel:
        raise DeliveryFailed("there is no channel to write to: channel is empty", permanent=True)
    if message.thread_ref:
        return await _follow(message, config, outside)
    return await _begin(channel, message, config, outside)


async def _begin(
    channel: str, message: Message, config: SlackConfig, outside: Outside, *, seconds: float = POST_SECONDS
) -> Receipt:
    """A message of its own, with what can be done under it."""
    body = {"channel": channel, **_overrides(config), **content(message, buttons=True)}
    posted = await _api("chat.postMessage", body, config, outside, seconds=seconds)
    place, ts = str(posted.get("channel") or channel), str(posted.get("ts") or "")
    if message.actions and ts:
        await _offer_reactions(place, ts, config, outside)
    return Receipt(provider_message_id=ts or None, thread_ref=message_ref(channel=place, ts=ts) if ts else "")


async def _follow(message: Message, config: SlackConfig, outside: Outside) -> Receipt:
    """The first message shows what the incident is now, and its thread the news; a new one where it is gone."""
    first = json.loads(message.thread_ref)
    place = {"channel": first["channel"]}
    if not message.thread_is_shared:
        await _edit({**place, "ts": first["ts"], **content(message, buttons=True)}, config, outside)
    said = {"text": news(message), "unfurl_links": False}
    body = {**place, "thread_ts": first["ts"], **_overrides(config), **said}
    try:
        posted = await _api("chat.postMessage", body, config, outside, seconds=FOLLOW_SECONDS)
    except _Refused as refused:
        if refused.word not in NO_THREAD:
            raise
        return await _begin(first["channel"], message, config, outside, seconds=FOLLOW_SECONDS)
    return Receipt(provider_message_id=str(posted.get("ts") or "") or None, thread_ref=message.thread_ref)


async def _edit(body: JsonObject, config: SlackConfig, outside: Outside) -> None:
    """Let the first message show what is so now; one that cannot be changed any more stays as it is."""
    try:
        await _api("chat.update", body, config, outside, seconds=FOLLOW_SECONDS)
    except _Refused as refused:
        if refused.word not in NOT_EDITABLE:
            raise
    except DeliveryFailed as failed:
        # Done twice it does no harm, so a lost answer is no reason to call the news a possible repeat.
        raise DeliveryFailed(
            failed.message, permanent=failed.permanent, retry_after_seconds=failed.retry_after_seconds
        ) from failed


async def _offer_reactions(channel: str, ts: str, config: SlackConfig, outside: Outside) -> None:
    """Put the reactions under the post, so that one tap answers. The post is out: what fails here fails quietly."""
    for name in (*config.ack_emoji[:1], *config.decline_emoji[:1]):
        body = json.dumps({"channel": channel, "timestamp": ts, "name": name}).encode()
        try:
            await outside.http.request(
                "POST", f"{config.api_url.rstrip('/')}/reactions.add", headers=JSON | _bearer(config), content=body,
                timeout_seconds=REACTION_SECONDS,
            )  # fmt: skip
        except HttpFailed:
            return


class _Refused(DeliveryFailed):
    """Slack said `ok: false`, and why in a word."""

    def __init__(self, word: str, retry_after_seconds: float | None) -> None:
        super().__init__(
            f"Slack refused it: {clip(word, 80)}",
            permanent=word not in TEMPORARY,
            unauthorized=word in NO_LOGIN,
            retry_after_seconds=retry_after_seconds,
        )
        self.word = word


async def _api(method: str, body: JsonObject, config: SlackConfig, outside: Outside, *, seconds: float) -> JsonObject:
    """One call of Slack's API that it took, or DeliveryFailed."""
    url = f"{config.api_url.rstrip('/')}/{method}"
    answer = await _asked(url, body, config, outside, _bearer(config), seconds=seconds)
    said = answered(answer)
    if said.get("ok") is True:
        return said
    after = answer.headers.get("retry-after", "")
    raise _Refused(str(said.get("error") or "no reason given"), float(after) if after.isdigit() else None)


async def _asked(
    url: str,
    body: JsonObject,
    config: SlackConfig,
    outside: Outside,
    headers: Mapping[str, str],
    *,
    seconds: float = POST_SECONDS,
) -> HttpAnswer:
    # All the calls of one send must be over before its time is: a page that is out must not look as if it were not.
    hurried = config.model_copy(update={"timeout": min(config.timeout, seconds)})
    return await post_json(outside, url, body, config=hurried, headers=headers)


def _bearer(config: SlackConfig) -> dict[str, str]:
    return {"Authorization": f"Bearer {config.bot_token}"}


def _overrides(config: SlackConfig, *, with_channel: bool = False) -> JsonObject:
    wanted = {"username": config.username, "icon_emoji": config.icon_emoji}
    if with_channel:
        wanted["channel"] = config.channel
    return {name: value for name, value in wanted.items() if value}


def _check(config: SlackConfig, settings: Settings) -> dict[str, str]:
    """A webhook's host is Slack's, unless the operator lets its network through."""
    url = config.webhook_url
    if not url or url.startswith(HOOKS) or is_within(urlsplit(url).hostname or "", settings.outbound_allowed_networks):
        return {}
    return {"webhook_url": f"must begin with {HOOKS}"}


def _from_settings(settings: Settings) -> JsonObject:
    return {"bot_token": settings.slack_bot_token, "api_url": settings.slack_api_url}


SAMPLES = (
    Sample(
        name="a person, by the bot",
        config={"bot_token": "xoxb-s3cret-token"},
        to="U0123ABCD",
        answer='{"ok": true, "channel": "D01", "ts": "1767344400.000100"}',
        calls=1,
        expect={
            "method": "POST",
            "url": "https://slack.com/api/chat.postMessage",
            "headers": {"Authorization": "Bearer xoxb-s3cret-token"},
            "json": {"channel": "U0123ABCD"},
        },
    ),
    Sample(
        name="a team, by an incoming webhook",
        config={"webhook_url": "https://hooks.slack.com/services/T0/B0/s3cret-part"},
        answer="ok",
        expect={"method": "POST", "url": "https://hooks.slack.com/services/T0/B0/s3cret-part"},
    ),
)

PLUGIN = Channel(
    label="Slack",
    config_model=SlackConfig,
    send=send,
    address_label="Slack user id, such as U0123ABCD",
    from_settings=_from_settings,
    needs=("SLACK_BOT_TOKEN",),
    payload_field="payload_template",
    follows_people=True,
    check=_check,
    samples=SAMPLES,
    setup="With a bot: create an app with the scopes chat:write, reactions:read and reactions:write, install it, "
    "invite it to the channel and give its bot token and the channel's id. Set SLACK_SIGNING_SECRET so that buttons "
    "and reactions answer. An incoming webhook can only say things.",
)
