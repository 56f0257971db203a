"""What a database says, read with plain drivers beside the application: nothing here trusts the code under test."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from sqlalchemy.engine import make_url


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One alert row."""

    id: int
    name: str
    status: str
    incident_id: int | None


@dataclass(frozen=True, slots=True)
class IncidentFact:
    """One incident row; `timeline_seq` is its own count of its timeline."""

    id: int
    status: str
    timeline_seq: int
    firing_alert_count: int


@dataclass(frozen=True, slots=True)
class EscalationFact:
    """Where an incident's escalation stands; `due_at` in seconds since 1970."""

    incident_id: int
    episode: int
    level: int
    status: str
    due_at: float | None


@dataclass(frozen=True, slots=True)
class NotificationFact:
    """One row of the outbox; times in seconds since 1970, `attempts_at` says when each send began."""

    id: int
    kind: str
    incident_id: int | None
    episode: int | None
    level: int | None
    user_id: int | None
    contact_method_id: int | None
    rule_delay_minutes: int
    round: int
    status: str
    due_at: float | None
    bundle_id: int | None
    attempts_at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the checker judges, as of one moment."""

    read_at: float
    alerts: tuple[AlertFact, ...]
    deliveries: dict[str, int]
    incidents: tuple[IncidentFact, ...]
    timeline: dict[int, list[int]]
    timeline_kinds: dict[int, list[str]]
    escalations: tuple[EscalationFact, ...]
    notifications: tuple[NotificationFact, ...]
    integrity: tuple[str, ...]


class Store:
    """Read-only eyes on one database, SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Every row of one query."""
        if self.is_sqlite:
            with closing(sqlite3.connect(f"file:{self.url.database}?mode=ro", uri=True, timeout=30)) as lite:
                lite.row_factory = sqlite3.Row
                return [dict(row) for row in lite.execute(sql)]
        with psycopg.connect(self._libpq(), row_factory=dict_row) as connection:
            return connection.execute(sql.encode()).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Change something on purpose, to see whether it is found; returns the number of rows.

        `%s` marks a parameter.
        """
        if self.is_sqlite:
            with closing(sqlite3.connect(str(self.url.database), timeout=30)) as lite, lite:
                return lite.execute(sql.replace("%s", "?"), parameters).rowcount
        with psycopg.connect(self._libpq()) as connection:
            return connection.execute(sql.encode(), parameters).rowcount

    def facts(self) -> Facts:
        """Everything the checker judges."""
        timeline: dict[int, list[int]] = {}
        kinds: dict[int, list[str]] = {}
        for row in self.rows("SELECT incident_id, seq, kind FROM incident_timeline ORDER BY incident_id, seq"):
            timeline.setdefault(row["incident_id"], []).append(row["seq"])
            kinds.setdefault(row["incident_id"], []).append(row["kind"])
        return Facts(
            read_at=datetime.now(UTC).timestamp(),
            alerts=tuple(AlertFact(**row) for row in self.rows("SELECT id, name, status, incident_id FROM alerts")),
            deliveries={
                row["trace_id"]: row["size"] or 0
                for row in self.rows("SELECT trace_id, length(body) AS size FROM deliveries")
            },
            incidents=tuple(
                IncidentFact(**row)
                for row in self.rows("SELECT id, status, timeline_seq, firing_alert_count FROM incidents")
            ),
            timeline=timeline,
            timeline_kinds=kinds,
            escalations=tuple(
                EscalationFact(**_timed(row))
                for row in self.rows("SELECT incident_id, episode, level, status, due_at FROM escalations")
            ),
            notifications=self._notifications(),
            integrity=tuple(self._integrity()),
        )

    def _notifications(self) -> tuple[NotificationFact, ...]:
        attempts: dict[int, list[float]] = {}
        for row in self.rows("SELECT notification_id, started_at FROM notification_attempts ORDER BY id"):
            attempts.setdefault(row["notification_id"], []).append(instant(row["started_at"]) or 0.0)
        rows = self.rows(
            "SELECT id, kind, incident_id, episode, level, user_id, contact_method_id, rule_delay_minutes, round,"
            " status, due_at, bundle_id FROM notifications"
        )
        return tuple(NotificationFact(**_timed(row), attempts_at=tuple(attempts.get(row["id"], ()))) for row in rows)

    def _integrity(self) -> list[str]:
        """What SQLite finds wrong with its own file; PostgreSQL checks its constraints by itself."""
        if not self.is_sqlite:
            return []
        wrong = [f"integrity_check: {row}" for row in self.rows("PRAGMA integrity_check") if "ok" not in row.values()]
        return wrong + [f"foreign_key_check: {row}" for row in self.rows("PRAGMA foreign_key_check")]

    def _libpq(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)


def instant(value: object) -> float | None:
    """A stored time as seconds since 1970; SQLite keeps text in UTC."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "due_at": instant(row["due_at"])}
