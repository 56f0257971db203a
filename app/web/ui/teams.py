"""Teams: the list, a team, its members. Writing is for admins."""

from fastapi import Response

from app.platform.errors import PagerPalError
from app.usecases import people
from app.web.deps import Id, PageDep
from app.web.ui.forms import Form, FormDep
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views.choices import not_in_list
from app.web.ui.views.people import team_list, team_page


def index(ui: UiDep, page: PageDep) -> Response:
    """Every team."""
    return ui.page(
        "teams/index.html",
        "Teams",
        lambda tx: {**team_list(tx, page), "page_url": lambda number: ui.url_with(page=number)},
    )


def show(team_id: Id, ui: UiDep) -> Response:
    """One team."""
    return _page(ui, team_id)


def new(ui: UiDep) -> Response:
    """The form for another team."""
    return _new_page(ui, Form.of(name="", description=""))


def create(ui: UiDep, form: FormDep) -> Response:
    """Add a team."""
    try:
        team = people.create_team(
            ui.rt, name=form.value("name"), description=form.value("description"), actor=ui.viewer, now=ui.now
        )
    except PagerPalError as fault:
        return _new_page(ui, form.refused(fault), fault.status)
    return ui.go(f"/teams/{team.id}", f"Team {team.name} is there. Add its members.")


def change(team_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Save a team's details."""
    try:
        people.update_team(
            ui.rt,
            team_id=team_id,
            name=form.value("name"),
            description=form.value("description"),
            extra_emails=form.value("extra_emails").split(),
            actor=ui.viewer,
            now=ui.now,
        )
    except PagerPalError as fault:
        return _page(ui, team_id, {"details": form.refused(fault)}, fault.status)
    return ui.go(f"/teams/{team_id}", "Saved.")


def delete(team_id: Id, ui: UiDep) -> Response:
    """Remove a team that nothing uses."""
    try:
        people.delete_team(ui.rt, team_id=team_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(f"/teams/{team_id}", fault.message, kind="bad")
    return ui.go("/teams", "Deleted.")


def add_member(team_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Put somebody into the team."""
    try:
        user_id = form.maybe_id("user_id")
        if user_id is None:
            raise not_in_list("user_id")
        people.add_member(ui.rt, team_id=team_id, user_id=user_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return _page(ui, team_id, {"member": form.named("member").refused(fault)}, fault.status)
    return ui.go(f"/teams/{team_id}", "Added.")


def remove_member(team_id: Id, user_id: Id, ui: UiDep) -> Response:
    """Take somebody out of the team."""
    people.remove_member(ui.rt, team_id=team_id, user_id=user_id, actor=ui.viewer, now=ui.now)
    return ui.go(f"/teams/{team_id}", "Removed.")


def _page(ui: Ui, team_id: int, forms: dict[str, Form] | None = None, status: int = 200) -> Response:
    return ui.page(
        "teams/detail.html",
        "Team",
        lambda tx: team_page(tx, team_id, now=ui.now, zone=ui.zone, forms=forms or {}),
        status=status,
    )


def _new_page(ui: Ui, form: Form, status: int = 200) -> Response:
    return ui.page("teams/new.html", "New team", lambda _tx: {"form": form}, status=status)
