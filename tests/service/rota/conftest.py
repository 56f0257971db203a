"""An admin who sets things up, on each kind of database."""

import pytest

from app.accounts.types import User
from app.platform.runtime import Runtime
from tests.support.people import add_admin


@pytest.fixture
def admin(rt: Runtime) -> User:
    """Whoever sets things up."""
    return add_admin(rt)
