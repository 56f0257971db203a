"""Which pipeline a source follows: the preset itself, or a copy of it where something else was chosen."""

from collections.abc import Collection, Mapping
from datetime import datetime

from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.types import AlertSource
from app.intelligence import queries as intelligence
from app.intelligence.local import LOCAL
from app.intelligence.types import IntelligenceProvider
from app.notify import queries as notify
from app.pipeline import definition_queries as definitions
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.platform.runtime import Runtime
from app.platform.types import JsonValue
from app.usecases import catalogue, run_checks
from app.usecases.set_up.rules import shaped
from app.usecases.set_up.types import GOALS, Choices, Goal, Used

TAG = "set-up"


def goal_of(tx: Tx, source: AlertSource) -> Goal | None:
    """What the source was set up for; None for one that follows a pipeline of somebody's own making."""
    if source.pipeline in GOALS:
        return GOALS[source.pipeline]
    try:
        tags = definitions.get_definition(tx, source.pipeline).tags
    except NotFound:
        return None
    return next((GOALS[tag] for tag in tags if tag in GOALS and TAG in tags), None)


def chosen(
    tx: Tx, goal: Goal, *, checkers: Collection[str] | None, provider: str | None, channel: str | None
) -> Choices:
    """What differs from what the preset does by itself as things stand.

    `checkers` are all that are to run and `provider` the one to be asked, None for whatever is set up; `channel` is
    the one to be told, None for none.
    """
    return Choices(
        checkers=_checkers(tx, checkers) if goal.has_checks else None,
        provider=_provider(tx, provider) if goal.has_analysis else None,
        channel=_channel(tx, channel),
        is_quiet=channel is None and bool(notify.active_channels(tx)),
    )


def add_provider(
    rt: Runtime,
    *,
    name: str,
    provider: str,
    config: Mapping[str, JsonValue],
    actor: User,
    now: datetime,
    description: str = "",
) -> IntelligenceProvider:
    """Set a provider up; it becomes the active one where there is none. Raises ProviderInvalid, ProviderNameTaken."""
    is_first = rt.db.read(intelligence.find_active_provider) is None
    return catalogue.create_provider(
        rt,
        name=name,
        provider=provider,
        config=config,
        is_active=is_first,
        description=description,
        actor=actor,
        now=now,
    )


def use_pipeline(
    rt: Runtime, *, source_id: int, goal: Goal, choices: Choices, name: str, actor: User, now: datetime
) -> Used:
    """Have a source follow the preset, or a copy of it by that name where something else was chosen.

    Raises SourceNotFound, DefinitionInvalid, DefinitionNameTaken.
    """

    def write(tx: Tx) -> Used:
        source = alerts.get_source(tx, source_id)
        used = Used(goal.preset, is_new=False)
        if not choices.is_preset:
            made = catalogue.add_definition(
                tx,
                name=name,
                config=shaped(goal.plan, choices),
                description=f"{goal.wish}, as it was set up for {source.name}.",
                tags=[TAG, goal.preset],
                actor=actor,
                now=now,
            )
            used = Used(made.name, is_new=True)
        # What the source itself says of channels would stand against what was chosen here.
        config = {"channels": None} if source.config.get("channels") else None
        if config is not None or source.pipeline != used.pipeline:
            changes = {"pipeline": used.pipeline}
            catalogue.change_source(tx, rt, source_id=source_id, changes=changes, config=config, actor=actor, now=now)
        return used

    return rt.db.write(write)


def _checkers(tx: Tx, wanted: Collection[str] | None) -> tuple[str, ...] | None:
    usual = {order.checker for order in run_checks.orders_for_all(tx)}
    return None if wanted is None or set(wanted) == usual else tuple(sorted(set(wanted)))


def _provider(tx: Tx, wanted: str | None) -> str | None:
    active = intelligence.find_active_provider(tx)
    usual = {LOCAL} if active is None else {active.name, *([LOCAL] if active.provider == LOCAL else [])}
    return None if wanted is None or wanted in usual else wanted


def _channel(tx: Tx, wanted: str | None) -> str | None:
    usual = [channel.name for channel in notify.active_channels(tx)[:1]]
    return None if wanted is None or [wanted] == usual else wanted
