"""One send from claim to record. The send loop's one broad except is here: no message may stop the others."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.push import WEBPUSH
from app.notify import service as notify
from app.notify.action_links import call_token_for
from app.notify.callbacks import filled
from app.notify.channels._base import SEND_SECONDS, Channel, ChannelConfig
from app.notify.configs import unseal
from app.notify.errors import ChannelInvalid
from app.notify.kinds import channel_of, config_for_people, kind_named
from app.notify.rendering import TEMPLATES, Occasion, Site, compose, compose_plainly, kept_text
from app.notify.service import LEASE_SECONDS
from app.notify.templating import Dressed, Tailor
from app.notify.types import Claim, DeliveryFailed, Message, NotificationKind, NotificationStatus, Outcome, Report
from app.platform.db import Tx
from app.platform.errors import PagerPalError, Unavailable
from app.platform.failpoints import fp
from app.platform.logs import get_logger
from app.platform.redact import redact_text
from app.platform.runtime import Runtime
from app.platform.secrets import SecretUnreadable
from app.platform.types import JsonObject
from app.usecases.deliver.claims import Batch
from app.usecases.deliver.consequences import record

RENEW_SECONDS = 3.0
TEMPLATED = (NotificationKind.PAGE, NotificationKind.TEAM, NotificationKind.ALARM)
RECORD_TRIES = 30
RECORD_PAUSE_SECONDS = 1.0

log = get_logger(__name__)


async def carry_out(rt: Runtime, claim: Claim, batch: Batch, leave: Callable[[], None]) -> NotificationStatus | None:
    """Send one claimed message and record what became of it; its status afterwards, None when the claim was lost.

    `leave` is called when nothing more goes over the wire.
    """
    message = _compose(rt, claim, batch)
    # A process that was paused (a laptop's sleep, SIGSTOP) may have lost its claim before it opens a socket.
    stale = rt.clock.monotonic() - batch.claimed_at > LEASE_SECONDS / 2
    if stale and not await _renewed(rt, claim):
        return None
    report = await _send_under_lease(rt, claim, batch, message)
    leave()
    if report is None:
        return None
    return await _record(rt, claim, report, was_failing=claim.notification.provider in batch.failing)


async def _send_under_lease(rt: Runtime, claim: Claim, batch: Batch, message: Message) -> Report | None:
    """The send's report; None when another process has taken the claim over meanwhile."""
    send = asyncio.create_task(_send(rt, claim, batch, message))
    try:
        while True:
            await asyncio.wait({send}, timeout=RENEW_SECONDS)
            if send.done():
                return send.result()
            if not await _renewed(rt, claim):
                return None
    finally:
        send.cancel()


async def _send(rt: Runtime, claim: Claim, batch: Batch, message: Message) -> Report:
    subject, body = kept_text(claim, message)
    said = partial(Report, subject=subject, body=body)
    if not rt.settings.notification_sending_enabled:
        return said(Outcome.SUPPRESSED)
    try:
        channel = channel_of(claim.notification.channel, rt.settings)
        config = _config(rt, claim, batch)
        dressed = await _dressed(rt, claim, channel, config, message)
        subject, body = kept_text(claim, dressed.message)
        said = partial(Report, subject=subject, body=body)
        addressed = _addressed(rt, claim, batch, dressed.message)
        fp("notify.before_send")
        async with asyncio.timeout(SEND_SECONDS):
            receipt = await channel.send(addressed, config, rt.outside)
        fp("notify.after_send_before_record")
        return said(
            Outcome.SENT,
            provider_message_id=receipt.provider_message_id,
            thread_ref=receipt.thread_ref,
            error=f"sent with the built-in text, because of {dressed.fault}" if dressed.fault else "",
        )
    except DeliveryFailed as failed:
        outcome = Outcome.UNKNOWN if failed.outcome_unknown else Outcome.FAILED
        return said(
            Outcome.REFUSED if failed.permanent else outcome,
            error=redact_text(failed.message),
            retry_after_seconds=failed.retry_after_seconds,
            address_gone=failed.address_gone,
            unauthorized=failed.unauthorized,
        )
    except TimeoutError:
        return said(Outcome.UNKNOWN, error=f"no answer within {SEND_SECONDS:g} s")
    except Exception as error:
        log.exception("send failed unexpectedly", notification_id=claim.notification.id)
        return said(Outcome.FAILED, error=f"unexpected error ({type(error).__name__}); the log has the details")


