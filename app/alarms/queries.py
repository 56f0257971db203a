"""Reading alarms, their versions and events, and what the engine did, for every door and use case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.alarms import repository, rules
from app.alarms.errors import AlarmMissing, EngineRunMissing, EventMissing, VersionMissing
from app.alarms.inputs import unpack
from app.alarms.models import AlarmEventRow, AlarmRow, AlarmVersionRow, EngineRunRow
from app.alarms.types import (
    Alarm,
    AlarmEvent,
    AlarmSummary,
    AlarmVersion,
    EngineHealth,
    EngineRun,
    EventFilter,
    EventState,
    RunStatus,
    Trigger,
)
from app.notify import queries as outbox
from app.notify.types import NotificationStatus
from app.platform.db import Tx, paged
from app.platform.secrets import SecretBox
from app.platform.types import JsonObject, Page, PageQuery

ARRIVED = (NotificationStatus.SENT, NotificationStatus.DELIVERED)
INPUTS_AT_MOST = 20_000


def get_alarm(tx: Tx, name: str) -> Alarm:
    """The alarm of this entry id, with or without `alarm_`. Raises AlarmMissing."""
    found = tx.first(Alarm, repository.select_alarms().where(AlarmRow.entry_id == rules.entry_id_of(name)))
    if found is None:
        raise AlarmMissing(name)
    return found


def list_alarms(tx: Tx, page: PageQuery, *, archived: bool | None = False) -> Page[Alarm]:
    """One page of alarms by entry id: the live ones, with `archived` the others, or all with None."""
    statement = repository.select_alarms()
    if archived is not None:
        statement = statement.where(AlarmRow.archived.is_(archived))
    return paged(tx, Alarm, statement.order_by(AlarmRow.entry_id), page)


def live_alarms(tx: Tx) -> list[Alarm]:
    """Every alarm that the engine asks."""
    statement = repository.select_alarms().where(AlarmRow.archived.is_(False))
    return tx.all(Alarm, statement.order_by(AlarmRow.id))


def alarms_using_policy(tx: Tx, policy_id: int) -> list[Alarm]:
    """The alarms, archived or not, that page by this policy."""
    statement = repository.select_alarms().where(AlarmRow.escalation_policy_id == policy_id)
    return tx.all(Alarm, statement.order_by(AlarmRow.entry_id))


def summaries(tx: Tx, alarms: Iterable[Alarm], *, since: datetime) -> list[AlarmSummary]:
    """These alarms as the dashboard lists them, with how often each fired since then."""
    alarms = list(alarms)
    # Named, each is one stretch of an index: the editor asks at every pause in typing.
    asked = AlarmEventRow.alarm_id.in_(sorted(alarm.id for alarm in alarms))
    fired = repository.count_by_alarm(tx, asked, AlarmEventRow.fire_time >= since)
    active = repository.count_by_alarm(tx, asked, repository.IS_ACTIVE)
    last = repository.last_fired(tx, asked)
    return [
        AlarmSummary(
            alarm=alarm,
            events_since=fired.get(alarm.id, 0),
            active=active.get(alarm.id, 0),
            last_fired_at=last.get(alarm.id),
            is_quiet=rules.is_quiet(alarm, has_history=alarm.id in last),
        )
        for alarm in alarms
    ]


def list_versions(tx: Tx, alarm_id: int, page: PageQuery) -> Page[AlarmVersion]:
    """One page of an alarm's versions, newest first."""
    return paged(tx, AlarmVersion, repository.select_versions(alarm_id), page)


def get_version(tx: Tx, alarm: Alarm, version: int) -> AlarmVersion:
    """One version of an alarm. Raises VersionMissing."""
    statement = repository.select_versions(alarm.id).where(AlarmVersionRow.version == version)
    found = tx.first(AlarmVersion, statement)
    if found is None:
        raise VersionMissing(alarm.entry_id, version)
    return found


# --- events -------------------------------------------------------------------------------------------------------


def get_event(tx: Tx, event_id: str) -> AlarmEvent:
    """The event. Raises EventMissing."""
    found = tx.first(AlarmEvent, repository.select_events().where(AlarmEventRow.id == event_id))
    if found is None:
        raise EventMissing
    return found


def active_events(tx: Tx, alarm_id: int) -> list[AlarmEvent]:
    """What holds of one alarm, the oldest first."""
    return repository.active_events(tx, alarm_id)


def events_told_at(tx: Tx, alarm_id: int, at: datetime) -> list[AlarmEvent]:
    """The events that a tick which asked at this time has begun, seen or ended, the oldest first."""
    return repository.events_told_at(tx, alarm_id, at)


