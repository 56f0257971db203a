"""Anthropic: messages, https://docs.anthropic.com/en/api/messages.

There is no JSON mode that every model has: the prompt asks for JSON. `max_tokens` is required, tokens read from a
cache are counted apart, and 529 means that the service is overloaded.
"""

from pydantic import Field

from app.intelligence.providers._base import (
    Completion,
    Ending,
    JsonObject,
    KeyedConfig,
    Outside,
    Prompt,
    Provider,
    Sample,
    Usage,
    ask,
    at,
    count,
    endpoint,
    parts_text,
    text_at,
)

VERSION = "2023-06-01"
ENDINGS = {
    "max_tokens": Ending.CUT,
    "model_context_window_exceeded": Ending.CUT,
    "refusal": Ending.REFUSED,
}


class ClaudeConfig(KeyedConfig):
    """A key of a workspace, and the model."""

    model: str = Field(
        default="claude-sonnet-4-20250514", min_length=1, max_length=200, description="The model's name."
    )
    base_url: str = Field(
        default="https://api.anthropic.com",
        max_length=500,
        validate_default=True,
        description="Where Anthropic is called.",
    )


async def complete(prompt: Prompt, config: ClaudeConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    body: JsonObject = {
        "model": config.model,
        "max_tokens": config.max_tokens,
        "system": prompt.system,
        "messages": [{"role": "user", "content": prompt.user}],
    }
    headers = {"x-api-key": config.api_key, "anthropic-version": VERSION}
    answer = await ask(outside, endpoint(config.base_url, "/v1", "/messages"), body, config=config, headers=headers)
    return Completion(
        text=parts_text(at(answer, "content"), only="text"),
        model=text_at(answer, "model") or config.model,
        usage=_usage(answer),
        ending=ENDINGS.get(text_at(answer, "stop_reason"), Ending.COMPLETE),
    )


def _usage(answer: JsonObject) -> Usage:
    fresh, written = count(answer, "usage", "input_tokens"), count(answer, "usage", "output_tokens")
    if fresh is None and written is None:
        return Usage()
    cached = (count(answer, "usage", f"cache_{what}_input_tokens") or 0 for what in ("creation", "read"))
    read = (fresh or 0) + sum(cached)
    return Usage(read, written, read + (written or 0))


def _sample_answer(reason: str, text: str) -> JsonObject:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-20250514",
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": reason,
        "usage": {"input_tokens": 100, "cache_read_input_tokens": 20, "output_tokens": 45},
    }


SAMPLES = (
    Sample(
        name="a key and nothing else",
        config={"api_key": "sk-ant-sample-not-a-real-key"},
        expect={
            "url": "https://api.anthropic.com/v1/messages",
            "headers": {"x-api-key": "sk-ant-sample-not-a-real-key", "anthropic-version": "2023-06-01"},
            "json": {"model": "claude-sonnet-4-20250514", "max_tokens": 1024},
        },
        answer=_sample_answer("end_turn", "{TEXT}"),
        usage=Usage(120, 45, 165),
        cut=_sample_answer("max_tokens", '{"summary": "The di'),
        refused=_sample_answer("refusal", ""),
        error={
            "type": "error",
            "error": {"type": "api_error", "message": "Something is wrong."},
            "request_id": "req_1",
        },
    ),
)

PLUGIN = Provider(
    label="Claude (Anthropic)",
    config_model=ClaudeConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create an API key in the console of Anthropic and give it here.",
)
