"""The API's reference page, made from the same document that programs read."""

from fastapi import Request, Response

from app.web import reference
from app.web.ui.ui import UiDep


def show(request: Request, ui: UiDep) -> Response:
    """Every path of the API with what it takes and answers."""
    sections = reference.sections(reference.document(request.app))
    return ui.page("reference/index.html", "API", lambda _tx: {"sections": sections})
