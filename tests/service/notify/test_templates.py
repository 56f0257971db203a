"""Templates of operators under attack: none reaches out of its values, and the message goes in any case (B32)."""

import json
from pathlib import Path

import pytest

from app.accounts import queries as accounts
from app.notify import service as notify
from app.notify.errors import ChannelInvalid
from app.notify.types import NewNotification, Notification, NotificationKind, NotificationStatus
from app.platform.types import JsonObject
from app.usecases import catalogue, people
from tests.service.notify.conftest import Ward
from tests.support.http_server import HttpServer
from tests.support.loopback import on_loopback

SECRET = "s3cret-in-the-header"
LINE = "the-canary-of-the-file"
PROOF = "7777777"

# Each tries to reach an object, a file, a secret or the machine, to run code, or to be too much.
ATTACKS = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__bases__[0].__subclasses__()[40]('/etc/passwd').read() }}",
    "{{ ''['__class__']['__base__']['__subclasses__']() }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''|attr(['_'*2,'class','_'*2]|join) }}",
    "{{ title.__init__.__globals__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('echo 7777777').read() }}",
    "{{ joiner.__init__.__globals__['os'].environ }}",
    "{{ namespace.__init__.__globals__.os.system('echo 7777777') }}",
    "{{ lipsum.__globals__['os'].popen('echo 7777777').read() }}",
    "{{ lipsum.__globals__.__builtins__.open('/etc/passwd').read() }}",
    "{{ range.__class__('x', (), {}) }}",
    "{{ config.SECRET_KEY }}{{ config.items() }}",
    "{{ settings.secret_key or request.application }}{{ request.environ }}",
    "{{ get_flashed_messages.__globals__['current_app'].config }}",
    "{{ url_for.__globals__ }}",
    "{{ '%c%c'|format(95,95) }}{{ ''|attr('%s%sclass%s%s'|format('_','_','_','_')) }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(title) }}",
    "{{ '{0.__class__}'.format_map({'0': title}) }}",
    "{{ ('{' ~ '0.__class__.__mro__' ~ '}').format(1) }}",
    "{% import 'os' as os %}{{ os.popen('echo 7777777').read() }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../.env' %}",
    "{% extends 'page.txt' %}",
    "{% from 'page.html' import x %}",
    "{% set x = tags.update({'a': 1}) %}{{ tags }}{{ context.clear() }}",
    "{% set x = [].append %}{{ x.__self__.__class__.__base__ }}",
    "{{ 'a' * 10**9 }}",
    "{% for a in range(10**9) %}x{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}" + "{% endfor %}" * 3,
    "{{ range(10**8)|list|length }}",
    "{{ 9**9**9**9 }}",
    "{{ ('x' * 70000) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ title|center(10**9) }}",
    "{{ lipsum(n=100000) }}",
    "{{ 'x'|indent(10**9) ~ 'y'|wordwrap(1) }}",
    "{% raw %}",
    "{{ undefined.attribute.of.nothing }}",
    "{{ title",
)
assert len(ATTACKS) > 40

PATHS = (
    "file:../secret.j2", "file:/etc/passwd", "file:..%2fsecret.j2", "file:secret.j2/../../secret.j2", "file:SECRET.J2",
    "file:secret.txt", "file:.j2/", "file:a\x00.j2", "file:..\\secret.j2", "file:", "file:sub/x.j2",
)  # fmt: skip


class Target:
    """A team's webhook whose template somebody wrote, and what it was sent."""

    def __init__(self, ward: Ward, server: HttpServer, folder: Path, **config: str) -> None:
        self.ward = ward
        self.server = server
        rt = on_loopback(ward.with_settings(notify_templates_dir=str(folder)).rt)
        self.house = Ward(rt, ward.world, ward.admin, ward.policy_id)
        values: JsonObject = {"endpoint": server.url, "headers": {"X-Key": SECRET}, **config}
        self.channel = catalogue.create_channel(
            rt, name="team", driver="webhook", config=values, actor=ward.admin, now=ward.now
        )

    def tells(self) -> Notification:
        """One message over it; what became of it."""
        new = NewNotification(
            kind=NotificationKind.TEAM,
            channel="webhook",
            channel_id=self.channel.id,
            due_at=self.ward.now,
            facts={"event": "triggered", "text": "97 % used", "labels": {"host": "db-1"}},
            incident_id=self.house.opens("Disk full"),
        )
        row_id = self.house.rt.db.write(lambda tx: notify.insert_one(tx, new, now=self.ward.now))
        self.house.delivers_all()
        rows = self.ward.messages(new.incident_id or 0)
        return next(row for row in rows if row.id == row_id)

    @property
    def body(self) -> str:
        """The only body that arrived."""
        (request,) = self.server.requests
        return request.body.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The template folder, with something beside it that nobody may read."""
    (tmp_path / "secret.j2").write_text(LINE)
    inside = tmp_path / "templates"
    inside.mkdir()
    return inside


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The database plays no part here."""
    return sqlite_url


