"""`/openapi.json`: the whole API described for programs."""

from typing import Any

from fastapi import Request

from app.web import reference


def show(request: Request) -> dict[str, Any]:
    """The OpenAPI document of this version."""
    return reference.document(request.app)
