"""What would happen, as values: the decision in words, and minute by minute whom it pages, how and why."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.types import AlertSource
from app.escalation import queries as escalation
from app.escalation.types import AssigneeType
from app.oncall.types import Schedule
from app.platform.db import Tx
from app.usecases.simulate import Action, Affected, SimulatedPage, Simulation
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING, Option
from app.web.ui.views.sources import driver_label
from app.web.ui.words import short

ACTIONS = {
    Action.CREATE: ("new incident", "bang", "strong"),
    Action.ATTACH: ("open incident", "dot", "info"),
    Action.RESOLVE: ("resolved", "check", "ok"),
    Action.NONE: ("nothing", "dash", ""),
}
# «on call for Prod until 2026-03-09 09:00 UTC (rotation-20260302T090000Z)»: the time as the reader's clock shows it.
SLOT = re.compile(r"until (?P<until>\d{4}-\d\d-\d\d \d\d:\d\d) UTC \((?P<source>rotation|entry|override)-[^)]*\)")
NOBODY_ELSE = "nobody else is left to be paged"
HOUR = 60


@dataclass(frozen=True, slots=True)
class Said:
    """One message to one person, or a note: what happens in a minute."""

    user: User | None = None
    channel: str = ""
    levels: tuple[str, ...] = ()
    reason: str = ""
    titles: tuple[str, ...] = ()
    is_under_way: bool = False
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Minute:
    """Everything that happens in one minute."""

    at: datetime
    after: str
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to «what would happen?»."""

    simulation: Simulation
    summary: str
    driver_label: str
    affected: list[tuple[Affected, tuple[str, str, str]]]
    minutes: list[Minute]
    notes: list[str]


def outcome(tx: Tx, simulation: Simulation, zone: ZoneInfo, now: datetime) -> Outcome:
    """A simulation as its page shows it; times within sentences in the reader's zone."""
    every = (*simulation.pages, *simulation.under_way)
    users = people.users_by_id(tx, {page.user_id for page in every})
    return Outcome(
        simulation=simulation,
        summary=_summary(simulation),
        driver_label=driver_label(simulation.driver),
        affected=[(each, ACTIONS[each.action]) for each in simulation.affected],
        minutes=_minutes(simulation, users, zone, now),
        notes=[note.text for note in simulation.notes if note.at is None],
    )


def source_options(tx: Tx, sources: Iterable[AlertSource] | None = None) -> list[Option]:
    """These sources by name, PagerPal's own last, every one where none are given; those switched off say so."""
    found = alerts.list_sources(tx, EVERYTHING).items if sources is None else sources
    return [(str(each.id), _source_said(each)) for each in sorted(found, key=lambda each: each.is_internal)]


def _source_said(source: AlertSource) -> str:
    remarks = [*(["PagerPal's own"] if source.is_internal else []), *([] if source.is_active else ["off"])]
    return f"{source.name} ({', '.join(remarks)})" if remarks else source.name


def sources_reaching(tx: Tx, schedule: Schedule) -> list[Option]:
    """The sources that page by the schedule: by itself, by its team, or by a policy that names either."""
    named = [(AssigneeType.SCHEDULE, schedule.id)]
    if schedule.team_id is not None:
        named.append((AssigneeType.TEAM, schedule.team_id))
    policies = {policy.id for kind, target in named for policy in escalation.policies_naming(tx, kind, target)}
    return source_options(
        tx,
        [
            source
            for source in alerts.list_sources(tx, EVERYTHING).items
            if source.escalation_policy_id in policies
            or source.schedule_id == schedule.id
            or (schedule.team_id is not None and _only_team(source) == schedule.team_id)
        ],
    )


def _only_team(source: AlertSource) -> int | None:
    names_more = source.escalation_policy_id is not None or source.schedule_id is not None
    return None if names_more else source.team_id


def query_of(form: Form) -> str:
    """The address of a question without a payload."""
    at = {"at": form.value("at")} if form.value("at") else {}
    return urlencode({"source_id": form.value("source_id"), **at})


def typed_again(form: Form, at: datetime, zone: ZoneInfo) -> Form:
    """The form with its time as a browser's field takes it, however it was written in the address."""
    if not form.value("at"):
        return form
    return replace(form, values={**form.values, "at": (f"{at.astimezone(zone):%Y-%m-%dT%H:%M}",)})


def after_words(minutes: int) -> str:
    """How long after the alert: `at once`, `after 15 min`, `after 1 h 30 min`."""
    if minutes == 0:
        return "at once"
    hours, rest = divmod(minutes, HOUR)
    parts = [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]
    return f"after {' '.join(part for part in parts if part)}"


def _summary(simulation: Simulation) -> str:
    pages = [page for page in simulation.pages if not page.problem]
    if not pages:
        return "Nobody would be paged." if not simulation.pages else "No page would get out."
    first = pages[0].after_minutes
    names = list(dict.fromkeys(page.user_name for page in pages if page.after_minutes == first))
    said = f"{_listed(names)} would be paged {after_words(first)}."
    if any(page.is_fallback and not page.problem for page in pages) and not pages[0].is_fallback:
        last = next(page for page in pages if page.is_fallback)
        said += f" If nobody answers, the admins are paged {after_words(last.after_minutes)}."
    return said


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _minutes(simulation: Simulation, users: Mapping[int, User], zone: ZoneInfo, now: datetime) -> list[Minute]:
    going_on = set(simulation.under_way)
    messages: dict[int, list[SimulatedPage]] = {}
    for page in (*simulation.pages, *simulation.under_way):
        messages.setdefault(page.message, []).append(page)
    entries: list[tuple[datetime, int, Said]] = [
        (note.at, note.after_minutes or 0, Said(note=note.text)) for note in simulation.notes if note.at is not None
    ]
    for pages in messages.values():
        said = _message(simulation, pages, users, zone, now, is_under_way=pages[0] in going_on)
        entries.append((pages[0].at, pages[0].after_minutes, said))
    found: dict[int, Minute] = {}
    for at, minutes, said in sorted(entries, key=lambda entry: entry[0]):
        found.setdefault(minutes, Minute(at, after_words(minutes))).said.append(said)
    return list(found.values())


def _message(
    simulation: Simulation,
    pages: list[SimulatedPage],
    users: Mapping[int, User],
    zone: ZoneInfo,
    now: datetime,
    *,
    is_under_way: bool,
) -> Said:
    head = pages[0]
    several = len(simulation.affected) > 1
    return Said(
        user=users.get(head.user_id),
        channel=head.channel,
        levels=tuple(dict.fromkeys("fallback" if page.is_fallback else f"level {page.level}" for page in pages)),
        reason=_spoken(head, zone, now),
        titles=tuple(simulation.affected[page.affected].title for page in pages) if several else (),
        is_under_way=is_under_way,
        problem=head.problem,
    )


def _spoken(page: SimulatedPage, zone: ZoneInfo, now: datetime) -> str:
    def until(match: re.Match[str]) -> str:
        word = "" if match["source"] == "rotation" else f", by {match['source']}"
        return f"until {short(datetime.fromisoformat(match['until']).replace(tzinfo=UTC), zone, now)}{word}"

    via = NOBODY_ELSE if page.is_fallback else SLOT.sub(until, page.via)
    rule = f"by a rule {page.rule_delay_minutes} min later" if page.rule_delay_minutes else ""
    return ", ".join(part for part in (via, rule) if part)
