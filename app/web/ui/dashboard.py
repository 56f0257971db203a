"""The dashboard, the page behind «more» on a phone, and the switch of light and dark."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.accounts.permissions import Permission
from app.usecases import watch
from app.web.ui.forms import FormDep
from app.web.ui.ui import THEME_COOKIE, THEMES, UiDep, local_path
from app.web.ui.views.dashboard import dashboard

YEAR_SECONDS = 365 * 24 * 3600
# (address, icon, text, permission to see it)
PLACES = (
    ("/alarms", "alarm", "Alarms", Permission.VIEW),
    ("/alert-sources", "source", "Alert sources", Permission.VIEW),
    ("/pipelines", "pipeline", "Pipelines", Permission.VIEW),
    ("/policies", "policy", "Policies", Permission.VIEW),
    ("/teams", "team", "Teams", Permission.VIEW),
    ("/channels", "channel", "Channels", Permission.VIEW),
    ("/intelligence-providers", "bulb", "AI providers", Permission.VIEW),
    ("/checks", "check", "Checks", Permission.VIEW),
    ("/notifications", "mail", "Delivery log", Permission.VIEW),
    ("/setup", "check", "Guided set-up", Permission.MANAGE_SYSTEM),
    ("/settings", "settings", "Settings", Permission.VIEW),
    ("/audit", "audit", "Audit", Permission.READ_AUDIT),
    ("/profile", "profile", "Your profile", Permission.VIEW),
)


def root() -> Response:
    """The dashboard is home."""
    return RedirectResponse("/dashboard", status_code=303)


def show(ui: UiDep) -> Response:
    """What is going on."""
    readiness = watch.readiness(ui.rt, ui.now)
    return ui.page(
        "dashboard/index.html",
        "Dashboard",
        lambda tx: dashboard(tx, ui.signed_in, ui.now, ui.zone, readiness),
    )


def more(ui: UiDep) -> Response:
    """Everything that the bar of a phone has no room for."""
    places = [place for place in PLACES if ui.may(place[3])]
    return ui.page("more/index.html", "More", lambda _tx: {"places": places})


def choose_theme(ui: UiDep, form: FormDep) -> Response:
    """Keep light, dark or automatic in a cookie; works without scripts."""
    theme = form.value("theme")
    response = RedirectResponse(local_path(form.value("next")), status_code=303)
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, samesite="lax")
    return response
