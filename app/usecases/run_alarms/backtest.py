"""A backtest: what an alarm was given in the last days, asked again with its module and parameters of today.

What is kept is what the module was answered, so a replay reaches nothing outside. It tells which events would have
fired and which mails would have left; nothing is stored.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from app.alarms import queries, rules
from app.alarms.answers import Replay
from app.alarms.errors import AlarmInvalid, NothingStored
from app.alarms.rules import MailReason, MailState
from app.alarms.running import ModuleProcess, Order
from app.alarms.types import Alarm, AlarmEvent, Found, ModuleFile, Outcome
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases.run_alarms.asking import find

REPLAY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class BacktestMail:
    """A mail that would have left, with the entities in it."""

    at: datetime
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What an alarm would have done; `outcomes` counts its ticks, `first_at` is the oldest that was kept."""

    ticks: int
    first_at: datetime | None
    outcomes: dict[Outcome, int]
    fired: int
    cleared: int
    mails: tuple[BacktestMail, ...]
    last_error: str


async def backtest(rt: Runtime, *, name: str, days: int, now: datetime) -> Backtest:
    """Play the kept ticks of the last days again. Raises AlarmMissing, AlarmInvalid, NothingStored, ModuleMissing."""
    alarm = await rt.db.run_read(partial(queries.get_alarm, name=name))
    file, about = await find(rt, alarm.module)
    if not about.replays:
        raise NothingStored(alarm.module)
    params, errors = rules.checked_params(about.params, alarm.params)
    if errors:
        raise AlarmInvalid(errors)
    since = now - timedelta(days=days)
    kept = await rt.db.run_read(partial(queries.inputs_since, alarm_id=alarm.id, since=since))
    story, played = Story(alarm), list[datetime]()
    async with ModuleProcess() as process:
        for at, digest in kept:
            # One at a time: all of them together may be more than this machine has memory for.
            recording = await rt.db.run_read(
                partial(queries.find_input, alarm_id=alarm.id, digest=digest, secrets=rt.secrets)
            )
            if recording is None:
                continue
            played.append(at)
            found = await _again(rt, process, file, params, at, recording)
            story.tick(found, at)
            if found.outcome is Outcome.UNKNOWN:
                # It may hang, or be gone: the next tick gets a new one.
                await process.restart()
    return story.told(played)


class Story:
    """An alarm's events in memory, tick by tick, by the same rules as the engine's; every mail arrives at once."""

    def __init__(self, alarm: Alarm) -> None:
        # Mails that are off would tell nothing of what they would have said.
        self.alarm = replace(alarm, enabled=True)
        self.active: dict[str, AlarmEvent] = {}
        self.outcomes: Counter[Outcome] = Counter()
        self.mails: list[BacktestMail] = []
        self.fired = self.cleared = 0
        self.last_error = ""

    def tick(self, found: Found, at: datetime) -> None:
        """One tick."""
        self.outcomes[found.outcome] += 1
        self.last_error = found.error or self.last_error
        changes = rules.diff(self.active.values(), found)
        told = []
        for event, detection in changes.still:
            reason = self._reason(event, at)
            self.active[event.dedupe_key] = replace(event, last_seen=at)
            told += [detection] if reason in rules.MAILED else []
        for detection in changes.new:
            self.active[detection.dedupe_key] = self._event(detection.dedupe_key, detection.subject, at)
        told += changes.new
        for event in changes.cleared:
            del self.active[event.dedupe_key]
        for detection in told:
            event = self.active[detection.dedupe_key]
            self.active[detection.dedupe_key] = replace(event, last_notified=at)
        if told:
            self.mails.append(BacktestMail(at, tuple(detection.subject for detection in told)))
        self.fired += len(changes.new)
        self.cleared += len(changes.cleared)

    def told(self, ticks: Sequence[datetime]) -> Backtest:
        """All of it."""
        return Backtest(
            ticks=len(ticks),
            first_at=ticks[0] if ticks else None,
            outcomes=dict(self.outcomes),
            fired=self.fired,
            cleared=self.cleared,
            mails=tuple(self.mails),
            last_error=self.last_error,
        )

    def _reason(self, event: AlarmEvent, at: datetime) -> MailReason:
        return rules.may_mail(self.alarm, event, MailState.ARRIVED, is_sending=True, now=at)

    def _event(self, key: str, subject: str, at: datetime) -> AlarmEvent:
        return AlarmEvent(
            id=key, alarm_id=self.alarm.id, entry_id=self.alarm.entry_id, dedupe_key=key, subject=subject, content="",
            severity="warning", fire_time=at, clear_time=None, clear_reason=None, last_seen=at, last_notified=None,
            recipients=[], extra_data={}, acked_by=None, acked_at=None, incident_id=None, mail_ids=[], mailed_at=None,
            mail_tries=0,
        )  # fmt: skip


async def _again(
    rt: Runtime, process: ModuleProcess, file: ModuleFile, params: JsonObject, at: datetime, recording: JsonObject
) -> Found:
    order = Order(file, params, recording.get("facts", {}), at, rt.settings.alarm_api_base_url)
    return await process.run(order, Replay(recording), rt.clock, seconds=REPLAY_SECONDS)
