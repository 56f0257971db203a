"""The on-call page and a schedule's page as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.permissions import Permission, allows
from app.accounts.types import Identity, User
from app.oncall import queries
from app.oncall.resolver import oncall_at
from app.oncall.rules import MAX_WINDOW
from app.oncall.types import Schedule, SlotSource, Window
from app.platform.db import Tx
from app.usecases import watch
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING
from app.web.ui.views.duty import AHEAD, DutyView, Handoff, Stretch, duties_of, duty_view, handoffs_in, stretches
from app.web.ui.views.rota_board import Board, board_of, knowing, slot_href, stamp
from app.web.ui.views.rota_calendar import VIEW_WORDS, Calendar, calendar_of, line_of, range_of, yours_of
from app.web.ui.views.rota_drawing import SOURCES, Pencil
from app.web.ui.views.rota_editor import typed
from app.web.ui.views.rota_handoff import may_hand_off
from app.web.ui.views.rota_marks import Mark
from app.web.ui.views.rota_past import past_of
from app.web.ui.views.rota_preview import conflicts_in
from app.web.ui.views.rota_slot import people_options
from app.web.ui.views.rota_swaps import swaps_for, swaps_on
from app.web.ui.views.rota_words import versions_of
from app.web.ui.views.simulate import sources_reaching
from app.web.ui.words import day, moment, short, zone_of

SLOTS_AHEAD = timedelta(weeks=8)
SHIFTS_SHOWN = 4
LINES_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Shift:
    """A slot of the reader's own, in their own zone."""

    schedule: Schedule
    start: datetime
    end: datetime
    said: str
    is_now: bool
    href: str


@dataclass(frozen=True, slots=True)
class HandoffDay:
    """The hand-offs of one day, in the reader's zone."""

    label: str
    handoffs: Sequence[Handoff]


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """One hand-off of one schedule, in its zone and, where it differs, in the reader's."""

    key: str
    when: str
    yours: str
    before: Mark | None
    after: Mark | None


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A stored window that is not over; `kind` is override or entry."""

    kind: str
    window: Window
    mark: Mark
    when: str
    may_remove: bool


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A schedule as a row of the list; `state` and `words` say how it is covered in the next 14 days."""

    duty: DutyView
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a schedule's cover: a sentence, how loud it is, and where it can be mended."""

    kind: str
    text: str
    href: str


