"""Operators' templates, rendered where they can do no harm: a sandbox in a process of its own, killed when it is slow.

Jinja's sandbox keeps a template from reaching into objects, but neither from looping for ever nor from filling memory.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.platform.ports import TemplateFailed
from app.platform.types import JsonObject

WORKER = Path(__file__).with_name("template_worker.py")
RENDER_SECONDS = 0.25
START_SECONDS = 10.0
ANSWER_BYTES = 1024 * 1024


def syntax_fault(source: str) -> str | None:
    """What is wrong with how a template is written, None when nothing is. It is only read here, not run."""
    try:
        ImmutableSandboxedEnvironment().parse(source)
    except TemplateSyntaxError as wrong:
        return f"{wrong.message} (line {wrong.lineno})"
    except RecursionError:
        return "it is nested too deeply"
    return None


class SandboxedTemplates:
    """The `Templates` port; the process is started when the first template is rendered. One render at a time."""

    def __init__(self, *, render_seconds: float = RENDER_SECONDS) -> None:
        self._render_seconds = render_seconds
        self._turn = asyncio.Lock()
        self._process: Process | None = None

    async def render(self, source: str, values: JsonObject) -> str:
        """The text that Jinja `source` makes of `values`.

        Raises TemplateFailed for a template that is wrong, takes longer than 0.25 s or makes more than 64 KiB.
        """
        async with self._turn:
            process = await self._ready()
            answered = False
            try:
                async with asyncio.timeout(self._render_seconds):
                    answer = await _ask(process, {"source": source, "values": values})
                answered = True
            except TimeoutError:
                raise TemplateFailed(f"the template took longer than {self._render_seconds:g} s") from None
            except (OSError, ValueError):
                raise TemplateFailed("the template ended its process") from None
            finally:
                # Also when nobody waits any more: its answer must never be taken for that of the next template.
                if not answered:
                    await self._kill()
        if "error" in answer:
            raise TemplateFailed(str(answer["error"]))
        return str(answer["text"])

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._kill()

    async def _ready(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # No environment is handed on: it holds every secret of this process.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(WORKER), stdin=PIPE, stdout=PIPE, env={}, limit=ANSWER_BYTES
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await _answer(self._process)
        except (TimeoutError, OSError, ValueError):
            await self._kill()
            raise TemplateFailed("the process for templates did not start") from None
        return self._process

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


async def _ask(process: Process, question: JsonObject) -> dict[str, Any]:
    assert process.stdin is not None  # noqa: S101  we asked for a pipe
    process.stdin.write(json.dumps(question).encode() + b"\n")
    await process.stdin.drain()
    return await _answer(process)


async def _answer(process: Process) -> dict[str, Any]:
    """The next line. Raises ValueError when the process has ended or said no JSON."""
    assert process.stdout is not None  # noqa: S101  we asked for a pipe
    answer: dict[str, Any] = json.loads(await process.stdout.readline())
    return answer
