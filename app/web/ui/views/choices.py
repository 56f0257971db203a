"""What selects offer: people, teams, zones, whom a source or level can page."""

from functools import lru_cache
from typing import TypeAlias

from app.accounts import queries as people
from app.accounts.types import User
from app.escalation import queries as escalation
from app.oncall import queries as oncall
from app.platform.db import Tx
from app.platform.errors import Invalid
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.platform.zones import zone_names
from app.web.ui.forms import wrong

EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)

Option: TypeAlias = tuple[str, str]
Group: TypeAlias = tuple[str, list[Option]]

NO_TEAM: Option = ("", "none")


@lru_cache(maxsize=1)
def zones() -> list[Option]:
    """Every time zone that has a place in its name, and UTC first."""
    named = sorted(name for name in zone_names() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in named)]


def team_options(tx: Tx) -> list[Option]:
    """The teams by name, and none."""
    return [NO_TEAM, *((str(team.id), team.name) for team in people.list_teams(tx, EVERYTHING).items)]


def user_options(users: list[User]) -> list[Option]:
    """These people."""
    return [(str(user.id), user.name) for user in users]


def active_people(tx: Tx) -> list[User]:
    """Everybody who can be paged, by name."""
    return people.list_users(tx, EVERYTHING, is_active=True).items


def paging_targets(tx: Tx, nobody: str) -> list[Option | Group]:
    """Whom an incident of a source can page: `policy:1`, `schedule:2`; `nobody` is the text of no choice."""
    policies = [(f"policy:{each.id}", each.name) for each in escalation.list_policies(tx, EVERYTHING).items]
    return _with_groups(("", nobody), ("Escalation policies", policies), ("Schedules", _schedules(tx)))


def level_targets(tx: Tx) -> list[Option | Group]:
    """Whom a level can page: `schedule:1`, `user:2`, `team:3`."""
    users = [(f"user:{each.id}", each.name) for each in active_people(tx)]
    teams = [(f"team:{each.id}", each.name) for each in people.list_teams(tx, EVERYTHING).items]
    return _with_groups(None, ("On call for", _schedules(tx)), ("People", users), ("Teams", teams))


def policy_and_schedule(target: str, *, field: str) -> tuple[int | None, int | None]:
    """What `policy:1` or `schedule:2` stands for. Raises Invalid that names `field`."""
    kind, _, number = target.partition(":")
    if not target:
        return None, None
    if kind not in ("policy", "schedule") or not number.isascii() or not number.isdigit():
        raise not_in_list(field)
    return (int(number), None) if kind == "policy" else (None, int(number))


def not_in_list(field: str) -> Invalid:
    """The error for a select whose value is none of its options."""
    return wrong(field, "Choose one from the list.")


def _schedules(tx: Tx) -> list[Option]:
    return [(f"schedule:{each.id}", each.name) for each in oncall.list_schedules(tx, EVERYTHING).items]


def _with_groups(first: Option | None, *groups: Group) -> list[Option | Group]:
    return [*([first] if first else []), *(group for group in groups if group[1])]
