"""The addresses of calendar feeds, made and ended with the audit, and what they answer (B23).

An address holds a secret that is shown once. Whoever has it sees who is on call and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from app.accounts import queries as people
from app.accounts.service import record_audit
from app.accounts.types import User
from app.oncall import feeds, service
from app.oncall.errors import CalendarFeedMissing, ScheduleNotFound
from app.oncall.types import CalendarToken
from app.platform.db import Tx
from app.platform.errors import Unavailable
from app.platform.runtime import Runtime
from app.platform.secrets import hash_token
from app.platform.types import JsonObject
from app.usecases.rota.records import record

MADE, REVOKED = "calendar_address_made", "calendar_address_revoked"


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """The secret of a feed and the whole address with it, known only at this moment."""

    token: str
    url: str


def make_schedule_calendar(rt: Runtime, *, schedule_id: int, actor: User, now: datetime) -> CalendarAddress:
    """A new address for a schedule's feed; the one before ends. Raises ScheduleNotFound."""
    token = rt.ids.token()

    def write(tx: Tx) -> None:
        service.lock_schedule(tx, schedule_id)
        feeds.issue_token(tx, token_hash=hash_token(token), schedule_id=schedule_id, now=now)
        record(tx, MADE, schedule_id, actor, None, None, now)

    rt.db.write(write)
    return _address(rt, f"schedules/{schedule_id}", token)


def revoke_schedule_calendar(rt: Runtime, *, schedule_id: int, actor: User, now: datetime) -> None:
    """End the address of a schedule's feed. Raises ScheduleNotFound, CalendarFeedMissing."""

    def write(tx: Tx) -> None:
        service.lock_schedule(tx, schedule_id)
        if not feeds.revoke_token(tx, schedule_id=schedule_id, now=now):
            raise CalendarFeedMissing
        record(tx, REVOKED, schedule_id, actor, None, None, now)

    rt.db.write(write)


def make_personal_calendar(rt: Runtime, *, user_id: int, actor: User, now: datetime) -> CalendarAddress:
    """A new address for the feed of a person's own duties; the one before ends. Raises UserMissing."""
    token = rt.ids.token()

    def write(tx: Tx) -> None:
        people.get_user(tx, user_id)
        feeds.issue_token(tx, token_hash=hash_token(token), user_id=user_id, now=now)
        _audit(tx, MADE, user_id, actor, now)

    rt.db.write(write)
    return _address(rt, "me", token)


def revoke_personal_calendar(rt: Runtime, *, user_id: int, actor: User, now: datetime) -> None:
    """End the address of a person's feed. Raises CalendarFeedMissing."""

    def write(tx: Tx) -> None:
        if not feeds.revoke_token(tx, user_id=user_id, now=now):
            raise CalendarFeedMissing
        _audit(tx, REVOKED, user_id, actor, now)

    rt.db.write(write)


def read_schedule_calendar(rt: Runtime, *, schedule_id: int, token: str, now: datetime) -> bytes:
    """A schedule's feed. Raises CalendarFeedMissing for every secret but its own, and once it is deleted."""

    def read(tx: Tx) -> tuple[CalendarToken, bytes]:
        opened = feeds.opened_by(tx, hash_token(token))
        if opened.schedule_id != schedule_id:
            raise CalendarFeedMissing
        try:
            return opened, feeds.schedule_feed(tx, schedule_id, host=_host(rt), now=now)
        except ScheduleNotFound:
            raise CalendarFeedMissing from None

    return _noted(rt, *rt.db.read(read), now)


def read_personal_calendar(rt: Runtime, *, token: str, now: datetime) -> bytes:
    """The feed of a person's own duties. Raises CalendarFeedMissing for a wrong secret, and while they are inactive."""

    def read(tx: Tx) -> tuple[CalendarToken, bytes]:
        opened = feeds.opened_by(tx, hash_token(token))
        user = people.find_user(tx, opened.user_id) if opened.user_id is not None else None
        if user is None or not user.is_active:
            raise CalendarFeedMissing
        return opened, feeds.personal_feed(tx, user, host=_host(rt), now=now)

    return _noted(rt, *rt.db.read(read), now)


def _noted(rt: Runtime, opened: CalendarToken, content: bytes, now: datetime) -> bytes:
    if feeds.is_noteworthy(opened, now):
        try:
            rt.db.write(lambda tx: feeds.touch_token(tx, opened.id, now=now))
        except Unavailable:
            # Looking must still work while nothing can be written.
            return content
    return content


def _address(rt: Runtime, path: str, token: str) -> CalendarAddress:
    return CalendarAddress(token, f"{rt.settings.pagerpal_base_url}/api/v1/{path}/calendar.ics?token={token}")


def _host(rt: Runtime) -> str:
    return urlsplit(rt.settings.pagerpal_base_url).hostname or "pagerpal"


def _audit(tx: Tx, action: str, user_id: int, actor: User, now: datetime) -> None:
    nothing: JsonObject | None = None
    record_audit(
        tx, actor=actor, action=action, object_type="user", object_id=user_id, before=nothing, after=nothing, now=now
    )
