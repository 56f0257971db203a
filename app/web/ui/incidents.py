"""Incidents: the list, the page, opening one by hand, and every action with whom one acts as."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from fastapi import Response

from app.accounts import queries as accounts
from app.accounts.permissions import Permission
from app.incidents.types import Actor, Incident, Severity
from app.intelligence.types import AnalysisFailed
from app.platform.db import Tx
from app.platform.errors import Conflict, Invalid
from app.usecases import analyze as analysis, answer, deliver, people
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep, QueryDep, wrong
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.analysis import analysed_in_words
from app.web.ui.views.choices import not_in_list, paging_targets, policy_and_schedule
from app.web.ui.views.incident import Reader, incident_page
from app.web.ui.views.incident_list import listing

Act = Callable[[Ui, int, Actor, Form], Incident]
ACTING = "acting_as_user_id"


def index(ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """The list, narrowed by its filters."""
    return ui.page(
        "incidents/index.html",
        "Incidents",
        lambda tx: {**listing(tx, query, page), "form": query, "page_url": lambda number: ui.url_with(page=number)},
    )


def show(incident_id: Id, ui: UiDep) -> Response:
    """One incident."""
    return _page(ui, incident_id)


def new(ui: UiDep) -> Response:
    """The form for an incident that no tool has seen."""
    form = Form.of(title="", severity="critical", description="", target="", **{ACTING: ui.viewer.id})
    return _new_page(ui, form)


def create(ui: UiDep, form: FormDep) -> Response:
    """Open an incident by hand; it pages like an alert."""
    try:
        opened = _open(ui, form)
    except Invalid as fault:
        return _new_page(ui, form.refused(fault), fault.status)
    return ui.go(f"/incidents/{opened.id}", f"Incident #{opened.number} is open and paging.")


def acknowledge(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Somebody has it."""
    return _act(ui, incident_id, form, _acknowledge, "Acknowledged. Nobody else is paged.")


