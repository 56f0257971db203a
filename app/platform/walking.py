"""Walks over directories in a process of its own, which is killed when its time is over or nobody waits any more."""

import asyncio
import json
import sys
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

from app.platform.threads import CannotMeasure
from app.platform.types import JsonObject

WORKER = Path(__file__).with_name("walk_worker.py")
WALKS_AT_MOST = 4
END_SECONDS = 1.0

# Of the process, whoever asks for them.
_free = threading.BoundedSemaphore(WALKS_AT_MOST)


async def walk(question: JsonObject) -> JsonObject:
    """What lies below the `roots` of a question, as `walk_worker.py` answers it. Raises CannotMeasure."""
    if not _free.acquire(blocking=False):
        raise CannotMeasure("too many other scans are under way")
    try:
        return await _walk(question)
    finally:
        _free.release()


async def _walk(question: JsonObject) -> JsonObject:
    # No environment is handed on: it holds every secret of this process.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(WORKER), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        answer, _ = await process.communicate(json.dumps(question).encode())
        found: JsonObject = json.loads(answer)
    except ValueError:
        raise CannotMeasure("the walk over the directories ended without an answer") from None
    finally:
        # Also when nobody waits any more.
        await _end(process)
    return found


async def _end(process: Process) -> None:
    """Kill it; one that hangs in a dead file system only dies when that comes back, and is not waited for."""
    if process.returncode is None:
        with suppress(TimeoutError, ProcessLookupError):
            process.kill()
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
