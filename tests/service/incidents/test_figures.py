"""The figures of a time, reckoned by the database."""

from datetime import timedelta

from app.incidents import figures
from app.incidents.types import Actor, Severity
from app.notify import oversight as outbox
from app.platform.runtime import Runtime
from app.usecases import answer
from tests.support.clock import FrozenClock
from tests.support.people import add_admin


def test_means_are_of_what_was_answered_and_pages_of_the_time(rt: Runtime, clock: FrozenClock) -> None:
    admin = add_admin(rt)
    actor = Actor(admin.id, admin.name, admin.id, "api")
    start = clock.now()
    for title, severity in (("Disk", Severity.CRITICAL), ("Memory", Severity.CRITICAL), ("Fan", Severity.WARNING)):
        answer.open_incident(rt, title=title, severity=severity, actor=actor, now=clock.now())
    clock.advance(seconds=30.5)
    answer.acknowledge(rt, incident_id=1, actor=actor, now=clock.now())
    clock.advance(seconds=30)
    answer.acknowledge(rt, incident_id=2, actor=actor, now=clock.now())
    answer.resolve(rt, incident_id=2, actor=actor, now=clock.now())

    end = clock.now()
    told = rt.db.read(lambda tx: figures.figures(tx, start, end))
    assert told.by_severity == {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}
    assert told.by_source == {None: 3}
    assert (told.mtta_seconds, told.mttr_seconds) == (45.5, 60.5)
    assert rt.db.read(lambda tx: outbox.pages_between(tx, start, end)) == [
        (start, admin.id, each) for each in (1, 2, 3)
    ]

    later = end + timedelta(hours=1)
    nothing = rt.db.read(lambda tx: figures.figures(tx, end, later))
    assert (nothing.by_source, nothing.mtta_seconds, nothing.mttr_seconds) == ({}, None, None)
    assert rt.db.read(lambda tx: outbox.pages_between(tx, end, later)) == []
