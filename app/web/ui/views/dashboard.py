"""The dashboard as values: figures, what is open, who is on call, pages per hour, what needs attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from app.accounts import queries as people
from app.accounts.types import Identity
from app.alerts import queries as alerts
from app.escalation import queries as escalation
from app.incidents import queries as incidents
from app.incidents.types import OPEN_STATUSES, IncidentFilter, IncidentStatus
from app.notify import oversight as outbox
from app.platform.db import Tx
from app.platform.types import PageQuery
from app.usecases.watch import CheckStatus, ReadinessItem
from app.web.ui.views.incident_list import incident_rows
from app.web.ui.views.rota_swaps import swaps_for
from app.web.ui.words import duration

OPEN_SHOWN = 12
HOURS = 24
WEEK = timedelta(days=7)
ONE = PageQuery(page_size=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The line of numbers; the medians are of the last 7 days, in words, a dash where there is none."""

    unacknowledged: int
    acknowledged: int
    to_acknowledge: str
    to_resolve: str
    open: int


@dataclass(frozen=True, slots=True)
class Point:
    """One bar: the hour it stands for and how many."""

    label: str
    value: int


@dataclass(frozen=True, slots=True)
class PagesChart:
    """Pages per hour of the last day, with what a reader who cannot see it is told."""

    points: list[Point]
    said: str
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting up."""

    is_done: bool
    text: str
    why: str
    href: str


def dashboard(
    tx: Tx, identity: Identity, now: datetime, zone: ZoneInfo, readiness: Sequence[ReadinessItem]
) -> dict[str, object]:
    """Everything on the dashboard but the frame."""
    counts = incidents.count_by_status(tx)
    latest = incidents.list_incidents(tx, IncidentFilter(statuses=OPEN_STATUSES), PageQuery(page_size=OPEN_SHOWN))
    times = incidents.answer_times(tx, now - WEEK)
    return {
        "figures": Figures(
            unacknowledged=counts[IncidentStatus.TRIGGERED],
            acknowledged=counts[IncidentStatus.ACKNOWLEDGED],
            to_acknowledge=_median([(end - start).total_seconds() for start, end, _ in times if end]),
            to_resolve=_median([(end - start).total_seconds() for start, _, end in times if end]),
            open=sum(counts.values()),
        ),
        "open_incidents": incident_rows(tx, latest.items),
        "chart": pages_chart(outbox.pages_since(tx, now - timedelta(hours=HOURS)), now, zone),
        "first_steps": first_steps(tx),
        "swaps": swaps_for(tx, identity, now, zone),
        "attention": [item for item in readiness if item.status is not CheckStatus.OK],
    }


def pages_chart(pages: Sequence[tuple[datetime, int | None]], now: datetime, zone: ZoneInfo) -> PagesChart:
    """The pages of the last 24 hours by the hour; the last bar is the hour under way."""
    counts = [0] * HOURS
    for at, _ in pages:
        back = int((now - at).total_seconds() // 3600)
        if 0 <= back < HOURS:
            counts[HOURS - 1 - back] += 1
    points = [
        Point(f"{(now - timedelta(hours=HOURS - hour)).astimezone(zone):%H:%M}", count)
        for hour, count in enumerate(counts)
    ]
    busiest = max(points, key=lambda point: point.value)
    said = f"Most in the hour from {busiest.label}: {busiest.value}." if busiest.value else "None."
    people_paged = len({user_id for _, user_id in pages if user_id})
    note = f"{len(pages)} {'page' if len(pages) == 1 else 'pages'} to {people_paged} " + (
        "person" if people_paged == 1 else "people"
    )
    return PagesChart(points, said, note)


def first_steps(tx: Tx) -> list[Step]:
    """What is left of setting up; empty once all of it is done."""
    steps = [
        Step(
            people.list_users(tx, ONE).total > 1,
            "Add the people who are on call",
            "They are paged by email at once; other ways can follow.",
            "/people/new",
        ),
        Step(
            escalation.list_policies(tx, ONE).total > 0,
            "Write an escalation policy",
            "Who is paged first, how long they have, who is next.",
            "/policies/new",
        ),
        Step(
            any(each.last_delivery_at and not each.is_internal for each in alerts.list_sources(tx, PageQuery()).items),
            "Send the first alert",
            "Give a source's key to your monitoring tool, or send a test alert from the source's page.",
            "/alert-sources",
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


def _median(seconds: Sequence[float]) -> str:
    return duration(median(seconds)) if seconds else "–"
