"""`python -m tests.bench.profiled FOLDER serve …`: the application with one cProfile per thread, in processor time.

The event loop is profiled from SIGUSR1 on, every other thread from its start; each writes `FOLDER/<thread>.prof` when
it ends. Idle waiting costs no processor time, so it does not show.
"""

import cProfile
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType


def install(folder: Path) -> None:
    """Profile threads to come, and this one from SIGUSR1 until the process ends."""
    run = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        profile = cProfile.Profile(time.thread_time)
        profile.enable()
        try:
            run(thread)
        finally:
            profile.disable()
            profile.dump_stats(folder / f"{thread.name.replace('/', '_')}.prof")

    threading.Thread.run = profiled  # type: ignore[method-assign, assignment]
    main = cProfile.Profile(time.thread_time)

    def begin(_number: int, _frame: FrameType | None) -> None:
        main.enable()

    signal.signal(signal.SIGUSR1, begin)
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    finally:
        main.disable()
        main.dump_stats(folder / "event loop.prof")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    sys.argv = ["app", *sys.argv[2:]]
    install(target)
