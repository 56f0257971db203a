"""The page of one slot or gap: what it is and why, and what it may become: an override, a swap request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity
from app.oncall import queries
from app.oncall.resolver import Duty, oncall_at
from app.oncall.rules import MAX_WINDOW
from app.oncall.spans import FOREVER
from app.oncall.types import SlotSource, Window
from app.platform.db import Tx
from app.platform.errors import Conflict, PagerPalError
from app.web.ui.forms import Form, wrong
from app.web.ui.views.choices import Group, Option, active_people, not_in_list, user_options
from app.web.ui.views.duty import Stretch, stretches
from app.web.ui.views.rota_board import Board, board_of, knowing
from app.web.ui.views.rota_calendar import Line, line_of
from app.web.ui.views.rota_days import WEEK_DAYS, days_from
from app.web.ui.views.rota_drawing import SOURCES
from app.web.ui.views.rota_editor import typed
from app.web.ui.views.rota_marks import Marks
from app.web.ui.views.rota_preview import SHOWN, Comparison, compare, first_day
from app.web.ui.views.rota_words import plan_in_words
from app.web.ui.words import zone_of

# How far around a gap is looked for its ends, and how many weeks of a change are drawn at the most.
AROUND = timedelta(days=14)
MOST_WEEKS = 6
NOBODYS = "gap"


@dataclass(frozen=True, slots=True)
class Change:
    """A typed override: who, from when until when, and the stored override that it takes the place of, if any."""

    user_id: int
    start_time: datetime
    end_time: datetime
    reason: str
    replaces: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change would do: `lines` are who is on call over all of it, the rest of a shortened slot included.

    `added` are the marks of people whom the page had not drawn before.
    """

    lines: Sequence[Line]
    more: int
    comparison: Comparison
    added: Marks


def slot_board(tx: Tx, schedule_id: int, at: datetime, now: datetime) -> tuple[Board, Stretch]:
    """The schedule around an instant, and the slot or gap that covers it. Raises ScheduleNotFound."""
    board = board_of(tx, schedule_id, at - AROUND, at + AROUND, now)
    return board, next(each for each in board.between(at - AROUND, at + AROUND) if each.start <= at < each.end)


def slot_page(
    tx: Tx, schedule_id: int, at: datetime, identity: Identity, forms: dict[str, Form], now: datetime
) -> dict[str, object]:
    """One slot, or gap, which covers an instant. Raises ScheduleNotFound."""
    board, stretch = slot_board(tx, schedule_id, at, now)
    form = forms.get("override", _override_form(stretch, board, now))
    return {
        "board": board,
        "schedule": board.schedule,
        "stretch": stretch,
        "line": line_of(stretch, board.pencil, zone_of(identity.user.timezone)),
        "seen": seen(stretch),
        "why": _why(stretch, board),
        "beneath": _beneath(stretch, board, now),
        "is_over": stretch.end <= now,
        "may_edit": may_edit(stretch, identity, now),
        "may_swap": may_swap(stretch, identity, now),
        "form": form,
        "swap_form": forms.get("swap", _swap_form(stretch, board, now)),
        "candidates": people_options(tx, board),
        "askable": [
            ("", "anybody on this schedule"),
            *user_options([user for user in board.candidates if user.id != identity.user.id]),
        ],
        "outcome": _typed_outcome(tx, form, board, stretch, now),
    }


def may_edit(stretch: Stretch, identity: Identity, now: datetime) -> bool:
    """Whether the reader may put somebody else there: admins anywhere, people at their own slots (B22)."""
    return stretch.end > now and (allows(identity, Permission.MANAGE_SCHEDULES) or _is_own(stretch, identity))


def may_swap(stretch: Stretch, identity: Identity, now: datetime) -> bool:
    """Whether the reader may ask others to take it."""
    return stretch.end > now and _is_own(stretch, identity)


def change_of(form: Form, board: Board, stretch: Stretch, now: datetime) -> Change:
    """The override that is typed; what has passed stays as it was, so it begins now at the earliest.

    Raises Invalid; and Conflict when the slot is no longer the one that the form was filled in for.
    """
    if form.value("seen") != seen(stretch):
        raise Conflict("Somebody has changed this slot meanwhile. Look at what it is now, and decide again.")
    user_id = form.maybe_id("user_id")
    if user_id is None:
        raise not_in_list("user_id")
    begin, end = window_of(form, board.zone, stretch, now)
    return Change(user_id, begin, end, form.value("reason"), _replaced(stretch, board, user_id, begin, end))


def window_of(form: Form, zone: ZoneInfo, stretch: Stretch, now: datetime) -> tuple[datetime, datetime]:
    """The window of a slot that is typed, of which only what is still to come counts. Raises Invalid."""
    start, end = (_exact(form.instant(name, zone), stretch) for name in ("start_time", "end_time"))
    start = max(start, now)
    if end <= start:
        raise wrong("end_time", "Choose an end after the beginning, and after now.")
    if end - now > MAX_WINDOW:
        raise wrong("end_time", "Choose an end within five years.")
    return start, end


def seen(stretch: Stretch) -> str:
    """What a form remembers of the slot that it is about."""
    return stretch.slot.id if stretch.slot else NOBODYS


def people_options(tx: Tx, board: Board) -> list[Option | Group]:
    """Everybody active, those of the schedule first."""
    inside = {user.id for user in board.candidates}
    others = [user for user in active_people(tx) if user.id not in inside]
    groups: list[Group] = [("On this schedule", user_options(list(board.candidates))), ("Others", user_options(others))]
    return [group for group in groups if group[1]]


def is_active(tx: Tx, user_id: int | None) -> bool:
    """Whether there is such a person who can be on call."""
    user = people.find_user(tx, user_id) if user_id else None
    return user is not None and user.is_active


