"""The judge finds what is planted, and finds nothing where all is well."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.kill.checker import Evidence, alert_name, judge
from tests.kill.facts import AlertFact, EscalationFact, Facts, IncidentFact, NotificationFact
from tests.kill.ledger import Ledger
from tests.kill.sink import Mail

NOW = 1_000_000.0
UID = "00000000000000a1"
PAGE = NotificationFact(
    id=7, kind="page", incident_id=3, episode=1, level=1, user_id=5, contact_method_id=6, rule_delay_minutes=0, round=0,
    status="sent", due_at=NOW - 50, bundle_id=None, attempts_at=(NOW - 50,),
)  # fmt: skip
MAIL = Mail(
    begun_at=NOW - 50, stored_at=NOW - 49.9, sender="pagerpal@example.com", recipients=("alone-0@example.com",),
    message_id="<notification.7@example.com>", subject="Kill", text="Kill", headers={},
)  # fmt: skip
FACTS = Facts(
    read_at=NOW,
    alerts=(AlertFact(id=1, name=alert_name(UID), status="firing", incident_id=3),),
    deliveries={"trace-1": 900},
    incidents=(IncidentFact(id=3, status="triggered", timeline_seq=2, firing_alert_count=1),),
    timeline={3: [1, 2]},
    timeline_kinds={3: ["triggered", "paged"]},
    escalations=(EscalationFact(incident_id=3, episode=1, level=1, status="climbing", due_at=NOW + 900),),
    notifications=(PAGE,),
    integrity=(),
)


@dataclass
class Scene:
    """A run in which everything went well, to be spoilt by one plant."""

    ledger: Ledger
    mails: list[Mail]
    facts: Facts

    def promises(self) -> set[str]:
        """Which promises the judge finds broken."""
        return {violation.promise for violation in judge(Evidence(self.ledger, self.mails, self.facts))}

    def page(self, **changed: object) -> None:
        """Change the one page."""
        self.facts = replace(self.facts, notifications=(replace(PAGE, **changed),))  # type: ignore[arg-type]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One accepted alert, its incident, its page and its mail."""
    ledger = Ledger(tmp_path / "senders.jsonl")
    ledger.accepted(ledger.firing(UID, 0), trace_id="trace-1", incident_ids=[3])
    return Scene(ledger, [MAIL], FACTS)


def test_a_good_run_has_no_violation(scene: Scene) -> None:
    assert scene.promises() == set()


def _no_alert(scene: Scene) -> None:
    scene.facts = replace(scene.facts, alerts=())


def _no_delivery(scene: Scene) -> None:
    scene.facts = replace(scene.facts, deliveries={})


def _resolve_forgotten(scene: Scene) -> None:
    end = scene.ledger.resolved(scene.ledger.of("accepted")[0])
    scene.ledger.accepted(end, trace_id="trace-1", incident_ids=[])


def _stored_twice(scene: Scene) -> None:
    scene.facts = replace(scene.facts, alerts=(*FACTS.alerts, replace(FACTS.alerts[0], id=2)))


def _refused_but_stored(scene: Scene) -> None:
    scene.ledger.refused(scene.ledger.firing("00000000000000a2", 0), "503")
    stray = replace(FACTS.alerts[0], id=2, name=alert_name("00000000000000a2"))
    scene.facts = replace(scene.facts, alerts=(*FACTS.alerts, stray))


def _never_paged(scene: Scene) -> None:
    scene.page(status="cancelled")
    scene.mails = []


def _said_but_not_sent(scene: Scene) -> None:
    scene.mails = []


def _hangs(scene: Scene) -> None:
    scene.page(status="in_flight")


def _doubled(scene: Scene) -> None:
    scene.mails.append(replace(MAIL, begun_at=NOW - 10, stored_at=NOW - 9))


def _repeat_unmarked(scene: Scene) -> None:
    scene.ledger.killed("random", hit=True, at=NOW - 30)
    scene.mails.append(replace(MAIL, begun_at=NOW - 10, stored_at=NOW - 9))


def _two_rows_for_one_page(scene: Scene) -> None:
    scene.facts = replace(scene.facts, notifications=(PAGE, replace(PAGE, id=8)))
    scene.mails.append(replace(MAIL, message_id="<notification.8@example.com>"))


def _mail_from_nowhere(scene: Scene) -> None:
    scene.mails.append(replace(MAIL, message_id="<notification.99@example.com>"))


def _hole(scene: Scene) -> None:
    scene.facts = replace(scene.facts, timeline={3: [1, 3]})


def _level_without_page(scene: Scene) -> None:
    scene.facts = replace(scene.facts, escalations=(replace(FACTS.escalations[0], level=2),))


def _page_without_level(scene: Scene) -> None:
    scene.page(level=2)


def _page_after_answer(scene: Scene) -> None:
    scene.ledger.acknowledged(3, NOW - 60)
    scene.facts = replace(scene.facts, incidents=(replace(FACTS.incidents[0], status="acknowledged"),))


def _answer_lost(scene: Scene) -> None:
    scene.ledger.acknowledged(3, NOW - 10)


def _damaged(scene: Scene) -> None:
    scene.facts = replace(scene.facts, integrity=("integrity_check: row 1 missing",))


def _server_error(scene: Scene) -> None:
    scene.ledger.surprise("firing 1 was answered 500")


@pytest.mark.parametrize(
    ("plant", "promise"),
    [
        (_no_alert, "I1 accepted alert missing"),
        (_no_delivery, "I1 accepted alert missing"),
        (_resolve_forgotten, "I1 accepted alert missing"),
        (_stored_twice, "I12 alert stored twice"),
        (_refused_but_stored, "refused alert stored"),
        (_never_paged, "I2 open incident not paged"),
        (_said_but_not_sent, "sent without a message"),
        (_hangs, "notification hangs"),
        (_doubled, "I5 unexplained double page"),
        (_repeat_unmarked, "I5 repeat not marked"),
        (_two_rows_for_one_page, "I5 unexplained double page"),
        (_mail_from_nowhere, "message without a row"),
        (_hole, "I7 timeline has holes"),
        (_level_without_page, "F-08 level without page"),
        (_page_without_level, "F-08 page without level"),
        (_page_after_answer, "I4 page after acknowledgement"),
        (_answer_lost, "I4 acknowledgement lost"),
        (_damaged, "database damaged"),
        (_server_error, "forbidden answer"),
    ],
)
def test_a_planted_violation_is_found(scene: Scene, plant: Callable[[Scene], None], promise: str) -> None:
    plant(scene)
    assert promise in scene.promises()


def test_a_marked_repeat_after_a_kill_is_explained(scene: Scene) -> None:
    scene.ledger.killed("random", hit=True, at=NOW - 30)
    scene.mails.append(replace(MAIL, begun_at=NOW - 10, stored_at=NOW - 9, subject="Possible repeat: Kill"))
    assert scene.promises() == set()


def test_a_page_held_for_the_end_of_its_window_counts_as_on_its_way(scene: Scene) -> None:
    scene.page(status="held", due_at=NOW + 30)
    scene.mails = []
    assert scene.promises() == set()
