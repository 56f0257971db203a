"""The people and tools around the server: senders that post webhooks and a responder who acknowledges."""

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.kill.appliance import ADMIN_EMAIL, ADMIN_PASSWORD, Duty
from tests.kill.calls import Answer, Caller, NoAnswer, NotSent, basic
from tests.kill.checker import alert_name
from tests.kill.ledger import Ledger, Posting

PAUSE_SECONDS = 0.02


def webhook(uid: str, began_at: float, ended_at: float | None = None, *, group: str = "") -> dict[str, Any]:
    """An Alertmanager webhook (version 4) with one alert whose name and fingerprint carry the identity.

    Times are seconds since 1970; with an end it is resolved. `group` is the sender's group.
    """
    kind = "resolved" if ended_at else "firing"
    labels = {"alertname": alert_name(uid), "severity": "critical", "instance": f"{uid}.example.com"}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{group="{group or uid}"}}',
        "status": kind,
        "receiver": "pagerpal",
        "truncatedAlerts": 0,
        "groupLabels": {"group": group or uid},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "https://alertmanager.example.com",
        "alerts": [
            {
                "status": kind,
                "labels": labels,
                "annotations": {"summary": f"Something is wrong with {uid}."},
                "startsAt": datetime.fromtimestamp(began_at, UTC).isoformat(),
                "endsAt": datetime.fromtimestamp(ended_at, UTC).isoformat() if ended_at else "0001-01-01T00:00:00Z",
                "generatorURL": "https://prometheus.example.com/graph",
                "fingerprint": uid,
            }
        ],
    }


def post(caller: Caller, ledger: Ledger, duty: Duty, posting: Posting) -> None:
    """Post one webhook and write down what came of it."""
    body = webhook(posting.uid, posting.began_at, posting.ended_at, group=f"group {posting.duty}")
    try:
        answer = caller.post("/alerts/webhook/alertmanager/", body, headers={"X-API-Key": duty.api_key})
    except NotSent as error:
        ledger.refused(posting, str(error))
    except NoAnswer as error:
        ledger.unknown(posting, str(error))
    else:
        _note(ledger, posting, answer)


def _note(ledger: Ledger, posting: Posting, answer: Answer) -> None:
    if answer.status == 202 and answer.body.get("status") == "accepted":
        incident_ids = answer.body["incident_ids"] if posting.kind == "firing" else ()
        ledger.accepted(posting, trace_id=answer.body["trace_id"], incident_ids=incident_ids)
        return
    ledger.refused(posting, f"{answer.status} {answer.body}")
    if answer.status not in {429, 503}:
        ledger.surprise(f"{posting.kind} {posting.uid} was answered {answer.status}: {answer.body}")


class Crowd:
    """Everybody who talks to the server, in threads of their own, held back while it is down."""

    def __init__(self, port: int, ledger: Ledger, duties: Sequence[Duty], *, senders: int, seed: int) -> None:
        self.port = port
        self.ledger = ledger
        self.duties = duties
        self._open = threading.Event()
        self._over = threading.Event()
        self._again: deque[Posting] = deque()
        self._numbers = iter(range(1, 10_000_000))
        self._lock = threading.Lock()
        self._seed = seed
        self._active = 0
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(senders)]
        self._threads.append(threading.Thread(target=self._answer, daemon=True))

    def begin(self) -> None:
        """Start the threads, still held back."""
        for thread in self._threads:
            thread.start()

    def open(self) -> None:
        """The server is up: go on, first with what nobody knows about."""
        self._again.clear()
        self._again.extend(self.ledger.of("unknown"))
        self._open.set()

    def close(self) -> None:
        """The server is about to be checked or is down: stop, and wait until the last call has ended."""
        self._open.clear()
        while self._active:
            time.sleep(PAUSE_SECONDS)

    def settle(self) -> None:
        """While closed: send again what nobody knows about, until nothing is unknown (or it stays so)."""
        caller = Caller(self.port)
        for posting in self.ledger.of("unknown"):
            post(caller, self.ledger, self.duties[posting.duty], posting)
        for entry in list(self.ledger.acknowledgements.values()):
            if entry.answered_at is None:
                self._acknowledge(entry.incident_id)
        caller.close()

    def end(self) -> None:
        """Stop for good."""
        self._over.set()
        self._open.set()
        for thread in self._threads:
            thread.join(35)

    def _send(self, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        caller = Caller(self.port)
        while self._enter():
            try:
                posting = self._next(chance)
                post(caller, self.ledger, self.duties[posting.duty], posting)
            finally:
                self._leave()
            time.sleep(PAUSE_SECONDS * chance.random() * 4)
        caller.close()

    def _answer(self) -> None:
        chance = random.Random(self._seed * 1000 + 999)
        while self._enter():
            try:
                candidates = self._unanswered()
                if candidates:
                    self._acknowledge(chance.choice(candidates))
            finally:
                self._leave()
            time.sleep(0.1 + chance.random() * 0.2)

    def _enter(self) -> bool:
        while True:
            self._open.wait()
            if self._over.is_set():
                return False
            with self._lock:
                if self._open.is_set():
                    self._active += 1
                    return True

    def _leave(self) -> None:
        with self._lock:
            self._active -= 1

    def _next(self, chance: random.Random) -> Posting:
        try:
            return self._again.popleft()
        except IndexError:
            pass
        firing = self.ledger.of("accepted")
        if firing and chance.random() < 0.15:
            return self.ledger.resolved(chance.choice(firing))
        with self._lock:
            number = next(self._numbers)
        duty = number % len(self.duties)
        return self.ledger.firing(f"{self._seed:04x}{number:012x}", duty)

    def _unanswered(self) -> list[int]:
        tried = self.ledger.acknowledgements
        return [
            incident_id
            for posting in self.ledger.of("accepted")
            if posting.kind == "firing"
            for incident_id in posting.incident_ids
            if incident_id not in tried or tried[incident_id].answered_at is None
        ]

    def _acknowledge(self, incident_id: int) -> None:
        caller = Caller(self.port, basic(ADMIN_EMAIL, ADMIN_PASSWORD))
        try:
            answer = caller.post(f"/api/v1/incidents/{incident_id}/ack")
        except (NotSent, NoAnswer):
            self.ledger.acknowledged(incident_id, None)
            return
        finally:
            caller.close()
        if answer.status == 200:
            self.ledger.acknowledged(incident_id, time.time())
        elif answer.status not in {409, 429, 503}:  # 409: resolved by its alerts meanwhile
            self.ledger.surprise(f"acknowledging {incident_id} was answered {answer.status}: {answer.body}")
