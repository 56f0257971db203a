"""Log lines: one per event, UTC, JSON or text, with trace and run ids, without secrets.

Everything goes through here, uvicorn's own lines too. Texts from outside cannot forge a line: line breaks are escaped.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars
from structlog.typing import EventDict, Processor

from app.platform.redact import redact
from app.platform.settings import Settings
from app.platform.types import JsonValue

UVICORN_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
NOISY_LOGGERS = ("apscheduler", "httpx", "httpcore", "alembic", "asyncio")
SECRET_PATHS = re.compile(
    r"(?P<head>/(?:a|ping|integrations/infobip_inbound|integrations/infobip_reports)/)[^/?#\s\"]+"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends all log lines of this process to `stream` (stderr unless told) in the format of LOG_FORMAT.

    The first lines are the warnings about settings that do nothing.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_secrets,
                _as_json if settings.log_format == "json" else _as_text,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    _take_over_library_loggers()
    for sentence in settings.warnings():
        get_logger(__name__).warning(sentence)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; events are short sentences, facts go into keyword arguments."""
    return structlog.stdlib.get_logger(name)


def bind(**ids: str) -> None:
    """Adds `ids` to every line logged from now on in this task; for tasks that end with what the ids name."""
    bind_contextvars(**ids)


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Adds `ids` (`trace_id`, `run_id`, …) to every line logged inside, in this task or thread."""
    with bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


def without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Redacts every field; paths that are themselves credentials are masked in uvicorn's access lines."""
    clean = cast(EventDict, redact({str(name): _plain(value) for name, value in event.items()}))
    if clean.get("logger") == "uvicorn.access":
        clean["event"] = SECRET_PATHS.sub(r"\g<head>***", str(clean["event"]))
    return clean


def _plain(value: object) -> JsonValue:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)


_render_json = structlog.processors.JSONRenderer(ensure_ascii=False)


def _as_json(logger: Any, method: str, event: EventDict) -> str:
    return _escaped(cast(str, _render_json(logger, method, event)))


def _as_text(_logger: Any, _method: str, event: EventDict) -> str:
    head = f"{event.pop('at', '')} {event.pop('level', ''):<8} {event.pop('logger', '')}: {event.pop('event', '')}"
    return _escaped(" ".join([head, *(f"{name}={value!r}" for name, value in event.items())]))


def _escaped(line: str) -> str:
    return CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", line)


def _take_over_library_loggers() -> None:
    for name in UVICORN_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
