"""Secrets that this installation makes for itself and must never lose: kept in the database, encrypted, by name."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.platform.db import Tx
from app.platform.models import KeptSecretRow
from app.platform.secrets import SecretBox


def find_kept(tx: Tx, box: SecretBox, name: str) -> str | None:
    """The secret of that name, None where none was made. Raises SecretUnreadable."""
    sealed: str | None = tx.scalar(select(KeptSecretRow.sealed).where(KeptSecretRow.name == name))
    return None if sealed is None else box.decrypt(sealed)


def keep(tx: Tx, box: SecretBox, name: str, make: Callable[[], str], *, now: datetime) -> str:
    """The secret of that name, made now where there is none; of two processes that make one, one wins."""
    known = find_kept(tx, box, name)
    if known is not None:
        return known
    statement = (sqlite_insert if tx.dialect == "sqlite" else postgresql_insert)(KeptSecretRow)
    tx.execute(statement.on_conflict_do_nothing(), [{"name": name, "sealed": box.encrypt(make()), "created_at": now}])
    made = find_kept(tx, box, name)
    if made is None:
        raise RuntimeError(f"the secret {name} was not kept")
    return made
