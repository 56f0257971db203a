"""Pipeline runs: the list, a run as a waterfall of its stages, and resuming a failed one."""

from typing import Annotated

from fastapi import Path, Response

from app.platform.errors import Conflict
from app.usecases import run_pipeline
from app.web.deps import PageDep
from app.web.ui.forms import QueryDep
from app.web.ui.ui import UiDep
from app.web.ui.views.runs import run_list, run_page

RunId = Annotated[str, Path(max_length=64)]


def index(ui: UiDep, query: QueryDep, page: PageDep) -> Response:
    """The list, narrowed by its filters."""
    return ui.page(
        "runs/index.html",
        "Pipeline runs",
        lambda tx: {
            **run_list(tx, query, page),
            "form": query,
            "page_url": lambda number: ui.url_with(page=number),
        },
    )


def show(run_id: RunId, ui: UiDep) -> Response:
    """One run."""
    return ui.page("runs/detail.html", "Pipeline run", lambda tx: run_page(tx, run_id, ui.now))


def resume(run_id: RunId, ui: UiDep) -> Response:
    """Let a failed run go on after its last good stage."""
    try:
        run_pipeline.resume(ui.rt, run_id=run_id, now=ui.now)
    except Conflict as fault:
        return ui.go(f"/pipeline-runs/{run_id}", fault.message, kind="bad")
    return ui.go(f"/pipeline-runs/{run_id}", "It goes on after its last good stage.")
