"""Runs one module in a process of its own, for at most a minute, and turns whatever comes of it into a `Found`.

The process is given its order as JSON and returns JSON; it gets no environment, and is killed with all that it started.
Modules run side by side, so one that hangs holds up no other.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from app.alarms import kinds, rules
from app.alarms.errors import ModuleRefused
from app.alarms.types import Description, Found, ModuleFile, Outcome, ParamSpec
from app.platform.clock import Clock
from app.platform.redact import redact_text
from app.platform.types import JsonObject

WORKER = Path(__file__).with_name("module_worker.py")
ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 60.0
DESCRIBE_SECONDS = 10.0
REFUSAL_KEPT_SECONDS = 60.0
END_SECONDS = 1.0
LINE_BYTES = 8 * 1024 * 1024
SIDE_BY_SIDE = 32
ERROR_LENGTH = 1000
_PARAM_TYPES = frozenset({"float", "int", "str", "bool", "list", "dict"})


class Answers(Protocol):
    """Who answers a module's questions; `asked` has them with their answers, in order."""

    asked: list[list[JsonObject]]

    async def answer(self, question: JsonObject) -> JsonObject:
        """The answer to one question."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """One run of a module: with these parameters and facts, at this time."""

    file: ModuleFile
    params: JsonObject
    facts: JsonObject
    now: datetime
    api_base_url: str = ""


class _Ended(Exception):
    """The process is gone, or said something that is no answer."""


class ModuleProcess:
    """A process that runs modules, one after the other; to be used as an asynchronous context, at whose end it dies."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def __aenter__(self) -> "ModuleProcess":
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def restart(self) -> None:
        """Go on with a new process."""
        await self._end()
        await self._start()

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            # No environment is handed on: it holds every secret of this process.
            sys.executable, "-I", "-B", str(WORKER), str(ROOT),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, limit=LINE_BYTES, start_new_session=True,
        )  # fmt: skip

    async def _end(self) -> None:
        process = self._process
        if process is not None:
            # Also when the module has ended: what it started may still be there.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(TimeoutError, ProcessLookupError):
                async with asyncio.timeout(END_SECONDS):
                    await process.wait()

    async def run(self, order: Order, answers: Answers, clock: Clock, *, seconds: float = RUN_SECONDS) -> Found:
        """What the module finds; whatever goes wrong is «unknown» with its reason. Raises nothing."""
        started = clock.monotonic()
        try:
            async with asyncio.timeout(seconds):
                told = await self._carried_out(_detect(order), answers)
            found = _found(told)
        except TimeoutError:
            found = _unknown(f"no result within {seconds:g} s")
        except _Ended as ended:
            found = _unknown(str(ended))
        recording = {"now": order.now.isoformat(), "facts": order.facts, "asked": answers.asked}
        duration_ms = round((clock.monotonic() - started) * 1000, 1)
        return replace(found, duration_ms=duration_ms, sha256=order.file.sha256, recording=recording)

    async def describe(self, file: ModuleFile) -> Description:
        """What a module says of itself. Raises ModuleRefused for one that cannot be read as a module."""
        try:
            async with asyncio.timeout(DESCRIBE_SECONDS):
                told = await self._carried_out({"do": "describe", **_which(file)}, _Nobody())
        except TimeoutError:
            raise ModuleRefused(f"The module «{file.name}» cannot be loaded within {DESCRIBE_SECONDS:g} s.") from None
        except _Ended as ended:
            raise ModuleRefused(f"The module «{file.name}» cannot be loaded: {ended}.") from None
        if "described" not in told:
            raise ModuleRefused(f"The module «{file.name}» cannot be loaded: {redact_text(str(told.get('fault')))}")
        return _description(file, told["described"])

    async def _carried_out(self, order: JsonObject, answers: Answers) -> JsonObject:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the process was not started")
        said = order
        try:
            while True:
                process.stdin.write(json.dumps(said).encode() + b"\n")
                await process.stdin.drain()
                told: Any = json.loads(await process.stdout.readline())
                if not isinstance(told, dict):
                    raise _Ended("the module's process said something that is no answer")
                if "ask" not in told:
                    return told
                said = await answers.answer(told["ask"])
        except (OSError, ValueError):
            raise _Ended("the module ended its process") from None


