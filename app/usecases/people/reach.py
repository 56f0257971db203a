"""How people are reached: contact methods, the code that verifies one, and notification rules; with the audit (B6)."""

from datetime import datetime

from app.accounts import contacts, push, queries, service
from app.accounts.errors import invalid
from app.accounts.types import ContactMethod, NotificationRule, Urgency, User
from app.notify import service as notify
from app.notify.types import NewNotification, NotificationKind
from app.platform.db import Tx
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import paging

CODE_DIGITS = 6
CHANNELS = frozenset(
    {
        "email", "infobip_sms", "infobip_whatsapp", "twilio_sms", "twilio_voice", "webhook", "slack", "mattermost",
        "webpush", "apprise",
    }
)  # fmt: skip


def add_contact_method(
    rt: Runtime,
    *,
    user_id: int,
    channel: str,
    address: str,
    actor: User,
    now: datetime,
    verified: bool = False,
) -> ContactMethod:
    """Add an address to a person; `verified` is an admin's word that spares the code. Raises UserMissing, Invalid.

    The door checks that `verified` comes from an admin. `generic` is another word for the channel `webhook`.
    """
    channel = "webhook" if channel == "generic" else channel
    if channel == push.WEBPUSH:
        raise invalid("channel", "is added on the device itself: open your profile there, or POST push-subscriptions")
    if channel not in CHANNELS:
        raise invalid("channel", f"must be one of {', '.join(sorted(CHANNELS))}")

    def write(tx: Tx) -> ContactMethod:
        queries.get_user(tx, user_id)
        method = contacts.add_contact_method(
            tx, user_id=user_id, channel=channel, address=address, verified=verified, now=now
        )
        _audit(tx, "contact_method_added", user_id, actor, None, _view(method), now)
        return method

    return rt.db.write(write)


def remove_contact_method(rt: Runtime, *, user_id: int, contact_method_id: int, actor: User, now: datetime) -> None:
    """Take an address and its rules away; who has none left is passed over at once.

    Raises ContactMethodMissing.
    """

    def write(tx: Tx) -> None:
        method = contacts.remove_contact_method(tx, user_id=user_id, contact_method_id=contact_method_id, now=now)
        push.forget_method(tx, method.id)
        page_on_if_cut_off(tx, user_id, now)
        _audit(tx, "contact_method_removed", user_id, actor, _view(method), None, now)

    rt.db.write(write)


def send_code(rt: Runtime, *, user_id: int, contact_method_id: int, now: datetime) -> ContactMethod:
    """Send a code to the address; entering it within 15 minutes verifies it.

    Raises ContactMethodMissing, SlowDown within a minute of the last one.
    """
    code = _new_code(rt)

    def write(tx: Tx) -> ContactMethod:
        method = contacts.set_code(
            tx,
            user_id=user_id,
            contact_method_id=contact_method_id,
            code_hash=_code_hash(rt, contact_method_id, code),
            now=now,
        )
        notify.insert_many(tx, [_code_message(method, code, now)], now=now)
        tx.wake("deliver")
        return method

    return rt.db.write(write)


def verify_contact_method(
    rt: Runtime, *, user_id: int, contact_method_id: int, code: str, actor: User, now: datetime
) -> ContactMethod:
    """Verify the address by the code that was sent to it. Raises ContactMethodMissing, WrongCode.

    After five wrong tries a code is worthless.
    """
    code_hash = _code_hash(rt, contact_method_id, code.strip())

    def write(tx: Tx) -> ContactMethod | None:
        if not contacts.try_code(
            tx, user_id=user_id, contact_method_id=contact_method_id, code_hash=code_hash, now=now
        ):
            return None
        method = queries.get_contact_method(tx, user_id, contact_method_id)
        paging.page_unreached(tx, now)
        _audit(tx, "contact_method_verified", user_id, actor, None, _view(method), now)
        return method

    verified = rt.db.write(write)
    if verified is None:
        raise contacts.wrong_code()
    return verified


def add_rule(
    rt: Runtime,
    *,
    user_id: int,
    urgency: Urgency,
    delay_minutes: int,
    contact_method_id: int,
    actor: User,
    now: datetime,
) -> NotificationRule:
    """After so many minutes at this urgency use this contact method. Raises UserMissing, Invalid."""

    def write(tx: Tx) -> NotificationRule:
        queries.get_user(tx, user_id)
        rule = contacts.add_rule(
            tx, user_id=user_id, urgency=urgency, delay_minutes=delay_minutes, contact_method_id=contact_method_id
        )
        paging.page_unreached(tx, now)
        _audit(tx, "rule_added", user_id, actor, None, _rule_view(rule), now)
        return rule

    return rt.db.write(write)


def remove_rule(rt: Runtime, *, user_id: int, rule_id: int, actor: User, now: datetime) -> None:
    """Take a rule away; who has none left is passed over at once. Raises RuleMissing."""

    def write(tx: Tx) -> None:
        rule = contacts.remove_rule(tx, user_id=user_id, rule_id=rule_id)
        page_on_if_cut_off(tx, user_id, now)
        _audit(tx, "rule_removed", user_id, actor, _rule_view(rule), None, now)

    rt.db.write(write)


def page_on_if_cut_off(tx: Tx, user_id: int, now: datetime) -> None:
    """Pass a person over for whom no usable contact method is left."""
    # Pages on their way keep the address that they were written with; only who has none left is passed over.
    if not any(queries.reach_of(tx, [user_id], urgency=urgency)[user_id] for urgency in Urgency):
        paging.page_on_without(tx, user_id, now, f"{queries.get_user(tx, user_id).name} cannot be reached any more")


def _new_code(rt: Runtime) -> str:
    number = int.from_bytes(rt.ids.token().encode()) % 10**CODE_DIGITS
    return f"{number:0{CODE_DIGITS}}"


def _code_hash(rt: Runtime, contact_method_id: int, code: str) -> str:
    # A plain hash of six digits is undone in a second; this one needs SECRET_KEY.
    return rt.secrets.sign("contact-code", f"{contact_method_id}:{code}".encode())


def _code_message(method: ContactMethod, code: str, now: datetime) -> NewNotification:
    return NewNotification(
        kind=NotificationKind.TEST,
        channel=method.channel,
        address=method.address,
        user_id=method.user_id,
        contact_method_id=method.id,
        due_at=now,
        facts={
            # Lists show titles to everybody who is signed in, so the code stands in the text only.
            "title": "Your PagerPal code",
            "text": f"Enter {code} within 15 minutes to have pages sent here.",
        },
    )


def _view(method: ContactMethod) -> JsonObject:
    return {
        "id": method.id,
        "channel": method.channel,
        "address": method.address,
        "verified": method.verified_at is not None,
    }


def _rule_view(rule: NotificationRule) -> JsonObject:
    return {
        "id": rule.id,
        "urgency": rule.urgency.value,
        "delay_minutes": rule.delay_minutes,
        "contact_method_id": rule.contact_method_id,
    }


def _audit(
    tx: Tx, action: str, user_id: int, actor: User, before: JsonObject | None, after: JsonObject | None, now: datetime
) -> None:
    service.record_audit(
        tx, actor=actor, action=action, object_type="user", object_id=user_id, before=before, after=after, now=now
    )
