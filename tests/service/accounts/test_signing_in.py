"""Sessions, passwords, Basic auth, tokens and the back-off (B3, S-01 to S-11)."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.accounts import audit, passwords, queries
from app.accounts.errors import SlowDown, WrongCredentials
from app.accounts.passwords import CredentialCache
from app.accounts.permissions import Permission, allows
from app.accounts.sessions import SessionMissing, TokenMissing
from app.accounts.types import Identity, Role, TokenScope, User
from app.platform.errors import Invalid, Unauthenticated, Unavailable
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import people
from tests.support.clock import FrozenClock
from tests.support.people import PASSWORD, add_user

HOME = "192.0.2.1"
ELSEWHERE = "198.51.100.9"


def sign_in(rt: Runtime, email: str = "ada@example.com", password: str = PASSWORD, address: str = HOME) -> str:
    return people.login(rt, email=email, password=password, address=address, agent="test", now=rt.clock.now())


def who(rt: Runtime, token: str) -> Identity | None:
    return people.identify_session(rt, token, now=rt.clock.now())


def basic(rt: Runtime, cache: CredentialCache, password: str = PASSWORD, email: str = "ada@example.com") -> Identity:
    return people.identify_basic(rt, email=email, password=password, address=HOME, now=rt.clock.now(), cache=cache)


def fail(rt: Runtime, times: int, *, address: str = HOME, email: str = "ada@example.com") -> None:
    for _ in range(times):
        with pytest.raises(WrongCredentials):
            sign_in(rt, email, "wrong-password", address)


def test_the_right_password_opens_a_session(rt: Runtime, admin: User) -> None:
    identity = who(rt, sign_in(rt, " Ada@EXAMPLE.com "))
    assert identity is not None
    assert identity.user == admin
    assert identity.via == "session"


def test_session_tokens_are_unguessable_and_stored_as_hashes(rt: Runtime, admin: User) -> None:
    tokens = {sign_in(rt) for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) >= 43 for token in tokens)
    stored = rt.db.read(lambda tx: tx.connection.exec_driver_sql("SELECT * FROM sessions").all())
    assert not any(token in str(row) for token in tokens for row in stored)


def test_a_session_ends_after_twelve_idle_hours(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    token = sign_in(rt)
    clock.advance(hours=11, minutes=59)
    assert who(rt, token) is not None
    clock.advance(hours=11, minutes=59)
    assert who(rt, token) is not None
    clock.advance(hours=12)
    assert who(rt, token) is None


def test_a_session_ends_after_seven_days_however_busy(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    token = sign_in(rt)
    for _ in range(7 * 24 - 1):
        clock.advance(hours=1)
        assert who(rt, token) is not None
    clock.advance(hours=1)
    assert who(rt, token) is None


def test_signing_in_again_ends_the_session_that_the_browser_had(rt: Runtime, admin: User) -> None:
    old = sign_in(rt)
    new = people.login(
        rt,
        email=admin.email,
        password=PASSWORD,
        address=HOME,
        agent="",
        now=rt.clock.now(),
        old_token=old,
    )
    assert who(rt, old) is None
    assert who(rt, new) is not None


def test_signing_out_ends_only_that_session(rt: Runtime, admin: User) -> None:
    here, there = sign_in(rt), sign_in(rt)
    people.logout(rt, token=here, now=rt.clock.now())
    people.logout(rt, token=here, now=rt.clock.now())
    assert who(rt, here) is None
    assert who(rt, there) is not None


def change(rt: Runtime, user: User, admin: User, **changes: object) -> None:
    people.update_user(rt, user_id=user.id, changes=changes, actor=admin, now=rt.clock.now())


ENDINGS: dict[str, Callable[[Runtime, User, User], object]] = {
    "deactivation": lambda rt, user, admin: change(rt, user, admin, is_active=False),
    "role drop": lambda rt, user, admin: change(rt, user, admin, role=Role.VIEWER),
    "role rise": lambda rt, user, admin: change(rt, user, admin, role=Role.ADMIN),
    "sign-in taken away": lambda rt, user, admin: change(rt, user, admin, login_enabled=False),
    "password set by an admin": lambda rt, user, admin: people.set_password(
        rt, user_id=user.id, password="another-quiet-river", actor=admin, now=rt.clock.now()
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_sessions_end_at_once_with(rt: Runtime, admin: User, ending: str) -> None:
    ravi = add_user(rt, "Ravi", actor=admin, signs_in=True)
    token = sign_in(rt, ravi.email)
    ENDINGS[ending](rt, ravi, admin)
    assert who(rt, token) is None


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name != "role rise"])
def test_remembered_credentials_are_worthless_at_once_after(rt: Runtime, admin: User, ending: str) -> None:
    cache = CredentialCache()
    ravi = add_user(rt, "Ravi", actor=admin, signs_in=True)
    basic(rt, cache, email=ravi.email)
    ENDINGS[ending](rt, ravi, admin)
    if ending == "role drop":
        assert basic(rt, cache, email=ravi.email).user.role is Role.VIEWER
    else:
        with pytest.raises(WrongCredentials):
            basic(rt, cache, email=ravi.email)


def test_changing_ones_password_needs_the_old_one_and_ends_the_other_sessions(rt: Runtime, admin: User) -> None:
    here, there = sign_in(rt), sign_in(rt)
    identity = who(rt, here)
    assert identity is not None

    def change_to(new: str, *, old: str) -> None:
        people.change_password(
            rt, identity=identity, old_password=old, new_password=new, address=HOME, now=rt.clock.now()
        )

    with pytest.raises(Invalid):
        change_to("another-quiet-river", old="guess")
    assert who(rt, there) is not None
    change_to("another-quiet-river", old=PASSWORD)
    assert who(rt, here) is not None
    assert who(rt, there) is None
    with pytest.raises(WrongCredentials):
        sign_in(rt)
    assert sign_in(rt, password="another-quiet-river")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1",
        "Passw0rd!",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "12345678",
        "abcdabcd",
        "letmein2026",
        "Ada@example.com",
    ],
)
def test_passwords_that_everybody_tries_first_are_refused(rt: Runtime, admin: User, password: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.set_password(rt, user_id=admin.id, password=password, actor=admin, now=rt.clock.now())
    assert refused.value.errors[0].path == "password"


@pytest.mark.parametrize(
    "password", ["lyra-oak-92", "x" * 20 + "yzw" * 100, "ein Satz mit Blanks", "пароль-река-тихая", "🦉🌒🌓🌔🌕🌖🌗🌘"]
)
def test_any_other_password_is_taken_whole(rt: Runtime, admin: User, password: str) -> None:
    people.set_password(rt, user_id=admin.id, password=password, actor=admin, now=rt.clock.now())
    assert sign_in(rt, password=password)
    with pytest.raises(WrongCredentials):
        sign_in(rt, password=password[:-1])


def test_every_reason_not_to_sign_in_has_the_same_answer(rt: Runtime, admin: User) -> None:
    no_login = add_user(rt, "Noor", actor=admin)
    gone = add_user(rt, "Ravi", actor=admin, signs_in=True)
    people.deactivate_user(rt, user_id=gone.id, actor=admin, now=rt.clock.now())
    answers = set()
    for email, password in [
        ("ada@example.com", "wrong-password"),
        ("nobody@example.com", PASSWORD),
        (no_login.email, PASSWORD),
        (gone.email, PASSWORD),
        ("", ""),
        ("\x00", "\x00"),
    ]:
        with pytest.raises(WrongCredentials) as refused:
            sign_in(rt, email, password, address=f"{email}-{password}"[:20].replace("\x00", "0"))
        answers.add((refused.value.message, refused.value.status, refused.value.code))
    assert len(answers) == 1


def test_five_failures_are_free_then_the_wait_doubles_to_a_minute(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    fail(rt, 5)
    waits = []
    for _ in range(8):
        with pytest.raises(SlowDown) as refused:
            sign_in(rt)
        waits.append(refused.value.retry_after_seconds)
        clock.advance(seconds=refused.value.retry_after_seconds)
        fail(rt, 1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_the_wait_the_right_password_is_taken(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    fail(rt, 5)
    with pytest.raises(SlowDown):
        sign_in(rt)
    clock.advance(seconds=1)
    assert sign_in(rt)
    fail(rt, 5)


def test_a_thousand_tries_in_a_minute_verify_at_most_twenty(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    verified = 0
    for number in range(1000):
        clock.advance(seconds=0.06)
        try:
            sign_in(rt, f"guess{number % 100}@example.com", "wrong-password")
        except WrongCredentials:
            verified += 1
        except SlowDown:
            continue
    assert 0 < verified <= 20


def test_unknown_accounts_slow_down_like_known_ones(rt: Runtime, admin: User) -> None:
    fail(rt, 5, email="nobody@example.com")
    with pytest.raises(SlowDown):
        sign_in(rt, "nobody@example.com", "x", "203.0.113.7")


def test_a_stranger_who_keeps_guessing_does_not_lock_the_owner_out(
    rt: Runtime, admin: User, clock: FrozenClock
) -> None:
    sign_in(rt, address=HOME)
    clock.advance(minutes=1)
    fail(rt, 5, address=ELSEWHERE)
    with pytest.raises(SlowDown):
        sign_in(rt, address=ELSEWHERE)
    assert sign_in(rt, address=HOME)


def test_basic_credentials_are_verified_once_and_then_remembered_for_seconds(
    rt: Runtime, admin: User, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CredentialCache()
    basic(rt, cache)
    # A hash that nothing matches: only what is remembered can be right now.
    rt.db.write(lambda tx: tx.connection.exec_driver_sql("UPDATE users SET password_hash = NULL"))
    clock.advance(seconds=29)
    assert basic(rt, cache).user.id == admin.id
    clock.advance(seconds=2)
    with pytest.raises(WrongCredentials):
        basic(rt, cache)


def test_a_remembered_password_lets_no_other_one_in(rt: Runtime, admin: User) -> None:
    cache = CredentialCache()
    basic(rt, cache)
    with pytest.raises(WrongCredentials):
        basic(rt, cache, PASSWORD + "x")


def test_basic_slows_down_like_the_login_page(rt: Runtime, admin: User) -> None:
    cache = CredentialCache()
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            basic(rt, cache, "wrong-password")
    with pytest.raises(SlowDown):
        basic(rt, cache)


def test_a_token_is_shown_once_and_stored_as_a_hash(rt: Runtime, admin: User) -> None:
    token, text = people.create_token(rt, user=admin, name="cron", scope=TokenScope.READ, now=rt.clock.now())
    assert text.startswith(token.prefix)
    assert len(text) >= 43
    stored = rt.db.read(lambda tx: tx.connection.exec_driver_sql("SELECT * FROM api_tokens").one())
    assert text not in str(stored)
    identity = people.identify_token(rt, text, now=rt.clock.now())
    assert (identity.user, identity.scope) == (admin, TokenScope.READ)


@pytest.mark.parametrize("scope", TokenScope)
@pytest.mark.parametrize("role", Role)
def test_a_token_goes_as_far_as_its_scope_and_its_owners_role(role: Role, scope: TokenScope, admin: User) -> None:
    owner = Identity(user=User(**{name: getattr(admin, name) for name in User.__slots__} | {"role": role}), via="basic")
    narrowed = Identity(user=owner.user, via="token", scope=scope)
    granted = {permission for permission in Permission if allows(narrowed, permission)}
    assert granted <= {permission for permission in Permission if allows(owner, permission)}
    if scope is TokenScope.READ:
        assert granted == {Permission.VIEW, Permission.SIMULATE}
    if scope is TokenScope.ACT:
        assert Permission.EDIT_OWN_ACCOUNT not in granted
        assert Permission.MANAGE_PEOPLE not in granted


def test_a_revoked_token_is_dead(rt: Runtime, admin: User) -> None:
    token, text = people.create_token(rt, user=admin, name="cron", scope=TokenScope.READ, now=rt.clock.now())
    people.revoke_token(rt, user=admin, token_id=token.id, now=rt.clock.now())
    with pytest.raises(Unauthenticated):
        people.identify_token(rt, text, now=rt.clock.now())
    with pytest.raises(TokenMissing):
        people.revoke_token(rt, user=admin, token_id=token.id, now=rt.clock.now())


def test_nobody_revokes_somebody_elses_token_or_session_as_their_own(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin, signs_in=True)
    token, text = people.create_token(rt, user=admin, name="cron", scope=TokenScope.READ, now=rt.clock.now())
    session = sign_in(rt)
    identity = who(rt, session)
    assert identity is not None
    assert identity.session_id is not None
    with pytest.raises(TokenMissing):
        people.revoke_token(rt, user=ravi, token_id=token.id, now=rt.clock.now())
    with pytest.raises(SessionMissing):
        people.end_session(rt, user_id=ravi.id, session_id=identity.session_id, actor=ravi, now=rt.clock.now())
    assert people.identify_token(rt, text, now=rt.clock.now()).user == admin
    assert who(rt, session)


def test_deactivation_ends_tokens_for_good(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin, signs_in=True)
    _, text = people.create_token(rt, user=ravi, name="cron", scope=TokenScope.ACT, now=rt.clock.now())
    people.deactivate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())
    people.activate_user(rt, user_id=ravi.id, actor=admin, now=rt.clock.now())
    with pytest.raises(Unauthenticated):
        people.identify_token(rt, text, now=rt.clock.now())


def test_the_use_of_sessions_and_tokens_is_noted(rt: Runtime, admin: User, clock: FrozenClock) -> None:
    sign_in(rt)
    token = sign_in(rt)
    _, text = people.create_token(rt, user=admin, name="cron", scope=TokenScope.READ, now=clock.now())
    later = clock.advance(hours=1)
    who(rt, token)
    people.identify_token(rt, text, now=later)
    seen = rt.db.read(lambda tx: queries.sessions_of(tx, admin.id, now=later))
    assert [later - session.last_seen_at for session in seen] == [timedelta(0), timedelta(hours=1)]
    assert [used.last_used_at for used in rt.db.read(lambda tx: queries.tokens_of(tx, admin.id))] == [later]


def test_acting_as_names_an_active_responder_and_keeps_who_signed_in(rt: Runtime, admin: User) -> None:
    ravi = add_user(rt, "Ravi", actor=admin)
    actor = people.acting_as(rt, Identity(admin, "session"), ravi.id, source="ui")
    assert (actor.user_id, actor.authenticated_as_id, actor.source) == (ravi.id, admin.id, "ui")
    own = people.acting_as(rt, Identity(admin, "basic"), None, source="api")
    assert (own.user_id, own.authenticated_as_id) == (admin.id, admin.id)


def test_acting_as_somebody_inactive_or_a_viewer_is_refused(rt: Runtime, admin: User) -> None:
    viewer = add_user(rt, "Vera", actor=admin, role=Role.VIEWER)
    gone = add_user(rt, "Ravi", actor=admin)
    people.deactivate_user(rt, user_id=gone.id, actor=admin, now=rt.clock.now())
    for user_id in (viewer.id, gone.id, 9999):
        with pytest.raises(Invalid):
            people.acting_as(rt, Identity(admin, "session"), user_id, source="ui")


def test_signing_in_failing_and_signing_out_are_in_the_audit(rt: Runtime, admin: User) -> None:
    fail(rt, 1)
    fail(rt, 1, email="nobody@example.com")
    people.logout(rt, token=sign_in(rt), now=rt.clock.now())
    page = rt.db.read(lambda tx: queries.list_audit(tx, PageQuery()))
    told = [(entry.action, entry.object_id, entry.user_name) for entry in reversed(page.items)]
    assert told[1:] == [
        ("sign_in_failed", str(admin.id), "PagerPal"),
        ("sign_in_failed", "unknown", "PagerPal"),
        ("signed_in", str(admin.id), "Ada"),
        ("signed_out", str(admin.id), "Ada"),
    ]
    assert "nobody" not in str(page.items)
    assert rt.db.read(audit.first_broken_entry) is None


def test_who_signs_in_leaves_threads_to_those_who_have(
    rt: Runtime, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_places", threading.BoundedSemaphore(1))
    with passwords.turn("somebody else"), pytest.raises(Unavailable):
        sign_in(rt)
    assert sign_in(rt)
