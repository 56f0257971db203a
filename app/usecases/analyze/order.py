"""One analysis that is asked for, and who will answer it; values only."""

from dataclasses import dataclass
from datetime import datetime

from app.incidents.types import Actor
from app.intelligence.local import LocalParams
from app.intelligence.providers._base import Provider, ProviderConfig
from app.intelligence.types import AnalysisRun, Asked, AskFailed, Evidence, Fault

ERROR_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be analysed, for whom, and by whom: `provider` is a name, `local`, or None for the active one."""

    evidence: Evidence
    trace_id: str
    pipeline_run_id: str
    provider: str | None
    is_requested: bool
    checks_ref: str
    actor: Actor

    @property
    def incident_id(self) -> int | None:
        """The incident; None for this host."""
        return self.evidence.subject.incident_id


@dataclass(frozen=True, slots=True)
class Instead:
    """Why somebody else answers than who was asked."""

    fault: Fault
    because: str
    retryable: bool = False

    @classmethod
    def of_failure(cls, name: str, failed: AskFailed) -> "Instead":
        """The provider was asked, and no analysis came of it."""
        return cls(failed.fault, f"{name} failed ({failed.message[:ERROR_SHOWN]})", not failed.permanent)

    @classmethod
    def of_run(cls, run: AnalysisRun) -> "Instead":
        """The provider had been asked before."""
        word, _, message = run.error_message.partition(": ")
        fault = Fault(word) if word in set(Fault) else Fault.INTERRUPTED
        return cls(fault, f"{run.provider} failed ({message[:ERROR_SHOWN]})", fault is Fault.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Paid:
    """A provider is going to be asked; its run is RUNNING."""

    run_id: int
    name: str
    kind: Provider
    config: ProviderConfig


@dataclass(frozen=True, slots=True)
class Local:
    """The local provider answers; its run is RUNNING. `instead` says why, where another was wanted."""

    run_id: int
    params: LocalParams
    instead: Instead | None

    @property
    def who(self) -> str:
        """Who answered, as the incident's story names them."""
        return f"the local provider, because {self.instead.because}" if self.instead else "the local provider"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody answers: the local provider may not stand in."""

    instead: Instead


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of asking."""

    outcome: Asked | AskFailed
    duration_ms: float
    now: datetime