@pytest.mark.parametrize("field", ["body_template", "template"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_succeeds_and_the_message_goes(
    ward: Ward, http_server: HttpServer, folder: Path, attack: str, field: str
) -> None:
    target = Target(ward, http_server, folder, **{field: attack})
    row = target.tells()
    assert row.status is NotificationStatus.SENT
    said = target.body
    for trace in (PROOF, SECRET, LINE, "root:", "<class", "subclasses", "PATH", "builtin", ward.rt.settings.secret_key):
        assert trace not in said
    assert len(said) < 100_000
    if row.last_error:
        assert row.last_error.startswith("sent with the built-in text")
        assert "Disk full" in said


@pytest.mark.parametrize("source", PATHS)
def test_a_file_is_found_in_its_folder_only(ward: Ward, http_server: HttpServer, folder: Path, source: str) -> None:
    with pytest.raises(ChannelInvalid):
        Target(ward, http_server, folder, template=source)


def test_a_link_out_of_the_folder_is_not_followed(ward: Ward, http_server: HttpServer, folder: Path) -> None:
    (folder / "out.j2").symlink_to(folder.parent / "secret.j2")
    target = Target(ward, http_server, folder, template="file:out.j2")
    row = target.tells()
    assert row.status is NotificationStatus.SENT
    assert "there is no out.j2 in the template folder" in row.last_error
    assert LINE not in target.body


def test_what_a_template_makes_is_what_is_said_and_kept(ward: Ward, http_server: HttpServer, folder: Path) -> None:
    (folder / "short.j2").write_text("{{ severity|upper }} {{ title }} on {{ tags.host }}: {{ incident.status }}\n")
    target = Target(ward, http_server, folder, template="file:short.j2")
    row = target.tells()
    assert (row.body.strip(), row.last_error) == ("CRITICAL Disk full on db-1: triggered", "")
    assert json.loads(target.body)["message"].strip() == row.body.strip()


@pytest.mark.parametrize("name", ["webhook_text.j2", "generic_text.j2", "webhook.j2", "generic.j2"])
def test_a_template_is_found_by_its_name(ward: Ward, http_server: HttpServer, folder: Path, name: str) -> None:
    (folder / name).write_text(f"by {name}: {{{{ title }}}}")
    target = Target(ward, http_server, folder)
    target.tells()
    assert json.loads(target.body)["message"] == f"by {name}: Disk full"


def test_a_payload_template_makes_the_whole_body(ward: Ward, http_server: HttpServer, folder: Path) -> None:
    (folder / "generic_payload.j2").write_text('{"what": {{ title|tojson }}, "how": {{ severity|tojson }}}')
    target = Target(ward, http_server, folder)
    target.tells()
    assert json.loads(target.body) == {"what": "Disk full", "how": "critical"}


def test_a_template_that_makes_nothing_leaves_the_built_in_text(
    ward: Ward, http_server: HttpServer, folder: Path
) -> None:
    target = Target(ward, http_server, folder, template="{% if false %}x{% endif %}")
    row = target.tells()
    assert "makes no text at all" in row.last_error
    assert "Disk full" in target.body


def test_a_code_is_never_replaced_by_a_template(ward: Ward, folder: Path) -> None:
    (folder / "email_text.j2").write_text("nothing of use")
    (folder / "webhook_text.j2").write_text("nothing of use")
    there = ward.with_settings(notify_templates_dir=str(folder))
    found = ward.reads(lambda tx: accounts.find_user_by_email(tx, "ravi@example.com"))
    assert found is not None
    method = people.add_contact_method(
        there.rt, user_id=found.id, channel="webhook", address="https://ravi.example.com/in", verified=False,
        actor=ward.admin, now=ward.now,
    )  # fmt: skip
    people.send_code(there.rt, user_id=found.id, contact_method_id=method.id, now=ward.now)
    there.delivers_all()
    (call,) = ward.world.http.calls
    assert b"Enter " in call.content
    assert b"nothing of use" not in call.content


def test_a_bundle_names_all_its_incidents_whatever_the_template(ward: Ward, folder: Path) -> None:
    (folder / "email_text.j2").write_text("one: {{ title }}")
    there = Ward(on_loopback(ward.with_settings(notify_templates_dir=str(folder)).rt), ward.world, ward.admin,
                 ward.policy_id)  # fmt: skip
    there.opens("first")
    there.delivers_all()
    for title in ("second", "third"):
        there.opens(title)
    there.delivers_all()
    ward.world.clock.advance(seconds=61)
    there.delivers_all()
    first, bundle = (mail.message for mail in ward.world.mail.sent)
    assert "one: first" in str(first)
    assert "second" in str(bundle)
    assert "third" in str(bundle)
