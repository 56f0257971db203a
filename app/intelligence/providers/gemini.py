"""Google Gemini: generateContent, https://ai.google.dev/api/generate-content.

The key goes into a header, never into the URL. A prompt that was blocked has no candidates, thoughts are paid for as
answers, and a 429 says in its body when to come again.
"""

from urllib.parse import quote

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

REFUSED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "OTHER"
})  # fmt: skip


class GeminiConfig(KeyedConfig):
    """A key of a project, and the model."""

    model: str = Field(default="gemini-2.0-flash", min_length=1, max_length=200, description="The model's name.")
    base_url: str = Field(
        default="https://generativelanguage.googleapis.com/v1beta",
        max_length=500,
        validate_default=True,
        description="Where Gemini is called.",
    )


async def complete(prompt: Prompt, config: GeminiConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    body: JsonObject = {
        "systemInstruction": {"parts": [{"text": prompt.system}]},
        "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
        "generationConfig": {"responseMimeType": "application/json", "maxOutputTokens": config.max_tokens},
    }
    tail = f"/models/{quote(config.model.removeprefix('models/'), safe='')}:generateContent"
    url = endpoint(config.base_url, "/v1beta", tail)
    answer = await ask(outside, url, body, config=config, headers={"x-goog-api-key": config.api_key})
    return Completion(
        text=parts_text(at(answer, "candidates", 0, "content", "parts")),
        model=text_at(answer, "modelVersion") or config.model,
        usage=_usage(answer),
        ending=_ending(answer),
    )


def _ending(answer: JsonObject) -> Ending:
    reason = text_at(answer, "candidates", 0, "finishReason")
    if reason in REFUSED or text_at(answer, "promptFeedback", "blockReason"):
        return Ending.REFUSED
    return Ending.CUT if reason == "MAX_TOKENS" else Ending.COMPLETE


def _usage(answer: JsonObject) -> Usage:
    written, thought = (count(answer, "usageMetadata", f"{what}TokenCount") for what in ("candidates", "thoughts"))
    return Usage(
        prompt_tokens=count(answer, "usageMetadata", "promptTokenCount"),
        completion_tokens=None if written is None and thought is None else (written or 0) + (thought or 0),
        total_tokens=count(answer, "usageMetadata", "totalTokenCount"),
    )


def _sample_answer(reason: str, text: str) -> JsonObject:
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason}],
        "usageMetadata": {
            "promptTokenCount": 120, "candidatesTokenCount": 30, "thoughtsTokenCount": 15, "totalTokenCount": 165
        },
        "modelVersion": "gemini-2.0-flash",
    }  # fmt: skip


SAMPLES = (
    Sample(
        name="a key and nothing else",
        config={"api_key": "sample-not-a-real-key"},
        expect={
            "url": "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent",
            "headers": {"x-goog-api-key": "sample-not-a-real-key"},
            "json": {"generationConfig": {"responseMimeType": "application/json", "maxOutputTokens": 1024}},
        },
        answer=_sample_answer("STOP", "{TEXT}"),
        usage=Usage(120, 45, 165),
        cut=_sample_answer("MAX_TOKENS", '{"summary": "The di'),
        refused={"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 120}},
        error={"error": {"code": 500, "message": "Something is wrong.", "status": "INTERNAL"}},
    ),
)

PLUGIN = Provider(
    label="Gemini (Google)",
    config_model=GeminiConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Create an API key in Google AI Studio and give it here.",
)
