"""What the mail of an alarm says: its description, and every entity that fires. Values only.

Everything in it is known before anything is written, so that a preview is the mail.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

LISTED_AT_MOST = 100
CONTEXT_LIMIT = 2000
DESCRIPTION_LIMIT = 10_000


class ListedDetection(TypedDict):
    """One entity as the mail lists it; `since` is empty for one that is new."""

    subject: str
    context: str
    since: str


def alarm_values(facts: Mapping[str, Any], *, base_url: str, late: str, is_repeat: bool) -> dict[str, Any]:
    """What the templates of an alarm's mail are given. Raises KeyError, TypeError or ValueError for strange facts."""
    listed = [_listed(each) for each in facts.get("detections") or ()]
    unlisted = int(facts.get("unlisted") or 0)
    description = _clip(str(facts.get("text") or "").strip(), DESCRIPTION_LIMIT)
    said = [f"• {each['subject']}{_since(each)}" for each in listed] + ([f"and {unlisted} more"] if unlisted else [])
    return {
        "title": str(facts.get("title") or "Alarm"),
        "description": description,
        "detections": listed,
        "unlisted": unlisted,
        # What a chat shows, which has its own form for the rest.
        "text": "\n\n".join(part for part in (description, "\n".join(said)) if part),
        "severity": str(facts.get("severity") or "warning"),
        "link_url": f"{base_url}{facts.get('link') or '/alarms'}",
        "alarm": str(facts.get("alarm") or ""),
        "late": late,
        "repeat": is_repeat,
        "is_synthetic": bool(facts.get("is_synthetic")),
        "base_url": base_url,
    }


def _listed(each: Mapping[str, Any]) -> ListedDetection:
    since = each.get("since")
    shown = f"{datetime.fromisoformat(since):%Y-%m-%d %H:%M} UTC" if since else ""
    context = _clip(str(each.get("context") or "").strip(), CONTEXT_LIMIT)
    return {"subject": str(each["subject"]), "context": context, "since": shown}


def _since(each: ListedDetection) -> str:
    return f" (since {each['since']})" if each["since"] else ""


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