def oncall_page(tx: Tx, identity: Identity, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """Every schedule with who has it and who is next, one's own shifts, what others ask, and 14 days of hand-offs."""
    schedules = queries.list_schedules(tx, EVERYTHING).items
    duties = sorted(duties_of(tx, schedules, now, zone), key=lambda duty: not duty.schedule.is_active)
    active = [duty for duty in duties if duty.schedule.is_active]
    findings = watch.coverage(tx, [schedule.id for schedule in schedules], now)
    return {
        "rows": [_row(duty, findings[duty.schedule.id], now, zone) for duty in duties],
        **own_duty(tx, identity, now, zone),
        "days": _by_day([each for duty in active for each in duty.handoffs], now, zone),
    }


def own_duty(tx: Tx, identity: Identity, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """What of all schedules concerns the reader: their next shifts, and what others ask of them."""
    schedules = queries.list_schedules(tx, EVERYTHING, is_active=True).items
    return {
        "shifts": own_shifts(tx, schedules, identity.user, now, zone),
        "swaps": swaps_for(tx, identity, now, zone),
    }


def own_shifts(tx: Tx, schedules: Sequence[Schedule], user: User, now: datetime, zone: ZoneInfo) -> list[Shift]:
    """The reader's next shifts of the next eight weeks on these schedules, the one that lasts now first."""
    found = queries.duties(tx, [schedule.id for schedule in schedules], now, now + SLOTS_AHEAD)
    own = [
        Shift(
            schedule,
            each.start,
            each.end,
            f"{moment(each.start, zone, now)} to {moment(each.end, zone, now)}",
            each.start <= now,
            slot_href(schedule.id)(each),
        )
        for schedule in schedules
        for each in stretches(found[schedule.id], now, now + SLOTS_AHEAD)
        if each.slot and each.slot.user_id == user.id
    ]
    return sorted(own, key=lambda shift: shift.start)[:SHIFTS_SHOWN]


def schedule_page(
    tx: Tx, schedule_id: int, identity: Identity, query: Form, forms: Mapping[str, Form], now: datetime
) -> dict[str, object]:
    """One schedule: now, its calendar, what comes, what is stored, who asks for what. Raises ScheduleNotFound."""
    yours = zone_of(identity.user.timezone)
    board = board_of(tx, schedule_id, now, now + SLOTS_AHEAD, now)
    schedule, pencil = board.schedule, board.pencil
    ahead = board.between(now, now + SLOTS_AHEAD)
    fortnight = [each for each in ahead if each.start < now + AHEAD]
    current = oncall_at(board.duty, now)
    names = {mark.user.id: mark.user for mark in pencil.marks.values()}
    is_planned = any(each.slot for each in ahead)
    return {
        "schedule": schedule,
        "board": board,
        "duty": duty_view(schedule, fortnight, names, now, board.zone),
        "current": pencil.marks[current.user_id] if current else None,
        "current_href": pencil.href(fortnight[0]),
        "calendar": _calendar(tx, board, query, yours),
        "handoffs": _handoff_lines(handoffs_in(schedule, fortnight, names), pencil, yours),
        "lines": [line_of(each, pencil, yours) for each in ahead[:LINES_SHOWN]],
        "lines_left": max(0, len(ahead) - LINES_SHOWN),
        "is_planned": is_planned,
        "troubles": [_trouble(each, board) for each in watch.coverage(tx, [schedule_id], now)[schedule_id]],
        "conflicts": conflicts_in(tx, fortnight, pencil) if schedule.is_active else [],
        "windows": _windows(tx, board, identity, now),
        "versions": versions_of(board.duty.rotations, pencil),
        "swaps": swaps_on(tx, schedule, identity, now, board.zone),
        "may_hand_off": schedule.is_active and may_hand_off(current, identity),
        "your_time": yours_of(now, board.zone, yours),
        "their_time": moment(now, board.zone, now),
        "entry_form": forms.get("entry", _next_entry(ahead, board, now)),
        "everybody": [("", "choose a person"), *people_options(tx, board)],
        "views": VIEW_WORDS,
        "past": past_of(tx, schedule, query, pencil),
        "what_if_sources": sources_reaching(tx, schedule),
        "backup": people.find_user(tx, schedule.escalation_to_user_id) if schedule.escalation_to_user_id else None,
        "team": people.find_team(tx, schedule.team_id) if schedule.team_id else None,
        "feed": queries.find_calendar_token(tx, schedule_id=schedule_id),
    }


def _row(duty: DutyView, findings: Sequence[watch.Finding], now: datetime, zone: ZoneInfo) -> DutyRow:
    first = findings[0] if findings else None
    if not duty.schedule.is_active:
        return DutyRow(duty, "fail" if first else "off", "off, but paged by" if first else "off")
    if duty.user is None:
        return DutyRow(duty, "fail", "gap now")
    if first is None:
        return DutyRow(duty, "ok", "covered")
    if first.kind is watch.FindingKind.GAP_AHEAD and first.start is not None:
        return DutyRow(duty, "warn", f"gap {short(first.start, zone, now)}")
    words = "backup unreachable" if first.kind is watch.FindingKind.BACKUP else "unreachable"
    return DutyRow(duty, "fail" if first.is_danger else "warn", words)


def _trouble(finding: watch.Finding, board: Board) -> Trouble:
    href = ""
    if finding.kind in (watch.FindingKind.GAP_NOW, watch.FindingKind.GAP_AHEAD) and board.schedule.is_active:
        begins = finding.start if finding.start and finding.start > board.pencil.now else board.pencil.now
        href = f"/schedules/{board.schedule.id}/slots/{stamp(begins)}"
    elif finding.user_id is not None:
        href = f"/people/{finding.user_id}"
    return Trouble("critical" if finding.is_danger else "warning", f"{finding.text}.", href)


def _calendar(tx: Tx, board: Board, query: Form, yours: ZoneInfo) -> Calendar:
    now = board.pencil.now
    asked = range_of(query, now.astimezone(board.zone).date())
    days = asked.days(board.zone, now)
    found = stretches(
        queries.duties(tx, [board.schedule.id], days[0].start, days[-1].end)[board.schedule.id],
        days[0].start,
        days[-1].end,
    )
    pencil = knowing(tx, board.pencil, [each.slot.user_id for each in found if each.slot])
    return calendar_of(asked, found, pencil, board.members, yours)


def _by_day(handoffs: Sequence[Handoff], now: datetime, zone: ZoneInfo) -> list[HandoffDay]:
    found: dict[str, list[Handoff]] = {}
    for each in sorted(handoffs, key=lambda handoff: (handoff.at, handoff.schedule.name)):
        found.setdefault(day(each.at, zone, now), []).append(each)
    return [HandoffDay(label, known) for label, known in found.items()]


def _handoff_lines(handoffs: Sequence[Handoff], pencil: Pencil, yours: ZoneInfo) -> list[HandoffLine]:
    return [
        HandoffLine(
            key=f"handoff-{each.at:%Y%m%dT%H%M%S}",
            when=pencil.moment(each.at),
            yours=yours_of(each.at, pencil.zone, yours),
            before=pencil.marks[each.before.id] if each.before else None,
            after=pencil.marks[each.after.id] if each.after else None,
        )
        for each in handoffs
    ]


def _windows(tx: Tx, board: Board, identity: Identity, now: datetime) -> list[WindowRow]:
    duty = queries.duties(tx, [board.schedule.id], now, now + MAX_WINDOW)[board.schedule.id]
    is_admin = allows(identity, Permission.MANAGE_SCHEDULES)
    takes = allows(identity, Permission.TAKE_SLOTS)
    pencil = knowing(tx, board.pencil, [each.user_id for each in (*duty.overrides, *duty.entries)])
    rows = [
        WindowRow(
            SOURCES[source],
            window,
            pencil.marks[window.user_id],
            f"{pencil.moment(window.start_time)} to {pencil.moment(window.end_time)}",
            is_admin or (source is SlotSource.OVERRIDE and takes and window.user_id == identity.user.id),
        )
        for source, windows in ((SlotSource.OVERRIDE, duty.overrides), (SlotSource.ENTRY, duty.entries))
        for window in windows
        if window.end_time > now and window.voided_at is None
    ]
    return sorted(rows, key=lambda row: row.window.start_time)


def _next_entry(ahead: Sequence[Stretch], board: Board, now: datetime) -> Form:
    # The first gap is what somebody most likely wants to fill; else a week from tomorrow.
    gap = next((each for each in ahead if each.slot is None), None)
    start = max(gap.start, now) if gap else now + timedelta(days=1)
    end = gap.end if gap and gap.end - start < timedelta(days=8) else start + timedelta(days=7)
    return Form.of("entry", user_id="", start_time=typed(start, board.zone), end_time=typed(end, board.zone))
