"""Signing in and out, and the first admin: the only pages for people without a session."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.accounts import queries
from app.platform.errors import PagerPalError
from app.usecases import people, watch
from app.web.cookies import clear_session, session_token, set_session
from app.web.deps import AddressDep
from app.web.ui.forms import Form, FormDep, QueryDep
from app.web.ui.ui import Ui, UiDep, local_path
from app.web.ui.views.choices import zones
from app.web.ui.views.shell import banner_view

AGENT_LIMIT = 200


def show(ui: UiDep, query: QueryDep) -> Response:
    """The sign-in page; until there is an admin, the first-run page."""
    if ui.identity is not None:
        return RedirectResponse(local_path(query.value("next")), status_code=303)
    if ui.rt.db.read(queries.has_admin):
        return _login_page(ui, Form.of(email="", password="", next=query.value("next")))
    return _first_run_page(ui, Form.of(code="", name="", email="", password="", timezone="UTC"))


def sign_in(ui: UiDep, form: FormDep, address: AddressDep) -> Response:
    """Open a session, or make the first admin and open theirs."""
    is_first_run = form.is_on("first_run")
    try:
        token = _first_admin(ui, form, address) if is_first_run else _login(ui, form, address)
    except PagerPalError as fault:
        page = _first_run_page if is_first_run and not ui.rt.db.read(queries.has_admin) else _login_page
        return page(ui, form.refused(fault), fault.status)
    response = RedirectResponse(local_path(form.value("next")), status_code=303)
    set_session(response, ui.rt.settings, token)
    return response


def sign_out(ui: UiDep) -> Response:
    """End this session."""
    token = session_token(ui.request)
    if token is not None:
        people.logout(ui.rt, token=token, now=ui.now)
    response = RedirectResponse("/login", status_code=303)
    clear_session(response, ui.rt.settings)
    return response


def _login(ui: Ui, form: Form, address: str) -> str:
    return people.login(
        ui.rt,
        email=form.value("email"),
        password=form.raw("password"),
        address=address,
        agent=_agent(ui),
        now=ui.now,
        old_token=session_token(ui.request),
    )


def _first_admin(ui: Ui, form: Form, address: str) -> str:
    return people.create_first_admin(
        ui.rt,
        code=form.value("code"),
        email=form.value("email"),
        name=form.value("name"),
        password=form.raw("password"),
        timezone=form.value("timezone", "UTC"),
        address=address,
        agent=_agent(ui),
        now=ui.now,
    )


def _agent(ui: Ui) -> str:
    return ui.request.headers.get("user-agent", "")[:AGENT_LIMIT]


def _login_page(ui: Ui, form: Form, status: int = 200) -> Response:
    return ui.outside("login/login.html", "Sign in", status, form=form)


def _first_run_page(ui: Ui, form: Form, status: int = 200) -> Response:
    banners = [banner_view(each) for each in ui.rt.db.read(watch.first_run_banners)]
    return ui.outside("login/first_run.html", "First admin", status, form=form, zones=zones(), banners=banners)
