"""The transition table of incidents, whole: a new status without a decision for every action fails here."""

import pytest

from app.incidents.errors import IllegalTransition
from app.incidents.rules import next_status
from app.incidents.types import IncidentAction as A, IncidentStatus as S

# Rows are what the operators' guide says; None is refused with 409.
EXPECTED = {
    S.TRIGGERED: {A.ACKNOWLEDGE: S.ACKNOWLEDGED, A.RESOLVE: S.RESOLVED, A.REOPEN: None, A.CLOSE: None,
                  A.RETRIGGER: None},
    S.ACKNOWLEDGED: {A.ACKNOWLEDGE: S.ACKNOWLEDGED, A.RESOLVE: S.RESOLVED, A.REOPEN: None, A.CLOSE: None,
                     A.RETRIGGER: S.TRIGGERED},
    S.RESOLVED: {A.ACKNOWLEDGE: None, A.RESOLVE: S.RESOLVED, A.REOPEN: S.TRIGGERED, A.CLOSE: S.CLOSED,
                 A.RETRIGGER: None},
    S.CLOSED: {A.ACKNOWLEDGE: None, A.RESOLVE: S.CLOSED, A.REOPEN: S.TRIGGERED, A.CLOSE: S.CLOSED,
               A.RETRIGGER: None},
}  # fmt: skip


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("action", A)
def test_every_status_has_an_answer_to_every_action(status: S, action: A) -> None:
    wanted = EXPECTED[status][action]
    if wanted is not None:
        assert next_status(status, action) is wanted
        return
    with pytest.raises(IllegalTransition) as refused:
        next_status(status, action)
    assert refused.value.status == 409
    assert status.value in refused.value.message
