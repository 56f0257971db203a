"""Intelligence providers on the screen: every kind's form, who answers, a test with its outcome, what would leave."""

import json
from collections.abc import Callable

import pytest

from app.intelligence import configs, queries
from app.intelligence.kinds import provider_kinds
from app.intelligence.local import LocalParams
from app.intelligence.types import IntelligenceProvider
from app.platform.configs import secrets_in
from app.platform.ports import HttpAnswer
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue
from tests.support.world import World
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]
KINDS = provider_kinds()
KEY = "pl4inly-f4ke-key"
HERE = "/intelligence-providers"


def stored(rt: Runtime) -> IntelligenceProvider:
    """The only provider."""
    (found,) = rt.db.read(lambda tx: queries.list_providers(tx, PageQuery())).items
    return found


def made(rt: Runtime, company: Company, kind: str = "openai", *, is_active: bool = False) -> str:
    """A provider's page."""
    config = {} if kind == "local" else {"api_key": KEY}
    provider = catalogue.create_provider(
        rt, name="main", provider=kind, config=config, is_active=is_active, actor=company.ada, now=rt.clock.now()
    )
    return f"{HERE}/{provider.id}"


def says(world: World, text: str, status: int = 200) -> None:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165}
    body = {"model": "gpt-4o-mini", "choices": [choice], "usage": usage}
    world.http.next.append(HttpAnswer(status, {}, json.dumps(body).encode()))


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_can_be_typed_in_and_shows_no_secret(
    rt: Runtime, company: Company, open_screen: Open, name: str
) -> None:
    sample = KINDS[name].samples[0].config
    new = open_screen("Ada").open(f"{HERE}/new?provider={name}")
    assert KINDS[name].setup in new.text
    typed = {f"config.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in sample.items()}
    page = new.form(HERE).send("Keep the provider", name="main", **typed)
    assert page.path.startswith(f"{HERE}/"), page.text
    kept = configs.unseal(KINDS[name], stored(rt).config, rt.secrets)
    assert kept == KINDS[name].config_model.model_validate(sample)
    assert not any(secret in page.html for secret in secrets_in(kept))
    assert page.form(page.path).send("Save").status == 200
    assert configs.unseal(KINDS[name], stored(rt).config, rt.secrets) == kept


def test_the_local_analysis_is_set_up_like_any_other(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open(f"{HERE}/new?provider=local").form(HERE)
    assert form.value("config.scan_paths") == "/var/log, /tmp, /var/tmp, /var/cache"
    refused = form.send("Keep the provider", name="here", **{"config.scan_paths": "var"})
    assert "must begin with /" in str(refused.errors())
    page = refused.form(HERE).send("Keep the provider", **{"config.scan_paths": "/srv, /data"})
    assert configs.local_params(stored(rt).config) == LocalParams(scan_paths=("/srv", "/data"))
    assert "What leaves" not in page.text
    assert "Nothing leaves" in page.screen.open(f"{page.path}/preview").text
    tried = page.form(f"{page.path}/test").send("Test it")
    assert "it answered" in tried.by_id("test").text


def test_what_is_wrong_stands_beside_its_field(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open(f"{HERE}/new?provider=openai").form(HERE)
    refused = form.send("Keep the provider", name="main", **{"config.base_url": "ftp://x.example.com"})
    assert refused.status == 422
    assert {"config.api_key-error", "config.base_url-error"} <= refused.errors().keys()


def test_one_answers_at_a_time_and_the_local_analysis_while_none_does(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    path = made(rt, company)
    screen = open_screen("Ada")
    assert "The local analysis answers" in screen.open(HERE).text
    page = screen.open(path).form(f"{path}/activate").send()
    assert page.toasts == "It is asked from now on."
    assert "main (OpenAI) analyses incidents" in screen.open(HERE).text
    assert page.form(f"{path}/deactivate").send().toasts.startswith("It is asked no more")
    assert page.form(f"{path}/delete").send().path == HERE


def test_a_test_shows_what_came_of_it(rt: Runtime, company: Company, world: World, open_screen: Open) -> None:
    path = made(rt, company)
    page = open_screen("Ada").open(path)
    says(world, '{"summary": "<b>Full</b>", "probable_cause": "Logs."}')
    well = page.form(f"{path}/test").send("Test it").by_id("test")
    assert "gpt-4o-mini, 165 tokens, 0 ms <b>Full</b> Logs." in well.text
    assert not list(well.all("b"))
    says(world, f"Your key {KEY} is wrong.", 401)
    badly = page.form(f"{path}/test").send("Test it")
    assert "no answer" in badly.by_id("test").text
    assert "the provider does not accept the API key" in badly.by_id("test").text
    assert KEY not in badly.html
    assert badly.by_id("questions").text.count("Test: Disk almost full on web-01") == 2
    assert "2 of 30" in badly.by_id("terms").text


def test_the_preview_is_byte_for_byte_what_leaves(
    rt: Runtime, company: Company, world: World, fire: Fire, open_screen: Open
) -> None:
    object.__setattr__(rt.settings, "intelligence_labels", ("host", "dsn"))
    path = made(rt, company, is_active=True)
    labels = {"host": "db-1", "dsn": "postgresql://app:s3cr3t-pa55@db.example.com/x", "team": "storage"}
    number = fire("Disk full", description="</pre>\n\u202e «97 %», token=abc123def456ghi789", labels=labels)
    screen = open_screen("Vera")
    page = screen.open(f"{path}/preview")
    assert f"#{number} Disk full" in page.text
    shown = page.by_id("request-body").raw
    says(world, '{"summary": "Full."}')
    incident = f"/incidents/{number}"
    open_screen("Ravi").open(incident).form(f"{incident}/acknowledge").send("Analyse now")
    (call,) = world.http.calls
    assert shown.encode() == call.content
    assert f"POST {call.url}" in page.text
    assert "s3cr3t-pa55" not in page.html
    assert KEY not in page.html
    held = page.by_id("hidden").text
    assert "alerts[0].labels.dsn" in held
    assert "alerts[0].description" in held
    assert "Labels that are told dsn, host" in held
    assert "team" in held.partition("Labels that stay")[2]


def test_a_preview_without_an_incident_or_of_one_that_is_not_there(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    path = made(rt, company)
    screen = open_screen("Vera")
    assert "No incident yet" in screen.open(f"{path}/preview").text
    assert screen.open(f"{path}/preview?incident_id=99").status == 404
    assert screen.open(f"{path}/preview?incident_id=x").status == 422
    assert screen.open(f"{HERE}/99/preview").status == 404
    assert screen.open(f"{path}?tried=x").status == 422
