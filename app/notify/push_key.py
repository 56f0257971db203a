"""The key by which push services know this PagerPal: of the settings, or made once and kept encrypted."""

from datetime import datetime

from app.platform.db import Tx
from app.platform.keeping import find_kept, keep
from app.platform.secrets import SecretBox
from app.platform.settings import Settings
from app.platform.webpush import new_private_key

NAME = "vapid"


def find_push_key(tx: Tx, settings: Settings, box: SecretBox) -> str | None:
    """The private key, None where there is none yet. Raises SecretUnreadable."""
    return settings.vapid_private_key or find_kept(tx, box, NAME)


def keep_push_key(tx: Tx, settings: Settings, box: SecretBox, *, now: datetime) -> str:
    """The private key, made now where there is none."""
    return settings.vapid_private_key or keep(tx, box, NAME, new_private_key, now=now)
