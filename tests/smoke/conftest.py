"""The story fixture: the whole application over a fresh database, on both kinds."""

from collections.abc import Iterator

import pytest

from app.platform.db import Db
from app.platform.settings import Settings
from tests.smoke.story import Story
from tests.support.world import World


@pytest.fixture
def story(world: World, db: Db, database_url: str) -> Iterator[Story]:
    """A night at a company that uses PagerPal; an unexpected page fails the test."""
    settings = Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        pagerpal_base_url="https://pager.example.com",
    )
    told = Story(world.runtime(settings, db), world)
    yield told
    told.close()
