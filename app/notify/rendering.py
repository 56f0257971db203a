"""From facts to words: subject, text and HTML of every message, made when it is claimed, outside any transaction.

What is known by then goes in, so that a page carries what was found meanwhile. Values only; nothing is sent here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.notify.action_links import LinkAction, token_for
from app.notify.alarm_text import alarm_values
from app.notify.findings import NOTHING_FOUND, Findings
from app.notify.rules import event_of
from app.notify.texts import clipped, digits, listed, spoken, text_message
from app.notify.times import shown_length, shown_time
from app.notify.types import Claim, Message, MessageAction, Notification, NotificationKind, Thread
from app.platform.markdown import to_html
from app.platform.secrets import SecretBox
from app.platform.types import JsonObject

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "notify"
# As pages say it that somebody gets because they came on call (`escalation.rules.StepReason`).
INHERITED = "inherited"
SHAPES = {"critical": "●", "warning": "▲", "info": "■"}
LISTED_AT_MOST = 20
LABELS_AT_MOST = 12
TITLE_LIMIT = 160
TEXT_LIMIT = 2000
SHORT_TITLE = 40
# The sealed configuration of a message that brought its own stays in its row.
NOT_TOLD = ("labels", "text", "config", "checks", "analysis", "template", "event_ids")
STILL_TO_DO = {
    "triggered": (LinkAction.ACKNOWLEDGE, LinkAction.RESOLVE, LinkAction.ESCALATE),
    "acknowledged": (LinkAction.RESOLVE, LinkAction.ESCALATE),
}
_TOKEN = re.compile(r"/a/[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class Site:
    """Where this PagerPal is, and what signs its links."""

    base_url: str
    secrets: SecretBox

    @property
    def host(self) -> str:
        """The right-hand side of our message ids."""
        return urlsplit(self.base_url).hostname or "pagerpal.invalid"


@dataclass(frozen=True, slots=True)
class About:
    """The incident that a message is about, as it is now; times are UTC."""

    incident_id: int
    title: str
    severity: str
    status: str
    description: str
    summary: str
    created_at: datetime
    alert_count: int
    firing_alert_count: int
    findings: Findings = NOTHING_FOUND


@dataclass(frozen=True, slots=True)
class Occasion:
    """All that a message is made of besides its row: the incidents, the reader's zone, the channel's name, the time.

    `thread` is where the same reader was told of the incident first.
    """

    now: datetime
    incidents: Mapping[int, About]
    zone: str = "UTC"
    channel_name: str = ""
    thread: Thread | None = None


class _Place(TypedDict):
    incident_id: int | None
    event: str
    status: str
    link: str
    actions: tuple[MessageAction, ...]
    thread_ref: str
    thread_is_shared: bool


def compose(claim: Claim, site: Site, occasion: Occasion) -> Message:
    """The message of a claim. Raises jinja2.TemplateError, KeyError, TypeError or ValueError for facts that it cannot
    tell; `compose_plainly` can tell any."""
    head = claim.notification
    about = occasion.incidents.get(head.incident_id or 0)
    if head.kind is NotificationKind.DIGEST:
        return _message(claim, site, occasion, "digest", _bundle_values(claim, site, occasion), about)
    if head.kind is NotificationKind.PAGE and claim.bundled:
        return _message(claim, site, occasion, "bundle", _bundle_values(claim, site, occasion), about)
    if head.kind is NotificationKind.PAGE and about is not None:
        return _message(claim, site, occasion, "page", _page_values(claim, about, site, occasion), about)
    if head.kind is NotificationKind.TEAM and about is not None:
        return _message(claim, site, occasion, "team", _team_values(head, about, site, occasion), about)
    if head.kind is NotificationKind.ALARM:
        late = _late(head, occasion)
        values = alarm_values(head.facts, base_url=site.base_url, late=late, is_repeat=head.possible_repeat)
        return _message(claim, site, occasion, "alarm", values, about)
    return _message(claim, site, occasion, "plain", _plain_values(head, site), about)


def compose_plainly(claim: Claim, site: Site, occasion: Occasion) -> Message:
    """The least that can be said, without any template: a page is never lost to its own text."""
    head = claim.notification
    about = occasion.incidents.get(head.incident_id or 0)
    title = _title(about.title if about else head.facts.get("title") or "PagerPal")
    number = f"#{head.incident_id} " if head.incident_id else ""
    subject = _marked(f"{number}{title}", claim)
    more = f"\nand {len(claim.bundled)} more" if claim.bundled else ""
    where = f"\n\n{site.base_url}/incidents/{head.incident_id}" if head.incident_id else ""
    text = f"{subject}{more}{where}\n"
    return Message(
        notification_id=head.id,
        idempotency_key=head.idempotency_key,
        to=head.address,
        subject=subject,
        text=text,
        html="",
        severity=about.severity if about else "info",
        message_id=_message_id(head, site),
        thread_ids=_thread(about, site),
        possible_repeat=claim.is_repeat,
        facts={"title": title, "message": text},
        short=clipped(text),
        spoken=spoken(subject),
        **_place(claim, about, site, occasion),
    )


def kept_text(claim: Claim, message: Message) -> tuple[str, str]:
    """Subject and body as they are kept and shown later: without what would let a reader act for somebody else."""
    head = claim.notification
    if head.kind is NotificationKind.TEST and head.contact_method_id is not None:
        return "Verification code", ""
    return message.subject, _TOKEN.sub("/a/***", message.text)


def why_lines(facts: JsonObject) -> list[str]:
    """Why somebody is told, one reason a line: alert, policy and level, assignee and slot, notification rule (B15)."""
    why = facts.get("why")
    reasons: dict[str, Any] = why if isinstance(why, dict) else {}
    lines = []
    if facts.get("alert_name"):
        lines.append(f"Alert {facts['alert_name']} from {facts.get('source') or 'an alert source'}")
    elif facts.get("source"):
        lines.append(f"Incident {facts['source']}")
    elif facts.get("alarm"):
        lines.append(f"Alarm {facts['alarm']}")
    if reasons:
        lines.append(_level_line(facts, reasons))
        if reasons.get("via") and facts.get("level"):
            lines.append(str(reasons["via"]))
        minutes = reasons.get("rule_delay_minutes") or 0
        when = f"after {minutes} min" if minutes else "at once"
        lines.append(f"Notification rule: {facts.get('urgency', 'high')} urgency, {when}")
    return lines


def _is_inherited(each: Notification) -> bool:
    why = each.facts.get("why")
    return isinstance(why, dict) and why.get("reason") == INHERITED


def _headline(claim: Claim) -> str:
    """What a message is about that says several pages, or one that came with the duty; empty for any other page."""
    if claim.notification.kind is NotificationKind.DIGEST:
        count = len(claim.bundled)
        return f"Digest: {count} incident{'' if count == 1 else 's'} waited for you"
    count = len(claim.all)
    if all(_is_inherited(each) for each in claim.all):
        return f"You inherit {count} open incident{'' if count == 1 else 's'}"
    return f"{count} more incidents" if count > 1 else ""


def _level_line(facts: JsonObject, reasons: Mapping[str, Any]) -> str:
    level, levels, plan = facts.get("level"), facts.get("levels"), facts.get("plan")
    if not level and not levels:
        return "Fallback: no policy, schedule or team is set for it, so all admins are paged"
    if not level:
        return "Fallback: nobody else could be reached or answered, so all admins are paged"
    version = reasons.get("policy_version")
    named = f"policy {plan}" if reasons.get("policy_id") else str(plan)
    return f"{named}, level {level} of {levels}" + (f" (version {version})" if version else "")


def _page_values(claim: Claim, about: About, site: Site, occasion: Occasion) -> dict[str, Any]:
    head, facts = claim.notification, claim.notification.facts
    level, levels = facts.get("level"), facts.get("levels")
    offered = _actions(head, about, site)
    return {
        "about": _shown(about, occasion),
        "headline": _headline(claim),
        "source": facts.get("source") or "",
        "alert_name": facts.get("alert_name") or "",
        "labels": _labels(facts),
        "text": _clip(_with(about.summary or _said(facts) or about.description, about.findings), TEXT_LIMIT),
        "level": f"level {level} of {levels}" if level else "fallback: all admins",
        "plan": facts.get("plan") if levels else "",
        "why": why_lines(facts),
        "late": _late(head, occasion),
        "actions": [(each.name, each.url) for each in offered if each.name != LinkAction.NOT_USEFUL],
        "not_useful_url": next((each.url for each in offered if each.name == LinkAction.NOT_USEFUL), ""),
        "incident_url": _incident_url(about.incident_id, site),
        "runbook_url": _web_address(facts.get("runbook_url")),
        "repeat": claim.is_repeat,
        "user_name": facts.get("user_name") or "",
    }


def _bundle_values(claim: Claim, site: Site, occasion: Occasion) -> dict[str, Any]:
    said = claim.bundled if claim.notification.kind is NotificationKind.DIGEST else claim.all
    listed = [_listed(each, site, occasion) for each in said]
    listed.sort(key=lambda each: (_rank(each["severity"]), each["number"]))
    facts = claim.notification.facts
    return {
        "count": len(listed),
        "headline": _headline(claim),
        "inherited": all(_is_inherited(each) for each in claim.all),
        "severity": listed[0]["severity"],
        "shape": listed[0]["shape"],
        "listed": listed[:LISTED_AT_MOST],
        "unlisted": max(0, len(listed) - LISTED_AT_MOST),
        "late": _late(claim.notification, occasion),
        "list_url": f"{site.base_url}/incidents?status=open",
        "repeat": claim.is_repeat,
        "user_name": facts.get("user_name") or "",
    }


def _team_values(head: Notification, about: About, site: Site, occasion: Occasion) -> dict[str, Any]:
    facts = head.facts
    return {
        "about": _shown(about, occasion),
        "event": str(facts.get("event") or about.status),
        "text": _clip(
            _with(str(facts.get("text") or about.summary or about.description), Findings.of(facts)), TEXT_LIMIT
        ),
        "labels": _labels(facts),
        "late": _late(head, occasion),
        "incident_url": _incident_url(about.incident_id, site),
        "repeat": head.possible_repeat,
    }


def _plain_values(head: Notification, site: Site) -> dict[str, Any]:
    facts = head.facts
    return {
        "title": _title(facts.get("title") or "Message from PagerPal"),
        "text": _clip(_with(str(facts.get("text") or ""), Findings.of(facts)), TEXT_LIMIT),
        "link_url": _own_address(facts.get("link"), site),
        "repeat": head.possible_repeat,
        "base_url": site.base_url,
    }


def _message(
    claim: Claim, site: Site, occasion: Occasion, template: str, values: dict[str, Any], about: About | None
) -> Message:
    head = claim.notification
    subject = _marked(_subject(claim, about, values), claim)
    text = _ENVIRONMENT.get_template(f"{template}.txt").render(values)
    return Message(
        notification_id=head.id,
        idempotency_key=head.idempotency_key,
        to=head.address,
        subject=subject,
        text=text,
        html=_ENVIRONMENT.get_template(f"{template}.html").render(values, subject=subject),
        severity=str(values.get("severity") or (about.severity if about else head.facts.get("severity")) or "info"),
        message_id=_message_id(head, site),
        thread_ids=_thread(None if claim.bundled else about, site),
        possible_repeat=claim.is_repeat,
        facts={
            **_told(claim, about, site, occasion, subject=subject, text=text),
            "news": str(values.get("text") or ""),
        },
        short=_short(claim, about, site, occasion, values),
        spoken=_spoken(claim, about, values),
        **_place(claim, about, site, occasion),
    )


def _place(claim: Claim, about: About | None, site: Site, occasion: Occasion) -> _Place:
    """Where the message belongs: its incident and thread, what it is about, and what can be done."""
    head = claim.notification
    own = _own_address(head.facts.get("link"), site)
    link = f"{site.base_url}/incidents?status=open" if claim.bundled else own
    return {
        "incident_id": None if about is None or claim.bundled else about.incident_id,
        "event": event_of(head),
        "status": about.status if about else "",
        "link": link or (_incident_url(about.incident_id, site) if about else ""),
        "actions": () if claim.bundled else _actions(head, about, site),
        "thread_ref": occasion.thread.ref if occasion.thread else "",
        "thread_is_shared": occasion.thread is not None and occasion.thread.is_shared,
    }


def _short(claim: Claim, about: About | None, site: Site, occasion: Occasion, values: Mapping[str, Any]) -> str:
    """What a text message says: number and severity are never cut, the title gives way."""
    repeat = "Possible repeat: " if claim.is_repeat else ""
    head = claim.notification
    if claim.bundled:
        shown = [
            f"#{each['number']} {each['severity'].upper()} {_clip(each['title'], SHORT_TITLE)}"
            for each in (_listed(row, site, occasion) for row in claim.all)
        ]
        link = f"{site.base_url}/incidents?status=open"
        return listed(f"{repeat}{_headline(claim)}:", shown, f"Reply ACK and a number, or {link}")
    if about is None:
        link = str(values.get("link_url") or "")
        return clipped(" ".join(part for part in (f"{repeat}{values['title']}.", values.get("text"), link) if part))
    number, url = about.incident_id, _incident_url(about.incident_id, site)
    opening = f"{repeat}{about.severity.upper()} #{number}"
    if head.kind is not NotificationKind.PAGE:
        return text_message(f"{opening} {event_of(head)}:", about.title, url, "")
    links = [each.url for each in _actions(head, about, site) if each.name == LinkAction.ACKNOWLEDGE and each.url]
    reply = f"Reply ACK {number}"
    return text_message(opening, about.title, *(f"{reply} or {link}" for link in (*links, url)), reply)


def _spoken(claim: Claim, about: About | None, values: Mapping[str, Any]) -> str:
    """What a voice says; which digit does what is said by the channel that can hear one."""
    repeat = "Possibly a repeat. " if claim.is_repeat else ""
    if claim.bundled:
        numbers = ", ".join(digits(each.incident_id or 0) for each in claim.all[:LISTED_AT_MOST])
        return f"{repeat}PagerPal. {_headline(claim)}. Numbers {numbers}."
    if about is None:
        return spoken(f"{repeat}PagerPal. {values['title']}. {values.get('text') or ''}")
    what = "" if claim.notification.kind is NotificationKind.PAGE else f" {event_of(claim.notification)}"
    opening = f"{repeat}PagerPal. {about.severity.capitalize()} incident{what}, number {digits(about.incident_id)}."
    return f"{opening} {spoken(_title(about.title))}."


def _subject(claim: Claim, about: About | None, values: Mapping[str, Any]) -> str:
    # Mail programs fold by subject too: nothing that changes from page to page of one incident may stand here.
    if claim.bundled:
        return f"[{str(values['severity']).upper()}] {values['headline']}"
    if about is None:
        return str(values["title"])
    return f"[{about.severity.upper()}] #{about.incident_id} {_title(about.title)}"


def _told(claim: Claim, about: About | None, site: Site, occasion: Occasion, *, subject: str, text: str) -> JsonObject:
    """The same as data: what generic HTTP posts and what operators' templates are given (keys of document 001)."""
    head, facts = claim.notification, claim.notification.facts
    told: JsonObject = {
        "kind": head.kind.value,
        "event": facts.get("event") or ("page" if head.kind is NotificationKind.PAGE else head.kind.value),
        "title": _title(about.title) if about else subject,
        "message": text,
        "severity": about.severity if about else facts.get("severity") or "info",
        "channel": facts.get("channel") or occasion.channel_name or head.channel,
        "tags": dict(_labels(facts)),
        "context": facts.get("context") or {key: value for key, value in facts.items() if key not in NOT_TOLD},
        "incident": None,
        "links": {},
        "bundle": [_incident_facts(occasion.incidents.get(each.incident_id or 0), site) for each in claim.bundled],
    }
    if about is not None:
        told["incident"] = _incident_facts(about, site, facts)
        links: JsonObject = {"incident": _incident_url(about.incident_id, site)}
        told["links"] = links | {each.name: each.url for each in _actions(head, about, site) if each.url}
    return told


