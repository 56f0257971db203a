"""The real application and people who call its API; the database is SQLite, the use cases are tested on both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.accounts.types import Role, TokenScope, User
from app.main import create_app
from app.platform.runtime import Runtime
from app.usecases import people
from tests.support.client import Client
from tests.support.people import add_admin, add_user

JSON = dict[str, Any]


@dataclass
class Caller:
    """Somebody with a personal token who calls the API; `None` as the token is a stranger."""

    client: TestClient
    user: User | None = None
    token: str | None = None

    def call(self, method: str, path: str, body: Any = None, /, **query: Any) -> Response:
        """One request; `from_` in the query is `from`."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        params = {name.rstrip("_"): str(value) for name, value in query.items()}
        return self.client.request(method, f"/api/v1{path}", json=body, params=params, headers=headers)

    def get(self, path: str, /, **query: Any) -> Any:
        """What a path answers with 200."""
        return self._expect(200, self.call("GET", path, **query))

    def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        """What a POST answers, which must have this status."""
        return self._expect(status, self.call("POST", path, body))

    def patch(self, path: str, body: Any) -> Any:
        """What a PATCH answers with 200."""
        return self._expect(200, self.call("PATCH", path, body))

    def delete(self, path: str) -> None:
        """A DELETE, which must succeed without a word."""
        answered = self.call("DELETE", path)
        assert (answered.status_code, answered.content) == (204, b""), answered.text
        assert "content-type" not in answered.headers

    def refused(self, status: int, method: str, path: str, body: Any = None, /, **query: Any) -> JSON:
        """The problem document of a request that must be refused with this status."""
        answered = self.call(method, path, body, **query)
        problem: JSON = self._expect(status, answered)
        assert answered.headers["content-type"] == "application/problem+json"
        assert problem.keys() >= {"type", "title", "status", "detail"}
        assert problem["status"] == status
        return problem

    @staticmethod
    def _expect(status: int, answered: Response) -> Any:
        assert answered.status_code == status, answered.text
        return answered.json()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for the door."""
    return sqlite_url


@pytest.fixture
def client(rt: Runtime) -> Iterator[TestClient]:
    """The application, with nothing that happens by itself."""
    with Client(create_app(rt=rt, with_clock=False), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def admin(rt: Runtime, client: TestClient) -> Caller:
    """An admin."""
    return _caller(rt, client, add_admin(rt))


@pytest.fixture
def responder(rt: Runtime, client: TestClient, admin: Caller) -> Caller:
    """A responder named Ravi."""
    assert admin.user is not None
    return _caller(rt, client, add_user(rt, "Ravi", actor=admin.user, signs_in=True))


@pytest.fixture
def viewer(rt: Runtime, client: TestClient, admin: Caller) -> Caller:
    """Somebody who may only look."""
    assert admin.user is not None
    return _caller(rt, client, add_user(rt, "Vera", actor=admin.user, role=Role.VIEWER, signs_in=True))


@pytest.fixture
def stranger(client: TestClient) -> Caller:
    """Somebody without any credential."""
    return Caller(client)


@pytest.fixture
def source(admin: Caller) -> JSON:
    """An alert source with its key."""
    made: JSON = admin.post("/alert-sources", {"name": "prod"}, status=201)
    return made


@pytest.fixture
def send(client: TestClient, source: JSON) -> Callable[..., JSON]:
    """Posts a generic alert to the source, as its tool would."""

    def post(name: str = "Disk almost full", *, status: str = "firing", severity: str = "critical") -> JSON:
        answered = client.post(
            "/alerts/webhook/generic/",
            json={"name": name, "status": status, "severity": severity, "fingerprint": name},
            headers={"x-api-key": source["api_key"]},
        )
        assert answered.status_code == 202, answered.text
        result: JSON = answered.json()
        return result

    return post


@pytest.fixture
def hour(rt: Runtime) -> Callable[[float], str]:
    """The time that many hours from the test's start, as the API writes it."""
    start: datetime = rt.clock.now()
    return lambda number: (start + timedelta(hours=number)).isoformat().replace("+00:00", "Z")


def _caller(rt: Runtime, client: TestClient, user: User) -> Caller:
    _, token = people.create_token(rt, user=user, name="test", scope=TokenScope.ADMIN, now=rt.clock.now())
    return Caller(client, user, token)
