"""What can go wrong with a schedule, each a sentence for the operator."""

from app.platform.errors import Conflict, Invalid, NotFound


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    default_code = "schedule_not_found"

    def __init__(self, schedule_id: int) -> None:
        super().__init__(f"There is no schedule {schedule_id}.")


class OverlappingSlot(Conflict):
    """A fixed entry may not overlap another one on its schedule; an override may."""

    default_code = "overlapping_slot"


class ScheduleNameTaken(Conflict):
    """Another schedule has this name."""

    default_code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a schedule named {name}.")


class ScheduleInUse(Conflict):
    """Alert sources or escalation policies still page by the schedule."""

    default_code = "schedule_in_use"


class WindowNotFound(NotFound):
    """The schedule has no such entry or override, or it was voided before."""

    default_code = "window_not_found"

    def __init__(self, what: str, window_id: int) -> None:
        super().__init__(f"This schedule has no {what} {window_id}.")


class WindowIsPast(Conflict):
    """What has ended stays as it was (B19)."""

    default_code = "window_is_past"

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} has ended; who was on call stays as it was.")


class SwapNotFound(NotFound):
    """The schedule has no such swap request."""

    default_code = "swap_not_found"

    def __init__(self, swap_id: int) -> None:
        super().__init__(f"This schedule has no swap request {swap_id}.")


class SwapIsAnswered(Conflict):
    """A swap request is answered once."""

    default_code = "swap_answered"


class SwapNoLongerFits(Conflict):
    """The window has passed, or is no longer that of the person who asked."""

    default_code = "swap_outdated"


class NothingToHandOff(Conflict):
    """There is nobody to take over from, or no end until which."""

    default_code = "nothing_to_hand_off"


class CalendarFeedMissing(NotFound):
    """No feed has this secret, or no longer; a guess learns nothing else."""

    default_code = "calendar_missing"

    def __init__(self) -> None:
        super().__init__("There is no such calendar.")


class AbsenceCalendarMissing(NotFound):
    """The person has no such calendar of absences."""

    default_code = "absence_calendar_missing"

    def __init__(self, calendar_id: int) -> None:
        super().__init__(f"This person has no calendar {calendar_id}.")


class CalendarUnreadable(Invalid):
    """A calendar of absences cannot be read, or would take too much."""

    default_code = "calendar_unreadable"


class TooManyCalendars(Conflict):
    """Nobody needs so many calendars of absences."""

    default_code = "too_many_calendars"

    def __init__(self, most: int) -> None:
        super().__init__(f"A person may have {most} calendars of absences: remove one first.")
