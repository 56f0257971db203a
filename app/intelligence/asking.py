"""Asks a provider within its deadline: tries again where that can help, and reads the answer. Stores nothing."""

import asyncio
from collections.abc import Callable

from app.intelligence import answer
from app.intelligence.providers._base import Provider, ProviderConfig
from app.intelligence.rules import deadline_seconds, wait_before_next
from app.intelligence.types import Asked, AskFailed, Completion, Fault, Prompt
from app.platform.clock import Clock
from app.platform.ports import Outside


async def ask(
    kind: Provider,
    config: ProviderConfig,
    prompt: Prompt,
    outside: Outside,
    *,
    clock: Clock,
    roll: Callable[[], float],
    at_most_seconds: float | None = None,
    incident_id: int | None = None,
) -> Asked:
    """The provider's analysis, after at most three tries and the deadline of B40. Raises AskFailed.

    `roll` gives the jitter in [0, 1); `at_most_seconds` is what the caller has, whatever the configuration says.
    """
    ends_at = clock.monotonic() + deadline_seconds(config.timeout_seconds, at_most=at_most_seconds)
    tries = 0
    while True:
        tries += 1
        try:
            completion = await _once(kind, config, prompt, outside, left_seconds=ends_at - clock.monotonic())
            analysis = answer.parse(completion, incident_id=incident_id)
            return Asked(analysis, completion.model, completion.usage, tries)
        except AskFailed as failed:
            left = ends_at - clock.monotonic()
            wait = wait_before_next(failed, tries=tries, left_seconds=left, roll=roll())
            if wait is None:
                raise
            await clock.sleep(wait)


async def _once(
    kind: Provider, config: ProviderConfig, prompt: Prompt, outside: Outside, *, left_seconds: float
) -> Completion:
    try:
        async with asyncio.timeout(left_seconds):
            return await kind.complete(prompt, config, outside)
    except TimeoutError as error:
        raise AskFailed(Fault.TIMED_OUT, f"no answer within {left_seconds:.3g} s") from error
