"""A schedule as it is typed and not saved yet: what its form needs, and the next four weeks as they would be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.oncall import queries
from app.oncall.resolver import Duty, next_boundary
from app.oncall.rules import effective_from_errors, in_force
from app.oncall.spans import BEGINNING
from app.oncall.types import Interval, Rotation, RotationPlan, Schedule
from app.platform.db import Tx
from app.platform.errors import PagerPalError
from app.web.ui.views.choices import active_people, team_options, user_options, zones
from app.web.ui.views.rota_board import board_of
from app.web.ui.views.rota_days import days_from
from app.web.ui.views.rota_drawing import Pencil
from app.web.ui.views.rota_editor import Editor, effective_of, member_errors, member_id, plan_of, weekday_options
from app.web.ui.views.rota_marks import marks_of
from app.web.ui.views.rota_preview import PREVIEW_DAYS, Comparison, compare, first_day
from app.web.ui.views.rota_words import planned_after, versions_of
from app.web.ui.words import moment

# A change this far ahead or further has the preview begin with its own week instead of with this one.
FAR_AHEAD = 21


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One place of the rotation in the form."""

    user_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The preview: what would be, from when on, and which planned changes would never come; `said` if there is none."""

    comparison: Comparison | None = None
    said: str = ""
    effective: str = ""
    replaces: Sequence[str] = ()


def editor_view(tx: Tx, editor: Editor, schedule: Schedule | None, now: datetime) -> dict[str, object]:
    """What the template of the form needs, its preview included."""
    errors = member_errors(editor.form)
    chosen = [user_id for each in editor.members if (user_id := member_id(each)) is not None]
    boundary = boundary_of(tx, schedule, now)
    return {
        "form": editor.form,
        "members": [MemberRow(each, errors.get(index, "")) for index, each in enumerate(editor.members)],
        "candidates": user_options(_choices(tx, chosen)),
        "zones": zones(),
        "teams": team_options(tx),
        "people": [("", "nobody"), *user_options(active_people(tx))],
        "weekdays": weekday_options(),
        "boundary": boundary,
        "boundary_said": moment(boundary, editor.zone, now) if boundary else "",
        "draft": draft_of(tx, editor, schedule, boundary, now),
    }


def boundary_of(tx: Tx, schedule: Schedule | None, now: datetime) -> datetime | None:
    """The next hand-off of a schedule's rotation."""
    if schedule is None:
        return None
    return next_boundary(queries.duties(tx, [schedule.id], now, now + queries.HORIZON)[schedule.id], now)


def rotation_change(
    editor: Editor, boundary: datetime | None, now: datetime
) -> tuple[RotationPlan | None, datetime] | None:
    """The typed rotation and from when on it rules; None where nothing about it was changed. Raises Invalid."""
    plan, base = plan_of(editor.form), editor.base
    effective = effective_of(editor.form, boundary, editor.zone, now)
    planned_at = base.effective_from if base and base.effective_from > now else None
    if planned_at is not None and _minute(effective) == _minute(planned_at):
        # A field of date and time has no seconds; whoever left it as it was means the very moment.
        effective = planned_at
    known = base.plan if base and base.plan.member_ids else None
    same_plan = plan == (replace(known, timezone=plan.timezone) if known and plan else known)
    if same_plan and (planned_at is None or effective == planned_at):
        return None
    return plan, effective


def draft_of(tx: Tx, editor: Editor, schedule: Schedule | None, boundary: datetime | None, now: datetime) -> Draft:
    """What saving the form would make of the next four weeks."""
    try:
        change = rotation_change(editor, boundary, now)
    except PagerPalError:
        return Draft(said="The preview comes as soon as the rotation is complete.")
    plan, effective = change or (plan_of(editor.form), now)
    if schedule is None:
        return _first_draft(tx, editor, plan, now)
    if effective_from_errors(effective, now):
        return Draft(said="The preview comes when the change begins now or later, within five years.")
    return _next_draft(tx, editor, schedule, change, now)


