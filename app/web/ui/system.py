"""Settings (readiness, workers, integrations), the audit, and the page of an error."""

from datetime import datetime

from fastapi import Request, Response

from app import __version__
from app.accounts import queries as accounts
from app.accounts.permissions import Permission
from app.platform.db import Tx
from app.platform.types import PageQuery
from app.usecases import watch
from app.web.deps import PageDep
from app.web.ui.forms import Form, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import EVERYTHING
from app.web.ui.views.system import OBJECT_TYPES, settings_page

# What each error means to somebody at a screen, and what they can do: (icon, sentence).
ADVICE = {
    400: ("search", "Go back, and try again from the page itself."),
    403: ("shield", "Ask an admin, or go back and reload the page if it has been open for long."),
    404: ("search", "The address may be old or mistyped, or somebody has removed what was here."),
    405: ("search", "Go back, and use the buttons of the page."),
    409: ("retry", "Somebody may have been faster. Go back, look at what is true now, and decide again."),
    413: ("inbox", "Send less at once."),
    422: ("note", "Go back, and mend what the sentence names."),
    429: ("clock", "Wait a moment, then try again."),
    503: ("clock", "Nothing was changed. Try again in a few seconds."),
}


def settings(ui: UiDep) -> Response:
    """Whether PagerPal is ready for real pages, what its workers do, where vendors send their answers."""
    items = watch.readiness(ui.rt, ui.now)
    integrations = watch.integrations(ui.rt) if ui.may(Permission.MANAGE_SYSTEM) else {}
    return ui.page(
        "settings/index.html",
        "Settings",
        lambda tx: settings_page(tx, ui.rt, items, integrations, now=ui.now, version=__version__),
    )


def audit(ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """Who changed what."""
    return ui.page("audit/index.html", "Audit", lambda tx: _audit(tx, ui, query, page))


def error_page(request: Request, status: int, title: str, detail: str, trace_id: str) -> Response:
    """An error in the frame of the other pages, with what to do about it."""
    rt = request.app.state.runtime
    now: datetime = rt.clock.now()
    ui = Ui(request, rt, getattr(request.state, "identity", None), now)
    icon, advice = ADVICE.get(status, ("incident", "Go back and try again."))
    context = {"detail": detail, "icon_name": icon, "advice": advice, "trace_id": trace_id}
    if ui.identity is None:
        return ui.outside("errors/error.html", title, status, **context)
    return ui.page("errors/error.html", title, lambda _tx: context, status=status)


def _audit(tx: Tx, ui: Ui, query: Form, page: PageQuery) -> dict[str, object]:
    kind, user_id = query.value("object_type"), query.maybe_id("user_id")
    people = accounts.list_users(tx, EVERYTHING).items
    return {
        "page": accounts.list_audit(tx, page, object_type=kind, object_id=query.value("object_id"), user_id=user_id),
        "page_url": lambda number: ui.url_with(page=number),
        "form": query,
        "object_types": [("", "Anything"), *((each, each.replace("_", " ")) for each in OBJECT_TYPES)],
        "people": [("", "Anybody"), *((str(user.id), user.name) for user in people)],
        "is_filtered": bool(kind or user_id or query.value("object_id")),
    }
