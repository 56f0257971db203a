"""What can go wrong with an escalation policy, each a sentence for the operator."""

from app.platform.errors import Conflict, NotFound


class PolicyNotFound(NotFound):
    """There is no such escalation policy."""

    default_code = "escalation_policy_not_found"

    def __init__(self, policy_id: int) -> None:
        super().__init__(f"There is no escalation policy {policy_id}.")


class PolicyNameTaken(Conflict):
    """Another policy has this name."""

    default_code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already an escalation policy named {name}.")


class PolicyInUse(Conflict):
    """Alert sources or running escalations still need the policy."""

    default_code = "escalation_policy_in_use"
