"""Checks without a database: a configuration by its changes, and the outside world that checkers are handed."""

from typing import Any

from app.checks.kinds import defaults_of, with_changes
from app.checks.running import make
from app.checks.types import CheckConfig, CheckResult
from app.platform.clock import SystemClock
from app.platform.ports import Outside
from app.platform.runtime import in_thread
from tests.support.world import RecordingHttp, RecordingMail


def config_of(checker: str, **changes: Any) -> CheckConfig:
    """A checker's own configuration with these fields changed."""
    return with_changes(defaults_of(checker), changes)


def outside() -> tuple[SystemClock, Outside]:
    """The machine's clock, which measurements need, and a world that only writes down."""
    clock = SystemClock()
    return clock, Outside(http=RecordingHttp(), mail=RecordingMail(), blocking=in_thread, now=clock.now)


async def result(checker: str, params: dict[str, Any] | None = None, **changes: Any) -> CheckResult:
    """What a checker finds now."""
    clock, world = outside()
    made = await make(config_of(checker, params=params or {}, **changes), world, clock, now=clock.now())
    return made.result
