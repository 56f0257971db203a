"""Swap requests in words, and what the reader may do with each: accept, decline, take back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity, User
from app.oncall import queries
from app.oncall.types import Schedule, Swap, SwapStatus
from app.platform.db import Tx
from app.web.ui.views.choices import EVERYTHING
from app.web.ui.words import moment


@dataclass(frozen=True, slots=True)
class SwapView:
    """One open request; `said` is the whole sentence, times in the zone that the page speaks."""

    swap: Swap
    schedule: Schedule
    asker: User
    said: str
    when: str
    may_accept: bool
    may_decline: bool
    may_cancel: bool

    @property
    def path(self) -> str:
        """Where its buttons lead, without the verb."""
        return f"/schedules/{self.schedule.id}/swaps/{self.swap.id}"


def swaps_on(tx: Tx, schedule: Schedule, identity: Identity, now: datetime, zone: ZoneInfo) -> list[SwapView]:
    """The open requests of one schedule, by the start of their windows."""
    found = queries.list_swaps(tx, schedule.id, EVERYTHING, status=SwapStatus.OPEN).items
    return _views(tx, [swap for swap in found if swap.end_time > now], [schedule], identity, now, zone)


def swaps_for(tx: Tx, identity: Identity, now: datetime, zone: ZoneInfo) -> list[SwapView]:
    """The open requests of all schedules that the reader may answer."""
    if not allows(identity, Permission.TAKE_SLOTS):
        return []
    found = queries.swaps_waiting(tx, identity.user.id, now)
    schedules = queries.schedules_by_id(tx, {swap.schedule_id for swap in found})
    return _views(tx, found, schedules.values(), identity, now, zone)


def _views(
    tx: Tx, swaps: Sequence[Swap], schedules: Iterable[Schedule], identity: Identity, now: datetime, zone: ZoneInfo
) -> list[SwapView]:
    known = {schedule.id: schedule for schedule in schedules}
    names = people.users_by_id(tx, {each for swap in swaps for each in (swap.from_user_id, swap.to_user_id) if each})
    members = {schedule_id: queries.members_of(tx, schedule_id, now) for schedule_id in known}
    return [
        _view(swap, known[swap.schedule_id], names, identity, members, moment_in(zone, now))
        for swap in swaps
        if swap.schedule_id in known
    ]


def _view(
    swap: Swap,
    schedule: Schedule,
    names: Mapping[int, User],
    identity: Identity,
    members: Mapping[int, Sequence[int]],
    said: Callable[[datetime], str],
) -> SwapView:
    user_id = identity.user.id
    is_theirs = swap.from_user_id == user_id
    is_asked = swap.to_user_id == user_id
    may_answer = allows(identity, Permission.TAKE_SLOTS) and not is_theirs
    is_welcome = swap.to_user_id is None and user_id in members[schedule.id]
    asked = "you" if is_asked else names[swap.to_user_id].name if swap.to_user_id else "anybody"
    asker = names[swap.from_user_id]
    return SwapView(
        swap,
        schedule,
        asker,
        f"{'You ask' if is_theirs else f'{asker.name} asks'} {asked} to take {schedule.name}",
        f"{said(swap.start_time)} to {said(swap.end_time)}",
        may_accept=may_answer and (is_asked or is_welcome),
        may_decline=may_answer and is_asked,
        may_cancel=is_theirs or allows(identity, Permission.MANAGE_SCHEDULES),
    )


def moment_in(zone: ZoneInfo, now: datetime) -> Callable[[datetime], str]:
    """How instants are said in a zone."""
    return lambda at: moment(at, zone, now)