def _first_draft(tx: Tx, editor: Editor, plan: RotationPlan | None, now: datetime) -> Draft:
    if plan is None:
        return Draft(said="Add members, and see here who would be on call when.")
    known = people.users_by_id(tx, plan.member_ids)
    pencil = Pencil(marks_of(plan.member_ids, known), editor.zone, now, lambda _: "")
    first = first_day(max(now, _beginning(plan, editor.zone)), pencil)
    days = days_from(first, PREVIEW_DAYS, editor.zone, now)
    after = _in_use(
        queries.duty_if(tx, None, days[0].start, days[-1].end, rotation=_known(plan, known)), None, editor, now
    )
    return Draft(compare(tx, pencil, None, after, first=first, count=PREVIEW_DAYS, since=now))


def _next_draft(
    tx: Tx,
    editor: Editor,
    schedule: Schedule,
    change: tuple[RotationPlan | None, datetime] | None,
    now: datetime,
) -> Draft:
    effective = change[1] if change else now
    board = board_of(tx, schedule.id, now, now + queries.HORIZON, now)
    pencil = replace(board.pencil, zone=editor.zone)
    begins = effective if (effective - now).days >= FAR_AHEAD else now
    first = first_day(begins, pencil)
    days = days_from(first, PREVIEW_DAYS, editor.zone, now)
    before = queries.duties(tx, [schedule.id], days[0].start, days[-1].end)[schedule.id]
    after = _changed(tx, before, editor, schedule, change, (days[0].start, days[-1].end), now)
    comparison = compare(tx, pencil, before, after, first=first, count=PREVIEW_DAYS, since=now)
    rotations = list(before.rotations)
    replaced = planned_after(rotations, effective, now) if change else []
    names = {each.version: each for each in versions_of(rotations, board.pencil)}
    return Draft(
        comparison,
        effective="" if change is None else "at once" if effective <= now else pencil.moment(effective),
        replaces=[f"version {each.version} ({names[each.version].when})" for each in replaced],
    )


def _changed(
    tx: Tx,
    before: Duty,
    editor: Editor,
    schedule: Schedule,
    change: tuple[RotationPlan | None, datetime] | None,
    window: tuple[datetime, datetime],
    now: datetime,
) -> Duty:
    latest = before.rotations[-1].plan if before.rotations else None
    plan, effective = change or (None, now)
    if change and plan is None and latest:
        plan = replace(latest, member_ids=())
    after = before
    if plan is not None:
        after = queries.duty_if(tx, schedule.id, *window, rotation=plan, effective_from=effective)
    zone = editor.form.value("timezone")
    if zone != schedule.timezone:
        # Another zone moves the hand-offs at once; the new rotation, if there is one, follows when it takes effect.
        moved = _moved(before, zone, now)
        later = [replace(each, version=each.version + len(moved)) for each in after.rotations[len(before.rotations) :]]
        after = replace(after, rotations=[*before.rotations, *moved, *later])
    return _in_use(after, schedule, editor, now)


def _moved(duty: Duty, zone: str, now: datetime) -> list[Rotation]:
    latest = max((each.version for each in duty.rotations), default=0)
    return [
        replace(
            each,
            version=latest + number,
            effective_from=max(each.effective_from, now),
            plan=replace(each.plan, timezone=zone),
        )
        for number, each in enumerate(in_force(duty.rotations, now), 1)
    ]


def _in_use(duty: Duty, schedule: Schedule | None, editor: Editor, now: datetime) -> Duty:
    is_on, was_on = editor.form.is_on("is_active"), schedule.is_active if schedule else True
    if is_on == was_on:
        return duty
    known = [*duty.in_use, Interval(now, None)] if is_on else [Interval(BEGINNING, now)]
    return replace(duty, in_use=known)


def _known(plan: RotationPlan, known: dict[int, User]) -> RotationPlan:
    # Somebody who is not there cannot be drawn; saving says so beside the field.
    return replace(plan, member_ids=tuple(each for each in plan.member_ids if each in known))


def _beginning(plan: RotationPlan, zone: ZoneInfo) -> datetime:
    return datetime.combine(plan.start_date, plan.handoff_time, zone)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _choices(tx: Tx, chosen: Sequence[int]) -> list[User]:
    # Whoever is in the rotation stays a choice though they are not active any more.
    active = active_people(tx)
    inside = {user.id for user in active}
    return [*active, *people.users_by_id(tx, [each for each in chosen if each not in inside]).values()]
