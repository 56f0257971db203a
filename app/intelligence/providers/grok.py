"""xAI: chat completions, https://docs.x.ai/docs/api-reference. In its errors `error` is often a plain text."""

from pydantic import Field

from app.intelligence.providers import _openai_shaped as shaped
from app.intelligence.providers._base import Completion, KeyedConfig, Outside, Prompt, Provider, Sample, Usage


class GrokConfig(KeyedConfig):
    """A key of a team, and the model."""

    model: str = Field(default="grok-3-mini", min_length=1, max_length=200, description="The model's name.")
    base_url: str = Field(
        default="https://api.x.ai/v1", max_length=500, validate_default=True, description="Where xAI is called."
    )


async def complete(prompt: Prompt, config: GrokConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    return await shaped.chat(prompt, config, outside, prefix="/v1")


SAMPLES = (
    Sample(
        name="a key and nothing else",
        config={"api_key": "xai-sample-not-a-real-key"},
        expect={
            "url": "https://api.x.ai/v1/chat/completions",
            "headers": {"Authorization": "Bearer xai-sample-not-a-real-key"},
            "json": {"model": "grok-3-mini", "max_tokens": 1024, "response_format": {"type": "json_object"}},
        },
        answer=shaped.answer("grok-3-mini", reasoning_content="Let me see."),
        usage=Usage(120, 45, 165),
        cut=shaped.answer("grok-3-mini", reason="length", content='{"summary": "The di'),
        refused=shaped.answer("grok-3-mini", reason="content_filter", content=""),
        error={"code": "Client specified an invalid argument", "error": "Something is wrong."},
    ),
)

PLUGIN = Provider(
    label="Grok (xAI)",
    config_model=GrokConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create an API key in the console of xAI and give it here.",
)
