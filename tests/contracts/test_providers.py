"""What every intelligence provider promises, tested for every file in the folder from its own samples."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from app.intelligence.kinds import provider_kinds
from app.intelligence.prompt import build
from app.intelligence.providers._base import ANSWER_LIMIT, Sample
from app.intelligence.types import AskFailed, Completion, Ending, Fault, Subject
from app.platform.configs import secret_fields, secrets_in
from app.platform.ports import HttpAnswer, HttpFailed, NoTemplates, Outside
from app.platform.runtime import in_thread
from tests.support.world import RecordingMail

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = provider_kinds()
SAMPLES = [pytest.param(name, sample, id=f"{name}: {sample.name}") for name in KINDS for sample in KINDS[name].samples]
PROMPT = build(Subject(incident_id=7, title="Disk full", severity="critical", status="triggered"))
TEXT = '{"summary": "The disk is full."}'


@dataclass
class Edge:
    """The outside world of one question: answers as told, and keeps what it is asked."""

    answer: HttpAnswer | HttpFailed
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        self.asked.append({"url": url, "headers": dict(headers or {}), "json": json.loads(content or b"null")})
        if isinstance(self.answer, HttpFailed):
            raise self.answer
        return HttpAnswer(self.answer.status, self.answer.headers, self.answer.body[:max_bytes])


def says(answer: object, status: int = 200, headers: dict[str, str] | None = None) -> Edge:
    return Edge(HttpAnswer(status, headers or {}, json.dumps(answer).replace('"{TEXT}"', json.dumps(TEXT)).encode()))


def completed(name: str, sample: Sample, edge: Edge) -> Completion:
    async def ask() -> Completion:
        config = KINDS[name].config_model.model_validate(sample.config)
        outside = Outside(http=edge, mail=RecordingMail(), blocking=in_thread, now=lambda: NOW, templates=NoTemplates())
        return await KINDS[name].complete(PROMPT, config, outside)

    return asyncio.run(ask())


def failure(name: str, sample: Sample, edge: Edge) -> AskFailed:
    with pytest.raises(AskFailed) as failed:
        completed(name, sample, edge)
    assert len(edge.asked) == 1, "a provider never asks again by itself"
    return failed.value


def test_every_provider_of_the_documents_is_there() -> None:
    assert set(KINDS) >= {"openai", "claude", "gemini", "copilot", "grok", "ollama", "mistral"}


@pytest.mark.parametrize("name", list(KINDS))
def test_a_provider_describes_itself_and_has_the_pinned_keys(name: str) -> None:
    kind = KINDS[name]
    assert kind.label
    assert kind.setup
    assert kind.samples
    assert set(kind.config_model.model_fields) == {"api_key", "model", "base_url", "timeout_seconds", "max_tokens"}
    assert all(info.description for info in kind.config_model.model_fields.values())
    assert secret_fields(kind.config_model) == {"api_key"}


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_sample_makes_the_request_that_it_says(name: str, sample: Sample) -> None:
    edge = says(sample.answer)
    completed(name, sample, edge)
    (made,) = edge.asked
    for key, wanted in sample.expect.items():
        assert wanted.items() <= made[key].items() if isinstance(wanted, dict) else made[key] == wanted, key
    assert json.dumps(PROMPT.user)[1:-1] in json.dumps(made["json"])
    assert not any(secret in made["url"] for secret in sample.config.values()), "a key in a URL ends up in logs"


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_the_answer_is_read_with_its_tokens(name: str, sample: Sample) -> None:
    found = completed(name, sample, says(sample.answer))
    assert (found.text, found.usage, found.ending) == (TEXT, sample.usage, Ending.COMPLETE)
    assert found.model


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_cut_and_refused_answers_are_told_apart(name: str, sample: Sample) -> None:
    assert completed(name, sample, says(sample.cut)).ending is Ending.CUT
    if sample.refused is not None:
        assert completed(name, sample, says(sample.refused)).ending is Ending.REFUSED


@pytest.mark.parametrize(
    ("status", "fault", "is_final"),
    [
        (400, Fault.REJECTED, True), (401, Fault.UNAUTHORIZED, True), (403, Fault.UNAUTHORIZED, True),
        (404, Fault.NO_SUCH_MODEL, True), (408, Fault.SERVER_ERROR, False), (409, Fault.REJECTED, False),
        (413, Fault.REJECTED, True), (422, Fault.REJECTED, True), (429, Fault.RATE_LIMITED, False),
        (302, Fault.REJECTED, True), (500, Fault.SERVER_ERROR, False), (503, Fault.SERVER_ERROR, False),
        (529, Fault.SERVER_ERROR, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_refusal_is_sorted_and_told_in_the_words_of_the_provider(
    name: str, sample: Sample, status: int, fault: Fault, is_final: bool
) -> None:
    failed = failure(name, sample, says(sample.error, status))
    assert (failed.fault, failed.permanent) == (fault, is_final)
    assert "Something is wrong." in failed.message


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_model_that_is_not_known_is_named(name: str, sample: Sample) -> None:
    failed = failure(name, sample, says(sample.error, 404))
    assert repr(KINDS[name].config_model.model_validate(sample.config).model) in failed.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Mon, 02 Mar 2026 09:00:30 GMT"}, 30.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_too_many_says_when_to_come_again(
    name: str, sample: Sample, headers: dict[str, str], seconds: float | None
) -> None:
    assert failure(name, sample, says(sample.error, 429, headers)).retry_after_seconds == seconds


def test_gemini_says_in_its_body_when_to_come_again_even_inside_a_list() -> None:
    error = {"error": {"code": 429, "message": "Quota.", "details": [{"@type": "x"}, {"retryDelay": "34s"}]}}
    sample = KINDS["gemini"].samples[0]
    assert failure("gemini", sample, says(error, 429)).retry_after_seconds == 34.0
    assert failure("gemini", sample, says([error], 429)).retry_after_seconds == 34.0


def test_a_quota_that_is_used_up_is_not_waited_for() -> None:
    error = {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}
    failed = failure("openai", KINDS["openai"].samples[0], says(error, 429, {"retry-after": "1"}))
    assert (failed.fault, failed.permanent) == (Fault.OUT_OF_QUOTA, True)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b'{"a": NaN}', b"\xff"])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_junk_is_an_answer_that_cannot_be_read(name: str, sample: Sample, body: bytes) -> None:
    assert failure(name, sample, Edge(HttpAnswer(200, {}, body))).fault is Fault.UNREADABLE
    assert failure(name, sample, Edge(HttpAnswer(400, {}, body))).fault is Fault.REJECTED
    assert failure(name, sample, Edge(HttpAnswer(429, {}, body))).fault is Fault.RATE_LIMITED


@pytest.mark.parametrize("answer", [{}, {"error": 1}])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_an_answer_without_text_says_nothing(name: str, sample: Sample, answer: dict[str, Any]) -> None:
    assert completed(name, sample, says(answer)).text == ""


@pytest.mark.parametrize("junk", [7, "x", [], [[]], {}, {"content": 7}, None, True])
@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_field_of_another_type_is_taken_for_nothing(name: str, sample: Sample, junk: object) -> None:
    for key in sample.answer:
        completed(name, sample, says({**sample.answer, key: junk}))


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_an_endless_answer_is_cut_off(name: str, sample: Sample) -> None:
    edge = Edge(HttpAnswer(200, {}, b" " * (10 * 1024 * 1024)))
    failed = failure(name, sample, edge)
    assert (failed.fault, failed.permanent) == (Fault.TOO_LARGE, True)
    assert str(ANSWER_LIMIT // 1024) in failed.message


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_no_connection_is_not_final_and_a_refused_address_is(name: str, sample: Sample) -> None:
    failed = failure(name, sample, Edge(HttpFailed("could not connect")))
    assert (failed.fault, failed.permanent) == (Fault.UNREACHABLE, False)
    refused = failure(name, sample, Edge(HttpFailed("10.0.0.1 is not a public address", permanent=True)))
    assert (refused.fault, refused.permanent) == (Fault.UNREACHABLE, True)


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_no_key_is_in_any_message(name: str, sample: Sample) -> None:
    config = KINDS[name].config_model.model_validate({**sample.config, "api_key": "pl4inly-f4ke-key"})
    (secret,) = secrets_in(config)
    keyed = Sample(**{**{key: getattr(sample, key) for key in sample.__slots__}, "config": {"api_key": secret}})
    for status in (400, 401, 404, 429, 500):
        failed = failure(name, keyed, says({"error": {"message": f"Incorrect API key: {secret}"}}, status))
        assert secret not in failed.message
    assert secret not in repr(config)


@pytest.mark.parametrize(
    "wrong",
    [
        {"surprise": 1}, {"model": ""}, {"model": "a b"}, {"model": "/x"}, {"model": "a\nb"}, {"api_key": "ключ"},
        {"api_key": "a\r\nX: y"}, {"base_url": "ftp://x.example.com"}, {"base_url": "https://u:p@x.example.com"},
        {"base_url": "https://x.example.com/?a=b"}, {"base_url": ""}, {"base_url": "https://x y/"},
        {"timeout_seconds": 0}, {"timeout_seconds": "inf"}, {"max_tokens": 1}, {"max_tokens": 10**9},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", list(KINDS))
def test_a_configuration_that_cannot_work_is_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KINDS[name].config_model.model_validate({**KINDS[name].samples[0].config, **wrong})


@pytest.mark.parametrize("name", [name for name in KINDS if name != "ollama"])
def test_a_base_url_may_be_written_with_and_without_the_vendors_path(name: str) -> None:
    sample = KINDS[name].samples[0]
    full = sample.expect["url"].replace("https://", "").partition("/")[2]
    prefix = full.partition("/")[0]
    asked = set()
    for base in ("https://proxy.example.com", f"https://proxy.example.com/{prefix}", "https://proxy.example.com/"):
        edge = says(sample.answer)
        completed(name, Sample(**{**{key: getattr(sample, key) for key in sample.__slots__},
                                  "config": {**sample.config, "base_url": base}}), edge)  # fmt: skip
        asked.add(edge.asked[0]["url"])
    assert asked == {f"https://proxy.example.com/{full}"}
