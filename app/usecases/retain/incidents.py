"""An incident that has been over for long goes with all that hangs on it, what names others first.

A large one takes several transactions. Each sees for itself that the incident is still over; whoever reopens it in
between has it back without what has gone, and its counters are right.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from app.alarms import retention as alarms
from app.alerts import retention as alerts, service as intake
from app.checks import retention as checks
from app.escalation import retention as escalations
from app.incidents import retention as incidents, service as stories
from app.intelligence import retention as analyses
from app.notify import retention as outbox
from app.pipeline import retention as runs
from app.platform.db import Tx
from app.usecases.retain.terms import Terms

# Together they have some thousand rows, mostly.
INCIDENTS_AT_ONCE = 10

# Takes at most so many rows of these incidents away and says how many; once it is fewer, none is left.
Remover: TypeAlias = Callable[[Tx, Sequence[int], Terms, int], int]


def remove_over(tx: Tx, terms: Terms, limit: int) -> bool:
    """Take at most `limit` rows of incidents away that are past; whether there may be more."""
    touched = [
        each(terms.touched)
        for each in (
            outbox.incidents_touched_since, runs.incidents_touched_since, analyses.incidents_touched_since,
            checks.incidents_touched_since,
        )
    ]  # fmt: skip
    past = incidents.over_before(
        tx, before=terms.history, untouched_since=terms.touched, besides=touched, limit=INCIDENTS_AT_ONCE
    )
    if not past:
        return False
    ids = incidents.lock_over(tx, past, before=terms.history)
    left = _remove(REMOVERS, tx, ids, terms, limit)
    # Intake decides by the alerts that go here, so it must stand still; it takes this lock before the incidents, and
    # whoever takes it after them must not wait.
    if left > 0 and intake.try_lock_intake(tx):
        _remove(REMOVERS_BESIDE_INTAKE, tx, ids, terms, left)
    return True


def _remove(removers: "Sequence[Remover]", tx: Tx, ids: Sequence[int], terms: Terms, limit: int) -> int:
    """How many rows may go after these have taken theirs."""
    left = limit
    for remove in removers:
        left -= remove(tx, ids, terms, left)
        if left <= 0:
            break
    return left


def _alerts(tx: Tx, ids: Sequence[int], terms: Terms, limit: int) -> int:
    gone = alerts.delete_of_incidents(tx, ids, before=terms.history, unseen_since=terms.touched, limit=limit)
    if gone:
        counts = alerts.counts_of(tx, ids).items()
        stories.set_many(
            tx, [{"id": each, "alert_count": n, "firing_alert_count": firing} for each, (n, firing) in counts]
        )
    return gone


def _checks_of_alerts(tx: Tx, ids: Sequence[int], terms: Terms, limit: int) -> int:
    going = alerts.going_with(ids, unseen_since=terms.touched)
    return checks.delete_of_alerts(tx, going, before=terms.touched, limit=limit)


def _events(tx: Tx, ids: Sequence[int], _terms: Terms, _limit: int) -> int:
    alarms.release_incidents(tx, ids)
    return 0


def _plain(remove: Callable[..., int]) -> Remover:
    return lambda tx, ids, _terms, limit: remove(tx, ids, limit=limit)


# What could be missed least comes last.
REMOVERS: tuple[Remover, ...] = (
    _plain(runs.delete_of_incidents),
    _plain(checks.delete_of_incidents),
    _plain(analyses.delete_of_incidents),
    _plain(outbox.delete_of_incidents),
    _plain(escalations.delete_of_incidents),
)
REMOVERS_BESIDE_INTAKE: tuple[Remover, ...] = (
    _events,
    _checks_of_alerts,
    _alerts,
    _plain(incidents.delete_incidents),
)
