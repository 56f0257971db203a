"""Alert sources: the list, a source, its keys (shown once), test alerts, quarantine. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.alerts import queries
from app.alerts.types import AlertSource, Grouping
from app.platform.errors import PagerPalError
from app.usecases import catalogue, intake
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list, policy_and_schedule
from app.web.ui.views.sources import (
    body_text,
    new_source_form,
    source_choices,
    source_form,
    source_list,
    source_page,
)

NEW_KEY = "key"
KEEP_OLD_HOURS = 24


def index(ui: UiDep, page: PageDep) -> Response:
    """Every source."""
    return ui.page(
        "sources/index.html",
        "Alert sources",
        lambda tx: {**source_list(tx, page), "page_url": lambda number: ui.url_with(page=number)},
    )


def show(source_id: Id, ui: UiDep, page: PageDep) -> Response:
    """One source; right after a key was made, with that key."""
    base_url, new_key = ui.rt.settings.pagerpal_base_url, ui.secret(f"{NEW_KEY}-{source_id}")
    return ui.page(
        "sources/detail.html",
        "Alert source",
        lambda tx: {
            **source_page(tx, source_id, page, base_url=base_url, new_key=new_key, now=ui.now),
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def new(ui: UiDep) -> Response:
    """The form for another source."""
    return _new_page(ui, new_source_form())


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a source and show its key once."""
    try:
        fields, config = _fields(form)
        source, key = catalogue.create_source(ui.rt, **fields, config=config, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, form.refused(fault), fault.status)
    return _with_key(ui, source, key, "The source is ready. Give its key to the tool.")


def edit(source_id: Id, ui: UiDep) -> Response:
    """The form of a source's settings."""
    form = ui.rt.db.read(lambda tx: source_form(queries.get_source(tx, source_id)))
    return _edit_page(ui, source_id, form)


def change(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a source's settings."""
    try:
        fields, config = _fields(form)
        catalogue.update_source(ui.rt, source_id=source_id, changes=fields, config=config, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _edit_page(ui, source_id, form.refused(fault), fault.status)
    return ui.go(f"/alert-sources/{source_id}", "Saved.")


def activate(source_id: Id, ui: UiDep) -> Response:
    """Let a source post again."""
    return _switch(ui, source_id, True, "It may post again.", "good")


def deactivate(source_id: Id, ui: UiDep) -> Response:
    """Refuse what a source posts."""
    return _switch(ui, source_id, False, "It is off: what it posts is refused.", "warn")


def delete(source_id: Id, ui: UiDep) -> Response:
    """Take a source out of use."""
    try:
        catalogue.delete_source(ui.rt, source_id=source_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/alert-sources/{source_id}", fault.message, kind="bad")
    return ui.go("/alert-sources", "Deleted. Its keys no longer work.")


def regenerate_key(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """A new key, shown once; the old one ends now or goes on for a day."""
    hours = KEEP_OLD_HOURS if form.value("keep_old") == "yes" else 0
    source, key = catalogue.regenerate_key(
        ui.rt, source_id=source_id, keep_old_hours=hours, actor=ui.viewer, now=ui.now
    )
    return _with_key(ui, source, key, "A new key was made." if hours else "A new key was made; the old one has ended.")


def revoke_key(source_id: Id, key_id: Id, ui: UiDep) -> Response:
    """End one key at once."""
    catalogue.revoke_key(ui.rt, source_id=source_id, key_id=key_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"/alert-sources/{source_id}", "Revoked.")


def test_alert(source_id: Id, ui: UiDep) -> Response:
    """Fire a test alert, and look at the incident that it opens."""
    try:
        result = intake.send_test_alert(ui.rt, source_id=source_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/alert-sources/{source_id}", fault.message, kind="bad")
    return ui.go(
        f"/incidents/{result.incident_ids[0]}" if result.incident_ids else f"/alert-sources/{source_id}",
        "The test alert is in. Whoever is on call is being paged.",
    )


def quarantined(source_id: Id, delivery_id: Id, ui: UiDep) -> Response:
    """One delivery that no driver could read, as it came."""

    def read(tx: Any) -> dict[str, object]:
        delivery = queries.get_quarantined(tx, source_id, delivery_id)
        body, said = body_text(delivery)
        source = queries.get_source(tx, source_id)
        return {"source": source, "delivery": delivery, "body": body, "body_said": said}

    return ui.page("sources/quarantined.html", "Quarantine", read)


def reparse(source_id: Id, delivery_id: Id, ui: UiDep) -> Response:
    """Parse a delivery in quarantine again."""
    try:
        result = intake.reparse(ui.rt, source_id=source_id, delivery_id=delivery_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/alert-sources/{source_id}/quarantine/{delivery_id}", fault.message, kind="bad")
    target = f"/incidents/{result.incident_ids[0]}" if result.incident_ids else f"/alert-sources/{source_id}"
    return ui.go(target, "It can be read now, and counts as a new delivery.")


def _with_key(ui: Ui, source: AlertSource, key: str, said: str) -> Response:
    return ui.go(f"/alert-sources/{source.id}", said, secrets={f"{NEW_KEY}-{source.id}": key})


def _switch(ui: Ui, source_id: int, is_active: bool, said: str, kind: str) -> Response:
    catalogue.update_source(ui.rt, source_id=source_id, changes={"is_active": is_active}, actor=ui.viewer, now=ui.now)
    return ui.go(f"/alert-sources/{source_id}", said, kind=kind)


def _fields(form: Form) -> tuple[dict[str, Any], dict[str, Any]]:
    policy_id, schedule_id = policy_and_schedule(form.value("target"), field="target")
    grouping = form.value("grouping")
    if grouping not in list(Grouping):
        raise not_in_list("grouping")
    fields = {
        "name": form.value("name"),
        "driver": form.value("driver"),
        "team_id": form.maybe_id("team_id"),
        "escalation_policy_id": policy_id,
        "schedule_id": schedule_id,
        "pipeline": form.value("pipeline", "full"),
        "grouping": Grouping(grouping),
        "group_labels": [name for name in form.value("group_labels").replace(",", " ").split() if name],
        "auto_resolve": form.is_on("auto_resolve"),
    }
    config = {
        "warning_urgency": form.value("warning_urgency") or None,
        "allow_query_key": form.is_on("allow_query_key") or None,
        "signing_secret": form.value("signing_secret") or None,
        "topic_arn": form.value("topic_arn") or None,
    }
    return fields, config


def _new_page(ui: Ui, form: Form, status: int = 200) -> Response:
    return ui.page(
        "sources/new.html", "New alert source", lambda tx: {**source_choices(tx), "form": form}, status=status
    )


def _edit_page(ui: Ui, source_id: int, form: Form, status: int = 200) -> Response:
    return ui.page(
        "sources/edit.html",
        "Settings of a source",
        lambda tx: {**source_choices(tx), "source": queries.get_source(tx, source_id), "form": form},
        status=status,
    )
