"""The real application with an admin and a responder in it, and the ways to call it."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.accounts.types import User
from app.main import create_app
from app.platform.runtime import Runtime
from tests.support.client import Client
from tests.support.people import add_admin, add_user


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for what happens before it."""
    return sqlite_url


@pytest.fixture
def admin(rt: Runtime) -> User:
    """The first admin."""
    return add_admin(rt)


@pytest.fixture
def responder(rt: Runtime, admin: User) -> User:
    """A responder who can sign in."""
    return add_user(rt, "Ravi", actor=admin, signs_in=True)


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    """A caller without credentials of the application, which does nothing by itself."""
    app = create_app(rt=rt, with_clock=False)
    with Client(app, base_url="http://testserver", follow_redirects=False, raise_server_exceptions=False) as caller:
        yield caller
