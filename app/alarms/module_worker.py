"""The process in which one alarm module runs: killed when its time is over, without secrets, files or sockets.

Started by `running.py` as a script of its own. Orders come in and answers go out as JSON, one a line; between an order
and its answer the module's questions go out and come back the same way. Standard library and `_base.py` only.
"""

import importlib
import json
import linecache
import logging
import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from types import ModuleType
from typing import Any, BinaryIO

sys.path.insert(0, sys.argv[1])

from app.alarms.client import Client
from app.alarms.modules._base import AlarmModule, Detection
from app.alarms.types import FetchError
from app.platform.types import JsonObject

MEMORY_BYTES = 1024 * 1024 * 1024
DETECTIONS_AT_MOST = 1000
NOT_KNOWN_AT_MOST = 10_000
FOUND_BYTES = 2 * 1024 * 1024
CONTEXT_LENGTH = 10_000
TRACE_LENGTH = 6000
# PagerPal ends a run sooner; this is for when PagerPal itself is gone.
ORDER_SECONDS = 90
MESSAGE_LENGTH = 1000
BASE = "app.alarms.modules._base"
TYPES = {float: "float", int: "int", str: "str", bool: "bool", list: "list", dict: "dict", tuple: "list"}


class Line:
    """The way to and from PagerPal; what a module prints does not get in between."""

    def __init__(self) -> None:
        self._in: BinaryIO = sys.stdin.buffer
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def orders(self) -> Iterable[JsonObject]:
        """What is to be done, until PagerPal hangs up."""
        while line := self._in.readline():
            yield json.loads(line)

    def say(self, told: Mapping[str, Any]) -> None:
        """Send one line. Raises TypeError or ValueError for what is no JSON."""
        self._out.write(json.dumps(told, allow_nan=False).encode() + b"\n")
        self._out.flush()

    def ask(self, question: JsonObject) -> JsonObject:
        """PagerPal's answer to a module's question."""
        self.say({"ask": question})
        answer: JsonObject = json.loads(self._in.readline())
        return answer


class Listener(logging.Handler):
    """Keeps what modules log for the run report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.client: Client | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        if self.client is not None:
            self.client.warn(record.getMessage())


def main() -> None:
    """Answer until the input ends."""
    line = Line()
    _wall_off()
    listener = Listener()
    logging.getLogger().addHandler(listener)
    loaded: dict[str, ModuleType] = {}
    for order in line.orders():
        signal.alarm(ORDER_SECONDS)
        try:
            answer = _carried_out(order, line, listener, loaded)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a module may raise anything
            answer = _fault(error, listener)
        line.say(answer)


def _carried_out(order: JsonObject, line: Line, listener: Listener, loaded: dict[str, ModuleType]) -> JsonObject:
    key = str(order["sha256"])
    if key not in loaded:
        loaded[key] = _load(order)
    module = loaded[key]
    if order["do"] == "describe":
        return {"described": _description(module)}
    now = datetime.fromisoformat(order["now"])
    client = Client(line.ask, now=now, facts=order["facts"], api_base_url=order["api_base_url"])
    listener.client = client
    found: list[JsonObject] = []
    size = 0
    plugin = getattr(module, "PLUGIN", None)
    detect = plugin.detect if isinstance(plugin, AlarmModule) else module.detect
    # A module without a single `yield` gives None: there is nothing to detect.
    for detection in detect(client, order["params"]) or ():
        told = _told(detection)
        # Here, where the module is at fault, and not when the whole is sent.
        size += len(json.dumps(told, allow_nan=False))
        if len(found) == DETECTIONS_AT_MOST or size > FOUND_BYTES:
            return {"found": found, "is_cut": True, "is_full": True, **_beside(client)}
        found.append(told)
    # More than can be told are as good as an answer that was cut.
    is_cut = client.is_cut or len(client.not_known) > NOT_KNOWN_AT_MOST
    return {"found": found, "is_cut": is_cut, **_beside(client)}


def _beside(client: Client) -> JsonObject:
    return {"not_known": client.not_known[:NOT_KNOWN_AT_MOST], "warnings": client.warnings}


def _load(order: JsonObject) -> ModuleType:
    if order["dotted"]:
        return importlib.import_module(order["dotted"])
    module = ModuleType(f"alarm_modules.{order['name']}")
    module.__file__ = order["file"]
    sys.modules[module.__name__] = module
    source = order["source"]
    # What was hashed is what is run, and what a traceback shows.
    linecache.cache[order["file"]] = (len(source), None, source.splitlines(keepends=True), order["file"])
    exec(compile(source, order["file"], "exec"), module.__dict__)  # noqa: S102  the operator's own code
    return module


def _description(module: ModuleType) -> JsonObject:
    plugin = getattr(module, "PLUGIN", None)
    about = plugin if isinstance(plugin, AlarmModule) else None
    if about is None and not callable(getattr(module, "detect", None)):
        raise TypeError("the file has neither PLUGIN = AlarmModule(…) nor a function detect(client, params)")
    params = about.params if about else getattr(module, "PARAMS", {})
    documented = (module.__doc__ or "").strip()
    return {
        "label": about.label if about else documented.partition("\n")[0].rstrip("."),
        "setup": about.setup if about else documented,
        "params": [_spec(str(name), spec) for name, spec in params.items()],
        "needs": list(about.needs if about else getattr(module, "NEEDS", ())),
        "replays": about.replays if about else True,
    }


def _spec(name: str, spec: Mapping[str, Any]) -> JsonObject:
    kind = spec.get("type", str)
    return {
        "name": name,
        "type": kind if isinstance(kind, str) else TYPES[kind],
        "required": bool(spec.get("required", False)),
        "default": spec.get("default"),
        "description": str(spec.get("description", "")),
        "choices": list(spec.get("choices", ())),
        "minimum": spec.get("minimum"),
        "maximum": spec.get("maximum"),
        "is_place": bool(spec.get("place", False)),
    }


def _told(detection: Any) -> JsonObject:
    """A detection in JSON; one that is a mapping or an object of the operator's own is good too."""
    names = Detection.__slots__
    if isinstance(detection, Mapping):
        told = {name: detection[name] for name in names if name in detection}
    else:
        told = {name: getattr(detection, name) for name in names if hasattr(detection, name)}
    if "recipients" in told and not isinstance(told["recipients"], str):
        told["recipients"] = list(told["recipients"] or ())
    if isinstance(told.get("body_context"), str):
        told["body_context"] = told["body_context"][:CONTEXT_LENGTH]
    return told


def _fault(error: BaseException, listener: Listener) -> JsonObject:
    return {
        "fault": f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH],
        "is_fetch_error": isinstance(error, FetchError),
        "trace": "".join(traceback.format_exception(error))[-TRACE_LENGTH:],
        "warnings": listener.client.warnings if listener.client else [],
    }


def _wall_off() -> None:
    """Little memory, no files to write, no sockets: a module asks PagerPal instead."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whoever is on call is paged by the same machine.
    os.nice(10)
    sys.addaudithook(_refuse_sockets)


def _refuse_sockets(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        raise PermissionError("an alarm module reaches the network by its client only")


if __name__ == "__main__":
    main()
