"""Alert sources: their keys are shown once and rotate, their secrets never come back, their history outlives them."""

import json
from typing import Any

import pytest

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries
from app.alerts.errors import KeyNotFound, SourceInUse, SourceNameTaken, SourceNotFound
from app.alerts.keyring import load_ring
from app.alerts.types import AlertSource, Grouping, SourceKey
from app.incidents.types import Actor
from app.platform.db import Tx
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import answer, catalogue, intake, rota
from tests.support.clock import FrozenClock


@pytest.fixture
def source(rt: Runtime, admin: User) -> AlertSource:
    """A source with one key."""
    return catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())[0]


def opens(rt: Runtime, key: str) -> bool:
    """Whether a webhook with this key would be let in now."""
    now = rt.clock.now()
    return rt.db.read(lambda tx: load_ring(tx, rt.secrets, now=now)).find(key, now) is not None


def keys_of(rt: Runtime, source_id: int) -> list[SourceKey]:
    """The keys of a source that open."""
    return rt.db.read(lambda tx: queries.keys_of(tx, source_id, now=rt.clock.now()))


def stored_text(rt: Runtime) -> str:
    """Everything that is stored of sources, their keys and the audit, as text."""

    def read(tx: Tx) -> str:
        tables = ("alert_sources", "alert_source_keys", "audit_entries")
        rows = [list(tx.connection.exec_driver_sql(f"SELECT * FROM {table}")) for table in tables]  # noqa: S608
        return json.dumps([[list(map(str, row)) for row in table] for table in rows])

    return rt.db.read(read)


def audited(rt: Runtime) -> list[str]:
    """What the audit says was done to alert sources, oldest first."""
    found = rt.db.read(lambda tx: people.list_audit(tx, PageQuery(), object_type="alert_source"))
    return [entry.action for entry in reversed(found.items)]


def test_a_new_source_has_one_key_which_opens_and_is_stored_nowhere(rt: Runtime, admin: User) -> None:
    source, key = catalogue.create_source(rt, name="  prod  ", actor=admin, now=rt.clock.now())

    assert source.name == "prod"
    assert opens(rt, key)
    [stored] = keys_of(rt, source.id)
    assert stored.masked == f"{key[:8]}…{key[-4:]}"
    assert stored.prefix == key[:8]
    assert key not in stored_text(rt)
    assert audited(rt) == ["created"]


def test_the_defaults_are_those_of_a_tool_that_just_posts(source: AlertSource) -> None:
    assert (source.driver, source.pipeline, source.grouping) == ("auto", "full", Grouping.FINGERPRINT)
    assert source.is_active
    assert source.auto_resolve


def test_while_rotating_two_keys_open_and_the_old_one_ends_by_itself(
    rt: Runtime, admin: User, clock: FrozenClock
) -> None:
    source, old = catalogue.create_source(rt, name="prod", actor=admin, now=clock.now())
    _, new = catalogue.regenerate_key(rt, source_id=source.id, keep_old_hours=2, actor=admin, now=clock.now())

    assert opens(rt, old)
    assert opens(rt, new)
    clock.advance(hours=2)
    assert not opens(rt, old)
    assert opens(rt, new)


def test_a_leaked_key_is_replaced_at_once(rt: Runtime, admin: User) -> None:
    source, old = catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())
    _, new = catalogue.regenerate_key(rt, source_id=source.id, keep_old_hours=0, actor=admin, now=rt.clock.now())

    assert not opens(rt, old)
    assert opens(rt, new)


def test_never_more_than_two_keys_open(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    source, first = catalogue.create_source(rt, name="prod", actor=admin, now=clock.now())
    for _ in range(3):
        catalogue.regenerate_key(rt, source_id=source.id, actor=admin, now=clock.now())

    assert len(keys_of(rt, source.id)) == 2
    assert not opens(rt, first)


def test_a_key_that_was_to_end_soon_does_not_live_longer_by_rotating_again(
    rt: Runtime, admin: User, clock: FrozenClock
) -> None:
    source, _ = catalogue.create_source(rt, name="prod", actor=admin, now=clock.now())
    _, second = catalogue.regenerate_key(rt, source_id=source.id, actor=admin, now=clock.now())
    catalogue.regenerate_key(rt, source_id=source.id, keep_old_hours=1, actor=admin, now=clock.now())
    _, newest = catalogue.regenerate_key(rt, source_id=source.id, keep_old_hours=48, actor=admin, now=clock.now())

    clock.advance(hours=49)
    assert not opens(rt, second)
    assert opens(rt, newest)


def test_a_revoked_key_is_dead_and_cannot_be_revoked_again(rt: Runtime, admin: User) -> None:
    source, key = catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())
    [stored] = keys_of(rt, source.id)
    catalogue.revoke_key(rt, source_id=source.id, key_id=stored.id, actor=admin, now=rt.clock.now())

    assert not opens(rt, key)
    with pytest.raises(KeyNotFound):
        catalogue.revoke_key(rt, source_id=source.id, key_id=stored.id, actor=admin, now=rt.clock.now())


def test_a_key_of_another_source_is_not_found(rt: Runtime, admin: User, source: AlertSource) -> None:
    other, _ = catalogue.create_source(rt, name="other", actor=admin, now=rt.clock.now())
    [stored] = keys_of(rt, other.id)
    with pytest.raises(KeyNotFound):
        catalogue.revoke_key(rt, source_id=source.id, key_id=stored.id, actor=admin, now=rt.clock.now())


