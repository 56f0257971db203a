"""OpenAI: chat completions, https://platform.openai.com/docs/api-reference/chat.

The limit is `max_completion_tokens`: reasoning models refuse `max_tokens`, and some a temperature, so none is sent.
A 429 with the code `insufficient_quota` is about money and does not go away by waiting.
"""

from pydantic import Field

from app.intelligence.providers import _openai_shaped as shaped
from app.intelligence.providers._base import Completion, KeyedConfig, Outside, Prompt, Provider, Sample, Usage


class OpenAiConfig(KeyedConfig):
    """A key of a project, and the model."""

    model: str = Field(default="gpt-4o-mini", min_length=1, max_length=200, description="The model's name.")
    base_url: str = Field(
        default="https://api.openai.com/v1",
        max_length=500,
        validate_default=True,
        description="Where OpenAI, or a server that speaks like it, is called.",
    )


async def complete(prompt: Prompt, config: OpenAiConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    return await shaped.chat(prompt, config, outside, prefix="/v1", limit_name="max_completion_tokens")


SAMPLES = (
    Sample(
        name="a key and nothing else",
        config={"api_key": "sk-sample-not-a-real-key"},
        expect={
            "url": "https://api.openai.com/v1/chat/completions",
            "headers": {"Authorization": "Bearer sk-sample-not-a-real-key"},
            "json": {"model": "gpt-4o-mini", "max_completion_tokens": 1024, "response_format": {"type": "json_object"}},
        },
        answer=shaped.answer("gpt-4o-mini-2024-07-18"),
        usage=Usage(120, 45, 165),
        cut=shaped.answer("gpt-4o-mini", reason="length", content='{"summary": "The di'),
        refused=shaped.answer("gpt-4o-mini", content=None, refusal="I cannot help with that."),
        error={
            "error": {"message": "Something is wrong.", "type": "invalid_request_error", "param": None, "code": None}
        },
    ),
)

PLUGIN = Provider(
    label="OpenAI",
    config_model=OpenAiConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create an API key for a project at OpenAI and give it here.",
)
