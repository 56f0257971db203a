"""Ollama, models on your own machine: https://github.com/ollama/ollama/blob/main/docs/api.md.

It streams unless told not to, needs no key, and may take minutes to load a model for the first question: raise
`timeout_seconds`. Its address must be in OUTBOUND_ALLOWED_NETWORKS.
"""

from pydantic import Field

from app.intelligence.providers._base import (
    Completion,
    Ending,
    JsonObject,
    Outside,
    Prompt,
    Provider,
    ProviderConfig,
    Sample,
    Usage,
    ask,
    count,
    text_at,
)


class OllamaConfig(ProviderConfig):
    """Where it listens, and the model; a key only where a proxy in front of it wants one."""

    model: str = Field(default="llama3.1", min_length=1, max_length=200, description="A model that was pulled.")
    base_url: str = Field(
        default="http://127.0.0.1:11434", max_length=500, validate_default=True, description="Where Ollama listens."
    )


async def complete(prompt: Prompt, config: OllamaConfig, outside: Outside) -> Completion:
    """Ask once. Raises AskFailed."""
    body: JsonObject = {
        "model": config.model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "stream": False,
        "format": "json",
        "options": {"temperature": 0, "num_predict": config.max_tokens},
    }
    headers = {"Authorization": f"Bearer {config.api_key}"} if config.api_key else {}
    answer = await ask(outside, f"{config.base_url}/api/chat", body, config=config, headers=headers)
    read, written = count(answer, "prompt_eval_count"), count(answer, "eval_count")
    return Completion(
        text=text_at(answer, "message", "content"),
        model=text_at(answer, "model") or config.model,
        # A prompt that it still had in its cache is not counted.
        usage=Usage(read, written, None if read is None and written is None else (read or 0) + (written or 0)),
        ending=Ending.CUT if text_at(answer, "done_reason") == "length" else Ending.COMPLETE,
    )


def _sample_answer(reason: str, text: str) -> JsonObject:
    return {
        "model": "llama3.1",
        "created_at": "2026-03-02T09:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": reason,
        "prompt_eval_count": 120,
        "eval_count": 45,
    }


SAMPLES = (
    Sample(
        name="on this very host",
        config={},
        expect={
            "url": "http://127.0.0.1:11434/api/chat",
            "json": {"model": "llama3.1", "stream": False, "format": "json"},
        },
        answer=_sample_answer("stop", "{TEXT}"),
        usage=Usage(120, 45, 165),
        cut=_sample_answer("length", '{"summary": "The di'),
        refused=None,
        error={"error": "Something is wrong."},
    ),
)

PLUGIN = Provider(
    label="Ollama",
    config_model=OllamaConfig,
    complete=complete,
    samples=SAMPLES,
    setup="Start Ollama, pull a model, and add its network to OUTBOUND_ALLOWED_NETWORKS.",
)
