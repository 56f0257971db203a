"""Reading policies and the escalations under way."""

from collections.abc import Iterable

from app.escalation import repository
from app.escalation.errors import PolicyNotFound
from app.escalation.models import PolicyRow
from app.escalation.running import escalation_of, escalations_of
from app.escalation.types import AssigneeType, Policy
from app.platform.db import Tx
from app.platform.types import Page, PageQuery

__all__ = [
    "escalation_of",
    "escalations_of",
    "find_policy",
    "get_policy",
    "list_policies",
    "policies_by_id",
    "policies_naming",
    "targets_named",
]


def get_policy(tx: Tx, policy_id: int) -> Policy:
    """The policy as its newest version says. Raises PolicyNotFound."""
    found = find_policy(tx, policy_id)
    if found is None:
        raise PolicyNotFound(policy_id)
    return found


def find_policy(tx: Tx, policy_id: int) -> Policy | None:
    """The policy as its newest version says, or None."""
    return policies_by_id(tx, [policy_id]).get(policy_id)


def policies_by_id(tx: Tx, policy_ids: Iterable[int]) -> dict[int, Policy]:
    """The policies that exist among these."""
    return repository.policies_by_id(tx, policy_ids)


def list_policies(tx: Tx, page: PageQuery, *, q: str = "") -> Page[Policy]:
    """One page, by name; `q` looks into the name."""
    statement = repository.select_policies()
    if q:
        statement = statement.where(PolicyRow.name.icontains(q, autoescape=True))
    total = repository.count(tx, statement)
    ordered = statement.order_by(PolicyRow.name, PolicyRow.id)
    items = repository.policies(tx, ordered.limit(page.page_size).offset((page.page - 1) * page.page_size))
    return Page(items, total, page.page, page.page_size)


def policies_naming(tx: Tx, kind: AssigneeType, target_id: int) -> list[Policy]:
    """The policies that page this user, team or schedule, by name."""
    return repository.policies(tx, repository.select_naming(kind, target_id))


def targets_named(tx: Tx, kind: AssigneeType) -> set[int]:
    """The users, teams or schedules that any policy names in its newest version."""
    return repository.targets_named(tx, kind)