async def run(order: Order, answers: Answers, clock: Clock, *, seconds: float = RUN_SECONDS) -> Found:
    """One run in a process of its own."""
    try:
        async with ModuleProcess() as process:
            return await process.run(order, answers, clock, seconds=seconds)
    except OSError as error:
        return _unknown(f"no process could be started: {error.strerror}")


async def describe(file: ModuleFile, clock: Clock, *, anew: bool = False) -> Description:
    """What a module says of itself, asked once for each content of its file. Raises ModuleRefused.

    A refusal is remembered for a minute, unless it is to be asked `anew`: one that hangs must not hold up every page.
    """
    if file.is_built_in:
        return kinds.describe_built_in(file.name)
    key = (file.name, file.sha256)
    refused = _refused.get(key)
    if refused is not None and not anew and clock.monotonic() - refused.at < REFUSAL_KEPT_SECONDS:
        raise ModuleRefused(refused.message)
    if key not in _described:
        try:
            async with ModuleProcess() as process:
                _described[key] = await process.describe(file)
        except OSError as error:
            raise ModuleRefused(f"The module «{file.name}» cannot be loaded now: {error.strerror}.") from None
        except ModuleRefused as refusal:
            _remember(key, _Refusal(clock.monotonic(), refusal.message))
            raise
    return _described[key]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a module could not be loaded, and when that was by the monotonic clock."""

    at: float
    message: str


def _remember(key: tuple[str, str], refusal: _Refusal) -> None:
    for old in [each for each, found in _refused.items() if refusal.at - found.at >= REFUSAL_KEPT_SECONDS]:
        del _refused[old]
    _refused[key] = refusal


_described: dict[tuple[str, str], Description] = {}
_refused: dict[tuple[str, str], _Refusal] = {}


class _Nobody:
    """Answers nothing: loading a module must not ask."""

    asked: list[list[JsonObject]] = []  # noqa: RUF012  never written to

    async def answer(self, question: JsonObject) -> JsonObject:
        return {"error": "nothing can be asked while a module is loaded", "permanent": True}


def _which(file: ModuleFile) -> JsonObject:
    return {
        "name": file.name, "sha256": file.sha256, "file": file.file, "dotted": file.dotted, "source": file.source,
    }  # fmt: skip


def _detect(order: Order) -> JsonObject:
    return {
        "do": "detect",
        **_which(order.file),
        "params": order.params,
        "facts": order.facts,
        "now": order.now.isoformat(),
        "api_base_url": order.api_base_url,
    }


def _found(told: JsonObject) -> Found:
    warnings = tuple(redact_text(str(each)) for each in told.get("warnings", ()))
    if "found" not in told:
        fault, trace = redact_text(str(told.get("fault"))), redact_text(str(told.get("trace", "")))
        return replace(_unknown(fault, trace), warnings=warnings)
    try:
        detections, left_out = rules.detections_of(told["found"])
    except rules.Unusable as unusable:
        return replace(_unknown(str(unusable)), warnings=warnings)
    is_cut = bool(told.get("is_cut"))
    if told.get("is_full"):
        left_out.append("there are more than 1,000 detections, or more than 2 MiB: the first count, and nothing clears")
    outcome = Outcome.FIRING if detections else Outcome.CLEAR
    return Found(
        outcome,
        tuple(detections),
        is_cut=is_cut,
        not_known=rules.keys_of(told.get("not_known", ())),
        warnings=(*warnings, *left_out),
    )


def _unknown(reason: str, trace: str = "") -> Found:
    return Found(Outcome.UNKNOWN, error=reason[:ERROR_LENGTH], trace=trace)


def _description(file: ModuleFile, told: Mapping[str, Any]) -> Description:
    specs = tuple(ParamSpec(**{**spec, "choices": tuple(spec["choices"])}) for spec in told["params"])
    strange = [spec.name for spec in specs if spec.type not in _PARAM_TYPES]
    if strange:
        raise ModuleRefused(f"The module «{file.name}» names types that there are not, of {', '.join(strange)}.")
    return Description(told["label"] or file.name, told["setup"], specs, tuple(told["needs"]), bool(told["replays"]))