def outcome_of(
    tx: Tx, board: Board, start: datetime, end: datetime, after: Callable[[datetime, datetime], Duty], now: datetime
) -> Outcome:
    """What happens between two instants by a change; `after` is the duty of a window as the change would make it."""
    first = first_day(start, board.pencil)
    weeks = (first_day(end, board.pencil) - first).days // WEEK_DAYS + 1
    days = days_from(first, min(weeks, MOST_WEEKS) * WEEK_DAYS, board.zone, now)
    window = (days[0].start, max(end, days[-1].end))
    new = after(*window)
    ahead = stretches(new, start, end)
    pencil = knowing(tx, board.pencil, {each.slot.user_id for each in ahead if each.slot})
    lines = [line_of(each, pencil, board.zone) for each in ahead[:SHOWN]]
    old = queries.duties(tx, [board.schedule.id], *window)[board.schedule.id]
    comparison = compare(tx, pencil, old, new, first=first, count=len(days), since=now, warns_of_all=False)
    added = {user_id: mark for user_id, mark in comparison.marks.items() if user_id not in board.marks}
    return Outcome(lines, max(0, len(ahead) - SHOWN), comparison, added)


def _typed_outcome(tx: Tx, form: Form, board: Board, stretch: Stretch, now: datetime) -> Outcome | None:
    # Only a form that was sent has a button in it; before that there is nothing to look at.
    if not form.has("do"):
        return None
    try:
        change = change_of(form, board, stretch, now)
    except PagerPalError:
        return None
    if not is_active(tx, change.user_id):
        return None
    start, end = min(max(stretch.start, now), change.start_time), max(stretch.end, change.end_time)

    def after(begin: datetime, finish: datetime) -> Duty:
        override = Window(
            0, board.schedule.id, change.user_id, change.start_time, change.end_time, change.reason, FOREVER, None
        )
        duty = queries.duty_if(tx, board.schedule.id, begin, finish, override=override)
        kept = [replace(each, voided_at=now) if each.id == change.replaces else each for each in duty.overrides]
        return replace(duty, overrides=kept)

    return outcome_of(tx, board, start, end, after, now)


def _exact(typed: datetime, stretch: Stretch) -> datetime:
    # A field of date and time has no seconds; whoever left an edge of the slot as it was means that very edge.
    edges = (stretch.start, stretch.end)
    return next((edge for edge in edges if edge.replace(second=0, microsecond=0) == typed), typed)


def _is_own(stretch: Stretch, identity: Identity) -> bool:
    is_theirs = stretch.slot is not None and stretch.slot.user_id == identity.user.id
    return is_theirs and allows(identity, Permission.TAKE_SLOTS)


def _window_of(stretch: Stretch, board: Board) -> Window | None:
    if stretch.slot is None or stretch.slot.source is SlotSource.ROTATION:
        return None
    stored = board.duty.overrides if stretch.slot.source is SlotSource.OVERRIDE else board.duty.entries
    return next((each for each in stored if each.id == stretch.slot.window_id), None)


def _replaced(stretch: Stretch, board: Board, user_id: int, start: datetime, end: datetime) -> int | None:
    # An override that shows as a whole is changed itself, so that the rest of a shorter one falls to whom entries and
    # rotation say. Somebody else over a part of it is an override on top: what is left stays with whose it is.
    window = _window_of(stretch, board)
    if window is None or stretch.slot is None or stretch.slot.source is not SlotSource.OVERRIDE:
        return None
    is_whole = (window.start_time, window.end_time) == (stretch.start, stretch.end)
    is_covered = start <= max(stretch.start, board.pencil.now) and stretch.end <= end
    return window.id if is_whole and (user_id == window.user_id or is_covered) else None


def _why(stretch: Stretch, board: Board) -> str:
    if stretch.slot is None:
        return "No override, no fixed entry and no rotation covers it, or whom they name is not active."
    if stretch.slot.source is SlotSource.ROTATION:
        ruling = [each for each in board.duty.rotations if each.effective_from <= stretch.start]
        rotation = max(ruling, key=lambda each: each.version, default=None)
        return f"Rotation, version {rotation.version}: {plan_in_words(rotation.plan)}." if rotation else "Rotation."
    window = _window_of(stretch, board)
    kind = SOURCES[stretch.slot.source].capitalize()
    if window is None:
        return f"{kind}."
    reason = f": {window.reason}" if window.reason and window.reason != SOURCES[SlotSource.OVERRIDE] else ""
    return f"{kind}, made {board.pencil.moment(window.created_at)}{reason}."


def _beneath(stretch: Stretch, board: Board, now: datetime) -> str:
    if stretch.slot is None or stretch.slot.source is not SlotSource.OVERRIDE:
        return ""
    left = [each for each in board.duty.overrides if each.id != stretch.slot.window_id]
    slot = oncall_at(
        replace(board.duty, overrides=left), max(stretch.start, min(now, stretch.end - timedelta.resolution))
    )
    return f"{board.marks[slot.user_id].name} ({SOURCES[slot.source]})" if slot else "nobody"


def _override_form(stretch: Stretch, board: Board, now: datetime) -> Form:
    start = max(stretch.start, now)
    return Form.of(
        user_id=stretch.slot.user_id if stretch.slot else "",
        start_time=typed(start, board.zone),
        end_time=typed(stretch.end, board.zone),
        reason="",
    )


def _swap_form(stretch: Stretch, board: Board, now: datetime) -> Form:
    start = max(stretch.start, now)
    return Form.of(
        "swap", to_user_id="", start_time=typed(start, board.zone), end_time=typed(stretch.end, board.zone), note=""
    )
