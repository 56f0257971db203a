"""Where alerts come from: a source with its key and whom it pages, or this server's own checks; all or nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from app.accounts.types import User
from app.alerts import queries as alerts, sources
from app.alerts.types import AlertSource
from app.checks import kinds, queries as checks
from app.escalation import queries as escalation
from app.escalation.types import Assignee, AssigneeType, Level, Policy
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid
from app.platform.runtime import Runtime
from app.platform.types import MAX_PAGE_SIZE, PageQuery
from app.usecases import catalogue, run_checks
from app.usecases.set_up.types import Connected, Target

# What somebody who is paged alone has to answer before all admins are.
OWN_DELAY_MINUTES = 15
KEYS_AT_MOST = 2
USUAL_CADENCE_SECONDS = 300
EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)


def connect_source(
    rt: Runtime,
    *,
    preset: str,
    name: str,
    driver: str,
    target: Target,
    actor: User,
    now: datetime,
    take_over: bool = False,
) -> Connected:
    """Make a source that follows the preset, with its key and, where a person is to be paged alone, a policy of theirs.

    With `take_over` the source that the first start made becomes this one, and its printed key goes on working; where
    there is none to take over a new one is made. Raises Invalid, SourceNameTaken.
    """
    _require_target(target)
    key = rt.ids.token()

    def write(tx: Tx) -> Connected:
        policy, is_new = _policy_of(tx, target, actor, now)
        columns = {"name": name, "driver": driver, "pipeline": preset, **_columns(target, policy)}
        first = first_source(tx, now=now) if take_over else None
        if first is None:
            source = catalogue.add_source(tx, rt, columns, {}, key, actor=actor, now=now)
        else:
            source = catalogue.change_source(tx, rt, source_id=first.id, changes=columns, actor=actor, now=now)
            catalogue.add_key(tx, source_id=first.id, key=key, actor=actor, now=now)
        made = policy.name if policy is not None and is_new else ""
        return Connected(source, key, made, took_over=first is not None)

    return rt.db.write(write)


def watched_checkers(tx: Tx) -> list[str]:
    """The checkers by which this server is watched as things stand."""
    return [name for name, config in checks.configs(tx).items() if kinds.is_watched(config)]


def watch_this_host(
    rt: Runtime,
    *,
    preset: str,
    checkers: Collection[str],
    cadence_seconds: int | None,
    target: Target,
    actor: User,
    now: datetime,
) -> Connected:
    """Have this server measured by these checkers again and again, and let what they find follow the preset.

    `cadence_seconds` None leaves each its own. A checker that is not among them is made only when somebody asks.
    Raises Invalid, CheckerMissing.
    """
    _require_target(target)

    def write(tx: Tx) -> Connected:
        policy, is_new = _policy_of(tx, target, actor, now)
        for checker, changes in _cadences(tx, checkers, cadence_seconds).items():
            run_checks.write_config(tx, checker=checker, changes=changes, actor=actor, now=now)
        found = sources.internal_source(tx, name=sources.CHECKS_SOURCE, pipeline=preset, now=now)
        changed = {"pipeline": preset, "is_active": True, **_columns(target, policy)}
        source = catalogue.change_source(tx, rt, source_id=found.id, changes=changed, actor=actor, now=now)
        return Connected(source, "", policy.name if policy and is_new else "")

    return rt.db.write(write)


def first_source(tx: Tx, *, now: datetime) -> AlertSource | None:
    """The source that the first start made, as long as nobody has given it a purpose of its own."""
    found = next((each for each in alerts.list_sources(tx, EVERYTHING, q=catalogue.FIRST_SOURCE).items), None)
    if found is None or found.name != catalogue.FIRST_SOURCE or not found.is_active:
        return None
    if found.leads_somewhere:
        return None
    return found if len(alerts.keys_of(tx, found.id, now=now)) < KEYS_AT_MOST else None


def source_named(tx: Tx, name: str) -> AlertSource | None:
    """The source of that name, which whoever posts twice has made already."""
    found = alerts.list_sources(tx, EVERYTHING, q=name.strip()).items
    return next((each for each in found if each.name == name.strip()), None)


def own_policy(tx: Tx, user: User) -> Policy | None:
    """The policy that pages this person alone, if there is one."""
    naming = escalation.policies_naming(tx, AssigneeType.USER, user.id)
    return next((policy for policy in naming if _pages_only(policy, user.id)), None)


def _policy_of(tx: Tx, target: Target, actor: User, now: datetime) -> tuple[Policy | None, bool]:
    """The policy of somebody who is paged alone, and whether it was made just now."""
    if target.person_id is None:
        return None, False
    if target.person_id != actor.id:
        raise Invalid("Nobody is chosen for another person here.", [FieldError("target", "must be you, or a policy")])
    found = own_policy(tx, actor)
    if found is not None:
        return found, False
    level = Level(1, OWN_DELAY_MINUTES, (Assignee(AssigneeType.USER, actor.id),))
    return catalogue.add_policy(tx, name=_free_name(tx, actor), levels=[level], actor=actor, now=now), True


def _cadences(tx: Tx, wanted: Collection[str], seconds: int | None) -> dict[str, dict[str, Any]]:
    """What has to change so that exactly these checkers are watched."""
    unknown = [name for name in wanted if name not in kinds.checkers()]
    if unknown or not wanted:
        raise Invalid("Choose what is checked.", [FieldError("checker", "Choose at least one check from the list.")])
    changes: dict[str, dict[str, Any]] = {}
    for name, config in checks.configs(tx).items():
        if name in wanted:
            cadence = seconds or config.cadence_seconds or USUAL_CADENCE_SECONDS
            if (config.enabled, config.cadence_seconds) != (True, cadence):
                changes[name] = {"enabled": True, "cadence_seconds": cadence}
        elif kinds.is_watched(config):
            changes[name] = {"cadence_seconds": 0}
    return changes


def _free_name(tx: Tx, user: User) -> str:
    wanted = f"Page {user.name}"
    taken = {policy.name.casefold() for policy in escalation.list_policies(tx, EVERYTHING, q=wanted).items}
    names = [wanted, *(f"{wanted} ({number})" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name.casefold() not in taken)


def _pages_only(policy: Policy, user_id: int) -> bool:
    return [level.assignees for level in policy.levels] == [(Assignee(AssigneeType.USER, user_id),)]


def _columns(target: Target, policy: Policy | None) -> Mapping[str, Any]:
    return {
        "escalation_policy_id": policy.id if policy is not None else target.policy_id,
        "schedule_id": target.schedule_id,
        "team_id": target.team_id,
    }


def _require_target(target: Target) -> None:
    if target.is_nobody:
        words = "says who is paged, and nobody is chosen"
        raise Invalid("Somebody has to be paged.", [FieldError("target", words)])
