"""What the simulation says would happen is what then happens: message by message.

Every night is played on SQLite; every third one also on PostgreSQL, which is slower.
"""

from collections.abc import Iterator

import pytest

from app.platform.db import Db
from app.platform.settings import Settings
from tests.smoke.simulate.duty_nights import DUTY_NIGHTS
from tests.smoke.simulate.incident_nights import INCIDENT_NIGHTS
from tests.smoke.simulate.level_nights import LEVEL_NIGHTS
from tests.smoke.simulate.nights import Night
from tests.smoke.simulate.quiet_nights import QUIET_NIGHTS
from tests.smoke.simulate.stage import Stage, simulated
from tests.support.world import World

NIGHTS = [*LEVEL_NIGHTS, *DUTY_NIGHTS, *INCIDENT_NIGHTS, *QUIET_NIGHTS]
PLAYED = [
    *(pytest.param("sqlite", night, id=f"sqlite-{night.words}") for night in NIGHTS),
    *(
        pytest.param("postgresql", night, id=f"postgresql-{night.words}", marks=pytest.mark.postgresql)
        for night in NIGHTS[::3]
    ),
]


@pytest.fixture
def stage(request: pytest.FixtureRequest, world: World, db: Db, database_url: str) -> Iterator[Stage]:
    """The company of the night that the test is about."""
    night: Night = request.param
    wanted = {"smtp_host": "mail.example.com", "smtp_from": "pager@example.com", **night.settings}
    settings = Settings(
        pagerpal_env="test",
        database_url=database_url,
        pagerpal_base_url="https://pager.example.com",
        **wanted,
    )
    played = Stage(world.runtime(settings, db), world, night)
    yield played
    played.close()


@pytest.mark.parametrize(("database_url", "stage"), PLAYED, indirect=True)
def test_simulation_says_what_the_engine_does(stage: Stage) -> None:
    night = stage.night
    stage.begin()
    said = stage.ask()
    expected = simulated(said, night.start)

    assert said["incident"]["action"] == night.action
    texts = [note["text"] for note in said["notes"]]
    assert [words for words in night.notes if not any(words in text for text in texts)] == [], texts
    if night.expect is not None:
        assert [str(message) for message in expected] == list(night.expect)
    assert [str(message) for message in stage.happen()] == [str(message) for message in expected]


def test_there_are_fifty_nights_on_each_kind_of_database_and_no_two_are_called_the_same() -> None:
    assert len(NIGHTS[::2]) >= 50
    assert len({night.words for night in NIGHTS}) == len(NIGHTS)
