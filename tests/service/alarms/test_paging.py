"""Alarms that also page (B44): their events are alerts of the internal source `alarms`."""

from app.alarms.types import Detection
from app.alerts import queries as alerts, sources
from app.alerts.types import Grouping
from app.escalation.types import Assignee, AssigneeType, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, IncidentStatus
from app.usecases import answer, catalogue
from tests.service.alarms.conftest import UNREACHABLE, Watch
from tests.support.people import add_user


def pages(watch: Watch, **settings: object) -> None:
    """The alarm pages Ravi."""
    ravi = add_user(watch.rt, "Ravi", actor=watch.admin)
    levels = [Level(1, 15, (Assignee(AssigneeType.USER, ravi.id),))]
    policy = catalogue.create_policy(
        watch.rt, name="night", team_id=None, repeat=0, ack_timeout_minutes=None, levels=levels, actor=watch.admin,
        now=watch.now,
    )  # fmt: skip
    watch.sets(pages=True, escalation_policy_id=policy.id, enabled=False, **settings)


def incident_of(watch: Watch, key: str) -> Incident:
    """The incident of an entity's newest event."""
    incident_id = watch.event(key).incident_id
    assert incident_id is not None
    return watch.rt.db.read(lambda tx: incidents.get_incident(tx, incident_id))


def test_an_event_opens_an_incident_and_pages_by_the_policy_and_clearing_resolves_it(watch: Watch) -> None:
    pages(watch)
    watch.ticks(Detection("db-1", "db-1 is down", "Nobody answers.", severity="critical"))
    incident = incident_of(watch, "db-1")
    assert (incident.status, incident.title, incident.severity) == (
        IncidentStatus.TRIGGERED,
        "db-1 is down",
        "critical",
    )
    assert [mail.to for mail in watch.world.mail.sent] == ["ravi@example.com"]
    watch.ticks(UNREACHABLE)
    assert incident_of(watch, "db-1").status is IncidentStatus.TRIGGERED
    watch.ticks()
    assert incident_of(watch, "db-1").status is IncidentStatus.RESOLVED


def test_what_goes_on_pages_nobody_twice(watch: Watch) -> None:
    pages(watch)
    for _ in range(3):
        watch.ticks("a")
    assert len(watch.world.mail.sent) == 1
    source = watch.rt.db.read(lambda tx: alerts.find_internal_source(tx, sources.ALARMS_SOURCE))
    assert source is not None
    (alert,) = watch.rt.db.read(lambda tx: alerts.firing_of_source(tx, source.id))
    assert alert.occurrences == 3


def test_two_policies_of_two_alarms_are_each_their_own(watch: Watch) -> None:
    pages(watch)
    watch.ticks("a")
    watch.sets(pages=False)
    watch.ticks("a", "b")
    assert watch.event("b").incident_id is None
    watch.ticks("b")
    assert incident_of(watch, "a").status is IncidentStatus.RESOLVED


def test_what_somebody_resolved_and_still_fires_pages_by_the_alarms_own_policy_again(watch: Watch) -> None:
    pages(watch)
    watch.ticks("a")
    ada = Actor(watch.admin.id, "Ada", watch.admin.id, "api")
    incident_id = incident_of(watch, "a").id
    answer.resolve(watch.rt, incident_id=incident_id, actor=ada, now=watch.now)
    for _ in range(3):
        watch.ticks("a")
    assert incident_of(watch, "a").status is IncidentStatus.TRIGGERED
    answer.resolve(watch.rt, incident_id=incident_id, actor=ada, now=watch.now)
    answer.reopen(watch.rt, incident_id=incident_id, actor=ada, now=watch.now)
    watch.world.clock.advance(minutes=2)
    watch.delivers()
    assert {mail.to for mail in watch.world.mail.sent} == {"ravi@example.com"}
    assert len(watch.world.mail.sent) == 3


def test_what_somebody_has_acknowledged_here_is_not_said_again_there(watch: Watch) -> None:
    pages(watch)
    watch.ticks("a")
    watch.acks("a")
    answer.resolve(watch.rt, incident_id=incident_of(watch, "a").id, actor=Actor(1, "Ada", None, "ui"), now=watch.now)
    for _ in range(4):
        watch.ticks("a")
    assert incident_of(watch, "a").status is IncidentStatus.RESOLVED


def test_archiving_an_alarm_resolves_what_it_opened_and_says_why(watch: Watch) -> None:
    pages(watch)
    watch.ticks("a")
    incident = incident_of(watch, "a")
    watch.sets(archived=True)
    ended = incident_of(watch, "a")
    assert (ended.status, ended.firing_alert_count) == (IncidentStatus.RESOLVED, 0)
    story = watch.rt.db.read(lambda tx: incidents.timeline_of(tx, incident.id))
    assert "the alarm «Probe» was archived" in story[-1].text
    assert story[-1].actor_name == "Ada"
    assert not any("recovered" in line.text for line in story)
    sent = len(watch.world.mail.sent)
    watch.world.clock.advance(hours=3)
    watch.delivers()
    assert all("Resolved" in mail.subject for mail in watch.world.mail.sent[sent:])
    assert "recovered" not in "".join(str(mail.message) for mail in watch.world.mail.sent)


def test_an_alarm_that_is_asked_again_soon_pages_again(watch: Watch) -> None:
    pages(watch)
    watch.ticks("a")
    watch.sets(archived=True)
    watch.sets(archived=False)
    watch.ticks("a")
    assert incident_of(watch, "a").status is IncidentStatus.TRIGGERED
    story = watch.rt.db.read(lambda tx: incidents.timeline_of(tx, incident_of(watch, "a").id))
    assert any("paged again" in line.text for line in story)


def test_an_incident_that_other_alarms_feed_outlives_an_archived_one(watch: Watch) -> None:
    pages(watch)
    source = watch.rt.db.write(lambda tx: sources.internal_source(tx, name="alarms", pipeline="full", now=watch.now))
    grouped = {"grouping": Grouping.LABELS, "group_labels": ["entity"]}
    catalogue.update_source(watch.rt, source_id=source.id, changes=grouped, actor=watch.admin, now=watch.now)
    watch.ticks("a")
    policy_id = watch.alarm.escalation_policy_id
    watch.makes("other", pages=True, escalation_policy_id=policy_id, enabled=False)
    watch.ticks("a")
    assert incident_of(watch, "a").alert_count == 2
    watch.sets(archived=True)
    left = incident_of(watch, "a")
    assert (left.status, left.firing_alert_count) == (IncidentStatus.TRIGGERED, 1)
    story = watch.rt.db.read(lambda tx: incidents.timeline_of(tx, left.id))
    assert "An alert ends: the alarm «other» was archived" in [line.text.partition(" and is")[0] for line in story]
