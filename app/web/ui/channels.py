"""Team channels: the list, a channel with its configuration, a test. Writing is for admins."""

from typing import Any

from fastapi import Response

from app.notify import queries
from app.notify.types import NotificationFilter
from app.platform.db import Tx
from app.platform.errors import NotFound, PagerPalError
from app.platform.types import PageQuery
from app.usecases import catalogue, deliver
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.channel_kinds import Kind, config_of, kind_of, kinds, labels, values_of

LATEST = PageQuery(page_size=10)


def index(ui: UiDep, page: PageDep) -> Response:
    """Every channel."""
    return ui.page(
        "channels/index.html",
        "Channels",
        lambda tx: {
            "page": queries.list_channels(tx, page),
            "labels": labels(),
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(channel_id: Id, ui: UiDep) -> Response:
    """One channel."""
    return _page(ui, channel_id)


def new(ui: UiDep, query: QueryDep) -> Response:
    """The form for another channel of the kind that was chosen."""
    kind = _kind(query.value("driver") or kinds()[0].name)
    return _new_page(ui, kind, Form.of(name="", description="", **values_of(kind, {})))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a channel."""
    kind = _kind(form.value("driver"))
    try:
        channel = catalogue.create_channel(ui.rt, **_fields(kind, form), driver=kind.name, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _new_page(ui, kind, form.refused(fault), fault.status)
    return ui.go(f"/channels/{channel.id}", "The channel is ready. Send a test to see whether it arrives.")


def change(channel_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a channel's settings."""
    kind = _kind(form.value("driver"))
    try:
        catalogue.update_channel(ui.rt, channel_id=channel_id, changes=_fields(kind, form), actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _page(ui, channel_id, form.refused(fault), fault.status)
    return ui.go(f"/channels/{channel_id}", "Saved.")


def activate(channel_id: Id, ui: UiDep) -> Response:
    """Let a channel speak again."""
    return _switch(ui, channel_id, True, "It speaks again.", "good")


def deactivate(channel_id: Id, ui: UiDep) -> Response:
    """Silence a channel."""
    return _switch(ui, channel_id, False, "It is off and says nothing more.", "warn")


def delete(channel_id: Id, ui: UiDep) -> Response:
    """Remove a channel that never said anything."""
    try:
        catalogue.delete_channel(ui.rt, channel_id=channel_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/channels/{channel_id}", fault.message, kind="bad")
    return ui.go("/channels", "Deleted.")


def send_test(channel_id: Id, ui: UiDep) -> Response:
    """Send a test message; what becomes of it shows below."""
    deliver.send_test(ui.rt, channel_id=channel_id, actor=ui.actor, now=ui.now)
    return ui.go(f"/channels/{channel_id}#messages", "The test is on its way; its outcome shows below.")


def _kind(name: str) -> Kind:
    kind = kind_of(name)
    if not kind.fields:
        raise NotFound(f"There is no channel of the kind {name}.")
    return kind


def _fields(kind: Kind, form: Form) -> dict[str, Any]:
    return {
        "name": form.value("name"),
        "description": form.value("description"),
        "config": config_of(kind, form),
    }


def _switch(ui: Ui, channel_id: int, is_active: bool, said: str, tone: str) -> Response:
    catalogue.update_channel(
        ui.rt, channel_id=channel_id, changes={"is_active": is_active}, actor=ui.viewer, now=ui.now
    )
    return ui.go(f"/channels/{channel_id}", said, kind=tone)


def _page(ui: Ui, channel_id: int, form: Form | None = None, status: int = 200) -> Response:
    def read(tx: Tx) -> dict[str, object]:
        channel = queries.get_channel(tx, channel_id)
        kind, shown = kind_of(channel.driver), catalogue.shown_channel(channel)
        config = shown["config"] if isinstance(shown["config"], dict) else {}
        stored = Form.of(name=channel.name, description=channel.description, **values_of(kind, config))
        sent = queries.list_notifications(tx, NotificationFilter(channel_id=channel_id), LATEST).items
        return {"channel": channel, "kind": kind, "form": form or stored, "is_stored": True, "sent": sent}

    return ui.page("channels/detail.html", "Channel", read, status=status)


def _new_page(ui: Ui, kind: Kind, form: Form, status: int = 200) -> Response:
    return ui.page(
        "channels/new.html",
        "New channel",
        lambda _tx: {"kinds": kinds(), "kind": kind, "form": form, "is_stored": False},
        status=status,
    )
