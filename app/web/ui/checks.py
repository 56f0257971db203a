"""Checks: every checker on this host, one with its set-up and history, measuring now. Setting up is for admins."""

from typing import Annotated

from fastapi import Path, Response

from app.accounts.permissions import Permission
from app.checks import kinds
from app.checks.types import CheckOrder, CheckStatus
from app.platform.errors import Invalid
from app.platform.types import PageQuery
from app.usecases import run_checks
from app.web.deps import PageDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.check_forms import changes_in
from app.web.ui.views.checks import check_list, check_page

CheckerName = Annotated[str, Path(min_length=1, max_length=64)]
TONES = {CheckStatus.OK: "good", CheckStatus.WARNING: "warn"}
FIRST = PageQuery()


def index(ui: UiDep, query: QueryDep) -> Response:
    """Every checker, as it found one host last."""
    return ui.page("checks/index.html", "Checks", lambda tx: {**check_list(tx, query, ui.now), "form": query})


def show(checker: CheckerName, ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """One checker."""
    return _page(ui, checker, query, page)


def change(checker: CheckerName, ui: UiDep, form: FormDep) -> Response:
    """Save how a checker is set up."""
    try:
        changes = changes_in(kinds.get_checker(checker), form)
        run_checks.change_config(ui.rt, checker=checker, changes=changes, actor=ui.viewer, now=ui.now)
    except Invalid as fault:
        return _page(ui, checker, Form(), FIRST, form.refused(fault), fault.status)
    return ui.go(f"/checks/{checker}", "Saved. The next run goes by it.")


async def run(checker: CheckerName, ui: UiDep) -> Response:
    """Measure now; what was found is said, and stands in the history."""
    may_choose = ui.may(Permission.MANAGE_CHECKS)
    (made,) = await run_checks.run(ui.rt, [CheckOrder(checker)], now=ui.now, may_choose_places=may_choose)
    return ui.go(f"/checks/{checker}", f"{made.status}: {made.message}.", kind=TONES.get(made.status, "bad"))


def _page(ui: Ui, checker: str, query: Form, page: PageQuery, form: Form | None = None, status: int = 200) -> Response:
    return ui.page(
        "checks/detail.html",
        kinds.get_checker(checker).label,
        lambda tx: {
            **check_page(tx, checker, query, page, form, ui.now),
            "page_url": lambda number: ui.url_with(page=number),
        },
        status=status,
    )