def list_events(tx: Tx, filters: EventFilter, page: PageQuery) -> Page[AlarmEvent]:
    """One page of events, the newest first. An event that still holds counts as of now, whenever it fired."""
    statement = repository.select_events()
    if filters.alarm_id is not None:
        statement = statement.where(AlarmEventRow.alarm_id == filters.alarm_id)
    if filters.dedupe_key is not None:
        statement = statement.where(AlarmEventRow.dedupe_key == filters.dedupe_key)
    if filters.state is not None:
        is_active = filters.state is EventState.ACTIVE
        statement = statement.where(repository.IS_ACTIVE if is_active else ~repository.IS_ACTIVE)
    if filters.since is not None:
        statement = statement.where((AlarmEventRow.fire_time >= filters.since) | repository.IS_ACTIVE)
    ordered = statement.order_by(AlarmEventRow.fire_time.desc(), AlarmEventRow.id)
    return paged(tx, AlarmEvent, ordered, page)


def events_per_hour(tx: Tx, *, days: int, now: datetime) -> dict[int, list[tuple[datetime, int]]]:
    """How many events fired in each hour of the last so many days, the oldest hour first, for each alarm with any."""
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=back) for back in range(days * 24 - 1, -1, -1)]
    counts: dict[int, dict[datetime, int]] = {}
    for alarm_id, hour, count in repository.fired_by_hour(tx, since=hours[0]):
        counts.setdefault(alarm_id, {})[hour] = count
    return {alarm_id: [(hour, counted.get(hour, 0)) for hour in hours] for alarm_id, counted in counts.items()}


# --- the engine ---------------------------------------------------------------------------------------------------


def get_run(tx: Tx, run_id: int) -> EngineRun:
    """The run. Raises EngineRunMissing."""
    found = tx.first(EngineRun, repository.select_runs().where(EngineRunRow.id == run_id))
    if found is None:
        raise EngineRunMissing(run_id)
    return _with_mails(tx, [found])[0]


def list_runs(tx: Tx, page: PageQuery) -> Page[EngineRun]:
    """One page of runs, the newest first."""
    found = paged(tx, EngineRun, repository.select_runs().order_by(EngineRunRow.id.desc()), page)
    return replace(found, items=_with_mails(tx, found.items))


def _with_mails(tx: Tx, runs: Sequence[EngineRun]) -> list[EngineRun]:
    """The runs with what has become of their mails: a tick ends before its mails have left."""
    lines = [line for run in runs for line in run.per_alarm.values()]
    statuses = outbox.statuses_of(tx, {mail_id for line in lines for mail_id in line.get("mail_ids", ())})
    told = []
    for run in runs:
        per_alarm = {name: {**line, "bundle_sent": _sent(line, statuses)} for name, line in run.per_alarm.items()}
        sent = sum(bool(line["bundle_sent"]) for line in per_alarm.values())
        told.append(replace(run, per_alarm=per_alarm, counters={**run.counters, "notifications_sent": sent}))
    return told


def _sent(line: JsonObject, statuses: Mapping[int, NotificationStatus]) -> bool:
    return any(statuses.get(mail_id) in ARRIVED for mail_id in line.get("mail_ids", ()))


def is_due(tx: Tx, boundary: datetime) -> bool:
    """Whether the tick of this boundary was not begun yet, or left by its process before it had ended."""
    run = tx.first(EngineRun, repository.select_runs().where(EngineRunRow.boundary == boundary))
    return run is None or rules.is_left(run)


def engine_health(tx: Tx, *, now: datetime) -> EngineHealth:
    """How the engine is doing, for the banner."""
    ended = repository.select_runs().where(
        EngineRunRow.trigger == Trigger.TICK, EngineRunRow.status != RunStatus.RUNNING
    )
    return rules.health_of(tx.first(EngineRun, ended.order_by(EngineRunRow.id.desc()).limit(1)), now=now)


def inputs_since(tx: Tx, alarm_id: int, since: datetime) -> list[tuple[datetime, str]]:
    """When since then an alarm was given what is kept, the oldest first, each with the digest for `find_input`."""
    return repository.inputs_since(tx, alarm_id, since, limit=INPUTS_AT_MOST)


def find_input(tx: Tx, alarm_id: int, digest: str, *, secrets: SecretBox) -> JsonObject | None:
    """What an alarm was given; None where it is kept no more, or under a SECRET_KEY that is gone."""
    body = repository.input_body(tx, alarm_id, digest)
    return None if body is None else unpack(body, secrets)
