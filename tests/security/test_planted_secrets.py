"""Twenty-six secrets are planted wherever PagerPal keeps one; then all that anybody may see is searched (F-112).

Searched are the answers of every API path and page, the log, the audit, the texts of errors, and the database file.
"""

import asyncio
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from app.accounts.models import AuditEntryRow
from app.accounts.types import TokenScope, User
from app.incidents.types import Actor, Severity
from app.main import create_app
from app.notify.models import AttemptRow, NotificationRow
from app.platform import logs
from app.platform.db import Db
from app.platform.ports import HttpAnswer
from app.platform.runtime import RandomIds, Runtime
from app.platform.settings import Settings
from app.platform.webpush import Subscription
from app.usecases import answer, catalogue, deliver, people
from app.web.routes import ROUTES
from app.web.routing import KEYED
from tests.support.client import Client
from tests.support.people import PASSWORD
from tests.support.push import Device
from tests.support.world import RecordingHttp, World

# Each is a word that stands nowhere else, so that a hit names its owner.
PLANTED = {
    name: f"canary{name}Zq9xVw7k"
    for name in (
        "smtp", "infobip", "twiliosid", "twilioauth", "slackbot", "slacksigning", "metrics", "heartbeat",
        "hookheader", "hookurl", "pagerduty", "mattermost", "chsmtp", "chinfobip", "chtwilio", "chslackhook",
        "chslackbot", "apprise", "sesaccess", "signing", "password", "pushpath", "provider",
    )
}  # fmt: skip


@dataclass
class Plot:
    """Everything that was planted, and where it may turn up."""

    rt: Runtime
    client: TestClient
    admin: User
    secrets: dict[str, str]
    log: io.StringIO

    def hits(self, text: str) -> list[str]:
        """Whose secrets stand in a text."""
        return [name for name, secret in self.secrets.items() if secret in text]


class Echo(RecordingHttp):
    """A receiver that is broken and sends back all that it was sent."""

    async def request(self, method: str, url: str, **more: Any) -> HttpAnswer:
        """500, with the request in the body."""
        await super().request(method, url, **more)
        said = f"{method} {url} {more.get('headers')} {more.get('content')!r}"
        return HttpAnswer(500, {}, said.encode())


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Every provider's secret is set."""
    return Settings(
        pagerpal_env="test",
        database_url=database_url,
        smtp_host="mail.example.com",
        smtp_from="pager@example.com",
        smtp_username="pager",
        smtp_password=PLANTED["smtp"],
        infobip_base_url="https://infobip.example.com",
        infobip_api_key=PLANTED["infobip"],
        infobip_sms_sender="Pager",
        twilio_account_sid=PLANTED["twiliosid"],
        twilio_auth_token=PLANTED["twilioauth"],
        twilio_from="+15550100",
        slack_bot_token=PLANTED["slackbot"],
        slack_signing_secret=PLANTED["slacksigning"],
        metrics_token=PLANTED["metrics"],
        heartbeat_url=f"https://beat.example.com/{PLANTED['heartbeat']}",
    )


