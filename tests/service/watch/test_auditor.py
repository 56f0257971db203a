"""The auditor finds every incident that nobody was paged for, and pages the admins; it leaves the others alone."""

from datetime import timedelta

from app.incidents import service as incidents
from app.incidents.types import SYSTEM, IncidentAction, TimelineKind
from app.notify import queries as notify, service as outbox
from app.platform.runtime import Runtime
from app.usecases import watch
from tests.service.watch.conftest import Opener, Story
from tests.support.clock import FrozenClock


def pages_of(rt: Runtime, incident_id: int) -> list[str]:
    """The addresses to which pages for the incident are in the outbox."""
    return rt.db.read(lambda tx: [each.address for each in notify.notifications_of(tx, incident_id)])


async def test_an_incident_without_a_page_is_paged_to_the_admins_after_a_minute(
    rt: Runtime, clock: FrozenClock, admin: int, opener: Opener, story: Story
) -> None:
    forgotten = opener()
    assert await watch.audit_unpaged(rt, clock.advance(seconds=59)) == []
    assert await watch.audit_unpaged(rt, clock.advance(seconds=1)) == [forgotten]
    assert pages_of(rt, forgotten) == ["ada@example.com"]
    assert "The admins are paged: no page was found 60 s after it should have been paged" in story(forgotten)


async def test_it_pages_once(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    opener()
    await watch.audit_unpaged(rt, clock.advance(minutes=2))
    assert await watch.audit_unpaged(rt, clock.advance(hours=2)) == []


async def test_a_paged_incident_is_left_alone(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    opener(paged_to=admin)
    assert await watch.audit_unpaged(rt, clock.advance(hours=1)) == []


async def test_an_answered_incident_is_left_alone(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    incident_id = opener()
    rt.db.write(
        lambda tx: incidents.transition(
            tx,
            incidents.lock(tx, incident_id),
            IncidentAction.ACKNOWLEDGE,
            kind=TimelineKind.ACKNOWLEDGED,
            text="Ada acknowledged",
            actor=SYSTEM,
            now=clock.now(),
        )
    )
    assert await watch.audit_unpaged(rt, clock.advance(hours=1)) == []


async def test_a_snoozed_incident_is_left_alone(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    incident_id = opener()
    until = clock.now() + timedelta(hours=8)
    rt.db.write(lambda tx: incidents.snooze(tx, incident_id, until, now=clock.now()))
    assert await watch.audit_unpaged(rt, clock.advance(hours=1)) == []


async def test_where_nobody_can_be_paged_the_story_says_so_once(
    rt: Runtime, clock: FrozenClock, opener: Opener, story: Story
) -> None:
    incident_id = opener()
    assert await watch.audit_unpaged(rt, clock.advance(minutes=2)) == [incident_id]
    assert await watch.audit_unpaged(rt, clock.advance(minutes=2)) == []
    assert any(text.startswith("Nobody to page") for text in story(incident_id))


async def test_a_cancelled_page_does_not_count(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    incident_id = opener(paged_to=admin)
    rt.db.write(lambda tx: outbox.cancel_for_incident(tx, incident_id, now=clock.now()))
    assert await watch.audit_unpaged(rt, clock.advance(minutes=2)) == [incident_id]


async def test_every_forgotten_incident_is_found(rt: Runtime, clock: FrozenClock, admin: int, opener: Opener) -> None:
    forgotten = [opener() for _ in range(12)]
    opener(paged_to=admin)
    assert await watch.audit_unpaged(rt, clock.advance(minutes=1)) == forgotten
