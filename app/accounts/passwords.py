"""Password hashes: Argon2id through passlib's context, two at a time, and verified credentials kept for seconds.

A hash costs tens of milliseconds and 19 MiB, so it never runs inside a transaction or on the event loop.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from passlib.context import CryptContext

from app.platform.crews import VISIT_THREADS
from app.platform.errors import Unavailable

MEMORY_KIB = 19 * 1024
TIME_COST = 2
AT_ONCE = 2
LONGEST_QUEUE_SECONDS = 10
# Each keeps one of the threads of requests.
SIGN_INS_AT_MOST = VISIT_THREADS * 3 // 4
REMEMBER_SECONDS = 30
REMEMBER_AT_MOST = 1000

# The hash of a random password that nobody kept: verified against when there is no account, so that it takes as long.
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$x5hTKuV8T6l1bu09R0iJkQ$LvL8ymYULTJVNoNIMxBvfuv1VYOY+X2dqad1kTmPBSE"

_context = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=MEMORY_KIB,
    argon2__time_cost=TIME_COST,
    argon2__parallelism=1,
)
_turns = tuple(threading.Lock() for _ in range(64))
_places = threading.BoundedSemaphore(SIGN_INS_AT_MOST)
_gate = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn(account: str) -> Iterator[None]:
    """While the context lasts, nobody else verifies this account's passwords: one after the other.

    Many calls with the same right password then cost one hash, and many wrong ones cannot outrun the back-off.
    Raises Unavailable when too many sign in: who is signed in needs threads too.
    """
    if not _places.acquire(blocking=False):
        raise _too_many()
    try:
        with _turns[hash(account) % len(_turns)]:
            yield
    finally:
        _places.release()


def hash_password(password: str) -> str:
    """The hash to store. Raises Unavailable when too many are being hashed at once."""
    with _Turn():
        return str(_context.hash(password))


def verify_password(password: str, stored_hash: str | None) -> bool:
    """Whether the password belongs to the hash; takes the same time, and is False, where there is none."""
    with _Turn():
        matches = bool(_context.verify(password, stored_hash or NOBODYS_HASH))
    return matches and stored_hash is not None


def is_outdated(stored_hash: str) -> bool:
    """Whether the hash was made with weaker parameters and should be made anew at the next sign-in."""
    return bool(_context.needs_update(stored_hash))


class _Turn:
    """One of the few places at the stove."""

    def __enter__(self) -> None:
        if not _gate.acquire(timeout=LONGEST_QUEUE_SECONDS):
            raise _too_many()

    def __exit__(self, *_: object) -> None:
        _gate.release()


def _too_many() -> Unavailable:
    return Unavailable("Too many sign-ins at once.", retry_after_seconds=5)


@dataclass(frozen=True, slots=True)
class Remembered:
    """An account whose password was right a moment ago, in the version of its credentials then."""

    user_id: int
    credential_version: int
    until: float


class CredentialCache:
    """Credentials verified in the last seconds, under a keyed hash of them; safe from any thread.

    The version of the account's credentials is compared at every use, so a password change or a deactivation ends
    an entry at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Remembered] = OrderedDict()

    def find(self, key: str, monotonic: float) -> Remembered | None:
        """What is remembered under `key` and not older than `REMEMBER_SECONDS`."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.until <= monotonic:
                del self._entries[key]
                return None
            return entry

    def remember(self, key: str, *, user_id: int, credential_version: int, monotonic: float) -> None:
        """Keep a success for `REMEMBER_SECONDS`; the oldest goes when there are too many."""
        with self._lock:
            self._entries[key] = Remembered(user_id, credential_version, monotonic + REMEMBER_SECONDS)
            self._entries.move_to_end(key)
            while len(self._entries) > REMEMBER_AT_MOST:
                self._entries.popitem(last=False)
