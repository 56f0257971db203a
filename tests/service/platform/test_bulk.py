"""Many rows at once are the rows that one statement each would have made."""

import pytest
from sqlalchemy import insert, select

from app.incidents.models import IncidentRow, TimelineRow
from app.incidents.types import IncidentStatus, Severity, TimelineKind
from app.platform.bulk import insert_many
from app.platform.db import Db, Tx
from app.platform.tables import table_of
from tests.support.clock import START


def line(seq: int, **more: object) -> dict[str, object]:
    return {
        "incident_id": 1, "seq": seq, "kind": TimelineKind.NOTE, "text": f"Zürich «{seq}» ☎", "actor_name": "Ravi",
        "source": "ui", "at": START, **more,
    }  # fmt: skip


def open_incident(tx: Tx) -> None:
    tx.execute(
        insert(IncidentRow).values(
            id=1, title="t", status=IncidentStatus.TRIGGERED, severity=Severity.INFO, group_key="g",
            episode_started_at=START, created_at=START, updated_at=START,
        )
    )  # fmt: skip


def test_rows_come_back_as_those_of_a_plain_insert(db: Db) -> None:
    rows = [line(1), line(2, data={"a": [1, None, {"b": "ü"}]}, actor_id=None), line(3, data={})]

    def write(tx: Tx) -> None:
        open_incident(tx)
        insert_many(tx, TimelineRow, rows[:2])
        insert_many(tx, TimelineRow, rows[2:])
        insert_many(tx, TimelineRow, [])
        for row in rows:
            tx.execute(insert(TimelineRow).values(**{**row, "seq": 10 + int(str(row["seq"]))}))

    db.write(write)
    columns = [column for column in table_of(TimelineRow).columns if column.name not in ("id", "seq")]
    found = db.read(
        lambda tx: [tuple(row) for row in tx.execute(select(*columns).order_by(table_of(TimelineRow).c.seq))]
    )
    assert found[:3] == found[3:]
    assert len(found) == 6


def test_word_that_is_no_member_and_time_without_a_zone_are_refused(db: Db) -> None:
    def write(tx: Tx, **wrong: object) -> None:
        open_incident(tx)
        insert_many(tx, TimelineRow, [line(1), line(2, **wrong)])

    with pytest.raises(ValueError, match="shouted"):
        db.write(lambda tx: write(tx, kind="shouted"))
    with pytest.raises(ValueError, match="zone"):
        db.write(lambda tx: write(tx, at=START.replace(tzinfo=None)))
    assert db.read(lambda tx: tx.scalar(select(table_of(TimelineRow).c.id))) is None
