"""People and schedules to page by, on each kind of database."""

import pytest

from app.platform.runtime import Runtime
from tests.support.duty import Duty
from tests.support.people import add_admin
from tests.support.statements import Statements
from tests.support.world import World


@pytest.fixture
def duty(rt: Runtime, world: World) -> Duty:
    """Ada and whom a test names; time moves when it says so."""
    return Duty(rt, world, add_admin(rt, "Ada"))


@pytest.fixture
def statements(rt: Runtime) -> Statements:
    """Counts what is asked of the database."""
    return Statements(rt.db)
