"""The rota: schedules with rotations, windows, hand-offs and swaps, each change with its audit and its watch."""

from app.usecases.rota.absences import (
    link_absence_calendar,
    paste_absence_calendar,
    read_due_calendars,
    remove_absence_calendar,
)
from app.usecases.rota.calendars import (
    CalendarAddress,
    make_personal_calendar,
    make_schedule_calendar,
    read_personal_calendar,
    read_schedule_calendar,
    revoke_personal_calendar,
    revoke_schedule_calendar,
)
from app.usecases.rota.handoff import Handoff, hand_off, handed_over
from app.usecases.rota.schedules import create_schedule, delete_schedule, update_schedule
from app.usecases.rota.swaps import accept_swap, cancel_swap, decline_swap, request_swap
from app.usecases.rota.windows import (
    add_entry,
    add_override,
    change_override,
    is_own,
    void_entry,
    void_override,
)

__all__ = [
    "CalendarAddress",
    "Handoff",
    "accept_swap",
    "add_entry",
    "add_override",
    "cancel_swap",
    "change_override",
    "create_schedule",
    "decline_swap",
    "delete_schedule",
    "hand_off",
    "handed_over",
    "is_own",
    "link_absence_calendar",
    "make_personal_calendar",
    "make_schedule_calendar",
    "paste_absence_calendar",
    "read_due_calendars",
    "read_personal_calendar",
    "read_schedule_calendar",
    "remove_absence_calendar",
    "request_swap",
    "revoke_personal_calendar",
    "revoke_schedule_calendar",
    "update_schedule",
    "void_entry",
    "void_override",
]
