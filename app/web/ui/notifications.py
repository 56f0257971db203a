"""The delivery log: every message with what became of it, one message with its tries, and sending one again."""

from fastapi import Response

from app.accounts.permissions import Permission
from app.platform.errors import Conflict
from app.usecases import deliver
from app.web.deps import Id, PageDep
from app.web.ui.forms import QueryDep
from app.web.ui.ui import UiDep
from app.web.ui.views.notifications import detail, listing


def index(ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """The list, narrowed by its filters."""
    may_retry = ui.may(Permission.RETRY_NOTIFICATIONS)
    return ui.page(
        "notifications/index.html",
        "Delivery log",
        lambda tx: {
            **listing(tx, query, page, may_retry=may_retry),
            "form": query,
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(notification_id: Id, ui: UiDep) -> Response:
    """One message."""
    may_retry = ui.may(Permission.RETRY_NOTIFICATIONS)
    return ui.page("notifications/detail.html", "Message", lambda tx: detail(tx, notification_id, may_retry=may_retry))


def retry(notification_id: Id, ui: UiDep) -> Response:
    """Send a message again that did not go through."""
    try:
        deliver.retry(ui.rt, notification_id=notification_id, actor=ui.actor, now=ui.now)
    except Conflict as fault:
        return ui.go(f"/notifications/{notification_id}", fault.message, kind="bad")
    return ui.go(f"/notifications/{notification_id}", "It is being sent again.")
