"""The first admin: by the code that the process printed, once, whoever else tries at the same moment (B2, F-91)."""

import threading

import pytest

from app.accounts import queries
from app.accounts.errors import SetupClosed, SetupCodeWrong, SlowDown
from app.platform.errors import Invalid, PagerPalError
from app.platform.runtime import Runtime
from app.platform.secrets import SecretBox
from app.platform.types import PageQuery
from app.usecases import people
from tests.support.clock import FrozenClock
from tests.support.people import PASSWORD, add_admin


def make_first(rt: Runtime, code: str, name: str = "Ada", password: str = PASSWORD) -> str:
    return people.create_first_admin(
        rt,
        code=code,
        email=f"{name.lower()}@example.com",
        name=name,
        password=password,
        address="192.0.2.1",
        agent="",
        now=rt.clock.now(),
    )


def code_of(rt: Runtime) -> str:
    code = people.prepare_setup_code(rt, now=rt.clock.now())
    assert code is not None
    return code


def test_the_code_makes_the_first_admin_and_signs_them_in(rt: Runtime) -> None:
    token = make_first(rt, code_of(rt))
    identity = people.identify_session(rt, token, now=rt.clock.now())
    assert identity is not None
    assert (identity.user.email, identity.user.role) == ("ada@example.com", "admin")


def test_capitals_blanks_and_dashes_of_the_code_do_not_matter(rt: Runtime) -> None:
    assert make_first(rt, f" {code_of(rt).lower().replace('-', ' ')} ")


@pytest.mark.parametrize("code", ["", "----", "AAAA-AAAA-AAAA", "\x00", "x" * 10_000])
def test_another_code_makes_nobody(rt: Runtime, code: str) -> None:
    code_of(rt)
    with pytest.raises(SetupCodeWrong):
        make_first(rt, code)
    assert not rt.db.read(queries.has_admin)


def test_before_a_process_has_printed_a_code_the_door_is_shut(rt: Runtime) -> None:
    with pytest.raises(SetupCodeWrong):
        make_first(rt, "")


def test_guessing_the_code_slows_down(rt: Runtime, clock: FrozenClock) -> None:
    code = code_of(rt)
    for _ in range(5):
        with pytest.raises(SetupCodeWrong):
            make_first(rt, "AAAA-AAAA-AAAA")
    with pytest.raises(SlowDown):
        make_first(rt, code)
    clock.advance(seconds=1)
    assert make_first(rt, code)


def test_a_weak_password_does_not_use_the_code_up(rt: Runtime) -> None:
    code = code_of(rt)
    with pytest.raises(Invalid):
        make_first(rt, code, password="password1")
    assert make_first(rt, code)


def test_the_door_is_closed_for_good_after_the_first_admin(rt: Runtime) -> None:
    code = code_of(rt)
    make_first(rt, code)
    with pytest.raises(SetupClosed):
        make_first(rt, code, "Eve")
    assert people.prepare_setup_code(rt, now=rt.clock.now()) is None


def test_an_admin_from_the_command_line_closes_the_door_too(rt: Runtime) -> None:
    code = code_of(rt)
    add_admin(rt)
    with pytest.raises(SetupClosed):
        make_first(rt, code, "Eve")


def test_every_process_and_every_restart_prints_the_same_code(rt: Runtime, clock: FrozenClock) -> None:
    first = code_of(rt)
    clock.advance(days=3)
    assert code_of(rt) == first


def test_another_secret_key_makes_another_code(rt: Runtime, clock: FrozenClock) -> None:
    old = code_of(rt)
    fields = {name: getattr(rt, name) for name in Runtime.__slots__}
    rekeyed = Runtime(**fields | {"secrets": SecretBox("quite-another-secret-key-of-this-house")})
    clock.advance(minutes=1)
    new = code_of(rekeyed)
    assert new != old
    with pytest.raises(SetupCodeWrong):
        make_first(rekeyed, old)
    assert make_first(rekeyed, new)


def test_the_code_itself_is_not_in_the_database(rt: Runtime) -> None:
    code = code_of(rt)
    stored = rt.db.read(lambda tx: str(tx.connection.exec_driver_sql("SELECT * FROM setup_codes").all()))
    assert code not in stored
    assert code.replace("-", "") not in stored


def test_two_racing_posts_make_one_admin(rt: Runtime) -> None:
    code = code_of(rt)
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def race(name: str) -> None:
        start.wait()
        try:
            make_first(rt, code, name)
            outcomes.append("made")
        except PagerPalError as refused:
            outcomes.append(refused.code)

    racers = [threading.Thread(target=race, args=(name,)) for name in ("Ada", "Eve", "Mia", "Noor")]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(outcomes) == ["made", "setup_closed", "setup_closed", "setup_closed"]
    assert rt.db.read(lambda tx: queries.list_users(tx, PageQuery())).total == 1


def test_the_audit_begins_with_the_first_admin(rt: Runtime) -> None:
    make_first(rt, code_of(rt))
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery()))
    assert [entry.action for entry in page.items] == ["signed_in", "first_admin"]
