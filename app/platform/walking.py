"""Walks over directories in a process of its own, which is killed when its time is over or nobody waits any more."""

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.platform.threads import CannotMeasure
from app.platform.types import JsonObject

WORKER = Path(__file__).with_name("walk_worker.py")
WALKS_AT_MOST = 4
END_SECONDS = 1.0

# Of the process, whoever asks for them; each is given back when its walker is gone.
_free = threading.BoundedSemaphore(WALKS_AT_MOST)


async def walk(question: JsonObject) -> JsonObject:
    """What lies below the `roots` of a question, as `walk_worker.py` answers it. Raises CannotMeasure."""
    if not _free.acquire(blocking=False):
        raise CannotMeasure("too many other scans are under way")
    walker = _Walker(json.dumps(question).encode())
    try:
        threading.Thread(target=walker.run, name="walk", daemon=True).start()
    except RuntimeError:
        _free.release()
        raise CannotMeasure("this machine has no thread left") from None
    try:
        await walker.ended.wait()
    finally:
        # Also when nobody waits any more.
        await walker.end()
    if walker.fault:
        raise CannotMeasure(f"the walk over the directories could not be made: {walker.fault}")
    try:
        found: JsonObject = json.loads(walker.answer)
    except ValueError:
        raise CannotMeasure("the walk over the directories ended without an answer") from None
    return found


class _Walker:
    """A process and the daemon thread that waits for its end: the loop may be gone before a dead disk lets go of it."""

    def __init__(self, question: bytes) -> None:
        self.answer = b""
        self.fault = ""
        self.ended = asyncio.Event()
        self._question = question
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False

    def run(self) -> None:
        """In the thread: ask and wait."""
        try:
            self._process = _started()
            # Whoever gave up while it was started has not seen it.
            if self._unwanted:
                self._process.kill()
            self.answer, _ = self._process.communicate(self._question)
        except OSError as error:
            self.fault = error.strerror or type(error).__name__
        finally:
            _free.release()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self.ended.set)

    async def end(self) -> None:
        """Kill it; one that hangs in a dead file system only dies when that comes back, and is not waited for."""
        self._unwanted = True
        if self._process is not None:
            self._process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self.ended.wait()


def _started() -> "subprocess.Popen[bytes]":
    # No environment is handed on: it holds every secret of this process.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", str(WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