def _incident_facts(about: About | None, site: Site, facts: JsonObject | None = None) -> JsonObject:
    if about is None:
        return {}
    findings = Findings.of(facts or {})
    findings = findings if findings.checks or findings.analysis else about.findings
    return {
        "id": about.incident_id,
        "number": about.incident_id,
        "title": about.title,
        "severity": about.severity,
        "status": about.status,
        "description": about.description,
        "summary": about.summary,
        "summaries": [*([about.summary] if about.summary else []), *findings.summaries],
        "metrics": findings.metrics,
        "recommendations": findings.recommendations,
        "created_at": about.created_at.isoformat(),
        "alert_count": about.alert_count,
        "firing_alert_count": about.firing_alert_count,
        "url": _incident_url(about.incident_id, site),
    }


def _with(text: str, findings: Findings) -> str:
    """What is said, and below it what was found meanwhile."""
    return "\n\n".join(part for part in (text, findings.text) if part)


def _shown(about: About, occasion: Occasion) -> dict[str, Any]:
    return {
        "number": about.incident_id,
        "title": _title(about.title),
        "severity": about.severity,
        "shape": SHAPES.get(about.severity, "■"),
        "status": about.status,
        "since": shown_time(about.created_at, occasion.zone),
        "age": shown_length(occasion.now - about.created_at),
        "alerts": about.alert_count,
        "firing": about.firing_alert_count,
    }


