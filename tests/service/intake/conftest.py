"""A source and a tool that posts to it, straight into intake."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.queries import AlertFilter
from app.alerts.types import (
    Alert,
    AlertSource,
    AlertStatus,
    DeliveryOutcome,
    DeliveryResult,
    Grouping,
    ParsedAlert,
    ParsedPayload,
    Severity,
)
from app.incidents import queries as incidents
from app.incidents.types import Incident, IncidentFilter
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, intake
from tests.support.people import add_admin

ALL = PageQuery(page_size=200)


@dataclass
class Tool:
    """A monitoring tool, already past the door."""

    rt: Runtime
    admin: User
    source: AlertSource

    def alert(
        self, name: str, status: str = "firing", *, severity: Severity | None = Severity.CRITICAL, **more: Any
    ) -> ParsedAlert:
        """An alert as a driver gives it."""
        return ParsedAlert({"id": name}, name, AlertStatus(status), severity, **more)

    def submission(self, parsed: Sequence[ParsedAlert], *, group_key: str = "") -> intake.Submission:
        """A delivery with these alerts."""
        return intake.Submission(
            source=self.source,
            driver="generic",
            outcome=DeliveryOutcome.ACCEPTED,
            parsed=ParsedPayload(list(parsed), "generic", group_key=group_key),
            headers={},
            body=b"{}",
            received_at=self.rt.clock.now(),
            trace_id=self.rt.ids.hex32(),
            new_run_id=self.rt.ids.hex32,
        )

    def post(self, *parsed: ParsedAlert, group_key: str = "") -> DeliveryResult:
        """Deliver these alerts in one request."""
        return self.post_together([self.submission(parsed, group_key=group_key)])[0]

    def post_together(self, submissions: list[intake.Submission]) -> list[DeliveryResult]:
        """Deliver several requests that the writer happens to commit together."""
        return self.rt.db.write(lambda tx: intake.apply(tx, submissions))

    def incidents(self) -> list[Incident]:
        """All incidents, oldest first."""
        found = self.rt.db.read(lambda tx: incidents.list_incidents(tx, IncidentFilter(), ALL))
        return sorted(found.items, key=lambda incident: incident.id)

    def alerts(self) -> list[Alert]:
        """All alerts, oldest first."""
        return sorted(
            self.rt.db.read(lambda tx: alerts.list_alerts(tx, AlertFilter(), ALL)).items, key=lambda alert: alert.id
        )

    def story(self, incident_id: int) -> list[str]:
        """The incident's timeline."""
        return [entry.text for entry in self.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_id))]

    def later(self, **time: float) -> datetime:
        """Let time pass."""
        self.rt.clock.advance(**time)  # type: ignore[attr-defined]
        return self.rt.clock.now()


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever is paged when nobody else is."""
    return add_admin(rt)


@pytest.fixture
def make_tool(rt: Runtime, admin: User) -> Callable[..., Tool]:
    """Makes a tool whose source has these settings."""

    def make(name: str = "prod", **settings: Any) -> Tool:
        source, _ = catalogue.create_source(rt, name=name, actor=admin, now=rt.clock.now(), **settings)
        return Tool(rt, admin, source)

    return make


@pytest.fixture
def tool(make_tool: Callable[..., Tool]) -> Tool:
    """A tool whose alerts each have their own incident."""
    return make_tool()


@pytest.fixture
def grouped(make_tool: Callable[..., Tool]) -> Tool:
    """A tool whose alerts share an incident by the sender's group key."""
    return make_tool(grouping=Grouping.GROUP_KEY)
