"""Refuses to be one of several server workers: each would hold its own leases and its own writer on one machine."""

from collections.abc import Sequence
from pathlib import PurePath

from app.platform.errors import StartRefused
from app.platform.settings import Settings

SERVERS = ("uvicorn", "gunicorn", "__main__.py")
WORKER_OPTIONS = ("--workers", "-w")

# The exit status by which uvicorn's own supervisor knows that starting again would not help.
START_FAILURE = 3


def refuse_many_workers(settings: Settings, argv: Sequence[str]) -> None:
    """Raises StartRefused when the command line or WEB_CONCURRENCY asks for more than one worker."""
    if max(_asked_for(argv), settings.web_concurrency) > 1:
        raise StartRefused(
            "PagerPal runs one worker per process: leave out --workers and WEB_CONCURRENCY. For more, start several "
            "processes on one PostgreSQL database behind a load balancer; each can be killed at any time."
        )


def _asked_for(argv: Sequence[str]) -> int:
    if not argv or PurePath(argv[0]).name not in SERVERS:
        return 1
    for at, word in enumerate(argv):
        option, _, value = word.partition("=")
        if option in WORKER_OPTIONS:
            number = value or (argv[at + 1] if at + 1 < len(argv) else "")
            return int(number) if number.isdigit() else 1
    return 1
