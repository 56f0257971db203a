"""Who was on call at an instant, as it was or as the configuration stood at another one (B17)."""

from dataclasses import dataclass
from datetime import datetime

from app.oncall import queries
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.platform.errors import Invalid
from app.web.ui.forms import Form, wrong
from app.web.ui.views.duty import Stretch
from app.web.ui.views.rota_board import knowing
from app.web.ui.views.rota_calendar import Line, line_of
from app.web.ui.views.rota_days import FIRST_YEAR, LAST_YEAR, is_drawable
from app.web.ui.views.rota_drawing import Pencil


@dataclass(frozen=True, slots=True)
class PastView:
    """The question as it was typed, and its answer: a line, or (with `is_gap`) nobody; neither before it is asked."""

    form: Form
    said: str = ""
    line: Line | None = None
    is_gap: bool = False


def past_of(tx: Tx, schedule: Schedule, query: Form, pencil: Pencil) -> PastView:
    """The answer to what the page's address asks, if it asks."""
    form = Form({name: query.values.get(name, ()) for name in ("at", "as_of")}, prefix="past")
    if not form.value("at"):
        return PastView(form)
    try:
        at = _instant(form, "at", pencil)
        as_of = _instant(form, "as_of", pencil) if form.value("as_of") else None
    except Invalid as fault:
        return PastView(form.refused(fault))
    slot = queries.who_is_on_call(tx, [schedule.id], at, as_of=as_of)[schedule.id]
    said = pencil.moment(at) + (f", as the configuration stood {pencil.moment(as_of)}" if as_of else "")
    if slot is None:
        return PastView(form, said, is_gap=True)
    stretch = Stretch(slot.start_time, slot.end_time, slot)
    return PastView(form, said, line_of(stretch, knowing(tx, pencil, [slot.user_id]), pencil.zone))


def _instant(form: Form, name: str, pencil: Pencil) -> datetime:
    at = form.instant(name, pencil.zone)
    if not is_drawable(at.date()):
        raise wrong(name, f"Choose a time between the years {FIRST_YEAR} and {LAST_YEAR}.")
    return at
