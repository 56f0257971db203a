"""What every way of sending mail has in common: whom to write to, the headers of ours, the incident as data."""

import json
import re

from app.notify.channels._base import PRIORITIES, DeliveryFailed, Message

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
ATTACHMENT = "incident.json"


def split_addresses(value: object) -> object:
    """`a@example.com, b@example.com` as a list; anything else as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def recipients(message: Message, to_addresses: tuple[str, ...]) -> list[str]:
    """The person, or the team's list. Raises DeliveryFailed, for good, when there is nobody."""
    found = [message.to] if message.to else list(to_addresses)
    if not found:
        raise DeliveryFailed("there is nobody to write to: to_addresses is empty", permanent=True)
    return found


def one_line(text: str) -> str:
    """A header's text: nothing in it can begin another header."""
    return _CONTROLS.sub(" ", text)


def own_headers(message: Message) -> dict[str, str]:
    """The headers that fold the mails of an incident, keep robots quiet, and mark what is urgent."""
    headers = {}
    if message.thread_ids:
        headers["In-Reply-To"] = message.thread_ids[-1]
        headers["References"] = " ".join(message.thread_ids)
    headers["Auto-Submitted"] = "auto-generated"
    headers["X-PagerPal-Notification"] = str(message.notification_id)
    if message.severity == "critical":
        headers["X-Priority"] = str(PRIORITIES[message.severity])
        headers["Importance"] = "high"
    return headers


def incident_json(message: Message) -> bytes:
    """The incident as JSON, which a team's mail carries (document 001)."""
    return json.dumps(message.facts, indent=1, ensure_ascii=False).encode()
