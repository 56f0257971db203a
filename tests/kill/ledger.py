"""What the senders know about each webhook they posted: accepted, refused, or unknown."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["firing", "resolved"]
Outcome = Literal["accepted", "refused", "unknown"]


@dataclass
class Posting:
    """One webhook with one alert and everything that came of posting it, retries included.

    Every retry carries the same times (seconds since 1970), as a monitoring tool's does.
    """

    uid: str
    kind: Kind
    duty: int
    began_at: float
    ended_at: float | None
    outcomes: list[tuple[float, Outcome, str]] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    incident_ids: set[int] = field(default_factory=set)

    @property
    def outcome(self) -> Outcome:
        """Accepted once is accepted; else unknown once is unknown."""
        seen = [outcome for _, outcome, _ in self.outcomes]
        if "accepted" in seen:
            return "accepted"
        return "unknown" if "unknown" in seen or not seen else "refused"

    @property
    def accepted_at(self) -> float:
        """When the first 2xx was in hand, seconds since 1970."""
        return next(at for at, outcome, _ in self.outcomes if outcome == "accepted")


@dataclass
class Acknowledgement:
    """One acknowledgement of an incident; `answered_at` is set when it was answered 200."""

    incident_id: int
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """One end of the server: when, and where it was meant to hit (`random` or a failpoint's name)."""

    at: float
    aim: str
    hit: bool


class Ledger:
    """The senders' book, safe for several threads; also written to a file for whoever looks into a violation."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._path = path
        self.postings: dict[tuple[str, Kind], Posting] = {}
        self.acknowledgements: dict[int, Acknowledgement] = {}
        self.kills: list[Kill] = []
        self.surprises: list[str] = []

    def firing(self, uid: str, duty: int) -> Posting:
        """A new problem, beginning now."""
        with self._lock:
            return self.postings.setdefault((uid, "firing"), Posting(uid, "firing", duty, time.time(), None))

    def resolved(self, firing: Posting) -> Posting:
        """The end of a problem, now unless it has ended before."""
        with self._lock:
            end = Posting(firing.uid, "resolved", firing.duty, firing.began_at, time.time())
            return self.postings.setdefault((firing.uid, "resolved"), end)

    def accepted(self, posting: Posting, *, trace_id: str, incident_ids: Iterable[int]) -> None:
        """A 2xx was in hand."""
        with self._lock:
            posting.trace_ids.append(trace_id)
            posting.incident_ids.update(incident_ids)
            self._note(posting, "accepted", trace_id)

    def refused(self, posting: Posting, why: str) -> None:
        """The server said no, or nobody listened: it must not be stored on account of this try."""
        with self._lock:
            self._note(posting, "refused", why)

    def unknown(self, posting: Posting, why: str) -> None:
        """No answer came: it may be stored or not, and is to be sent again."""
        with self._lock:
            self._note(posting, "unknown", why)

    def surprise(self, what: str) -> None:
        """An answer that the server must never give, such as 500."""
        with self._lock:
            self.surprises.append(what)

    def killed(self, aim: str, *, hit: bool, at: float | None = None) -> None:
        """The server has just died, or did `at` that time."""
        with self._lock:
            self.kills.append(Kill(at or time.time(), aim, hit))
            self._write({"kill": aim, "hit": hit, "at": self.kills[-1].at})

    def acknowledged(self, incident_id: int, answered_at: float | None) -> None:
        """An acknowledgement was tried; `answered_at` None when its answer was lost."""
        with self._lock:
            entry = self.acknowledgements.setdefault(incident_id, Acknowledgement(incident_id))
            entry.answered_at = entry.answered_at or answered_at
            self._write({"acknowledge": incident_id, "answered_at": answered_at})

    def of(self, outcome: Outcome) -> list[Posting]:
        """All postings that stand so now."""
        with self._lock:
            return [posting for posting in self.postings.values() if posting.outcome == outcome]

    def _note(self, posting: Posting, outcome: Outcome, detail: str) -> None:
        posting.outcomes.append((time.time(), outcome, detail))
        self._write({"uid": posting.uid, "kind": posting.kind, "outcome": outcome, "detail": detail})

    def _write(self, record: dict[str, object]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
