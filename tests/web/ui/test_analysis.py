"""Analysis on the incident's page: asked for by a button, shown as plain text, with who answered and why."""

import json
from collections.abc import Callable

import pytest

from app.platform.ports import HttpAnswer
from app.platform.runtime import Runtime
from app.usecases import catalogue
from tests.support.looks import look_briefly
from tests.support.world import World
from tests.web.ui.conftest import Company, Open

Fire = Callable[..., int]
SHOUTING = {
    "summary": "<script>alert(1)</script> **The disk** is full.\nSince noon.",
    "probable_cause": "[logs](https://evil.example.com) and <img src=x onerror=alert(1)>",
    "confidence": 0.42,
    "recommendations": [
        {"type": "disk", "priority": "high", "title": "<b>Rotate</b> the logs", "description": "- now",
         "actions": ["<a href='javascript:alert(1)'>go</a>", "journalctl --vacuum-size=1G"],
         "details": {"incident_ids": [7]}},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def brief_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the local analysis finds on this machine is proved elsewhere."""
    look_briefly(monkeypatch)


def activated(rt: Runtime, company: Company) -> None:
    catalogue.create_provider(
        rt, name="main", provider="openai", config={"api_key": "pl4inly-f4ke-key"}, is_active=True, actor=company.ada,
        now=rt.clock.now(),
    )  # fmt: skip


def says(world: World, text: str) -> None:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165}
    body = {"model": "gpt-4o-mini", "choices": [choice], "usage": usage}
    world.http.next.append(HttpAnswer(200, {}, json.dumps(body).encode()))


def test_an_analysis_is_asked_for_as_somebody_and_shown_as_plain_text(
    rt: Runtime, world: World, company: Company, fire: Fire, open_screen: Open
) -> None:
    activated(rt, company)
    number = fire()
    page = open_screen("Ada").open(f"/incidents/{number}")
    assert "Not analysed yet" in page.by_id("analysis").text
    says(world, json.dumps(SHOUTING))
    form = page.form(f"/incidents/{number}/acknowledge")
    after = form.send("Analyse now", acting_as_user_id=company.ravi.id)
    assert after.toasts == "Analysed by OpenAI."
    panel = after.by_id("analysis")
    for text in ("<script>alert(1)</script> **The disk** is full.", "<b>Rotate</b> the logs", "- now",
                 "medium confidence, 42 %", "OpenAI (gpt-4o-mini, 165 tokens, 0 ms)", "[link removed]"):  # fmt: skip
        assert text in panel.text
    assert not list(panel.all("a", "img", "script", "b", "iframe"))
    assert "evil.example.com" not in after.text
    assert "Analyse again" in panel.text


def test_who_may_only_look_has_no_button(rt: Runtime, company: Company, fire: Fire, open_screen: Open) -> None:
    page = open_screen("Vera").open(f"/incidents/{fire()}")
    assert "Analyse" not in page.text
    assert "Not analysed yet" in page.text


def test_a_fallback_says_why_and_the_tries_before_it_are_kept(
    rt: Runtime, world: World, company: Company, fire: Fire, open_screen: Open
) -> None:
    activated(rt, company)
    number = fire()
    path = f"/incidents/{number}"
    screen = open_screen("Ravi")
    world.http.next.append(HttpAnswer(404, {}, b"{}"))
    after = screen.open(path).form(f"{path}/acknowledge").send("Analyse now")
    assert "The local analysis answered instead: main failed (the provider knows no model" in after.toasts
    panel = after.by_id("analysis").text
    assert "fallback" in panel
    assert "Not by the provider that was wanted: main failed (the provider knows no model" in panel
    assert "1 more try" in panel
    says(world, '{"summary": "All well."}')
    panel = after.form(f"{path}/acknowledge").send("Analyse again").by_id("analysis").text
    assert panel.index("All well.") < panel.index("2 more tries") < panel.index("fallback")


def test_without_the_fallback_the_page_says_that_there_is_none(
    rt: Runtime, world: World, company: Company, fire: Fire, open_screen: Open
) -> None:
    activated(rt, company)
    object.__setattr__(rt.settings, "orchestration_intelligence_fallback_enabled", False)
    path = f"/incidents/{fire()}"
    world.http.next.append(HttpAnswer(401, {}, b"{}"))
    after = open_screen("Ravi").open(path).form(f"{path}/acknowledge").send("Analyse now")
    assert after.toasts.startswith("There is no analysis: main failed (the provider does not accept the API key")
    assert "no analysis" in after.by_id("analysis").text
