"""Which source a key belongs to, in memory: intake never asks the database, and an unknown key costs nothing.

The ring is replaced whole when sources or keys change (the wake «sources»), and every few seconds in case another
process changed them: a revoked key dies everywhere within RELOAD_SECONDS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from app.alerts.models import SourceKeyRow
from app.alerts.repository import select_sources
from app.alerts.types import AlertSource, Severity, SourceOptions
from app.platform.db import Tx
from app.platform.secrets import SecretBox, SecretUnreadable, hash_token

RELOAD_SECONDS = 5.0
# The use of a key is written down for people who look whether a tool still has the old one: not at every delivery.
NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens: its source, and what the driver needs to know of it (the signing secret in the clear)."""

    key_id: int
    source: AlertSource
    options: SourceOptions
    expires_at: datetime | None
    last_used_at: datetime | None

    def use_to_note(self, now: datetime) -> int | None:
        """The key's id where its use is to be written down; None where that was done just now."""
        is_fresh = self.last_used_at is not None and now - self.last_used_at < NOTE_USE_EVERY
        return None if is_fresh else self.key_id


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every active key's digest and what it opens."""

    by_digest: Mapping[str, Access]

    def find(self, key: str, now: datetime) -> Access | None:
        """What the key opens; None for an unknown, revoked or expired one."""
        access = self.by_digest.get(hash_token(key))
        if access is None or (access.expires_at is not None and access.expires_at <= now):
            return None
        return access


def load_ring(tx: Tx, secrets: SecretBox, *, now: datetime) -> KeyRing:
    """Read every active key with its source."""
    sources = {source.id: source for source in tx.all(AlertSource, select_sources())}
    keys = select(
        SourceKeyRow.key_hash,
        SourceKeyRow.id,
        SourceKeyRow.source_id,
        SourceKeyRow.expires_at,
        SourceKeyRow.last_used_at,
    ).where(SourceKeyRow.revoked_at.is_(None), or_(SourceKeyRow.expires_at.is_(None), SourceKeyRow.expires_at > now))
    opened = {source_id: options_of(source, secrets) for source_id, source in sources.items()}
    return KeyRing(
        {
            digest: Access(key_id, sources[source_id], opened[source_id], expires_at, last_used_at)
            for digest, key_id, source_id, expires_at, last_used_at in tx.execute(keys)
        }
    )


def options_of(source: AlertSource, secrets: SecretBox) -> SourceOptions:
    """What the source's driver needs to know, with the signing secret decrypted."""
    config = source.config
    options = SourceOptions(
        timezone=str(config.get("timezone") or "UTC"),
        default_severity=Severity.named(config.get("default_severity")),
        signature_header=config.get("signature_header") or None,
        timestamp_header=config.get("timestamp_header") or None,
        topic_arn=config.get("topic_arn") or None,
    )
    sealed = config.get("signing_secret")
    if not sealed:
        return options
    try:
        return replace(options, signing_secret=secrets.decrypt(str(sealed)))
    except SecretUnreadable:
        # A secret that cannot be read must not switch the check off: nothing will match this one.
        return replace(options, signing_secret="\x00unreadable")  # noqa: S106
