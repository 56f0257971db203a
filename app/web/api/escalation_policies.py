"""`/api/v1/escalation-policies`: whom to page, level by level; every change makes a new version."""

from typing import Annotated, Any

from fastapi import Query

from app.escalation import queries
from app.usecases import catalogue
from app.web.api.accounts_schemas import In
from app.web.api.catalogue_schemas import LevelJson, PolicyChange, PolicyNew, PolicyOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep


def list_policies(rt: RuntimeDep, page: PageDep, q: Annotated[str, Query(max_length=200)] = "") -> PageOut[PolicyOut]:
    """One page of escalation policies, by name."""
    return page_out(rt.db.read(lambda tx: queries.list_policies(tx, page, q=q)), PolicyOut.of)


def show(policy_id: Id, rt: RuntimeDep) -> PolicyOut:
    """One escalation policy."""
    return PolicyOut.of(rt.db.read(lambda tx: queries.get_policy(tx, policy_id)))


def create(body: PolicyNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> PolicyOut:
    """Add an escalation policy."""
    return PolicyOut.of(catalogue.create_policy(rt, **_values(body, body.levels), actor=identity.user, now=now))


def change(policy_id: Id, body: PolicyChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> PolicyOut:
    """Change the fields that are sent; what already escalates goes on as it began."""
    changes = _values(body, body.levels)
    policy = catalogue.update_policy(rt, policy_id=policy_id, changes=changes, actor=identity.user, now=now)
    return PolicyOut.of(policy)


def delete(policy_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Remove an escalation policy that nothing needs."""
    catalogue.delete_policy(rt, policy_id=policy_id, actor=identity.user, now=now)


def _values(body: In, levels: list[LevelJson]) -> dict[str, Any]:
    sent = body.model_dump(exclude_unset=True)
    return {**sent, "levels": tuple(level.value() for level in levels)} if "levels" in sent else sent
