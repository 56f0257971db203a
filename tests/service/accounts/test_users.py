"""Making, changing and deactivating people (B2, B5, B6)."""

import pytest
from sqlalchemy import delete, update

from app.accounts import audit, queries
from app.accounts.errors import EmailTaken, LastAdmin
from app.accounts.models import AuditEntryRow
from app.accounts.types import Role, Urgency, User
from app.platform.errors import Invalid
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import people
from tests.support.clock import FrozenClock
from tests.support.people import PASSWORD, add_user, email_of


def reach(rt: Runtime, user: User, urgency: Urgency = Urgency.HIGH) -> list[tuple[str, str, int]]:
    ways = rt.db.read(lambda tx: queries.reach_of(tx, [user.id], urgency=urgency))[user.id]
    return [(way.channel, way.address, way.delay_minutes) for way in ways]


def actions(rt: Runtime) -> list[str]:
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery(page_size=200)))
    return [entry.action for entry in reversed(page.items)]


def test_a_new_person_is_reached_by_email_at_once_for_both_urgencies(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    assert reach(rt, ravi, Urgency.HIGH) == [("email", "ravi@example.com", 0)]
    assert reach(rt, ravi, Urgency.LOW) == [("email", "ravi@example.com", 0)]


def test_a_phone_number_is_paged_over_the_configured_sms_channel_for_high_urgency_only(
    rt: Runtime, admin: User
) -> None:
    with_sms = rt.settings.model_copy(update={"twilio_account_sid": "AC1"})
    runtime = rt.__class__(**{name: getattr(rt, name) for name in rt.__slots__} | {"settings": with_sms})
    noor = people.create_user(
        runtime,
        email="noor@example.com",
        name="Noor",
        role=Role.RESPONDER,
        phone="+1 555 0100 200",
        actor=admin,
        now=rt.clock.now(),
    )
    assert ("twilio_sms", "+15550100200", 0) in reach(rt, noor, Urgency.HIGH)
    assert all(channel == "email" for channel, _, _ in reach(rt, noor, Urgency.LOW))


def test_without_an_sms_channel_a_phone_number_is_only_kept(rt: Runtime, admin: User) -> None:
    ravi = people.create_user(
        rt, email="r@example.com", name="R", role=Role.VIEWER, phone="+15550100", actor=admin, now=rt.clock.now()
    )
    assert ravi.phone == "+15550100"
    assert [channel for channel, _, _ in reach(rt, ravi)] == ["email"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a@b@example.com"),
        ("email", "with blank@example.com"),
        ("email", "x" * 260 + "@example.com"),
        ("name", "   "),
        ("name", "two\x00parts"),
        ("timezone", "Middle/Earth"),
        ("phone", "0555 0100"),
        ("phone", "call me"),
    ],
)
def test_impossible_fields_are_refused_by_name(rt: Runtime, admin: User, field: str, value: str) -> None:
    fields = {"email": "x@example.com", "name": "X", "timezone": "UTC", "phone": None, field: value}
    with pytest.raises(Invalid) as refused:
        people.create_user(rt, **fields, role=Role.VIEWER, actor=admin, now=rt.clock.now())  # type: ignore[arg-type]
    assert [error.path for error in refused.value.errors] == [field]


def test_one_address_belongs_to_one_person_whatever_its_capitals(rt: Runtime, admin: User) -> None:
    add_user(rt, "Ravi", actor=admin)
    with pytest.raises(EmailTaken):
        people.create_user(rt, email=" RAVI@Example.com", name="R", role=Role.VIEWER, actor=admin, now=rt.clock.now())


def test_a_local_domain_is_an_address_too(rt: Runtime, admin: User) -> None:
    user = people.create_user(
        rt, email="ops@pager.local", name="Ops", role=Role.VIEWER, actor=admin, now=rt.clock.now()
    )
    assert user.email == "ops@pager.local"


def test_signing_in_needs_a_password(rt: Runtime, admin: User) -> None:
    with pytest.raises(Invalid):
        people.create_user(
            rt, email="x@example.com", name="X", role=Role.VIEWER, login_enabled=True, actor=admin, now=rt.clock.now()
        )
    ravi = add_user(rt, "Ravi", actor=admin)
    with pytest.raises(Invalid):
        people.update_user(rt, user_id=ravi.id, changes={"login_enabled": True}, actor=admin, now=rt.clock.now())


def test_a_changed_email_moves_its_contact_method_and_rules(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    people.update_user(rt, user_id=ravi.id, changes={"email": "new@example.com"}, actor=admin, now=rt.clock.now())
    assert reach(rt, ravi) == [("email", "new@example.com", 0)]


def test_a_deactivated_person_is_not_reached_and_comes_back_with_their_rules(
    rt: Runtime, admin: User, clock: FrozenClock
) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=clock.advance(hours=1))
    assert reach(rt, ravi) == []
    people.activate_user(rt, user_id=ravi.id, actor=admin, now=clock.advance(hours=1))
    assert reach(rt, ravi) == [("email", "ravi@example.com", 0)]