def _listed(each: Notification, site: Site, occasion: Occasion) -> dict[str, Any]:
    about = occasion.incidents.get(each.incident_id or 0)
    unknown = {"number": each.incident_id or 0, "title": "incident", "severity": "info", "shape": SHAPES["info"]}
    shown: dict[str, Any] = _shown(about, occasion) if about else {**unknown, "age": ""}
    links = {action.name: action.url for action in _actions(each, about, site)}
    url = _incident_url(each.incident_id or 0, site)
    return {**shown, "url": url, "acknowledge_url": links.get(LinkAction.ACKNOWLEDGE, url)}


def _actions(head: Notification, about: About | None, site: Site) -> tuple[MessageAction, ...]:
    """What can be done about the incident of a message; only one person's message has links to do it with."""
    if head.incident_id is None or head.kind not in (NotificationKind.PAGE, NotificationKind.TEAM):
        return ()
    offered = tuple(LinkAction)
    if head.kind is NotificationKind.TEAM:
        offered = STILL_TO_DO.get(about.status if about else "", ())
    return tuple(_action(site, head.id, each, head.created_at, head.user_id is not None) for each in offered)


@lru_cache(maxsize=256)
def _action(site: Site, notification_id: int, action: LinkAction, created_at: datetime, is_link: bool) -> MessageAction:
    # Kept for a moment: mail, text message and data of one message each ask for the same.
    token = token_for(site.secrets, notification_id, action, created_at=created_at)
    return MessageAction(action.value, token, f"{site.base_url}/a/{token}" if is_link else "")


