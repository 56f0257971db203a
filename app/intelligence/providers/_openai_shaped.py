"""Chat completions as OpenAI made them and others speak them: one request, one choice, its text and its tokens."""

from app.intelligence.providers._base import (
    Completion,
    Ending,
    JsonObject,
    Outside,
    Prompt,
    ProviderConfig,
    Usage,
    ask,
    at,
    count,
    endpoint,
    parts_text,
    text_at,
)

CUT = frozenset({"length", "model_length"})
REFUSED = frozenset({"content_filter", "error"})
USAGE: JsonObject = {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165}


async def chat(
    prompt: Prompt, config: ProviderConfig, outside: Outside, *, prefix: str, limit_name: str = "max_tokens"
) -> Completion:
    """Ask once. `prefix` is the vendor's path before `/chat/completions`, `limit_name` its word for the limit."""
    body: JsonObject = {
        "model": config.model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "response_format": {"type": "json_object"},
        limit_name: config.max_tokens,
    }
    url = endpoint(config.base_url, prefix, "/chat/completions")
    headers = {"Authorization": f"Bearer {config.api_key}"}
    return _completion(await ask(outside, url, body, config=config, headers=headers), config)


def _completion(answer: JsonObject, config: ProviderConfig) -> Completion:
    message = at(answer, "choices", 0, "message")
    reason = text_at(answer, "choices", 0, "finish_reason")
    is_refused = reason in REFUSED or bool(text_at(message, "refusal"))
    return Completion(
        # Mistral may answer in a list of chunks.
        text=text_at(message, "content") or parts_text(at(message, "content"), only="text"),
        model=text_at(answer, "model") or config.model,
        usage=Usage(
            prompt_tokens=count(answer, "usage", "prompt_tokens"),
            completion_tokens=count(answer, "usage", "completion_tokens"),
            total_tokens=count(answer, "usage", "total_tokens"),
        ),
        ending=Ending.REFUSED if is_refused else Ending.CUT if reason in CUT else Ending.COMPLETE,
    )


def answer(model: str, *, reason: str = "stop", content: object = "{TEXT}", **message: object) -> JsonObject:
    """An answer of this shape, for samples."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": dict(USAGE)}
