"""What a deactivation does to incidents that are open, and what a first way to reach somebody does (B5, promise 3)."""

from app.accounts import queries
from app.accounts.types import User
from app.escalation.types import Assignee, AssigneeType, Level
from app.incidents import queries as incidents
from app.incidents.types import Actor, Incident, Severity
from app.notify import queries as outbox
from app.notify.types import NotificationKind, NotificationStatus
from app.platform.runtime import Runtime
from app.usecases import answer, catalogue, people
from tests.support.clock import FrozenClock
from tests.support.people import add_admin, add_user


def open_incident(rt: Runtime, admin: User, levels: list[User]) -> Incident:
    """An incident whose policy pages one of these after the other, a quarter of an hour each."""
    policy = catalogue.create_policy(
        rt,
        name=" then ".join(user.name for user in levels),
        levels=[Level(at, 15, (Assignee(AssigneeType.USER, user.id),)) for at, user in enumerate(levels, start=1)],
        actor=admin,
        now=rt.clock.now(),
    )
    actor = Actor(admin.id, admin.name, authenticated_as_id=admin.id, source="ui")
    return answer.open_incident(
        rt, title="Disk full", severity=Severity.CRITICAL, policy_id=policy.id, actor=actor, now=rt.clock.now()
    )


def told(rt: Runtime, incident: Incident) -> list[str]:
    return [entry.text for entry in rt.db.read(lambda tx: incidents.timeline_of(tx, incident.id))]


def pages(rt: Runtime, incident: Incident) -> dict[int | None, list[NotificationStatus]]:
    found: dict[int | None, list[NotificationStatus]] = {}
    for each in rt.db.read(lambda tx: outbox.notifications_of(tx, incident.id)):
        if each.kind is NotificationKind.PAGE:
            found.setdefault(each.user_id, []).append(each.status)
    return found


def test_each_open_incident_of_theirs_says_so_and_the_next_level_is_paged_at_once(
    rt: Runtime, admin: User, clock: FrozenClock
) -> None:
    ravi, noor = add_user(rt, "Ravi", actor=admin), add_user(rt, "Noor", actor=admin)
    incident = open_incident(rt, admin, [ravi, noor])
    assert pages(rt, incident) == {ravi.id: [NotificationStatus.PENDING]}
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=clock.advance(minutes=1))
    assert pages(rt, incident) == {ravi.id: [NotificationStatus.CANCELLED], noor.id: [NotificationStatus.PENDING]}
    assert any(line.startswith("Ravi was deactivated and still has this incident") for line in told(rt, incident))


def test_a_level_that_still_reaches_somebody_else_stays(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    ravi, noor, mia = (add_user(rt, name, actor=admin) for name in ("Ravi", "Noor", "Mia"))
    incident = open_incident(rt, admin, [ravi, noor])
    people.deactivate_user(rt, user_id=mia.id, actor=admin, now=clock.advance(minutes=1))
    assert pages(rt, incident) == {ravi.id: [NotificationStatus.PENDING]}
    assert not any("deactivated" in line for line in told(rt, incident))


def test_the_last_level_falls_back_to_the_admins(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    incident = open_incident(rt, admin, [ravi])
    people.update_user(rt, user_id=ravi.id, changes={"is_active": False}, actor=admin, now=clock.advance(minutes=1))
    assert pages(rt, incident)[admin.id] == [NotificationStatus.PENDING]


def test_who_takes_their_last_address_away_is_passed_over(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    ravi, noor = add_user(rt, "Ravi", actor=admin), add_user(rt, "Noor", actor=admin)
    incident = open_incident(rt, admin, [ravi, noor])
    method = rt.db.read(lambda tx: queries.contact_methods_of(tx, ravi.id))[0]
    people.remove_contact_method(
        rt, user_id=ravi.id, contact_method_id=method.id, actor=ravi, now=clock.advance(minutes=1)
    )
    assert noor.id in pages(rt, incident)


def test_the_first_admin_is_paged_for_what_had_reached_nobody(rt: Runtime, clock: FrozenClock) -> None:
    system = Actor(None, "Nobody", source="system")
    incident = answer.open_incident(rt, title="Disk full", severity=Severity.CRITICAL, actor=system, now=rt.clock.now())
    assert pages(rt, incident) == {}
    clock.advance(minutes=3)
    ada = add_admin(rt)
    assert pages(rt, incident) == {ada.id: [NotificationStatus.PENDING]}
