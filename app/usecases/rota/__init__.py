"""The rota: schedules with rotations, windows, hand-offs and swaps, each change with its audit and its watch."""

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
    "request_swap",
    "update_schedule",
    "void_entry",
    "void_override",
]
