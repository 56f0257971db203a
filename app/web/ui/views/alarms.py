"""The dashboard of alarms as values: the engine's health, a line and a section for each alarm, its runs, the teams."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import Team, User
from app.alarms import queries
from app.alarms.types import (
    AlarmEvent,
    AlarmSummary,
    ClearReason,
    EngineRun,
    EventFilter,
    EventState,
    Outcome,
    RunStatus,
    Trigger,
)
from app.escalation import queries as policies
from app.escalation.types import Policy
from app.platform.db import Tx
from app.platform.redact import redact
from app.platform.types import JsonObject, Page, PageQuery
from app.web.ui.forms import Form
from app.web.ui.views.choices import EVERYTHING, Option
from app.web.ui.words import duration, short, took

HOURS, DAYS = 24, 7
HOURS_AT_MOST = 24 * 365
DAY_CHOICES: list[Option] = [("1", "1 day"), ("3", "3 days"), ("7", "7 days"), ("14", "14 days"), ("30", "30 days")]
EVENTS_SHOWN = 15
EVENTS_AT_MOST = 200
RUNS_SHOWN = 12
# What a run may say of one alarm; one that could not be recorded says less.
EMPTY_LINE: JsonObject = {
    "outcome": "", "is_error": False, "dropped": "", "error": "", "error_trace": "", "module": "", "module_hash": "",
    "duration_ms": 0.0, "detections": 0, "new": 0, "still_firing": 0, "cleared": 0, "active": 0, "subjects": [],
    "warnings": [], "bundle_new": 0, "bundle_renotify": 0, "bundle_sent": False, "mail_ids": [], "unknown_told": False,
}  # fmt: skip
# What a run counts of one alarm, and the word for it.
PARTS = (("new", "new"), ("still_firing", "still firing"), ("cleared", "cleared"))
FIGURES_SHOWN = 24
BAR, CHART_HEIGHT = 10, 70


@dataclass(frozen=True, slots=True)
class Chart:
    """Events per hour as one path of bars; `figures` are the latest hours that have any, as (hour, count)."""

    width: int
    path: str
    said: str
    begins: str
    figures: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm on the dashboard; what holds stands before what has cleared."""

    summary: AlarmSummary
    events: list[AlarmEvent]
    events_total: int
    chart: Chart | None
    policy: Policy | None
    window: str
    params: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run of the engine as a row: how long it took, each alarm's part of it as (name, outcome, words), the errors."""

    run: EngineRun
    took: str
    parts: list[tuple[str, str, str]]
    errors: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team as an alias in lists of recipients."""

    team: Team
    members: list[User]
    emails: list[str]


def dashboard(tx: Tx, query: Form, now: datetime, zone: ZoneInfo, *, is_running: bool) -> dict[str, object]:
    """Everything on the page; `is_running` False: this process does not run the engine."""
    hours = within(query.value("since"), HOURS, HOURS_AT_MOST)
    days = within(query.value("days"), DAYS, int(DAY_CHOICES[-1][0]))
    alarms = queries.list_alarms(tx, EVERYTHING).items
    summaries = queries.summaries(tx, alarms, since=now - timedelta(hours=hours))
    # What fires stands first, then what cannot be evaluated.
    summaries.sort(key=lambda each: (not each.active, not each.alarm.last_error))
    per_hour = queries.events_per_hour(tx, days=days, now=now)
    charts = {
        each.alarm.id: chart_of(
            per_hour.get(each.alarm.id, []),
            f"Events of {each.alarm.title} per hour in the last {days} days",
            now=now,
            zone=zone,
        )
        for each in summaries
    }
    views = [_view(tx, each, charts[each.alarm.id], query, since=now - timedelta(hours=hours)) for each in summaries]
    return {
        "health": queries.engine_health(tx, now=now),
        "is_running": is_running,
        "hours": hours,
        "days": days,
        "since_said": f"{hours} h" if hours < 72 else duration(hours * 3600),
        "day_choices": DAY_CHOICES,
        "events_at_most": EVENTS_AT_MOST,
        "alarms": views,
        "archived": queries.list_alarms(tx, EVERYTHING, archived=True).items,
        "teams": _teams(tx),
        "runs": [run_line(run) for run in queries.list_runs(tx, PageQuery(page_size=RUNS_SHOWN)).items],
    }


def run_list(tx: Tx, page: PageQuery) -> dict[str, object]:
    """One page of the engine's runs, newest first."""
    found = queries.list_runs(tx, page)
    return {"page": Page([run_line(run) for run in found.items], found.total, found.page, found.page_size)}


def run_line(run: EngineRun) -> RunLine:
    """A run in one line."""
    lasted = (run.finished_at - run.started_at).total_seconds() * 1000 if run.finished_at else None
    parts = [(name, str(line.get("outcome", "")), part_said(line)) for name, line in run.per_alarm.items()]
    errors = [(name, str(line.get("error", ""))) for name, line in run.per_alarm.items() if line.get("is_error")]
    return RunLine(run, took(lasted) if lasted is not None else "", parts, errors)


