"""Signed links in messages: a token names a message, an action and an expiry; nothing of it is stored (B31).

The token is URL-safe base64 of 13 bytes (message id, expiry in Unix seconds, action) and their HMAC-SHA256. It follows
from the message alone, so that a message that is sent again carries the same links. A phone call gets a token of its
own kind, which is good for as long as a call may take to be placed and answered.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.notify.errors import ActionLinkExpired, ActionLinkUnknown
from app.platform.secrets import SecretBox

VALID_FOR = timedelta(days=7)
CALL_VALID_FOR = timedelta(hours=1)
PURPOSE = "action-link"
CALL_PURPOSE = "phone-call"
_FORM = struct.Struct(">QIB")
_SIGNATURE_BYTES = 32


class LinkAction(StrEnum):
    """What a link in a message can do; the order is that of the buttons, and must never change."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    NOT_USEFUL = "not_useful"

    @property
    def words(self) -> str:
        """As a person reads it: `not useful`."""
        return self.value.replace("_", " ")


_ACTIONS = tuple(LinkAction)


@dataclass(frozen=True, slots=True)
class ActionLink:
    """What a token says."""

    notification_id: int
    action: LinkAction
    expires_at: datetime


def token_for(box: SecretBox, notification_id: int, action: LinkAction, *, created_at: datetime) -> str:
    """The token of a message's link; `created_at` is when the message was written."""
    return _sealed(box, PURPOSE, notification_id, _ACTIONS.index(action), created_at + VALID_FOR)


def read_token(box: SecretBox, token: str, *, now: datetime) -> ActionLink:
    """What the token says. Raises ActionLinkUnknown for one that we did not make, ActionLinkExpired."""
    notification_id, number, expires_at = _opened(box, PURPOSE, token, now)
    if number >= len(_ACTIONS):
        raise ActionLinkUnknown
    return ActionLink(notification_id, _ACTIONS[number], expires_at)


def call_token_for(box: SecretBox, notification_id: int, *, now: datetime) -> str:
    """The token by which a phone call about a page is told and answered: `/integrations/twilio_voice/?token=…`."""
    return _sealed(box, CALL_PURPOSE, notification_id, 0, now + CALL_VALID_FOR)


def read_call_token(box: SecretBox, token: str, *, now: datetime) -> int:
    """The notification that a call is about. Raises ActionLinkUnknown, ActionLinkExpired."""
    return _opened(box, CALL_PURPOSE, token, now)[0]


def _sealed(box: SecretBox, purpose: str, notification_id: int, number: int, expires_at: datetime) -> str:
    said = _FORM.pack(notification_id, int(expires_at.timestamp()), number)
    signature = bytes.fromhex(box.sign(purpose, said))
    return urlsafe_b64encode(said + signature).decode("ascii").rstrip("=")


def _opened(box: SecretBox, purpose: str, token: str, now: datetime) -> tuple[int, int, datetime]:
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (Base64Error, UnicodeError, ValueError):
        raise ActionLinkUnknown from None
    said, signature = raw[: _FORM.size], raw[_FORM.size :]
    if len(signature) != _SIGNATURE_BYTES or not box.verify(purpose, said, signature.hex()):
        raise ActionLinkUnknown
    notification_id, expires, number = _FORM.unpack(said)
    expires_at = datetime.fromtimestamp(expires, UTC)
    if now >= expires_at:
        raise ActionLinkExpired
    return notification_id, number, expires_at
