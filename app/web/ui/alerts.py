"""One alert: its labels and everything that ever changed of it."""

from fastapi import Response

from app.alerts import queries
from app.platform.db import Tx
from app.web.deps import Id, PageDep
from app.web.ui.ui import UiDep


def show(alert_id: Id, ui: UiDep, page: PageDep) -> Response:
    """One alert."""

    def read(tx: Tx) -> dict[str, object]:
        alert = queries.get_alert(tx, alert_id)
        return {
            "alert": alert,
            "source": queries.sources_by_id(tx, [alert.source_id])[alert.source_id],
            "history": queries.history_of(tx, alert_id, page),
            "page_url": lambda number: ui.url_with(page=number),
        }

    return ui.page("alerts/detail.html", "Alert", read)
