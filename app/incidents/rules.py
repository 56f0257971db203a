"""The transition table: the only place that says which status follows which. Values in, values out."""

from app.incidents.errors import IllegalTransition
from app.incidents.types import IncidentAction, IncidentStatus

S, A = IncidentStatus, IncidentAction

TRANSITIONS = {
    (S.TRIGGERED, A.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.TRIGGERED, A.RESOLVE): S.RESOLVED,
    (S.ACKNOWLEDGED, A.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.ACKNOWLEDGED, A.RESOLVE): S.RESOLVED,
    (S.ACKNOWLEDGED, A.RETRIGGER): S.TRIGGERED,
    (S.RESOLVED, A.RESOLVE): S.RESOLVED,
    (S.RESOLVED, A.REOPEN): S.TRIGGERED,
    (S.RESOLVED, A.CLOSE): S.CLOSED,
    (S.CLOSED, A.RESOLVE): S.CLOSED,
    (S.CLOSED, A.CLOSE): S.CLOSED,
    (S.CLOSED, A.REOPEN): S.TRIGGERED,
}

WANTED = {A.ACKNOWLEDGE: S.ACKNOWLEDGED, A.RESOLVE: S.RESOLVED, A.CLOSE: S.CLOSED, A.REOPEN: S.TRIGGERED,
          A.RETRIGGER: S.TRIGGERED}  # fmt: skip


def next_status(current: IncidentStatus, action: IncidentAction) -> IncidentStatus:
    """The status after `action`; the same one where repeating changes nothing (B13).

    Raises IllegalTransition, naming both states, where the table has no such step.
    """
    try:
        return TRANSITIONS[current, action]
    except KeyError:
        raise IllegalTransition(current, action, WANTED[action]) from None
