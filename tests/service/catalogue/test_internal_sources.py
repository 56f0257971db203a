"""PagerPal's own alert sources: people say whom they page, and nothing else of what they are."""

import pytest

from app.alerts import sources
from app.alerts.errors import SourceInUse
from app.alerts.types import AlertSource
from app.platform.runtime import Runtime
from app.usecases import catalogue, people
from tests.support.people import add_admin


@pytest.fixture
def own(rt: Runtime) -> AlertSource:
    """The source of the checks."""
    return rt.db.write(
        lambda tx: sources.internal_source(tx, name=sources.CHECKS_SOURCE, pipeline="local-monitor", now=rt.clock.now())
    )


def test_whom_it_pages_is_peoples_choice_and_its_name_is_not(rt: Runtime, own: AlertSource) -> None:
    admin, now = add_admin(rt), rt.clock.now()
    team = people.create_team(rt, name="Ops", actor=admin, now=now)
    # A form sends every field, changed or not.
    changes = {"name": own.name, "driver": own.driver, "team_id": team.id}
    changed = catalogue.update_source(rt, source_id=own.id, changes=changes, actor=admin, now=now)
    assert changed.leads_somewhere
    for name in ("name", "driver"):
        with pytest.raises(SourceInUse):
            catalogue.update_source(rt, source_id=own.id, changes={name: "auto"}, actor=admin, now=now)


def test_it_cannot_be_deleted(rt: Runtime, own: AlertSource) -> None:
    with pytest.raises(SourceInUse):
        catalogue.delete_source(rt, source_id=own.id, actor=add_admin(rt), now=rt.clock.now())
