"""The judge: compares what the senders, the mail sink and the database say, and names every broken promise.

Pure over its evidence, so that a planted violation can be shown to be found.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.kill.facts import Facts, NotificationFact
from tests.kill.ledger import Ledger, Posting
from tests.kill.sink import Mail

OPEN = {"triggered", "acknowledged"}
SAID = {"sent", "delivered"}
WAITING = {"pending", "in_flight", "retrying", "unknown"}
# A send that was in flight when the acknowledgement was answered may still arrive; nothing may begin later than this.
IN_FLIGHT_SECONDS = 2.0
WINDOW_SECONDS = 65.0
NOTIFICATION_ID = re.compile(r"<notification[.-](\d+)[.@-]")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: which (reliability invariant) and the evidence in a sentence."""

    promise: str
    detail: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known after a drain."""

    ledger: Ledger
    mails: list[Mail]
    facts: Facts


def judge(evidence: Evidence) -> list[Violation]:
    """Every violation of every promise; empty when all hold."""
    return [violation for check in CHECKS for violation in check(evidence)]


def accepted_is_kept(evidence: Evidence) -> Iterator[Violation]:
    """I1: every alert answered 2xx has its row, its raw delivery, and the state that was accepted last."""
    alerts = {alert.name: alert for alert in evidence.facts.alerts}
    accepted = evidence.ledger.of("accepted")
    resolved = {posting.uid for posting in accepted if posting.kind == "resolved"}
    for posting in accepted:
        alert = alerts.get(alert_name(posting.uid))
        if alert is None:
            yield Violation("I1 accepted alert missing", f"{posting.uid} ({posting.kind}) has no alert row")
        elif posting.uid in resolved and alert.status != "resolved":
            yield Violation("I1 accepted alert missing", f"{posting.uid} was resolved, its row says {alert.status}")
        for trace_id in posting.trace_ids:
            if evidence.facts.deliveries.get(trace_id, 0) == 0:
                yield Violation("I1 accepted alert missing", f"{posting.uid} has no raw delivery {trace_id}")
        if alert is not None and posting.kind == "firing" and alert.incident_id is None:
            yield Violation("I1 accepted alert missing", f"{posting.uid} belongs to no incident")


def refused_is_absent(evidence: Evidence) -> Iterator[Violation]:
    """What was only ever refused must not be there."""
    names = {alert.name for alert in evidence.facts.alerts}
    for posting in evidence.ledger.of("refused"):
        if posting.kind == "firing" and alert_name(posting.uid) in names:
            yield Violation("refused alert stored", f"{posting.uid}: {posting.outcomes}")


def one_row_per_alert(evidence: Evidence) -> Iterator[Violation]:
    """I12: sending again makes no second alert row and no second incident."""
    for name, count in Counter(alert.name for alert in evidence.facts.alerts).items():
        if count > 1:
            yield Violation("I12 alert stored twice", f"{name} has {count} rows")
    for posting in evidence.ledger.of("accepted"):
        if len(posting.incident_ids) > 1:
            yield Violation("I12 two incidents for one alert", f"{posting.uid}: {sorted(posting.incident_ids)}")


def open_is_paged(evidence: Evidence) -> Iterator[Violation]:
    """I2: every open incident has a page that the sink received, alone or in a bundle."""
    by_id = {row.id: row for row in evidence.facts.notifications}
    arrived = {notification_id for mail in evidence.mails if (notification_id := notification_of(mail)) is not None}
    pages = defaultdict(list)
    for row in evidence.facts.notifications:
        if row.kind == "page" and row.incident_id is not None:
            pages[row.incident_id].append(row)
    for incident in evidence.facts.incidents:
        if incident.status != "triggered":
            continue
        rows = pages[incident.id]
        if not any(_reached(row, by_id, arrived, evidence.facts.read_at) for row in rows):
            states = [(row.id, row.status, row.bundle_id) for row in rows]
            yield Violation("I2 open incident not paged", f"incident {incident.id}, its pages: {states}")


def _reached(row: NotificationFact, by_id: dict[int, NotificationFact], arrived: set[int], now: float) -> bool:
    if row.status in SAID:
        return row.id in arrived
    if row.status == "bundled":
        bundle = by_id.get(row.bundle_id or -1)
        return bundle is not None and bundle.id in arrived
    # Held until the end of the storm window: not said yet, but it has its time.
    return row.status in {"pending", "held"} and row.due_at is not None and now <= row.due_at <= now + WINDOW_SECONDS


def said_is_recorded(evidence: Evidence) -> Iterator[Violation]:
    """After a drain nothing that is due hangs, every row that says sent arrived, and every mail has its row."""
    arrived = {notification_of(mail) for mail in evidence.mails}
    known = {row.id for row in evidence.facts.notifications}
    for row in evidence.facts.notifications:
        if row.status in SAID and row.id not in arrived:
            yield Violation("sent without a message", f"notification {row.id} says {row.status}, nothing arrived")
        if row.status in WAITING and (row.due_at or 0) <= evidence.facts.read_at:
            yield Violation("notification hangs", f"notification {row.id} is still {row.status} after the drain")
        if row.status in {"failed", "exhausted"}:
            yield Violation("notification failed", f"notification {row.id} is {row.status} with a working mail server")
    for mail in evidence.mails:
        if notification_of(mail) not in known:
            yield Violation("message without a row", f"{mail.message_id} «{mail.subject}» to {mail.recipients}")


def no_unexplained_double(evidence: Evidence) -> Iterator[Violation]:
    """I5: one message per page; a second one only after a kill in between, and marked as a possible repeat."""
    kills = [kill.at for kill in evidence.ledger.kills]
    deliveries: dict[tuple[str, tuple[str, ...]], list[Mail]] = defaultdict(list)
    for mail in evidence.mails:
        deliveries[mail.message_id, mail.recipients].append(mail)
    for (message_id, recipients), mails in deliveries.items():
        for first, second in pairwise(mails):
            if not any(first.begun_at <= at <= second.begun_at for at in kills):
                yield Violation("I5 unexplained double page", f"{message_id} to {recipients}, no kill in between")
            elif not second.is_marked:
                yield Violation("I5 repeat not marked", f"{message_id} to {recipients}: «{second.subject}»")
    said = Counter(
        (row.incident_id, row.episode, row.round, row.level, row.user_id, row.contact_method_id, row.rule_delay_minutes)
        for row in evidence.facts.notifications
        if row.kind == "page" and row.status in SAID and row.incident_id is not None and row.level != 0
    )
    for key, count in said.items():
        if count > 1:
            yield Violation("I5 unexplained double page", f"{count} pages for {key}")


def timeline_has_no_holes(evidence: Evidence) -> Iterator[Violation]:
    """I7: numbered 1..n, and the incident's own counter agrees."""
    for incident in evidence.facts.incidents:
        numbers = evidence.facts.timeline.get(incident.id, [])
        if numbers != list(range(1, len(numbers) + 1)) or incident.timeline_seq != len(numbers) or not numbers:
            detail = f"incident {incident.id} has {numbers[-5:]} … of {len(numbers)}, counter {incident.timeline_seq}"
            yield Violation("I7 timeline has holes", detail)


