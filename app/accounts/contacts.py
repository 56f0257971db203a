"""Writing how people are reached: contact methods, their verification by code, and notification rules (B6)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from app.accounts import queries, rules
from app.accounts.errors import ContactMethodMissing, SlowDown, WrongCode, invalid
from app.accounts.models import ContactMethodRow, NotificationRuleRow
from app.accounts.types import ContactMethod, NotificationRule, Urgency
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.platform.secrets import same

EMAIL = "email"
PHONE_CHANNELS = frozenset({"infobip_sms", "infobip_whatsapp", "twilio_sms", "twilio_voice"})
URL_CHANNELS = frozenset({"webhook", "mattermost"})
MAX_ADDRESS_LENGTH = 500
_SAME_ADDRESS = select(ContactMethodRow.id, ContactMethodRow.removed_at).where(
    *(getattr(ContactMethodRow, name) == bindparam(name) for name in ("user_id", "channel", "address"))
)
_SAME_RULE = select(NotificationRuleRow.id).where(
    *(
        getattr(NotificationRuleRow, name) == bindparam(name)
        for name in ("user_id", "urgency", "delay_minutes", "contact_method_id")
    )
)


class RuleMissing(NotFound):
    """This person has no such notification rule."""

    default_code = "rule_missing"


def add_contact_method(
    tx: Tx, *, user_id: int, channel: str, address: str, verified: bool, now: datetime
) -> ContactMethod:
    """Add an address, or return the one that is already there; `verified` spares the code.

    One that was removed before comes back, to be verified anew. Raises Invalid for an address that its channel
    cannot use.
    """
    address = normal_address(channel, address)
    row = ContactMethodRow
    found = tx.execute(_SAME_ADDRESS, {"user_id": user_id, "channel": channel, "address": address}).first()
    if found is None:
        method_id = tx.insert(
            row,
            user_id=user_id,
            channel=channel,
            address=address,
            verified_at=now if verified else None,
            created_at=now,
        )
        return queries.get_contact_method(tx, user_id, method_id)
    if found.removed_at is not None:
        tx.execute(update(row).where(row.id == found.id).values(removed_at=None, verified_at=None, opted_out_at=None))
    if verified:
        tx.execute(update(row).where(row.id == found.id).values(verified_at=now))
    return queries.get_contact_method(tx, user_id, found.id)


def normal_address(channel: str, address: str) -> str:
    """The address as its channel wants it: email, number, URL or name. Raises Invalid."""
    if channel == EMAIL:
        return rules.normal_email(address, "address")
    if channel in PHONE_CHANNELS:
        return rules.normal_phone(address, "address")
    address = address.strip()
    if not address or len(address) > MAX_ADDRESS_LENGTH or not address.isprintable():
        raise invalid("address", f"must have 1 to {MAX_ADDRESS_LENGTH} characters")
    if channel in URL_CHANNELS and not address.startswith(("https://", "http://")):
        raise invalid("address", "must begin with https:// or http://")
    return address


def remove_contact_method(tx: Tx, *, user_id: int, contact_method_id: int, now: datetime) -> ContactMethod:
    """Take an address away with the rules that use it; its row stays for what was sent. Raises ContactMethodMissing."""
    method = queries.get_contact_method(tx, user_id, contact_method_id)
    tx.execute(delete(NotificationRuleRow).where(NotificationRuleRow.contact_method_id == method.id))
    tx.execute(update(ContactMethodRow).where(ContactMethodRow.id == method.id).values(removed_at=now, code_hash=None))
    return method


def replace_address(tx: Tx, *, user_id: int, channel: str, old: str, new: str, now: datetime) -> None:
    """Move the rules of one address to another one that an admin vouches for, where the old one exists."""
    for method in queries.contact_methods_of(tx, user_id):
        if method.channel == channel and method.address == old:
            added = add_contact_method(tx, user_id=user_id, channel=channel, address=new, verified=True, now=now)
            for rule in queries.rules_of(tx, user_id):
                if rule.contact_method_id == method.id:
                    put_rule(tx, user_id, rule.urgency, rule.delay_minutes, added.id)
            remove_contact_method(tx, user_id=user_id, contact_method_id=method.id, now=now)


def set_code(tx: Tx, *, user_id: int, contact_method_id: int, code_hash: str, now: datetime) -> ContactMethod:
    """Expect this code, by its hash, for the next quarter of an hour.

    Raises ContactMethodMissing, SlowDown within a minute of the last code.
    """
    method = queries.get_contact_method(tx, user_id, contact_method_id)
    last_until = tx.scalar(select(ContactMethodRow.code_expires_at).where(ContactMethodRow.id == method.id))
    if last_until is not None and last_until - rules.CODE_LIFETIME + rules.CODE_PAUSE > now:
        raise SlowDown("A code was sent a moment ago: wait a minute.", retry_after_seconds=60)
    tx.execute(
        update(ContactMethodRow)
        .where(ContactMethodRow.id == method.id)
        .values(code_hash=code_hash, code_expires_at=now + rules.CODE_LIFETIME, code_tries=0)
    )
    return method


def try_code(tx: Tx, *, user_id: int, contact_method_id: int, code_hash: str, now: datetime) -> bool:
    """Whether this is the code that was sent: then the address is verified; else the try is counted.

    Returns False rather than raising, because the count must be committed. Raises ContactMethodMissing.
    """
    method = queries.get_contact_method(tx, user_id, contact_method_id)
    row = ContactMethodRow
    expected, expires_at, tries = tx.execute(
        select(row.code_hash, row.code_expires_at, row.code_tries).where(row.id == method.id).with_for_update()
    ).one()
    if expected is None or expires_at is None or expires_at <= now or tries >= rules.CODE_TRIES:
        return False
    if not same(expected, code_hash):
        tx.execute(update(row).where(row.id == method.id).values(code_tries=tries + 1))
        return False
    tx.execute(
        update(row).where(row.id == method.id).values(verified_at=now, code_hash=None, code_expires_at=None, note="")
    )
    return True


def wrong_code() -> WrongCode:
    """The refusal of a code, whatever is wrong with it."""
    return WrongCode("The code is wrong, used up or older than 15 minutes: have a new one sent.")


def opt_out(tx: Tx, contact_method_ids: Collection[int], *, now: datetime) -> list[int]:
    """Nothing more goes to these addresses: their owner said STOP. Those for which this is new."""
    row = ContactMethodRow
    changed = tx.execute(
        update(row)
        .where(row.id.in_(sorted(contact_method_ids)), row.opted_out_at.is_(None))
        .values(opted_out_at=now)
        .returning(row.id)
    )
    return sorted(changed.scalars())


def opt_in(tx: Tx, contact_method_ids: Collection[int]) -> list[int]:
    """Messages may go to these addresses again. Those for which this is new."""
    row = ContactMethodRow
    changed = tx.execute(
        update(row)
        .where(row.id.in_(sorted(contact_method_ids)), row.opted_out_at.is_not(None))
        .values(opted_out_at=None)
        .returning(row.id)
    )
    return sorted(changed.scalars())


def add_rule(tx: Tx, *, user_id: int, urgency: Urgency, delay_minutes: int, contact_method_id: int) -> NotificationRule:
    """Add a notification rule, or return the same one. Raises Invalid."""
    try:
        queries.get_contact_method(tx, user_id, contact_method_id)
    except ContactMethodMissing:
        raise invalid("contact_method_id", "names no contact method of this person") from None
    put_rule(tx, user_id, urgency, rules.check_delay(delay_minutes), contact_method_id)
    wanted = (urgency, delay_minutes, contact_method_id)
    return next(
        rule
        for rule in queries.rules_of(tx, user_id, urgency=urgency)
        if (rule.urgency, rule.delay_minutes, rule.contact_method_id) == wanted
    )


def put_rule(tx: Tx, user_id: int, urgency: Urgency, delay_minutes: int, contact_method_id: int) -> None:
    """Have this rule exist once."""
    rule = {
        "user_id": user_id, "urgency": urgency, "delay_minutes": delay_minutes, "contact_method_id": contact_method_id,
    }  # fmt: skip
    if tx.scalar(_SAME_RULE, **rule) is None:
        tx.insert(NotificationRuleRow, **rule)


def remove_rule(tx: Tx, *, user_id: int, rule_id: int) -> NotificationRule:
    """Take a rule away and return it. Raises RuleMissing."""
    for rule in queries.rules_of(tx, user_id):
        if rule.id == rule_id:
            tx.execute(delete(NotificationRuleRow).where(NotificationRuleRow.id == rule_id))
            return rule
    raise RuleMissing("This person has no such notification rule.")


def add_defaults(
    tx: Tx, *, user_id: int, email: str, phone: str | None, sms_channel: str | None, now: datetime
) -> None:
    """What a new person begins with (B6): email at once for both urgencies, and SMS at once for high ones.

    The SMS one needs a phone number and a configured SMS channel.
    """
    method = add_contact_method(tx, user_id=user_id, channel=EMAIL, address=email, verified=True, now=now)
    for urgency in Urgency:
        put_rule(tx, user_id, urgency, 0, method.id)
    if phone and sms_channel:
        add_sms(tx, user_id=user_id, phone=phone, sms_channel=sms_channel, now=now)


def add_sms(tx: Tx, *, user_id: int, phone: str, sms_channel: str, now: datetime) -> None:
    """Page this number at once for high urgency; an admin vouches for it."""
    method = add_contact_method(tx, user_id=user_id, channel=sms_channel, address=phone, verified=True, now=now)
    put_rule(tx, user_id, Urgency.HIGH, 0, method.id)
