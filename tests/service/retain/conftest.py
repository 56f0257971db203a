"""An appliance with history: incidents with everything that can hang on one, and passes of retention over years."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, insert, or_, select, update

from app.accounts.types import User
from app.alarms.models import AlarmEventRow
from app.alerts.models import AlertRow, DeliveryRow
from app.alerts.types import AlertSource, AlertStatus, DeliveryOutcome, Grouping, ParsedAlert, ParsedPayload, Severity
from app.checks.models import CheckRunRow
from app.checks.types import CheckStatus
from app.incidents.types import SYSTEM
from app.intelligence.models import AnalysisRow
from app.intelligence.types import AnalysisStatus
from app.notify.models import ActionUseRow, AttemptRow, InboundMessageRow, NotificationRow, ThreadRow
from app.notify.types import NotificationKind, NotificationStatus
from app.pipeline.models import RunRow, StageRow
from app.pipeline.types import RunStatus, Stage, StageStatus
from app.platform.runtime import Runtime
from app.platform.tables import Base, table_of
from app.usecases import answer, catalogue, intake, retain, watch
from app.usecases.retain.steps import STEPS
from app.usecases.retain.sweep import ROWS_AT_ONCE
from app.usecases.retain.terms import terms_of
from tests.support.clock import FrozenClock
from tests.support.people import add_admin

Snapshot = dict[str, list[dict[str, Any]]]


@dataclass
class Appliance:
    """One source whose alerts share incidents by group, and rows of every kind at this time."""

    rt: Runtime
    clock: FrozenClock
    admin: User
    source: AlertSource
    number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.clock.now()

    def add(self, model: type[Base], **values: Any) -> int:
        """One row; its id."""
        return self.rt.db.write(lambda tx: tx.insert(model, **values))

    def add_many(self, model: type[Base], rows: list[dict[str, Any]]) -> None:
        """Many rows at once."""
        self.rt.db.write(lambda tx: tx.execute(insert(model), rows))

    def change(self, model: type[Base], row_id: int, **values: Any) -> None:
        """Change one row."""
        table = table_of(model)
        self.rt.db.write(lambda tx: tx.execute(update(table).where(table.c.id == row_id).values(**values)))

    def rows(self, model: type[Base], **where: Any) -> list[dict[str, Any]]:
        """The rows with these values, by id."""
        table = table_of(model)
        statement = select(table).where(*(table.c[name] == value for name, value in where.items())).order_by(table.c.id)
        return self.rt.db.read(lambda tx: [dict(row) for row in tx.execute(statement).mappings()])

    def count(self, model: type[Base], **where: Any) -> int:
        """How many rows there are with these values."""
        return len(self.rows(model, **where))

    def deliver(self, *names: str, group: str = "", status: str = "firing", started_at: datetime | None = None) -> int:
        """Alerts come in; the id of the incident that one of them belongs to, 0 for none."""
        state = AlertStatus(status)
        parsed = [ParsedAlert({"id": name}, name, state, Severity.CRITICAL, started_at or self.now) for name in names]
        submission = intake.Submission(
            source=self.source,
            driver="generic",
            outcome=DeliveryOutcome.ACCEPTED,
            parsed=ParsedPayload(parsed, "generic", group_key=group),
            headers={},
            body=b'{"alerts": []}',
            received_at=self.now,
            trace_id=self.rt.ids.hex32(),
            new_run_id=self.rt.ids.hex32,
        )
        self.rt.db.write(lambda tx: intake.apply(tx, [submission]))
        return int(self.rows(AlertRow, name=names[0])[0]["incident_id"] or 0)

    def incident(self, name: str = "Disk full", *more: str, group: str = "") -> int:
        """An incident that was paged; whatever was under way about it has ended."""
        incident_id = self.deliver(name, *more, group=group or name)
        self._end_what_is_under_way()
        return incident_id

    def resolve(self, incident_id: int) -> None:
        """Somebody resolves it."""
        answer.resolve(self.rt, incident_id=incident_id, actor=SYSTEM, now=self.now)
        self._end_what_is_under_way()

    def reopen(self, incident_id: int) -> None:
        """Somebody opens it again."""
        answer.reopen(self.rt, incident_id=incident_id, actor=SYSTEM, now=self.now)
        self._end_what_is_under_way()

    def message(self, **values: Any) -> int:
        """A message that was sent."""
        row = {
            "kind": NotificationKind.PAGE, "channel": "email", "facts": {}, "status": NotificationStatus.SENT,
            "due_at": self.now, "created_at": self.now, "idempotency_key": self.rt.ids.hex32(),
        }  # fmt: skip
        return self.add(NotificationRow, **(row | values))

    def check(self, status: CheckStatus = CheckStatus.OK, **values: Any) -> int:
        """A check run."""
        row = {
            "checker_name": "cpu", "hostname": "web1", "status": status, "duration_ms": 1.0, "executed_at": self.now,
            "trace_id": "t",
        }  # fmt: skip
        return self.add(CheckRunRow, **(row | values))

    def delivery(self, outcome: DeliveryOutcome = DeliveryOutcome.ACCEPTED, **values: Any) -> int:
        """A delivery with a body."""
        row = {"trace_id": self.rt.ids.hex32(), "source_id": self.source.id, "outcome": outcome, "body": b"x" * 100}
        return self.add(DeliveryRow, **(row | {"received_at": self.now} | values))

    def hang_everything_on(self, incident_id: int) -> None:
        """A row of every kind that can hang on an incident, besides what intake wrote."""
        [message] = self.rows(NotificationRow, incident_id=incident_id)[:1]
        [run] = self.rows(RunRow, incident_id=incident_id)[:1]
        [alert] = self.rows(AlertRow, incident_id=incident_id)[:1]
        number = next(self.number)
        self.add(
            AttemptRow, notification_id=message["id"], attempt=1, owner="o", fence=1, started_at=self.now,
            ended_at=self.now, outcome="sent",
        )  # fmt: skip
        self.add(ActionUseRow, notification_id=message["id"], action="acknowledge", used_at=self.now)
        self.add(
            ThreadRow, incident_id=incident_id, contact_method_id=message["contact_method_id"], channel="slack", ref="1"
        )
        self.add(
            InboundMessageRow, vendor="twilio", vendor_id=f"SM{number}", kind="sms", incident_id=incident_id,
            received_at=self.now,
        )  # fmt: skip
        self.add(
            StageRow, pipeline_run_id=run["id"], node_id="check", stage=Stage.CHECK, status=StageStatus.SUCCEEDED,
            idempotency_key=f"{run['run_id']}:check:1", completed_at=self.now, duration_ms=1.0,
        )  # fmt: skip
        self.add(
            AnalysisRow, provider="local", status=AnalysisStatus.SUCCEEDED, incident_id=incident_id,
            created_at=self.now, completed_at=self.now,
        )  # fmt: skip
        self.check(incident_id=incident_id)
        self.check(CheckStatus.CRITICAL, alert_id=alert["id"])

    def hanging_on(self, incident_id: int) -> Snapshot:
        """Every row that names the incident, or a row that does, by its table."""
        found: Snapshot = {}
        wanted: dict[str, set[Any]] = {"incidents": {incident_id}}
        for table in Base.metadata.sorted_tables:
            keys = [key for key in table.foreign_keys if key.column.table.name in wanted]
            own = [table.c.id.in_([incident_id])] if table.name == "incidents" else []
            conditions = own + [key.parent.in_(sorted(wanted[key.column.table.name])) for key in keys]
            if conditions:
                statement = select(table).where(or_(*conditions)).order_by(table.c.id)
                rows = self.rt.db.read(lambda tx, query=statement: list(tx.execute(query).mappings()))  # type: ignore[misc]
                found[table.name] = [dict(row) for row in rows]
                wanted[table.name] = {row["id"] for row in found[table.name]}
        return found

    def add_event(self, **values: Any) -> None:
        """An event of an alarm, whose id is no number."""
        self.rt.db.write(lambda tx: tx.execute(insert(AlarmEventRow).values(**values)))

    def batches(self, name: str, *, until: Callable[[], bool] = lambda: False) -> None:
        """One step of retention, batch by batch, until it has nothing more to do or the test has seen enough."""
        while True:
            terms = self.rt.db.read(lambda tx: terms_of(tx, self.rt.settings, now=self.now))
            assert terms is not None
            has_more = self.rt.db.write(lambda tx, at=terms: STEPS[name](tx, at, ROWS_AT_ONCE))  # type: ignore[misc]
            if not has_more or until():
                return

    def sweep(self) -> datetime | None:
        """What has happened is counted, and retention has a pass; when it wants to go on."""
        self.settle()
        return asyncio.run(retain.sweep(self.rt, self.now, None))

    def settle(self) -> None:
        """The totals of the metrics take in what has happened."""
        self.clock.advance(minutes=1)
        while True:
            before = self.rt.db.read(watch.counted_until)
            asyncio.run(watch.settle_tallies(self.rt, self.now))
            if self.rt.db.read(watch.counted_until) == before:
                return

    def totals(self) -> dict[str, dict[tuple[str, ...], float]]:
        """What the metrics tell."""
        found = self.rt.db.read(lambda tx: list(watch.totals(tx, now=self.now)))
        return {fact.name: {key: total.amount for key, total in totals.items()} for fact, totals in found}

    @contextmanager
    def counted_per_transaction(self) -> Iterator[list[int]]:
        """Gives how many rows each transaction inside took away or emptied."""
        sizes = [0]
        engine = self.rt.db.write_engine

        def note(_connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith(("DELETE", "UPDATE deliveries")):
                sizes[-1] += cursor.rowcount

        def close(_connection: Any) -> None:
            sizes.append(0)

        event.listen(engine, "after_cursor_execute", note)
        event.listen(engine, "commit", close)
        try:
            yield sizes
        finally:
            event.remove(engine, "after_cursor_execute", note)
            event.remove(engine, "commit", close)

    def _end_what_is_under_way(self) -> None:
        messages, runs = table_of(NotificationRow), table_of(RunRow)
        waiting = messages.c.status.in_([NotificationStatus.PENDING, NotificationStatus.HELD])
        ended = {"status": RunStatus.NOTIFIED, "completed_at": self.now, "updated_at": self.now}
        self.rt.db.write(lambda tx: tx.execute(messages.update().where(waiting).values(status=NotificationStatus.SENT)))
        self.rt.db.write(lambda tx: tx.execute(runs.update().where(runs.c.completed_at.is_(None)).values(ended)))


@pytest.fixture
def appliance(rt: Runtime, clock: FrozenClock) -> Appliance:
    """An appliance where counting has begun and nothing has happened yet."""
    admin = add_admin(rt)
    source, _key = catalogue.create_source(
        rt, name="prod", grouping=Grouping.GROUP_KEY, pipeline="direct", actor=admin, now=clock.now()
    )
    house = Appliance(rt, clock, admin, source)
    house.settle()
    return house