def level_has_its_page(evidence: Evidence) -> Iterator[Violation]:
    """F-08: a level is never advanced without its rows, nor a page written without its level."""
    levels: dict[tuple[int, int], set[int]] = defaultdict(set)
    for row in evidence.facts.notifications:
        if row.kind == "page" and row.incident_id is not None and row.episode is not None and row.level is not None:
            levels[row.incident_id, row.episode].add(row.level)
    for escalation in evidence.facts.escalations:
        paged = levels.get((escalation.incident_id, escalation.episode), set())
        skipped = "skipped" in evidence.facts.timeline_kinds.get(escalation.incident_id, [])
        if escalation.level not in paged and escalation.status == "climbing" and not skipped:
            detail = f"incident {escalation.incident_id} stands at level {escalation.level}, paged {sorted(paged)}"
            yield Violation("F-08 level without page", detail)
        if escalation.level and any(level > escalation.level for level in paged):
            detail = f"incident {escalation.incident_id} stands at level {escalation.level}, paged {sorted(paged)}"
            yield Violation("F-08 page without level", detail)


def answered_is_quiet(evidence: Evidence) -> Iterator[Violation]:
    """I4: an acknowledgement answered 200 is stored, and no page begins after it."""
    incidents = {incident.id: incident for incident in evidence.facts.incidents}
    rows = {row.id: row for row in evidence.facts.notifications}
    answered = {
        entry.incident_id: entry.answered_at
        for entry in evidence.ledger.acknowledgements.values()
        if entry.answered_at is not None
    }
    for incident_id in answered:
        incident = incidents.get(incident_id)
        if incident is None or incident.status == "triggered":
            yield Violation("I4 acknowledgement lost", f"incident {incident_id} is {incident and incident.status}")
    for row in rows.values():
        at = answered.get(row.incident_id or -1)
        if at is not None and row.kind == "page" and any(begun > at for begun in row.attempts_at):
            detail = f"incident {row.incident_id}, notification {row.id}: an attempt began after the answer"
            yield Violation("I4 page after acknowledgement", detail)
    for mail in evidence.mails:
        page = rows.get(notification_of(mail) or -1)
        at = answered.get(page.incident_id or -1) if page is not None and page.kind == "page" else None
        if page is not None and at is not None and mail.begun_at > at + IN_FLIGHT_SECONDS:
            late = mail.begun_at - at
            detail = f"incident {page.incident_id}, notification {page.id}, {late:.1f} s after the answer"
            yield Violation("I4 page after acknowledgement", detail)


def database_is_whole(evidence: Evidence) -> Iterator[Violation]:
    """SQLite's own checks find nothing."""
    yield from (Violation("database damaged", finding) for finding in evidence.facts.integrity)


def no_surprise(evidence: Evidence) -> Iterator[Violation]:
    """No answer that must never be given, such as 500."""
    yield from (Violation("forbidden answer", what) for what in evidence.ledger.surprises)


CHECKS: tuple[Callable[[Evidence], Iterator[Violation]], ...] = (
    accepted_is_kept,
    refused_is_absent,
    one_row_per_alert,
    open_is_paged,
    said_is_recorded,
    no_unexplained_double,
    timeline_has_no_holes,
    level_has_its_page,
    answered_is_quiet,
    database_is_whole,
    no_surprise,
)


def alert_name(uid: str) -> str:
    """The name under which the alert with this identity is stored."""
    return f"Kill {uid}"


def notification_of(mail: Mail) -> int | None:
    """The outbox row that a message says it is."""
    found = NOTIFICATION_ID.search(mail.message_id)
    return int(found[1]) if found else None


def pending(facts: Facts) -> list[NotificationFact]:
    """Rows that are due now and not yet done: a drain waits until there are none."""
    return [row for row in facts.notifications if row.status in WAITING and (row.due_at or 0) <= facts.read_at]


__all__ = ["Evidence", "Posting", "Violation", "alert_name", "judge", "notification_of", "pending"]