def resolve(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """It is fixed."""
    return _act(ui, incident_id, form, _resolve, "Resolved.")


def reopen(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """It is not fixed after all."""
    return _act(ui, incident_id, form, _reopen, "Reopened. Level 1 is paged.", kind="warn")


def close(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Done with it."""
    return _act(ui, incident_id, form, _close, "Closed.")


def escalate(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Page the next level now."""
    return _act(ui, incident_id, form, _escalate, "The next level is paged.", kind="warn")


def snooze(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Keep it quiet for a while."""
    return _act(ui, incident_id, form, _snooze, "Snoozed.", form_name="snooze")


def assign(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Say whose it is."""
    return _act(ui, incident_id, form, _assign, "Assigned.", form_name="assign")


def add_note(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Write into the timeline."""
    return _act(ui, incident_id, form, _note, "Note added.", form_name="note")


async def analyze(incident_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Analyse it now and wait; the page shows meanwhile who is being asked."""
    here = f"/incidents/{incident_id}#analysis"
    acting = partial(people.acting_as, ui.rt, ui.signed_in, form.maybe_id(ACTING), source="ui")
    try:
        actor = await ui.rt.db.aside(acting)
        run = await analysis.analyze_by_hand(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)
    except (AnalysisFailed, Invalid) as fault:
        return ui.go(here, fault.message, kind="bad")
    said, kind = analysed_in_words(run)
    return ui.go(here, said, kind=kind)


def retry_notification(incident_id: Id, notification_id: Id, ui: UiDep) -> Response:
    """Send a message again that did not go through."""
    try:
        deliver.retry(ui.rt, notification_id=notification_id, actor=ui.actor, now=ui.now)
    except Conflict as fault:
        return ui.go(f"/incidents/{incident_id}", fault.message, kind="bad")
    return ui.go(f"/incidents/{incident_id}#told", "It is being sent again.")


def _act(
    ui: Ui, incident_id: int, form: Form, act: Act, said: str, *, kind: str = "good", form_name: str = ""
) -> Response:
    try:
        identity = ui.signed_in
        actor = people.acting_as(ui.rt, identity, form.maybe_id(ACTING), source="ui")
        act(ui, incident_id, actor, form)
    except Conflict as fault:
        # Somebody else was faster: the page shows what is true now, and the sentence says what stood in the way.
        return ui.go(f"/incidents/{incident_id}", fault.message, kind="bad")
    except Invalid as fault:
        if not form_name:
            return ui.go(f"/incidents/{incident_id}", fault.message, kind="bad")
        return _page(ui, incident_id, {form_name: form.named(form_name).refused(fault)}, fault.status)
    return ui.go(f"/incidents/{incident_id}", said, kind=kind)


def _acknowledge(ui: Ui, incident_id: int, actor: Actor, _form: Form) -> Incident:
    return answer.acknowledge(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)


def _resolve(ui: Ui, incident_id: int, actor: Actor, _form: Form) -> Incident:
    return answer.resolve(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)


def _reopen(ui: Ui, incident_id: int, actor: Actor, _form: Form) -> Incident:
    return answer.reopen(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)


def _close(ui: Ui, incident_id: int, actor: Actor, _form: Form) -> Incident:
    return answer.close(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)


def _escalate(ui: Ui, incident_id: int, actor: Actor, _form: Form) -> Incident:
    return answer.escalate_now(ui.rt, incident_id=incident_id, actor=actor, now=ui.now)


def _snooze(ui: Ui, incident_id: int, actor: Actor, form: Form) -> Incident:
    until = form.instant("until", ui.zone) if form.value("until") else ui.now + timedelta(minutes=form.number("for"))
    return answer.snooze(ui.rt, incident_id=incident_id, actor=actor, now=ui.now, until=until)


def _assign(ui: Ui, incident_id: int, actor: Actor, form: Form) -> Incident:
    user_id = form.maybe_id("user_id")
    if user_id is None:
        raise not_in_list("user_id")
    return answer.assign(ui.rt, incident_id=incident_id, actor=actor, now=ui.now, user_id=user_id)


def _note(ui: Ui, incident_id: int, actor: Actor, form: Form) -> Incident:
    return answer.add_note(ui.rt, incident_id=incident_id, actor=actor, now=ui.now, note=form.value("note"))


def _open(ui: Ui, form: Form) -> Incident:
    severity = form.value("severity")
    if severity not in list(Severity):
        raise wrong("severity", "Choose one of the three.")
    if not form.value("title"):
        raise wrong("title", "Say in one line what is wrong.")
    policy_id, schedule_id = policy_and_schedule(form.value("target"), field="target")
    return answer.open_incident(
        ui.rt,
        title=form.value("title"),
        severity=Severity(severity),
        description=form.value("description"),
        policy_id=policy_id,
        schedule_id=schedule_id,
        actor=people.acting_as(ui.rt, ui.signed_in, form.maybe_id(ACTING), source="ui"),
        now=ui.now,
    )


def _page(ui: Ui, incident_id: int, forms: dict[str, Form] | None = None, status: int = 200) -> Response:
    reader = Reader(
        viewer=ui.viewer,
        zone=ui.zone,
        now=ui.now,
        may_act=ui.may(Permission.ACT_ON_INCIDENTS),
        may_retry=ui.may(Permission.RETRY_NOTIFICATIONS),
        may_analyze=ui.may(Permission.ANALYZE),
    )
    title = f"#{incident_id}"
    return ui.page(
        "incidents/detail.html", title, lambda tx: incident_page(tx, incident_id, reader, forms or {}), status=status
    )


def _new_page(ui: Ui, form: Form, status: int = 200) -> Response:
    def read(tx: Tx) -> dict[str, object]:
        targets = paging_targets(tx, "all active admins")
        return {"form": form, "targets": targets, "responders": accounts.active_responders(tx)}

    return ui.page("incidents/new.html", "New incident", read, status=status)