async def _dressed(rt: Runtime, claim: Claim, channel: Channel, config: ChannelConfig, message: Message) -> Dressed:
    """The message as it leaves: with the operator's templates, and the addresses that the vendor calls back."""
    head = claim.notification
    base_url = rt.settings.pagerpal_base_url
    if channel.receipts_path:
        message = replace(message, receipts_url=f"{base_url}{filled(channel.receipts_path, rt.secrets)}")
    if channel.answers_path and head.kind is NotificationKind.PAGE and not claim.bundled:
        token = call_token_for(rt.secrets, head.id, now=rt.clock.now())
        message = replace(message, answer_url=f"{base_url}{filled(channel.answers_path, rt.secrets, token=token)}")
    if not _takes_templates(claim):
        return Dressed(message)
    if own := head.facts.get("template"):
        # The pipeline's notify node brings one of its own.
        config = config.model_copy(update={"template": str(own)})
    tailor = Tailor(rt.outside.templates, Path(rt.settings.notify_templates_dir or TEMPLATES))
    return await tailor.dress(message, kind=kind_named(head.channel, rt.settings), channel=channel, config=config)


def _takes_templates(claim: Claim) -> bool:
    """Codes, replies and digests must say what they say, and a message about several incidents names them all."""
    head = claim.notification
    is_trial = head.kind is NotificationKind.TEST and head.channel_id is not None
    return not claim.bundled and (head.kind in TEMPLATED or is_trial)


def _config(rt: Runtime, claim: Claim, batch: Batch) -> ChannelConfig:
    head = claim.notification
    kind = channel_of(head.channel, rt.settings)
    own = head.facts.get("config")
    if isinstance(own, dict):
        return _unsealed(rt, kind, own)
    if head.channel_id is None:
        settings = (
            rt.settings.model_copy(update={"vapid_private_key": batch.push_key}) if batch.push_key else rt.settings
        )
        return config_for_people(kind, settings)
    stored = batch.channels.get(head.channel_id)
    if stored is None or not stored.is_active:
        raise DeliveryFailed("the channel is switched off", permanent=True)
    return _unsealed(rt, kind, stored.config)


def _unsealed(rt: Runtime, kind: Channel, config: JsonObject) -> ChannelConfig:
    try:
        return unseal(kind, config, rt.secrets)
    except (ChannelInvalid, SecretUnreadable) as error:
        raise DeliveryFailed(f"the channel's configuration cannot be used: {error.message}") from error


def _addressed(rt: Runtime, claim: Claim, batch: Batch, message: Message) -> Message:
    """A device's address is kept encrypted, and known to nobody but its channel."""
    sealed = batch.devices.get(claim.notification.contact_method_id or 0)
    if sealed is None or claim.notification.channel != WEBPUSH:
        return message
    try:
        return replace(message, to=rt.secrets.decrypt(sealed))
    except SecretUnreadable as error:
        raise DeliveryFailed(error.message) from error


def _compose(rt: Runtime, claim: Claim, batch: Batch) -> Message:
    head = claim.notification
    site = Site(rt.settings.pagerpal_base_url, rt.secrets)
    stored = batch.channels.get(head.channel_id or 0)
    occasion = Occasion(
        now=rt.clock.now(),
        incidents=batch.incidents,
        zone=batch.zones.get(head.user_id or 0, "UTC"),
        channel_name=stored.name if stored else "",
        thread=batch.threads.get(head.id),
    )
    try:
        return compose(claim, site, occasion)
    except (TemplateError, LookupError, TypeError, ValueError, AttributeError):
        log.exception("a message could not be worded", notification_id=head.id)
        return compose_plainly(claim, site, occasion)


async def _renewed(rt: Runtime, claim: Claim) -> bool:
    head = claim.notification
    now = rt.clock.now()
    with suppress(Unavailable):
        return await rt.db.run(lambda tx: notify.renew(tx, head.id, fence=head.fence, now=now))
    # Nobody can take the claim over while the database cannot be used.
    return True


async def _record(rt: Runtime, claim: Claim, report: Report, *, was_failing: bool) -> NotificationStatus | None:
    roll = rt.random.random()

    def whole(tx: Tx) -> NotificationStatus | None:
        return record(tx, claim, report, was_failing=was_failing, now=rt.clock.now(), roll=roll)

    def row_only(tx: Tx) -> NotificationStatus | None:
        recorded = notify.record(tx, claim, report, now=rt.clock.now(), roll=roll)
        return recorded.notification.status if recorded else None

    write = whole
    for _ in range(RECORD_TRIES):
        try:
            return await rt.db.run(write)
        except Unavailable as error:
            log.warning("an outcome waits to be recorded", notification_id=claim.notification.id, reason=error.message)
            await rt.clock.sleep(RECORD_PAUSE_SECONDS)
        except (PagerPalError, SQLAlchemyError, LookupError, TypeError, ValueError, AttributeError):
            # Without its record the message would go out again, for ever: better the row without its consequences.
            log.exception("what follows from an outcome failed", notification_id=claim.notification.id)
            write = row_only
    log.error("an outcome was not recorded: the message may be sent again", notification_id=claim.notification.id)
    return None
