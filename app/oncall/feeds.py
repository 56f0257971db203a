"""Calendar feeds of stored schedules, and the secrets in their addresses: one per schedule and per person, hashed.

What a feed holds comes out of the same function as every page (B23).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import User
from app.oncall import queries, repository
from app.oncall.calendar import NOBODY, FeedEvent, duty_summary, feed
from app.oncall.errors import CalendarFeedMissing
from app.oncall.models import CalendarTokenRow
from app.oncall.resolver import Duty, gaps, slots
from app.oncall.spans import BEGINNING
from app.oncall.types import CalendarToken, Schedule, Slot
from app.platform.db import Tx

BACK = timedelta(days=30)
AHEAD = timedelta(days=366)
# Noting each fetch would be a write for every look of every calendar.
TOUCH_EVERY = timedelta(hours=1)


def issue_token(
    tx: Tx, *, token_hash: str, schedule_id: int | None = None, user_id: int | None = None, now: datetime
) -> None:
    """Let a new secret open the feed of the schedule or the person; the one before opens it no longer."""
    repository.revoke_calendar_tokens(tx, schedule_id=schedule_id, user_id=user_id, now=now)
    tx.insert(CalendarTokenRow, token_hash=token_hash, schedule_id=schedule_id, user_id=user_id, created_at=now)


def revoke_token(tx: Tx, *, schedule_id: int | None = None, user_id: int | None = None, now: datetime) -> bool:
    """Let nothing open the feed any more; whether something did."""
    return repository.revoke_calendar_tokens(tx, schedule_id=schedule_id, user_id=user_id, now=now)


def opened_by(tx: Tx, token_hash: str) -> CalendarToken:
    """What the secret opens. Raises CalendarFeedMissing for a wrong or revoked one, and for one with a successor."""
    token = repository.find_token_by_hash(tx, token_hash)
    # Two made at the same moment do not see each other; the later one counts.
    if token is None or token != queries.find_calendar_token(tx, schedule_id=token.schedule_id, user_id=token.user_id):
        raise CalendarFeedMissing
    return token


def is_noteworthy(token: CalendarToken, now: datetime) -> bool:
    """Whether it is time to note again that the feed is in use."""
    return token.last_used_at is None or now - token.last_used_at >= TOUCH_EVERY


def touch_token(tx: Tx, token_id: int, *, now: datetime) -> None:
    """Note that the feed is in use."""
    repository.touch_calendar_token(tx, token_id, now=now)


def schedule_feed(tx: Tx, schedule_id: int, *, host: str, now: datetime) -> bytes:
    """Who is on call there, from 30 days back until 12 months ahead, and where nobody is. Raises ScheduleNotFound."""
    schedule = queries.get_schedule(tx, schedule_id)
    start, end = _window(now)
    duty = queries.duties(tx, [schedule_id], start, end)[schedule_id]
    covered = slots(duty, start, end)
    names = people.users_by_id(tx, {slot.user_id for slot in covered})
    events = [_slot_event(schedule, slot, names) for slot in covered]
    # Before it was made nobody expected anybody there.
    since = max(start, schedule.created_at)
    events += [
        FeedEvent(schedule.id, max(begin, since), finish, NOBODY)
        for begin, finish in gaps(covered, start, end)
        if finish > since
    ]
    events.sort(key=lambda event: event.start_time)
    changed_at = _changed_at(tx, [schedule], [duty], names.values())
    return feed(f"{schedule.name} on call", events, host=host, changed_at=changed_at)


def personal_feed(tx: Tx, user: User, *, host: str, now: datetime) -> bytes:
    """The person's own duties on all schedules, from 30 days back until 12 months ahead."""
    start, end = _window(now)
    schedules = queries.schedules_by_id(tx, queries.schedules_of_user(tx, user.id, start))
    duties = queries.duties(tx, schedules, start, end)
    own = [slot for duty in duties.values() for slot in slots(duty, start, end) if slot.user_id == user.id]
    own.sort(key=lambda slot: (slot.start_time, slot.schedule_id))
    events = [_slot_event(schedules[slot.schedule_id], slot, {user.id: user}) for slot in own]
    changed_at = _changed_at(tx, schedules.values(), duties.values(), [user])
    return feed(f"{user.name} on call", events, host=host, changed_at=changed_at)


def _window(now: datetime) -> tuple[datetime, datetime]:
    # From midnight on, so that two looks on one day see the same.
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - BACK, today + AHEAD


def _slot_event(schedule: Schedule, slot: Slot, names: Mapping[int, User]) -> FeedEvent:
    summary = duty_summary(names[slot.user_id].name, schedule.name)
    return FeedEvent(schedule.id, slot.start_time, slot.end_time, summary)


def _changed_at(tx: Tx, schedules: Iterable[Schedule], duties: Iterable[Duty], users: Iterable[User]) -> datetime:
    """When anything that the feed is made of was last changed: it dates the feed's events."""
    found = [BEGINNING, *(each.updated_at for each in schedules), *(each.updated_at for each in users)]
    for duty in duties:
        found += [rotation.created_at for rotation in duty.rotations]
        for window in (*duty.entries, *duty.overrides):
            found += [window.created_at, window.voided_at or BEGINNING]
        for each in duty.activity:
            found += [each.started_at, each.ended_at or BEGINNING]
        found += [interval.end for interval in duty.in_use if interval.end]
        away = {user_id for each in duty.rotations if each.plan.skips_absent for user_id in each.plan.member_ids}
        found.append(repository.absences_changed_at(tx, away) or BEGINNING)
    return max(found)