@pytest.fixture
def plot(world: World, settings: Settings, db: Db) -> Iterator[Plot]:
    """All planted, an incident under way, and every provider broken."""
    log = io.StringIO()
    logs.configure(settings.model_copy(update={"log_format": "json"}), log)
    world.http = Echo()
    # Counted ids are zeros for the most part, which stand everywhere.
    rt = world.runtime(settings, db)
    rt = replace(rt, ids=RandomIds(rt.clock))
    now = rt.clock.now()
    admin = people.create_admin(
        rt, email="ada@example.com", name="Ada", password=f"{PLANTED['password']} {PASSWORD}", now=now
    )
    secrets = dict(PLANTED)
    _, secrets["token"] = people.create_token(rt, user=admin, name="script", scope=TokenScope.ADMIN, now=now)
    _, secrets["sourcekey"] = catalogue.create_source(
        rt, name="prod", config={"signing_secret": PLANTED["signing"]}, actor=admin, now=now
    )
    channels(rt, admin)
    secrets["code"] = reached(rt, admin)
    actor = Actor(admin.id, admin.name, admin.id, "api")
    answer.open_incident(rt, title="Disk full", severity=Severity.CRITICAL, actor=actor, now=now)
    for number in range(1, 10):
        deliver.send_test(rt, channel_id=number, actor=actor, now=now)
    asyncio.run(sent(rt))
    asked(rt, admin)
    app = create_app(rt=rt, with_clock=False)
    with Client(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield Plot(rt, client, admin, secrets, log)
    logs.configure(settings)


def channels(rt: Runtime, admin: User) -> None:
    """A team's channel of each kind that keeps a secret."""
    made: list[tuple[str, dict[str, Any]]] = [
        ("webhook", {"endpoint": "https://a.example.com/", "headers": {"X-Key": PLANTED["hookheader"]}}),
        ("webhook", {"webhook_url": f"https://b.example.com/{PLANTED['hookurl']}"}),
        ("pagerduty", {"integration_key": f"{PLANTED['pagerduty']}0123456789"}),
        ("mattermost", {"webhook_url": f"https://c.example.com/hooks/{PLANTED['mattermost']}"}),
        ("email_smtp", {"smtp_host": "m.example.com", "from_address": "a@example.com", "to_addresses": "b@example.com",
                        "username": "a", "password": PLANTED["chsmtp"]}),
        ("infobip_sms", {"base_url": "https://d.example.com", "api_key": PLANTED["chinfobip"], "sender": "P",
                         "to": "+15550101"}),
        ("twilio_sms", {"account_sid": "AC1", "auth_token": PLANTED["chtwilio"], "from": "+15550100",
                        "to": "+15550101"}),
        ("slack", {"webhook_url": f"https://hooks.slack.com/services/{PLANTED['chslackhook']}"}),
        ("slack", {"bot_token": PLANTED["chslackbot"], "channel": "C1"}),
        ("apprise", {"url": f"json://e.example.com/{PLANTED['apprise']}"}),
        ("email_ses", {"region": "eu-west-1", "from_address": "a@example.com", "to_addresses": "b@example.com",
                       "access_key_id": "AKIDEXAMPLE", "secret_access_key": PLANTED["sesaccess"]}),
    ]  # fmt: skip
    for number, (driver, config) in enumerate(made, start=1):
        catalogue.create_channel(
            rt, name=f"channel {number}", driver=driver, config=config, actor=admin, now=rt.clock.now()
        )


def asked(rt: Runtime, admin: User) -> None:
    """A provider of intelligence, which sends its key back."""
    made = catalogue.create_provider(
        rt, name="ai", provider="openai", config={"api_key": PLANTED["provider"]}, actor=admin, now=rt.clock.now()
    )
    asyncio.run(catalogue.try_provider(rt, provider_id=made.id))


def reached(rt: Runtime, admin: User) -> str:
    """Ada's phone and device; gives the code that is on its way to her."""
    now = rt.clock.now()
    device = Device(f"https://push.example.com/{PLANTED['pushpath']}")
    keys = Subscription(device.endpoint, device.p256dh, device.auth)
    people.add_device(rt, user=admin, subscription=keys, name="Phone", now=now)
    people.push_public_key(rt, now=now)
    method = people.add_contact_method(
        rt, user_id=admin.id, channel="webhook", address="https://f.example.com/page", actor=admin, now=now
    )
    people.send_code(rt, user_id=admin.id, contact_method_id=method.id, now=now)
    facts = rt.db.read(
        lambda tx: tx.execute(select(NotificationRow.facts).order_by(NotificationRow.id.desc())).scalar()
    )
    found = re.search(r"\d{6}", str(facts))
    assert found is not None
    return found.group()


async def sent(rt: Runtime) -> None:
    """Everything that is due goes out, and fails."""
    await deliver.deliver_due(rt, rt.clock.now())
    await deliver.drain(rt)


def paths() -> list[str]:
    """Every path that can be looked at, with the ids that there may be."""
    wanted = [route.path for route in ROUTES if "GET" in route.methods.split() and route.permission != KEYED]
    wanted = [path for path in wanted if path not in ("/events", "/a/{token}")]
    ids = re.compile(r"\{[a-z_]+\}")
    return sorted({ids.sub(str(number), path) for path in wanted for number in range(1, 12)})


def test_there_are_at_least_twenty_five(plot: Plot) -> None:
    assert len(plot.secrets) >= 25


def test_no_planted_secret_is_in_any_answer_log_audit_error_or_file(plot: Plot) -> None:
    found: dict[str, list[str]] = {}

    def search(where: str, text: str) -> None:
        hits = plot.hits(text)
        if hits:
            found[where] = hits

    login = plot.client.post(
        "/api/v1/me/tokens", json={"name": "x", "scope": "admin"},
        auth=("ada@example.com", f"{PLANTED['password']} {PASSWORD}"),
    )  # fmt: skip
    assert login.status_code == 201, login.text
    headers = {"authorization": f"Bearer {plot.secrets['token']}"}
    for path in paths():
        reply = plot.client.get(path, headers=headers)
        search(path, reply.text)
    cookie = signed_in(plot)
    for path in paths():
        reply = plot.client.get(path, headers={"cookie": cookie, "accept": "text/html"})
        assert reply.status_code < 500, path
        search(f"page {path}", reply.text)
    for model, name in ((AuditEntryRow, "audit"), (AttemptRow, "tries")):
        search(name, rows_of(plot.rt, select(model.__table__)))
    search("log", plot.log.getvalue())
    for file in files_of(plot.rt):
        # The code waits in the outbox until it has been sent; everything else is never in the clear.
        content = file.read_bytes().decode("latin-1")
        hits = [hit for hit in plot.hits(content) if hit != "code"]
        if hits:
            found[file.name] = hits
    assert found == {}


def rows_of(rt: Runtime, statement: Select[Any]) -> str:
    """What a table holds, as text."""
    return repr(rt.db.read(lambda tx: tx.execute(statement).all()))


def signed_in(plot: Plot) -> str:
    """The cookie of a browser in which Ada has signed in."""
    page = plot.client.get("/login")
    field = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    data = {"email": "ada@example.com", "password": f"{PLANTED['password']} {PASSWORD}"}
    data |= {"csrf_token": field.group(1)} if field else {}
    reply = plot.client.post("/login", data=data)
    assert reply.status_code == 303, reply.text
    return str(reply.headers["set-cookie"]).split(";")[0]


def files_of(rt: Runtime) -> list[Path]:
    """The database file with all that lies beside it."""
    name = Path(make_url(rt.settings.database_url).database or "")
    return [each for each in name.parent.glob(f"{name.name}*") if each.is_file()]