def test_intervals_of_activity_are_kept(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    born = clock.now()
    ravi = add_user(rt, "Ravi", actor=admin)
    left = clock.advance(hours=1)
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=left)
    back = clock.advance(hours=1)
    people.activate_user(rt, user_id=ravi.id, actor=admin, now=back)
    known = rt.db.read(lambda tx: queries.activity_of(tx, [ravi.id]))
    assert known == {ravi.id: [(born, left), (back, None)]}


def test_repeating_a_deactivation_changes_nothing(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    for _ in range(2):
        people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=clock.advance(hours=1))
    assert actions(rt).count("deactivated") == 1


@pytest.mark.parametrize("way", ["deactivate", "demote", "no sign-in"])
def test_the_last_admin_who_can_sign_in_stays(rt: Runtime, admin: User, way: str) -> None:
    changes: dict[str, dict[str, object]] = {
        "deactivate": {"is_active": False},
        "demote": {"role": Role.VIEWER},
        "no sign-in": {"login_enabled": False},
    }
    with pytest.raises(LastAdmin):
        people.update_user(rt, user_id=admin.id, changes=changes[way], actor=admin, now=rt.clock.now())
    assert rt.db.read(lambda tx: queries.get_user(tx, admin.id)) == admin


def test_an_admin_may_go_when_another_one_signs_in(rt: Runtime, admin: User) -> None:
    other = add_user(rt, "Noor", actor=admin, role=Role.ADMIN, signs_in=True)
    assert not people.deactivate_user(rt, user_id=admin.id, actor=other, now=rt.clock.now()).is_active


def test_every_change_of_a_person_is_in_the_audit_without_their_password(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin, signs_in=True)
    people.update_user(
        rt,
        user_id=ravi.id,
        changes={"role": Role.VIEWER},
        password="another-quiet-river",
        actor=admin,
        now=rt.clock.now(),
    )
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery(), object_type="user", object_id=str(ravi.id)))
    assert [entry.action for entry in page.items] == ["deactivated", "changed", "created"]
    changed = page.items[1]
    assert changed.user_name == "Ada"
    assert changed.before is not None
    assert changed.before["role"] == "responder"
    assert changed.after is not None
    assert changed.after["role"] == "viewer"
    assert "river" not in str([(entry.before, entry.after) for entry in page.items])


def test_the_audit_is_a_chain_in_which_a_change_shows(rt: Runtime, admin: User) -> None:
    for name in ("Ravi", "Noor", "Mia"):
        add_user(rt, name, actor=admin)
    assert rt.db.read(audit.first_broken_entry) is None
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery()))
    forged = page.items[1].id
    rt.db.write(lambda tx: tx.execute(update(AuditEntryRow).where(AuditEntryRow.id == forged).values(user_name="Eve")))
    assert rt.db.read(audit.first_broken_entry) == forged


def test_the_audit_is_a_chain_in_which_a_gap_shows(rt: Runtime, admin: User) -> None:
    for name in ("Ravi", "Noor", "Mia"):
        add_user(rt, name, actor=admin)
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery()))
    newest, removed = page.items[0].id, page.items[1].id
    rt.db.write(lambda tx: tx.execute(delete(AuditEntryRow).where(AuditEntryRow.id == removed)))
    assert rt.db.read(audit.first_broken_entry) == newest


def test_people_are_found_by_part_of_name_or_address(rt: Runtime, admin: User) -> None:
    add_user(rt, "Ravi", actor=admin)
    add_user(rt, "Noor_100%", actor=admin)

    def names(q: str) -> list[str]:
        return [user.name for user in rt.db.read(lambda tx: queries.list_users(tx, PageQuery(), q=q)).items]

    assert names("RAV") == ["Ravi"]
    assert names("noor") == ["Noor_100%"]
    assert names("r_v") == []
    assert names("100%@") == ["Noor_100%"]


@pytest.mark.usefixtures("full_cost_password_hashes")
def test_a_stored_password_is_argon2id_and_nothing_else(rt: Runtime, admin: User) -> None:
    stored = rt.db.read(lambda tx: tx.connection.exec_driver_sql("SELECT password_hash FROM users").scalar_one())
    kind, version, cost = stored.split("$")[1:4]
    assert (kind, version) == ("argon2id", "v=19")
    parameters = dict(part.split("=") for part in cost.split(","))
    assert int(parameters["m"]) >= 19 * 1024
    assert int(parameters["t"]) >= 2
    assert PASSWORD not in stored
    assert email_of("Ada") == admin.email
