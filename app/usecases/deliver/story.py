"""Why a message was sent, and what became of it: the answer to «why was I woken?» (B15)."""

from app.incidents import queries as incidents
from app.notify import queries as outbox
from app.notify.rendering import why_lines
from app.notify.types import Attempt, Notification
from app.platform.clock import rfc3339
from app.platform.db import Tx
from app.platform.types import JsonObject


def why(tx: Tx, notification_id: int) -> JsonObject:
    """The reasons of a notification as data and as sentences, with its tries. Raises NotificationMissing."""
    notification = outbox.get_notification(tx, notification_id)
    facts = notification.facts
    reasons = facts.get("why")
    known: JsonObject = reasons if isinstance(reasons, dict) else {}
    carried = outbox.bundled_in(tx, notification_id)
    return {
        "notification_id": notification_id,
        "kind": notification.kind.value,
        "status": notification.status.value,
        "reasons": [*why_lines(facts), *_bundle_lines(notification, carried)],
        "incident": _incident(tx, notification.incident_id),
        "alert": {"id": facts.get("alert_id"), "name": facts.get("alert_name")} if facts.get("alert_id") else None,
        "source": facts.get("source"),
        "policy": _policy(facts, known),
        "level": notification.level,
        "levels": facts.get("levels"),
        "episode": notification.episode,
        "round": notification.round,
        "assignee": known.get("assignee"),
        "slot": known.get("via"),
        "user": {"id": notification.user_id, "name": facts.get("user_name")} if notification.user_id else None,
        "notification_rule": {
            "urgency": notification.urgency,
            "delay_minutes": notification.rule_delay_minutes,
            "contact_method_id": notification.contact_method_id,
            "channel": notification.channel,
        },
        "bundle": {"said_in": notification.bundle_id, "carries": [each.id for each in carried]},
        "attempts": [_attempt(each) for each in outbox.attempts_of(tx, notification_id)],
    }


def _incident(tx: Tx, incident_id: int | None) -> JsonObject | None:
    found = incidents.find_incident(tx, incident_id) if incident_id is not None else None
    return None if found is None else {"id": found.id, "title": found.title, "status": found.status.value}


def _policy(facts: JsonObject, known: JsonObject) -> JsonObject:
    return {"id": known.get("policy_id"), "version": known.get("policy_version"), "name": facts.get("plan")}


def _bundle_lines(notification: Notification, carried: list[Notification]) -> list[str]:
    if notification.bundle_id is not None:
        return [f"Said in the message of notification {notification.bundle_id}"]
    return [f"Its message also says {len(carried)} more"] if carried else []


def _attempt(attempt: Attempt) -> JsonObject:
    return {
        "attempt": attempt.attempt,
        "started_at": rfc3339(attempt.started_at),
        "ended_at": rfc3339(attempt.ended_at) if attempt.ended_at else None,
        "outcome": attempt.outcome or "in_flight",
        "error": attempt.error,
    }
