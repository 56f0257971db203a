"""A company that uses PagerPal, and browsers without scripts for the people in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.accounts.types import Role, Team, User
from app.alerts.types import AlertSource
from app.escalation.types import Assignee, AssigneeType, Level, Policy
from app.main import create_app
from app.oncall.types import Schedule
from app.platform.runtime import Runtime
from app.platform.settings import Settings
from app.usecases import catalogue, people, rota
from tests.support.client import Client
from tests.support.people import add_admin, add_user
from tests.support.rota import Rota, furnish
from tests.support.screen import Screen

Open = Callable[..., Screen]


@dataclass(frozen=True)
class Company:
    """Who and what there is."""

    ada: User
    ravi: User
    noor: User
    vera: User
    team: Team
    schedule: Schedule
    policy: Policy
    source: AlertSource
    key: str


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for what pages show; queries and use cases are tested on both."""
    return sqlite_url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings with a mail server, which the test's world stands in for."""
    return Settings(
        pagerpal_env="test", database_url=database_url, smtp_host="mail.example.com", smtp_from="pager@example.com"
    )


@pytest.fixture
def app(rt: Runtime) -> FastAPI:
    """The real application, with nothing that happens by itself."""
    return create_app(rt=rt, with_clock=False)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """The application while it runs."""
    with Client(app, raise_server_exceptions=False) as running:
        yield running


@pytest.fixture
def screen(client: TestClient) -> Screen:
    """A browser in which nobody is signed in."""
    return Screen(client)


@pytest.fixture
def open_screen(app: FastAPI, client: TestClient) -> Open:
    """Another browser; with a name, that person is signed in."""

    def opened(name: str = "") -> Screen:
        another = Screen(Client(app, raise_server_exceptions=False))
        return another.sign_in(name) if name else another

    return opened


@pytest.fixture
def company(rt: Runtime) -> Company:
    """Ada is admin, Ravi and Noor respond, Vera watches; Ravi is on call for three days, then Noor for three."""
    now = rt.clock.now()
    ada = add_admin(rt, "Ada")
    ravi = add_user(rt, "Ravi", actor=ada, signs_in=True)
    noor = add_user(rt, "Noor", actor=ada, signs_in=True)
    vera = add_user(rt, "Vera", actor=ada, role=Role.VIEWER, signs_in=True)
    team = people.create_team(rt, name="Platform", actor=ada, now=now)
    for user in (ravi, noor):
        people.add_member(rt, team_id=team.id, user_id=user.id, actor=ada, now=now)
    schedule = rota.create_schedule(rt, name="Primary", team_id=team.id, actor=ada, now=now)
    for first_day, user in ((0, ravi), (3, noor)):
        rota.add_entry(
            rt,
            schedule_id=schedule.id,
            user_id=user.id,
            start_time=now + timedelta(days=first_day),
            end_time=now + timedelta(days=first_day + 3),
            actor=ada,
            now=now,
        )
    levels = [
        Level(1, 15, (Assignee(AssigneeType.SCHEDULE, schedule.id),)),
        Level(2, 10, (Assignee(AssigneeType.USER, noor.id),)),
    ]
    policy = catalogue.create_policy(rt, name="Escalate", levels=levels, actor=ada, now=now)
    source, key = catalogue.create_source(
        rt, name="Prometheus", driver="alertmanager", escalation_policy_id=policy.id, actor=ada, now=now
    )
    return Company(ada, ravi, noor, vera, team, schedule, policy, source, key)


@pytest.fixture
def shifts(rt: Runtime) -> Rota:
    """Another company: Ada is admin, Vera watches, five people share three schedules; it is Monday, 10:00 in Berlin."""
    ada = add_admin(rt, "Ada")
    add_user(rt, "Vera", actor=ada, role=Role.VIEWER, signs_in=True)
    return furnish(rt, ada)


@pytest.fixture
def fire(client: TestClient, company: Company) -> Callable[..., int]:
    """A monitoring tool: post a firing generic alert and get the number of its incident."""

    def fired(name: str = "Disk full", *, severity: str = "critical", status: str = "firing", **more: object) -> int:
        body = {"name": name, "status": status, "severity": severity, **more}
        answer = client.post("/alerts/webhook/generic", json=body, headers={"x-api-key": company.key})
        assert answer.status_code == 202, answer.text
        return int(answer.json()["incident_ids"][0])

    return fired
