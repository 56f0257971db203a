"""Mistral: chat completions, https://docs.mistral.ai/api.

The text may come as a list of chunks, some of them thoughts.
"""

from pydantic import Field

from app.intelligence.providers import _openai_shaped as shaped
from app.intelligence.providers._base import Completion, KeyedConfig, Outside, Prompt, Provider, Sample, Usage


class MistralConfig(KeyedConfig):
    """A key of a workspace, and the model."""

    model: str = Field(default="mistral-small-latest", min_length=1, max_length=200, description="The model's name.")
    base_url: str = Field(
        default="https://api.mistral.ai/v1",
        max_length=500,
        validate_default=True,
        description="Where Mistral is called.",
    )


async def complete(prompt: Prompt, config: MistralConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    return await shaped.chat(prompt, config, outside, prefix="/v1")


SAMPLES = (
    Sample(
        name="an answer in chunks",
        config={"api_key": "sample-not-a-real-key"},
        expect={
            "url": "https://api.mistral.ai/v1/chat/completions",
            "headers": {"Authorization": "Bearer sample-not-a-real-key"},
            "json": {"model": "mistral-small-latest", "max_tokens": 1024, "response_format": {"type": "json_object"}},
        },
        answer=shaped.answer(
            "mistral-small-latest",
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see."}]},
                {"type": "text", "text": "{TEXT}"},
            ],
        ),
        usage=Usage(120, 45, 165),
        cut=shaped.answer("mistral-small-latest", reason="model_length", content='{"summary": "The di'),
        refused=shaped.answer("mistral-small-latest", reason="error", content=""),
        error={"object": "error", "message": "Something is wrong.", "type": "invalid_request_error", "code": "1500"},
    ),
)

PLUGIN = Provider(
    label="Mistral",
    config_model=MistralConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create an API key in the console of Mistral and give it here.",
)
