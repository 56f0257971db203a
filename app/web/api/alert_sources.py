"""`/api/v1/alert-sources`: the tools that may post, their keys, test alerts and what is in quarantine."""

from typing import Annotated

from fastapi import Query

from app.alerts import queries
from app.alerts.types import AlertSource
from app.platform.db import Tx
from app.usecases import catalogue, intake
from app.web.api.catalogue_schemas import (
    DeliveryAccepted,
    KeyOut,
    KeyRegeneration,
    QuarantinedOut,
    Reparse,
    SourceChange,
    SourceMade,
    SourceNew,
    SourceOut,
    TestAlert,
)
from app.web.api.pages import PageOut, page_out
from app.web.deps import Id, IdentityDep, NowDep, PageDep, RuntimeDep


def list_sources(
    rt: RuntimeDep, page: PageDep, now: NowDep, q: Annotated[str, Query(max_length=200)] = ""
) -> PageOut[SourceOut]:
    """One page of alert sources, by name."""

    def read(tx: Tx) -> PageOut[SourceOut]:
        found = queries.list_sources(tx, page, q=q)
        keys = queries.keys_by_source(tx, [source.id for source in found.items], now=now)
        return page_out(found, lambda source: SourceOut.of(source, keys.get(source.id, [])))

    return rt.db.read(read)


def show(source_id: Id, rt: RuntimeDep, now: NowDep) -> SourceOut:
    """One alert source."""

    def read(tx: Tx) -> SourceOut:
        return SourceOut.of(queries.get_source(tx, source_id), queries.keys_of(tx, source_id, now=now))

    return rt.db.read(read)


def create(body: SourceNew, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SourceMade:
    """Add an alert source; its key is in this answer and nowhere else."""
    source, key = catalogue.create_source(rt, **body.model_dump(), actor=identity.user, now=now)
    return _made(source, key, rt, now)


def change(source_id: Id, body: SourceChange, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> SourceOut:
    """Change the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    config = changes.pop("config", None)
    catalogue.update_source(rt, source_id=source_id, changes=changes, config=config, actor=identity.user, now=now)
    return show(source_id, rt, now)


def delete(source_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """Take an alert source without open incidents out of use."""
    catalogue.delete_source(rt, source_id=source_id, actor=identity.user, now=now)


def regenerate_key(
    source_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: KeyRegeneration | None = None
) -> SourceMade:
    """Make a new key; the old one goes on for a day unless told otherwise."""
    hours = (body or KeyRegeneration()).keep_old_hours
    source, key = catalogue.regenerate_key(rt, source_id=source_id, keep_old_hours=hours, actor=identity.user, now=now)
    return _made(source, key, rt, now)


def list_keys(source_id: Id, rt: RuntimeDep, now: NowDep) -> list[KeyOut]:
    """The keys that still open, newest first."""

    def read(tx: Tx) -> list[KeyOut]:
        queries.get_source(tx, source_id)
        return [KeyOut.model_validate(key) for key in queries.keys_of(tx, source_id, now=now)]

    return rt.db.read(read)


def revoke_key(source_id: Id, key_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep) -> None:
    """End one key at once."""
    catalogue.revoke_key(rt, source_id=source_id, key_id=key_id, actor=identity.user, now=now)


def send_test_alert(
    source_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: TestAlert | None = None
) -> DeliveryAccepted:
    """Fire a test alert that pages like any other, or let those that fire recover."""
    wanted, actor = body or TestAlert(), identity.user
    if wanted.status == "resolved":
        result = intake.recover_test_alerts(rt, source_id=source_id, actor=actor, now=now)
    else:
        result = intake.send_test_alert(rt, source_id=source_id, severity=wanted.severity, actor=actor, now=now)
    return DeliveryAccepted.of(result)


def list_quarantine(source_id: Id, rt: RuntimeDep, page: PageDep) -> PageOut[QuarantinedOut]:
    """One page of deliveries that no driver could parse, newest first."""
    return page_out(rt.db.read(lambda tx: queries.quarantine_of(tx, source_id, page)), QuarantinedOut.of)


def reparse(
    source_id: Id, delivery_id: Id, rt: RuntimeDep, identity: IdentityDep, now: NowDep, body: Reparse | None = None
) -> DeliveryAccepted:
    """Parse a delivery in quarantine again; it then counts as if it had just come."""
    driver = body.driver if body else None
    result = intake.reparse(
        rt, source_id=source_id, delivery_id=delivery_id, driver=driver, actor=identity.user, now=now
    )
    return DeliveryAccepted.of(result)


def _made(source: AlertSource, key: str, rt: RuntimeDep, now: NowDep) -> SourceMade:
    keys = rt.db.read(lambda tx: queries.keys_of(tx, source.id, now=now))
    return SourceMade(**SourceOut.of(source, keys).model_dump(), api_key=key)
