"""Every URL of PagerPal on one page, by door: methods, path, handler, who may, and what success answers.

Paths are written without a trailing slash and work with one. The permission matrix is generated from this table.
"""

from fastapi import FastAPI

from app.accounts.permissions import Permission
from app.web.routing import KEYED, PUBLIC, Door, Route, mount_routes

__all__ = ["KEYED", "PUBLIC", "ROUTES", "Door", "Permission", "Route", "mount"]

# Plain routes, matched first: nothing stands between a monitoring tool and the intake.
HOOKS: tuple[Route, ...] = ()

API: tuple[Route, ...] = ()

UI: tuple[Route, ...] = ()

ROUTES: tuple[Route, ...] = HOOKS + API + UI


def mount(app: FastAPI) -> None:
    """Add the whole table to the application."""
    mount_routes(app, ROUTES)
