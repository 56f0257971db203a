"""Handing a duty over: to whom, from when, and what that makes of the days until the rotation's next hand-off."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.oncall import queries
from app.oncall.resolver import Duty, oncall_at
from app.oncall.rules import MAX_WINDOW
from app.oncall.spans import FOREVER
from app.oncall.types import Interval, Slot, Window
from app.platform.db import Tx
from app.platform.errors import Invalid, PagerPalError
from app.usecases import rota
from app.web.ui.forms import Form, wrong
from app.web.ui.views.rota_board import Board, board_of, knowing
from app.web.ui.views.rota_slot import Outcome, is_active, outcome_of, people_options

# A field of date and time has no seconds: whoever chooses this minute means now.
MINUTE = timedelta(minutes=1)


def handoff_page(tx: Tx, schedule_id: int, identity: Identity, form: Form | None, now: datetime) -> dict[str, object]:
    """The form of a hand-off with what it does. Raises ScheduleNotFound."""
    board = board_of(tx, schedule_id, now, now + queries.HORIZON, now)
    current = oncall_at(board.duty, now)
    form = form or Form.of(to_user_id=_next_user(board, current, now), at="")
    said, outcome = _typed_outcome(tx, board, form, now)
    return {
        "board": board,
        "schedule": board.schedule,
        "current": board.marks[current.user_id] if current else None,
        "may_hand_off": may_hand_off(current, identity),
        "form": form,
        "candidates": people_options(tx, board),
        "said": said,
        "outcome": outcome,
    }


def may_hand_off(current: Slot | None, identity: Identity) -> bool:
    """Whether the reader may hand over what somebody has now: admins, and that very person (B22)."""
    is_theirs = current is not None and current.user_id == identity.user.id
    return allows(identity, Permission.MANAGE_SCHEDULES) or (is_theirs and allows(identity, Permission.TAKE_SLOTS))


def handoff_time(form: Form, zone: ZoneInfo, now: datetime) -> datetime | None:
    """From when the hand-off counts; None is now. Raises Invalid."""
    if not form.value("at"):
        return None
    at = form.instant("at", zone)
    if not -MINUTE < at - now <= MAX_WINDOW:
        raise wrong("at", "Choose a time from now on, within five years; or leave it empty for now.")
    return max(at, now)


def _next_user(board: Board, current: Slot | None, now: datetime) -> str:
    ahead = [each.slot.user_id for each in board.between(now, now + queries.HORIZON) if each.slot]
    following = [user_id for user_id in ahead if current is None or user_id != current.user_id]
    return str(following[0]) if following else ""


def _typed_outcome(tx: Tx, board: Board, form: Form, now: datetime) -> tuple[str, Outcome | None]:
    try:
        at, user_id = handoff_time(form, board.zone, now) or now, form.maybe_id("to_user_id")
        duty = queries.duties(tx, [board.schedule.id], at, at + queries.HORIZON)[board.schedule.id]
        current = oncall_at(duty, at)
        if user_id is None or not is_active(tx, user_id) or (current and current.user_id == user_id):
            return "", None
        windows = rota.handed_over(duty, current, at)
    except PagerPalError as fault:
        return ("" if isinstance(fault, Invalid) else fault.message), None
    marks = knowing(tx, board.pencil, [user_id, *([current.user_id] if current else [])]).marks
    end = windows[-1].end or at
    before = f" from {marks[current.user_id].name}" if current else ""
    when = board.pencil.moment(at) if at > now else "now"
    said = f"{marks[user_id].name} takes over{before} {when}, until {board.pencil.moment(end)}."
    return said, outcome_of(tx, board, at, end, lambda *window: _handed(tx, board, user_id, windows, *window), now)


def _handed(tx: Tx, board: Board, user_id: int, windows: Sequence[Interval], start: datetime, end: datetime) -> Duty:
    made = [
        Window(0, board.schedule.id, user_id, each.start, each.end or each.start, "", FOREVER, None) for each in windows
    ]
    duty = queries.duty_if(tx, board.schedule.id, start, end, override=made[0])
    return replace(duty, overrides=[*duty.overrides, *made[1:]])
