"""Who is told: addresses, `@team` for everybody in it, and the name of a chat's channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.accounts import queries as people, rules as account_rules
from app.accounts.types import Team
from app.notify import queries as outbox
from app.notify.types import NotificationChannel
from app.platform.db import Tx
from app.platform.errors import FieldError, Invalid

CHATS = ("mattermost", "slack")
EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Target:
    """One place that a mail of an alarm goes to."""

    channel: str
    address: str = ""
    channel_id: int | None = None


def recipient_errors(tx: Tx, words: Sequence[str]) -> list[FieldError]:
    """What is wrong with a list of recipients, each with its place."""
    found = [(number, _fault(tx, word)) for number, word in enumerate(words)]
    return [FieldError(f"recipients[{number}]", fault) for number, fault in found if fault]


def targets_of(tx: Tx, words: Sequence[str]) -> tuple[list[Target], list[str]]:
    """Where to send to, each place once, with warnings about words that lead nowhere.

    Where none of them leads anywhere the active admins are told: an alarm that was to be heard is never silent
    because somebody removed a team.
    """
    found: list[Target] = []
    warnings = []
    for word in words:
        targets = _targets(tx, word)
        found += targets
        warnings += [] if targets else [f"the recipient {word} leads nowhere"]
    if words and not found:
        found = [Target(EMAIL, admin.email) for admin in people.active_admins(tx)]
        warnings.append("no recipient leads anywhere, so the admins are told")
    return list(dict.fromkeys(found)), warnings


def _targets(tx: Tx, word: str) -> list[Target]:
    if word.startswith("@"):
        team = _team(tx, word)
        return [Target(EMAIL, address) for address in _addresses(tx, team)] if team else []
    if "@" in word:
        address = _address(word)
        return [Target(EMAIL, address)] if address else []
    return [Target(chat.driver, channel_id=chat.id) for chat in _chats(tx, [word])]


def _addresses(tx: Tx, team: Team) -> Iterable[str]:
    members = [member.email for member in people.team_members(tx, team.id)]
    return [*members, *people.emails_by_team(tx, [team.id])[team.id]]


def _fault(tx: Tx, word: str) -> str:
    if word.startswith("@"):
        return "" if _team(tx, word) else "names no team"
    if "@" in word:
        return "" if _address(word) else "is not an email address"
    return "" if _chats(tx, [word]) else f"is no email address, no @team and no active channel of {' or '.join(CHATS)}"


def _team(tx: Tx, word: str) -> Team | None:
    return people.find_team_named(tx, word.removeprefix("@"))


def _address(word: str) -> str | None:
    try:
        return account_rules.normal_email(word)
    except Invalid:
        return None


def _chats(tx: Tx, names: Sequence[str]) -> list[NotificationChannel]:
    return [channel for channel in outbox.active_channels(tx, names) if channel.driver in CHATS]
