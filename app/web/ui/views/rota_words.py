"""Rotations in words: what each version of one says, and from when until when it ruled or will rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.oncall.spans import BEGINNING
from app.oncall.types import Cadence, Rotation, RotationPlan
from app.web.ui.views.rota_drawing import Pencil
from app.web.ui.views.rota_editor import WEEKDAYS
from app.web.ui.views.rota_marks import Mark


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a rotation; `state` is current, planned, past or replaced (it never came into effect)."""

    version: int
    state: str
    said: str
    when: str
    members: Sequence[Mark]


def plan_in_words(plan: RotationPlan) -> str:
    """How the people of a rotation follow each other."""
    at = f"{plan.handoff_time:%H:%M}"
    if not plan.member_ids:
        return "No rotation: nobody is on call but by fixed entries and overrides"
    if plan.cadence is Cadence.WEEKLY:
        weekday = plan.handoff_weekday if plan.handoff_weekday is not None else plan.start_date.weekday()
        said = f"A week each, {WEEKDAYS[weekday]} {at}"
    elif plan.cadence is Cadence.DAILY:
        said = f"A day each, {at}"
    else:
        said = f"{plan.shift_length_hours} hours each, counted from {plan.start_date.day} {plan.start_date:%b %Y} {at}"
    return f"{said}; who is away is skipped" if plan.skips_absent else said


def versions_of(rotations: Sequence[Rotation], pencil: Pencil) -> list[VersionView]:
    """All versions, newest first."""
    return [_version(rotation, rotations, pencil) for rotation in reversed(rotations)]


def planned_after(rotations: Sequence[Rotation], effective_from: datetime, now: datetime) -> list[Rotation]:
    """The planned versions that a change from `effective_from` on would keep from ever coming into effect."""
    return [each for each in rotations if each.effective_from > now and each.effective_from >= effective_from]


def _version(rotation: Rotation, rotations: Sequence[Rotation], pencil: Pencil) -> VersionView:
    starts = [each.effective_from for each in rotations if each.version > rotation.version]
    ends = min(starts, default=None)
    replaced = ends is not None and ends <= rotation.effective_from
    state = "past"
    if replaced:
        state = "replaced"
    elif rotation.effective_from > pencil.now:
        state = "planned"
    elif ends is None or ends > pencil.now:
        state = "current"
    return VersionView(
        rotation.version,
        state,
        plan_in_words(rotation.plan),
        "never in effect" if replaced else _when(rotation.effective_from, ends, pencil),
        [pencil.marks[user_id] for user_id in rotation.plan.member_ids],
    )


def _when(start: datetime, end: datetime | None, pencil: Pencil) -> str:
    if start == BEGINNING:
        return "from the beginning on" if end is None else f"until {pencil.moment(end)}"
    since = f"from {pencil.moment(start)}"
    return f"{since} on" if end is None else f"{since} to {pencil.moment(end)}"
