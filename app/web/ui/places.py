"""Whose settings a form changes, and the page that it stands on: one's own profile, or a person's page for admins."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Response

from app.accounts.permissions import Permission
from app.platform.errors import Forbidden
from app.web.ui.forms import Form
from app.web.ui.people import person
from app.web.ui.profile import profile
from app.web.ui.ui import Ui


@dataclass(frozen=True, slots=True)
class Place:
    """A person, the address of the page with their forms, and that page with forms that came back."""

    user_id: int
    path: str
    page: Callable[[dict[str, Form], int], Response]


def theirs(ui: Ui, user_id: int) -> Place:
    """A person's page. Raises Forbidden for anybody but them and admins."""
    if user_id != ui.viewer.id and not ui.may(Permission.MANAGE_PEOPLE):
        raise Forbidden("Only an admin may change this for somebody else.")
    return Place(user_id, f"/people/{user_id}", lambda forms, status: person(ui, user_id, forms, status))


def own(ui: Ui) -> Place:
    """One's own profile."""
    return Place(ui.viewer.id, "/profile", lambda forms, status: profile(ui, forms, status))
