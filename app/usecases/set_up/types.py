"""The guided set-up in values: what somebody may want to do, whom it pages, what they chose, how the test goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.alerts.types import AlertSource
from app.pipeline.presets import PRESETS
from app.pipeline.types import NodeType, Plan


@dataclass(frozen=True, slots=True)
class Goal:
    """What somebody wants to do, in the words of document 001, and the preset that does it."""

    preset: str
    wish: str
    alerts_from: str
    is_local: bool = False

    @property
    def plan(self) -> Plan:
        """The preset itself."""
        return PRESETS[self.preset]

    @property
    def has_checks(self) -> bool:
        """Whether this server is measured on the way."""
        return any(node.type is NodeType.CONTEXT for node in self.plan.nodes)

    @property
    def has_analysis(self) -> bool:
        """Whether somebody or something thinks about it on the way."""
        return any(node.type is NodeType.INTELLIGENCE for node in self.plan.nodes)


_TOOLS = "your monitoring tools"
_CHECKS = "this server's own checks"
GOALS: Mapping[str, Goal] = {
    goal.preset: goal
    for goal in (
        Goal("local-monitor", "Monitor this server (basic)", _CHECKS, is_local=True),
        Goal("local-smart", "Monitor this server (with AI)", _CHECKS, is_local=True),
        Goal("direct", "Forward alerts to notifications", _TOOLS),
        Goal("health-checked", "Forward alerts with health context", _TOOLS),
        Goal("ai-analyzed", "Forward alerts with AI analysis", _TOOLS),
        Goal("full", "Full alert processing pipeline", _TOOLS),
    )
}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a source pages: one of these. `person_id` is somebody who wants to be paged alone, by a policy of theirs."""

    policy_id: int | None = None
    schedule_id: int | None = None
    team_id: int | None = None
    person_id: int | None = None

    @property
    def is_nobody(self) -> bool:
        """Whether nothing was chosen."""
        return (self.policy_id, self.schedule_id, self.team_id, self.person_id) == (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Connected:
    """A source that is ready, its key in the clear this once, and the policy that was made for it, if one was.

    `took_over` says that it is the source of the first start under a new name.
    """

    source: AlertSource
    key: str
    policy_made: str = ""
    took_over: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen over a preset; None is what the preset does by itself.

    `checkers` are those of the `context` node, `provider` is asked whatever other one is active, `channel` is told
    whatever other ones there are; `is_quiet` says that no team is told at all.
    """

    checkers: tuple[str, ...] | None = None
    provider: str | None = None
    channel: str | None = None
    is_quiet: bool = False

    @property
    def is_preset(self) -> bool:
        """Whether the preset does all of it."""
        return self == Choices()


@dataclass(frozen=True, slots=True)
class Used:
    """The pipeline that a source follows; `is_new` where it was made for it."""

    pipeline: str
    is_new: bool


class State(StrEnum):
    """How one line of a test stands."""

    GOOD = "good"
    WAITING = "waiting"
    NONE = "none"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a test alert must go through: what it is, what became of it, and what to do where it is bad."""

    key: str
    title: str
    state: State
    said: str
    advice: str = ""
    href: str = ""
    is_page: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What has become of a test so far."""

    lines: tuple[Line, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing is waited for any more."""
        return all(line.state is not State.WAITING for line in self.lines)

    @property
    def went_through(self) -> bool:
        """Whether all that was to happen has happened: a page has left, and nothing failed or is waited for."""
        has_paged = any(line.is_page and line.state is State.GOOD for line in self.lines)
        return has_paged and all(line.state in (State.GOOD, State.NONE) for line in self.lines)

    @property
    def is_bad(self) -> bool:
        """Whether something went wrong."""
        return any(line.state is State.BAD for line in self.lines)