def _message_id(head: Notification, site: Site) -> str:
    return f"<notification-{head.id}.{head.idempotency_key[:12]}@{site.host}>"


def _thread(about: About | None, site: Site) -> tuple[str, ...]:
    # Nobody ever gets the message of this name; every message of the incident answers it, so programs fold them.
    if about is None:
        return ()
    return (f"<incident-{about.incident_id}.{int(about.created_at.timestamp()):x}@{site.host}>",)


def _rank(severity: str) -> int:
    return list(SHAPES).index(severity) if severity in SHAPES else len(SHAPES)


def _marked(subject: str, claim: Claim) -> str:
    return f"{subject} (possible repeat)" if claim.is_repeat else subject


def _late(head: Notification, occasion: Occasion) -> str:
    return shown_length(timedelta(seconds=head.late_by_seconds)) if head.late_by_seconds else ""


def _labels(facts: JsonObject) -> Sequence[tuple[str, str]]:
    labels = facts.get("labels")
    items = list(labels.items()) if isinstance(labels, dict) else []
    return [(str(name), _clip(str(value), TITLE_LIMIT)) for name, value in items[:LABELS_AT_MOST]]


def _said(facts: JsonObject) -> str:
    return str(facts.get("summary") or facts.get("description") or "")


def _incident_url(incident_id: int, site: Site) -> str:
    return f"{site.base_url}/incidents/{incident_id}"


def _own_address(path: object, site: Site) -> str:
    return f"{site.base_url}{path}" if isinstance(path, str) and path.startswith("/") else ""


def _web_address(value: object) -> str:
    is_address = isinstance(value, str) and value.startswith(("https://", "http://"))
    return str(value) if is_address and not any(c.isspace() or c in "<>\"'" for c in str(value)) else ""


def _title(text: object) -> str:
    """One line, whatever the monitoring tool wrote: it becomes a subject."""
    return _clip(" ".join(str(text).split()), TITLE_LIMIT)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["markdown"] = to_html
