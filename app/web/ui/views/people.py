"""The pages of people and teams as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.accounts import queries
from app.accounts.types import Role, Session, Team, Urgency, User
from app.incidents import queries as incidents
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.types import Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.calendars import calendar_view
from app.web.ui.views.choices import active_people, zones
from app.web.ui.views.duty import DutyView, duties_of, every_duty
from app.web.ui.views.reach import reach_view, why_unreachable

ROLES = [
    ("responder", "responder", "Can be paged and act on incidents."),
    ("viewer", "viewer", "Only looks."),
    ("admin", "admin", "Also sets everything up, and is paged when nobody else can be."),
]

# In the order in which they must be asked: each browser also claims to be the ones after it.
BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as a row of the list."""

    user: User
    teams: str
    is_on_call: bool
    is_unreachable: bool


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team as a row of the list."""

    team: Team
    members: list[User]


@dataclass(frozen=True, slots=True)
class SessionView:
    """A signed-in browser, and whether it is this one."""

    session: Session
    browser: str
    is_this: bool


def people_list(tx: Tx, form: Form, page: PageQuery, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    """One page of people, narrowed by the form."""
    role, state = form.value("role"), form.value("state")
    found = queries.list_users(
        tx,
        page,
        q=form.value("q"),
        role=Role(role) if role in list(Role) else None,
        is_active={"active": True, "inactive": False}.get(state),
    )
    on_call = {duty.user.id for duty in every_duty(tx, now, zone) if duty.user}
    reach = queries.reach_of(tx, [user.id for user in found.items], urgency=Urgency.HIGH)
    rows = [
        PersonRow(
            user,
            ", ".join(team.name for team in queries.teams_of(tx, user.id)),
            user.id in on_call,
            user.role is not Role.VIEWER and not reach[user.id],
        )
        for user in found.items
    ]
    return {"page": Page(rows, found.total, found.page, found.page_size), "form": form}


def person_page(
    tx: Tx, user_id: int, *, now: datetime, zone: ZoneInfo, may_edit: bool, forms: Mapping[str, Form]
) -> dict[str, object]:
    """One person; how they are reached is shown to those who may change it. Raises UserMissing."""
    user = queries.get_user(tx, user_id)
    return {
        "user": user,
        "zones": zones(),
        "roles": ROLES,
        "form": forms.get("details", details_form(user)),
        "teams": queries.teams_of(tx, user_id),
        "duties": [duty for duty in every_duty(tx, now, zone) if duty.user and duty.user.id == user_id],
        "incidents": incidents.open_incidents_assigned_to(tx, user_id),
        "unreachable": why_unreachable(tx, user),
        **reach_view(tx, user, base=f"/people/{user_id}", may_edit=may_edit, forms=forms),
        **calendar_view(tx, user, now=now, forms=forms),
    }


def profile_page(
    tx: Tx, user_id: int, *, session_id: int | None, now: datetime, forms: Mapping[str, Form]
) -> dict[str, object]:
    """One's own profile."""
    user = queries.get_user(tx, user_id)
    return {
        "zones": zones(),
        "form": forms.get("details", Form.of(name=user.name, phone=user.phone or "", timezone=user.timezone)),
        "password_form": forms.get("password", Form.of("password", old_password="", new_password="")),
        "token_form": forms.get("token", Form.of("token", name="", scope="act")),
        "tokens": queries.tokens_of(tx, user_id),
        "sessions": [
            SessionView(each, browser_name(each.agent), each.id == session_id)
            for each in queries.sessions_of(tx, user_id, now=now)
        ],
        "unreachable": why_unreachable(tx, user),
        **reach_view(tx, user, base="/profile", may_edit=True, forms=forms),
        **calendar_view(tx, user, now=now, forms=forms),
    }


def details_form(user: User) -> Form:
    """A person's details as a form."""
    return Form.of(
        name=user.name,
        email=user.email,
        phone=user.phone or "",
        timezone=user.timezone,
        role=user.role.value,
        login_enabled=user.login_enabled,
        password="",
    )


def team_list(tx: Tx, page: PageQuery) -> dict[str, object]:
    """One page of teams."""
    found = queries.list_teams(tx, page)
    members = queries.members_by_team(tx, [team.id for team in found.items])
    rows = [TeamRow(team, members[team.id]) for team in found.items]
    return {"page": Page(rows, found.total, found.page, found.page_size)}


def team_page(tx: Tx, team_id: int, *, now: datetime, zone: ZoneInfo, forms: Mapping[str, Form]) -> dict[str, object]:
    """One team. Raises TeamMissing."""
    team = queries.get_team(tx, team_id)
    members = queries.all_team_members(tx, team_id)
    inside = {user.id for user in members}
    emails = "\n".join(queries.emails_by_team(tx, [team_id])[team_id])
    form = Form.of(name=team.name, description=team.description, extra_emails=emails)
    return {
        "team": team,
        "members": members,
        "candidates": [(str(user.id), user.name) for user in active_people(tx) if user.id not in inside],
        "duties": _duties_of_team(tx, team_id, now, zone),
        "form": forms.get("details", form),
        "member_form": forms.get("member", Form.of("member", user_id="")),
    }


def browser_name(agent: str) -> str:
    """A browser's own words cut down to what people call it."""
    browser = next((name for mark, name in BROWSERS if mark in agent), agent.split("/")[0] or "Unknown browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def _duties_of_team(tx: Tx, team_id: int, now: datetime, zone: ZoneInfo) -> list[DutyView]:
    return duties_of(tx, oncall.active_schedules_of_team(tx, team_id), now, zone)
