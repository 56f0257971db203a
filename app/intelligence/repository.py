"""Statements over intelligence providers and analysis runs; private to this context."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.sql import Select

from app.intelligence.models import AnalysisRow, ProviderRow
from app.intelligence.types import AnalysisRun, AnalysisStatus, IntelligenceProvider
from app.platform.db import Tx
from app.platform.tables import fields_of


def select_providers() -> Select[Any]:
    """Every provider."""
    return select(*fields_of(ProviderRow, IntelligenceProvider))


def select_runs() -> Select[Any]:
    """Every analysis run."""
    return select(*fields_of(AnalysisRow, AnalysisRun))


def provider_id_named(tx: Tx, name: str) -> int | None:
    """The id of the provider of that name."""
    found: int | None = tx.scalar(select(ProviderRow.id).where(ProviderRow.name == name))
    return found


def change_provider(tx: Tx, provider_id: int, values: Mapping[str, Any]) -> None:
    """Write these columns."""
    tx.execute(update(ProviderRow).where(ProviderRow.id == provider_id).values(**values))


def deactivate_all(tx: Tx) -> None:
    """Switch off whichever provider is active."""
    tx.execute(update(ProviderRow).where(ProviderRow.is_active).values(is_active=False))


def lock_providers(tx: Tx) -> None:
    """Lock every provider until the transaction ends (SQLite has one writer anyway)."""
    tx.execute(select(ProviderRow.id).order_by(ProviderRow.id).with_for_update())


def delete_provider(tx: Tx, provider_id: int) -> None:
    """Remove the provider."""
    tx.execute(delete(ProviderRow).where(ProviderRow.id == provider_id))


def change_run(tx: Tx, run_id: int, expected: AnalysisStatus, values: Mapping[str, Any]) -> bool:
    """Write these columns where the run still has the expected status; whether it had."""
    statement = update(AnalysisRow).where(AnalysisRow.id == run_id, AnalysisRow.status == expected)
    return tx.execute(statement.values(**values)).rowcount == 1
