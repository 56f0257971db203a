"""How a person is reached, as values: contact methods, notification rules, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.accounts import queries, quiet
from app.accounts.types import ContactMethod, NotificationRule, Urgency, User
from app.platform.db import Tx
from app.web.ui.forms import Form
from app.web.ui.views.channel_kinds import contact_kinds, labels


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with the name of its contact method; unusable while that is not verified or opted out."""

    rule: NotificationRule
    by: str
    is_usable: bool


def reach_view(tx: Tx, user: User, *, base: str, may_edit: bool, forms: Mapping[str, Form]) -> dict[str, object]:
    """The panels of contact methods, rules and quiet hours; `base` is the address that their forms post below."""
    methods = queries.contact_methods_of(tx, user.id)
    known = {method.id: method for method in methods}
    names = labels()
    return {
        "base": base,
        "may_edit": may_edit,
        "methods": methods,
        "channel_labels": names,
        "rules": [_rule(rule, known, names) for rule in queries.rules_of(tx, user.id)],
        "channels": contact_kinds(),
        "method_options": [
            (str(each.id), f"{names.get(each.channel, each.channel)} {each.address}") for each in methods
        ],
        "method_form": forms.get("method", Form.of("method", channel="email", address="")),
        "quiet_form": forms.get(
            "quiet", Form.of("quiet", **{name: getattr(user, name) or "" for name in quiet.FIELDS})
        ),
        "quiet_zone": user.timezone,
        "verify_form": forms.get("verify", Form.of("verify", code="")),
        "rule_form": forms.get("rule", Form.of("rule", urgency="high", delay_minutes="0", contact_method_id="")),
    }


def why_unreachable(tx: Tx, user: User) -> str:
    """Why pages do not get to an active person; empty when they do."""
    if not user.is_active or queries.reach_of(tx, [user.id], urgency=Urgency.HIGH)[user.id]:
        return ""
    if not any(method.verified_at and not method.opted_out_at for method in queries.contact_methods_of(tx, user.id)):
        return "There is no verified contact method: add one below and verify it."
    return "No rule for high urgency uses a verified contact method: add one below."


def _rule(rule: NotificationRule, known: Mapping[int, ContactMethod], names: Mapping[str, str]) -> RuleView:
    method = known.get(rule.contact_method_id)
    if method is None:
        return RuleView(rule, "a contact method that is gone", False)
    usable = method.verified_at is not None and method.opted_out_at is None
    return RuleView(rule, _named(method, names), usable)


def _named(method: ContactMethod, names: Mapping[str, str]) -> str:
    return f"{names.get(method.channel, method.channel)} {method.address}"
