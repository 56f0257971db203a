"""The steps of retention: each takes a bounded number of rows away and says whether there may be more."""

from collections.abc import Callable
from typing import TypeAlias

from app.accounts import retention as accounts
from app.alarms import retention as alarms
from app.alerts import retention as alerts, service as intake
from app.checks import retention as checks
from app.incidents import retention as incidents
from app.intelligence import retention as analyses
from app.notify import retention as outbox
from app.pipeline import retention as runs
from app.platform.db import Tx
from app.platform.removal import mark_of, move_mark
from app.usecases.retain.incidents import remove_over
from app.usecases.retain.terms import Terms

BODIES_MARK = "delivery_bodies"
CHECKS_MARK = "check_runs_thinned"

# Takes at most so many rows away; whether there may be more.
Step: TypeAlias = Callable[[Tx, Terms, int], bool]


def _bodies(tx: Tx, terms: Terms, limit: int) -> bool:
    of_open = [runs.traces_of(incidents.open_ones())]
    since = mark_of(tx, BODIES_MARK)
    emptied = alerts.empty_bodies(tx, since=since, before=terms.bodies, besides=of_open, limit=limit)
    if emptied is not None:
        move_mark(tx, BODIES_MARK, emptied.until)
    return emptied is not None


def _reparsed_bodies(tx: Tx, terms: Terms, _limit: int) -> bool:
    return alerts.empty_reparsed(tx, terms.bodies) > 0


def _deliveries(tx: Tx, terms: Terms, limit: int) -> bool:
    of_open = [runs.traces_of(incidents.open_ones())]
    return alerts.delete_deliveries_before(tx, terms.history, besides=of_open, limit=limit) > 0


def _lone_alerts(tx: Tx, terms: Terms, limit: int) -> bool:
    going = alerts.going_alone(tx, unseen_since=terms.history, limit=limit)
    if not going:
        return False
    intake.lock_intake(tx)
    left = limit - checks.delete_of_alerts(tx, going, before=terms.touched, limit=limit)
    if left > 0:
        alerts.delete_alerts(tx, going, limit=left)
    return True


def _messages(tx: Tx, terms: Terms, limit: int) -> bool:
    return outbox.delete_before(tx, terms.history, limit=limit) > 0


def _vendor_messages(tx: Tx, terms: Terms, limit: int) -> bool:
    return outbox.delete_inbound_before(tx, terms.vendor_messages, limit=limit) > 0


def _runs(tx: Tx, terms: Terms, limit: int) -> bool:
    return runs.delete_before(tx, terms.history, limit=limit) > 0


def _analyses(tx: Tx, terms: Terms, limit: int) -> bool:
    return analyses.delete_before(tx, terms.history, limit=limit) > 0


def _thin_checks(tx: Tx, terms: Terms, limit: int) -> bool:
    thinned = checks.thin_out(tx, since=mark_of(tx, CHECKS_MARK), before=terms.checks_whole, limit=limit)
    if thinned is not None:
        move_mark(tx, CHECKS_MARK, thinned.until)
    return thinned is not None


def _checks(tx: Tx, terms: Terms, limit: int) -> bool:
    of_open = alerts.alerts_of(incidents.open_ones())
    return checks.delete_before(tx, terms.history, besides_alerts=of_open, limit=limit) > 0


def _alarm_events(tx: Tx, terms: Terms, limit: int) -> bool:
    return alarms.delete_events_before(tx, terms.history, limit=limit) > 0


def _alarm_runs(tx: Tx, terms: Terms, limit: int) -> bool:
    return alarms.delete_runs_before(tx, terms.history, limit=limit) > 0


def _sessions(tx: Tx, terms: Terms, limit: int) -> bool:
    return accounts.delete_sessions_before(tx, terms.sign_ins, limit=limit) > 0


def _sign_ins(tx: Tx, terms: Terms, limit: int) -> bool:
    return accounts.delete_attempts_before(tx, terms.sign_ins, limit=limit) > 0


STEPS: dict[str, Step] = {
    "delivery bodies": _bodies,
    "reparsed bodies": _reparsed_bodies,
    "deliveries": _deliveries,
    "incidents": remove_over,
    "alerts of no incident": _lone_alerts,
    "messages of no incident": _messages,
    "vendor messages": _vendor_messages,
    "runs of no incident": _runs,
    "analyses of no incident": _analyses,
    "check runs, thinned": _thin_checks,
    "check runs": _checks,
    "alarm events": _alarm_events,
    "alarm runs": _alarm_runs,
    "sessions": _sessions,
    "sign-ins": _sign_ins,
}