def test_a_signing_secret_is_stored_sealed_and_never_shown(rt: Runtime, admin: User) -> None:
    secret = "a-secret-that-signs"
    source, key = catalogue.create_source(
        rt, name="prod", config={"signing_secret": secret}, actor=admin, now=rt.clock.now()
    )

    assert secret not in stored_text(rt)
    access = rt.db.read(lambda tx: load_ring(tx, rt.secrets, now=rt.clock.now())).find(key, rt.clock.now())
    assert access is not None
    assert access.options.signing_secret == secret
    entry = rt.db.read(lambda tx: people.list_audit(tx, PageQuery(), object_type="alert_source")).items[0]
    assert entry.after is not None
    assert entry.after["config"] == {"signing_secret": "***"}
    assert source.config["signing_secret"] != secret


def test_a_secret_that_comes_back_as_shown_stays_and_null_takes_it_out(rt: Runtime, admin: User) -> None:
    source, _ = catalogue.create_source(
        rt, name="prod", config={"signing_secret": "s" * 20}, actor=admin, now=rt.clock.now()
    )
    sealed = source.config["signing_secret"]

    kept = catalogue.update_source(
        rt, source_id=source.id, changes={}, actor=admin, now=rt.clock.now(),
        config={"signing_secret": "***", "rate_per_minute": 60},
    )  # fmt: skip
    assert kept.config == {"signing_secret": sealed, "rate_per_minute": 60}
    without = catalogue.update_source(
        rt, source_id=source.id, changes={}, config={"signing_secret": None}, actor=admin, now=rt.clock.now()
    )
    assert without.config == {"rate_per_minute": 60}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": ""}, "name"),
        ({"driver": "carrier-pigeon"}, "driver"),
        ({"pipeline": "sewer"}, "pipeline"),
        ({"team_id": 99}, "team_id"),
        ({"schedule_id": 99}, "schedule_id"),
        ({"escalation_policy_id": 99}, "escalation_policy_id"),
        ({"grouping": Grouping.LABELS}, "group_labels"),
        ({"config": {"colour": "red"}}, "config.colour"),
        ({"config": {"timezone": "Mars/Olympus"}}, "config.timezone"),
        ({"config": {"rate_per_minute": 0}}, "config.rate_per_minute"),
        ({"config": {"allow_query_key": "yes"}}, "config.allow_query_key"),
        ({"config": {"default_severity": "awful"}}, "config.default_severity"),
    ],
)
def test_a_wrong_setting_is_named(rt: Runtime, admin: User, values: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        catalogue.create_source(rt, **{"name": "prod", **values}, actor=admin, now=rt.clock.now())
    assert [each.path for each in refused.value.errors] == [path]


def test_policy_and_schedule_exclude_each_other(rt: Runtime, admin: User) -> None:
    schedule = rota.create_schedule(rt, name="duty", actor=admin, now=rt.clock.now())
    with pytest.raises(Invalid):
        catalogue.create_source(
            rt, name="prod", schedule_id=schedule.id, escalation_policy_id=1, actor=admin, now=rt.clock.now()
        )


def test_two_sources_cannot_share_a_name(rt: Runtime, admin: User, source: AlertSource) -> None:
    with pytest.raises(SourceNameTaken):
        catalogue.create_source(rt, name=source.name, actor=admin, now=rt.clock.now())
    other, _ = catalogue.create_source(rt, name="other", actor=admin, now=rt.clock.now())
    with pytest.raises(SourceNameTaken):
        catalogue.update_source(rt, source_id=other.id, changes={"name": "prod"}, actor=admin, now=rt.clock.now())


def test_a_change_leaves_what_was_not_named(rt: Runtime, admin: User, source: AlertSource) -> None:
    changed = catalogue.update_source(
        rt, source_id=source.id, changes={"auto_resolve": False}, actor=admin, now=rt.clock.now()
    )
    assert (changed.name, changed.auto_resolve) == ("prod", False)
    assert audited(rt) == ["created", "changed"]


def test_a_source_with_open_incidents_stays(rt: Runtime, admin: User, source: AlertSource) -> None:
    result = intake.send_test_alert(rt, source_id=source.id, now=rt.clock.now())
    with pytest.raises(SourceInUse):
        catalogue.delete_source(rt, source_id=source.id, actor=admin, now=rt.clock.now())

    actor = Actor(admin.id, admin.name, admin.id, "ui")
    answer.resolve(rt, incident_id=result.incident_ids[0], actor=actor, now=rt.clock.now())
    catalogue.delete_source(rt, source_id=source.id, actor=admin, now=rt.clock.now())
    with pytest.raises(SourceNotFound):
        rt.db.read(lambda tx: queries.get_source(tx, source.id))


def test_a_deleted_source_opens_nothing_frees_its_name_and_still_names_its_history(rt: Runtime, admin: User) -> None:
    policy_free, key = catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())
    catalogue.delete_source(rt, source_id=policy_free.id, actor=admin, now=rt.clock.now())

    assert not opens(rt, key)
    again, _ = catalogue.create_source(rt, name="prod", actor=admin, now=rt.clock.now())
    assert again.id != policy_free.id
    known = rt.db.read(lambda tx: queries.sources_by_id(tx, [policy_free.id]))
    assert known[policy_free.id].name.startswith("prod")
    assert [each.id for each in rt.db.read(lambda tx: queries.list_sources(tx, PageQuery())).items] == [again.id]


def test_a_new_database_gets_its_first_source_once(rt: Runtime) -> None:
    key = catalogue.first_source(rt, now=rt.clock.now())
    assert key is not None
    assert opens(rt, key)
    assert catalogue.first_source(rt, now=rt.clock.now()) is None


def test_a_database_whose_sources_were_all_deleted_is_not_new(rt: Runtime, admin: User, source: AlertSource) -> None:
    catalogue.delete_source(rt, source_id=source.id, actor=admin, now=rt.clock.now())
    assert catalogue.first_source(rt, now=rt.clock.now()) is None
