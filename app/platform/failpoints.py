"""Named places where a test may kill, fail or delay the process; they do nothing at all in any other environment.

`PAGERPAL_FAILPOINTS` (only with `PAGERPAL_ENV=test`) arms them: `ingest.after_commit=kill:0.2,notify.claim=sleep:2`.
Actions: `kill[:probability]` SIGKILLs this process, `raise[:probability]` raises FailpointRaised, `sleep:seconds`
blocks the thread.
The list of names is read from the source, so a new place needs no registration.
"""

import ast
import os
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.platform.errors import StartRefused
from app.platform.settings import Settings

APP_FOLDER = Path(__file__).resolve().parent.parent

_armed: dict[str, "Action"] = {}
_random = random.Random()  # noqa: S311  decides when a test strikes, guards nothing


class FailpointRaised(RuntimeError):
    """What an armed place raises; product code never catches it by name."""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens at a place: `amount` is a probability for kill and raise, seconds for sleep."""

    kind: Literal["kill", "raise", "sleep"]
    amount: float


def fp(name: str) -> None:
    """Marks a place where a test may strike; costs one look into an empty dict otherwise."""
    if _armed and name in _armed:
        _strike(name, _armed[name])


def arm(settings: Settings) -> None:
    """Arms what PAGERPAL_FAILPOINTS names. Raises StartRefused outside `test`, for unknown names and actions."""
    disarm()
    if not settings.pagerpal_failpoints:
        return
    if settings.pagerpal_env != "test":
        raise StartRefused("PAGERPAL_FAILPOINTS is for tests: remove it, or set PAGERPAL_ENV=test.")
    actions = parse(settings.pagerpal_failpoints)
    unknown = sorted(set(actions) - set(named_places()))
    if unknown:
        raise StartRefused(f"PAGERPAL_FAILPOINTS: no such place: {', '.join(unknown)} (see doctor --failpoints)")
    _armed.update(actions)


def disarm() -> None:
    """Makes every place inert again."""
    _armed.clear()


def parse(text: str) -> dict[str, Action]:
    """`name=action,…` as actions by name. Raises StartRefused with the part that cannot be read."""
    actions = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, action = part.partition("=")
        kind, _, amount = action.partition(":")
        actions[name.strip()] = _action(part, kind.strip(), amount.strip())
    return actions


def named_places(folder: Path = APP_FOLDER) -> Mapping[str, list[str]]:
    """Every name given to `fp` below `folder`, with `file:line` of each place, sorted by name."""
    places: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "fp(" in source:
            for node in ast.walk(ast.parse(source)):
                name = _name_in(node)
                if name is not None:
                    places.setdefault(name, []).append(f"{path.relative_to(folder.parent)}:{node.lineno}")  # type: ignore[attr-defined]
    return dict(sorted(places.items()))


def _name_in(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Name(id="fp"), args=[ast.Constant(value=str(name))]):
            return name
        case _:
            return None


def _action(part: str, kind: str, amount: str) -> Action:
    try:
        number = float(amount) if amount else 1.0
    except ValueError:
        number = -1.0
    if number < 0 or (kind != "sleep" and number > 1):
        raise StartRefused(f"PAGERPAL_FAILPOINTS: {part!r} needs a probability from 0 to 1, or seconds for sleep")
    match kind:
        case "kill" | "raise" | "sleep":
            return Action(kind, number)
        case _:
            raise StartRefused(f"PAGERPAL_FAILPOINTS: {part!r} has no action; give kill, raise or sleep")


def _strike(name: str, action: Action) -> None:
    if action.kind == "sleep":
        time.sleep(action.amount)
        return
    if _random.random() >= action.amount:
        return
    if action.kind == "raise":
        raise FailpointRaised(name)
    # Straight to the descriptor: the process is gone before any buffered writer could flush.
    os.write(2, f"failpoint {name}: kill\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
