"""GitHub Models, which is what `copilot` means here: https://docs.github.com/en/rest/models/inference.

A personal access token with `models:read` is the key, and model names carry their publisher. The API of Copilot
itself is not public (B40).
"""

from pydantic import Field

from app.intelligence.providers import _openai_shaped as shaped
from app.intelligence.providers._base import Completion, KeyedConfig, Outside, Prompt, Provider, Sample, Usage


class CopilotConfig(KeyedConfig):
    """A personal access token, and the model with its publisher."""

    model: str = Field(default="openai/gpt-4o", min_length=1, max_length=200, description="Publisher and model.")
    base_url: str = Field(
        default="https://models.github.ai/inference",
        max_length=500,
        validate_default=True,
        description="Where GitHub Models is called.",
    )


async def complete(prompt: Prompt, config: CopilotConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    return await shaped.chat(prompt, config, outside, prefix="/inference")


SAMPLES = (
    Sample(
        name="a token and nothing else",
        config={"api_key": "sample-not-a-real-token"},
        expect={
            "url": "https://models.github.ai/inference/chat/completions",
            "headers": {"Authorization": "Bearer sample-not-a-real-token"},
            "json": {"model": "openai/gpt-4o", "max_tokens": 1024, "response_format": {"type": "json_object"}},
        },
        answer=shaped.answer("gpt-4o-2024-11-20"),
        usage=Usage(120, 45, 165),
        cut=shaped.answer("gpt-4o", reason="length", content='{"summary": "The di'),
        refused=shaped.answer("gpt-4o", reason="content_filter", content=""),
        error={"error": {"message": "Something is wrong.", "code": "unauthorized", "details": "Something is wrong."}},
    ),
)

PLUGIN = Provider(
    label="GitHub Models (Copilot)",
    config_model=CopilotConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create a fine-grained personal access token with the permission «Models: read» and give it here.",
)