def part_said(line: JsonObject) -> str:
    """What a run found of one alarm, in a few words."""
    if line.get("dropped"):
        return f"does not count: {line['dropped']}"
    if line.get("outcome") == Outcome.UNKNOWN:
        return str(line.get("error", ""))
    told = ", ".join(f"{line[key]} {word}" for key, word in PARTS if line.get(key))
    mailed = "mail sent" if line.get("bundle_sent") else "mail written" if line.get("mail_ids") else ""
    return ", ".join(part for part in (told or "nothing", mailed) if part)


def within(typed: str, default: int, most: int) -> int:
    """A number of hours or days from an address, kept within what makes sense."""
    return min(max(int(typed), 1), most) if typed.isascii() and typed.isdigit() and len(typed) < 8 else default


def window_said(hours: float) -> str:
    """The renotification window in words."""
    return f"again after {duration(hours * 3600)}" if hours else "once, until it has cleared"


def chart_of(points: Sequence[tuple[datetime, int]], title: str, *, now: datetime, zone: ZoneInfo) -> Chart | None:
    """Counts per hour as bars; None where all are 0."""
    top = max((count for _, count in points), default=0)
    if not top:
        return None
    bars = [
        f"M{number * BAR + 1} {CHART_HEIGHT}v-{round(count * (CHART_HEIGHT - 4) / top, 1)}h{BAR - 2}V{CHART_HEIGHT}z"
        for number, (_, count) in enumerate(points)
        if count
    ]
    latest = [(hour, count) for hour, count in reversed(points) if count][:FIGURES_SHOWN]
    figures = [(short(hour, zone, now), count) for hour, count in latest]
    total = sum(count for _, count in points)
    said = f"{title}: {total} in all, at most {top} in one hour, the last in the hour from {figures[0][0]}"
    return Chart(len(points) * BAR, "".join(bars), said, short(points[0][0], zone, now), figures)


def _view(tx: Tx, summary: AlarmSummary, chart: Chart | None, query: Form, *, since: datetime) -> AlarmView:
    alarm = summary.alarm
    shown = EVENTS_AT_MOST if query.value("show") == alarm.entry_id else EVENTS_SHOWN
    page = PageQuery(page_size=shown)
    active = queries.list_events(tx, EventFilter(alarm_id=alarm.id, state=EventState.ACTIVE), page)
    cleared = queries.list_events(tx, EventFilter(alarm_id=alarm.id, state=EventState.CLEARED, since=since), page)
    policy_id = alarm.escalation_policy_id
    return AlarmView(
        summary=summary,
        events=[*active.items, *cleared.items][:shown],
        events_total=active.total + cleared.total,
        chart=chart,
        policy=policies.find_policy(tx, policy_id) if policy_id else None,
        window=window_said(alarm.renotification_window_hours),
        params=json.dumps(redact(alarm.params), indent=2, ensure_ascii=False),
    )


def _teams(tx: Tx) -> list[TeamLine]:
    teams = people.list_teams(tx, EVERYTHING).items
    members = people.members_by_team(tx, [team.id for team in teams])
    emails = people.emails_by_team(tx, [team.id for team in teams])
    return [TeamLine(team, members.get(team.id, []), emails.get(team.id, [])) for team in teams]


def run_page(tx: Tx, run_id: int) -> dict[str, object]:
    """One run of the engine with everything it did. Raises EngineRunMissing."""
    run = queries.get_run(tx, run_id)
    titles = {each.entry_id: each.title for each in queries.list_alarms(tx, EVERYTHING, archived=None).items}
    lines = sorted(((name, EMPTY_LINE | line) for name, line in run.per_alarm.items()), key=lambda each: _rank(each[1]))
    return {
        "run": run,
        "line": run_line(run),
        "lines": [(name, line, part_said(line), took(line["duration_ms"])) for name, line in lines],
        "titles": titles,
        "counters": [(name.replace("_", " "), value) for name, value in run.counters.items()],
        "is_over": run.status is not RunStatus.RUNNING,
        "is_tick": run.trigger is Trigger.TICK,
    }


def _rank(line: JsonObject) -> tuple[bool, bool]:
    """What needs somebody's eyes first: errors, then what fires."""
    return not line["is_error"], line["outcome"] != Outcome.FIRING


def event_state_said(event: AlarmEvent) -> str:
    """Whether an event holds, and whether somebody has it; one that only ended with its alarm has not cleared."""
    if event.clear_reason is ClearReason.ARCHIVED:
        return "ended"
    if event.state is EventState.CLEARED:
        return EventState.CLEARED.value
    return "acknowledged" if event.acked_at else EventState.ACTIVE.value
