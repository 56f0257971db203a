"""Notices of what is coming: a shift that begins, and a gap in which nobody is on call (B19)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.accounts import queries as people
from app.accounts.types import Urgency, User
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.usecases import paging
from app.usecases.watch.coverage import is_paged_by
from app.usecases.watch.outlook import Gap, Outlook, Shift

REMINDED_BEFORE = timedelta(hours=12)
GAP_TOLD_BEFORE = timedelta(hours=72)


def moments(seen: Outlook) -> Iterator[datetime]:
    """When the shifts and gaps ahead are to be announced."""
    yield from (shift.start - REMINDED_BEFORE for shift in seen.ahead)
    yield from (gap.start - GAP_TOLD_BEFORE for gap in seen.gaps if gap.start is not None)


def announce_shifts(tx: Tx, seen: Outlook) -> None:
    """Remind people of shifts that begin within REMINDED_BEFORE; who got one later than that knows of it."""
    for shift in seen.ahead:
        if shift.start - REMINDED_BEFORE <= seen.now and _was_planned(tx, seen, shift):
            _remind(tx, seen, shift)


def announce_gaps(tx: Tx, seen: Outlook) -> None:
    """Tell the team, else all admins, of gaps that have begun or begin within GAP_TOLD_BEFORE; once per gap.

    A schedule on which nobody ever was on call is news only where something pages by it.
    """
    for gap in seen.gaps:
        if gap.start is None:
            if is_paged_by(tx, seen.schedule):
                _tell_gap(tx, seen, gap)
        elif gap.start - GAP_TOLD_BEFORE <= seen.now:
            _tell_gap(tx, seen, gap)


def _was_planned(tx: Tx, seen: Outlook, shift: Shift) -> bool:
    known_at = shift.start - REMINDED_BEFORE
    planned = oncall.who_is_on_call(tx, [seen.schedule.id], shift.start, as_of=known_at)[seen.schedule.id]
    return planned is not None and planned.user_id == shift.user_id


def _remind(tx: Tx, seen: Outlook, shift: Shift) -> None:
    schedule, before = seen.schedule, seen.before(shift)
    giver = people.find_user(tx, before.user_id) if before else None
    is_reached = bool(people.reach_of(tx, [shift.user_id], urgency=Urgency.HIGH)[shift.user_id])

    def text(zone: str) -> str:
        until = "" if seen.is_last(shift) else f" until {paging.clock_time(shift.end, zone)}"
        lines = [f"You are on call from {paging.clock_time(shift.start, zone)}{until}."]
        if giver is not None:
            lines.append(f"{giver.name} hands over to you.")
        if not is_reached:
            lines.append("PagerPal has no way to page you: add a contact method and a rule to your profile.")
        return " ".join(lines)

    paging.tell(
        tx,
        user_ids=[shift.user_id],
        key=f"shift:{schedule.id}:{shift.user_id}:{shift.start.isoformat()}",
        subject=lambda zone: f"Your shift on {schedule.name} begins {paging.clock_time(shift.start, zone)}",
        text=text,
        link=f"/schedules/{schedule.id}",
        now=seen.now,
    )


def _tell_gap(tx: Tx, seen: Outlook, gap: Gap) -> None:
    schedule, now = seen.schedule, seen.now
    key = f"gap:{schedule.id}:{gap.start.isoformat() if gap.start else 'never'}"
    backup = people.find_user(tx, schedule.escalation_to_user_id) if schedule.escalation_to_user_id else None
    instead = (
        f"Pages go to its backup, {backup.name}, at once."
        if backup is not None and backup.is_active
        else "It has no backup: pages go to the next level or, where there is none, to all admins."
    )

    def begins(zone: str) -> str:
        return f" from {paging.clock_time(gap.start, zone)}" if gap.start is not None and gap.start > now else ""

    def text(zone: str) -> str:
        until = f" until {paging.clock_time(gap.end, zone)}" if gap.end else ", and nobody comes on for two weeks"
        return f"Nobody is on call{begins(zone)}{until}. {instead} An override closes the gap."

    def tell(users: list[User]) -> list[int]:
        return paging.tell(
            tx,
            user_ids=[user.id for user in users],
            key=key,
            subject=lambda zone: f"Nobody is on call for {schedule.name}{begins(zone)}",
            text=text,
            link=f"/schedules/{schedule.id}",
            now=now,
        )

    team = people.team_members(tx, schedule.team_id) if schedule.team_id is not None else []
    if not tell(team):
        tell(people.active_admins(tx))
