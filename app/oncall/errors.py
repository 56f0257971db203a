"""What can go wrong with a schedule, each a sentence for the operator."""

from app.platform.errors import Conflict, NotFound


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    default_code = "schedule_not_found"

    def __init__(self, schedule_id: int) -> None:
        super().__init__(f"There is no schedule {schedule_id}.")


class OverlappingSlot(Conflict):
    """A fixed entry may not overlap another one on its schedule; an override may."""

    default_code = "overlapping_slot"
