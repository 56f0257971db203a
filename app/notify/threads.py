"""Threads: where an incident was told first, so that what becomes of it is told in the same place."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.notify.models import ThreadRow
from app.notify.rules import event_of
from app.notify.types import BUNDLE, Claim
from app.platform.db import Tx


def keep(tx: Tx, claim: Claim, ref: str) -> None:
    """Keep where a message was told that has gone out, for each incident that it is about; known ones hear the news.

    `ref` is the vendor's handle of the message.
    """
    told = [each for each in claim.all if each.incident_id is not None]
    rows = [
        {
            "incident_id": each.incident_id,
            "channel_id": each.channel_id,
            "contact_method_id": each.contact_method_id,
            "channel": each.channel,
            "ref": ref,
            "state": BUNDLE if claim.bundled else event_of(each),
        }
        for each in told
    ]
    if not rows:
        return
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(ThreadRow)
    tx.execute(statement.on_conflict_do_nothing(), rows)
    for each in told:
        tx.execute(
            update(ThreadRow)
            .where(
                ThreadRow.incident_id == each.incident_id,
                ThreadRow.ref == ref,
                ThreadRow.state != BUNDLE,
                ThreadRow.channel_id == each.channel_id
                if each.channel_id is not None
                else ThreadRow.contact_method_id == each.contact_method_id,
            )
            .values(state=event_of(each))
        )
