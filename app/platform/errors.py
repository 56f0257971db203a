"""The errors that PagerPal raises on purpose, each with the HTTP status and code that a door answers.

    PagerPalError                 the operator can read the message; it never holds a secret
    ├── Malformed          400    cannot be read at all
    ├── Unauthenticated    401    no credential, or a wrong one
    ├── Forbidden          403    known, but not allowed
    ├── NotFound           404    no such thing
    ├── Conflict           409    not in this state
    ├── TooLarge           413    more than the limit
    ├── Invalid            422    read, but wrong: `errors` says where
    ├── TooMany            429    over the rate: `retry_after_seconds`
    └── Unavailable        503    cannot be stored now: `retry_after_seconds`
    StartRefused                  the process must not start; the message says what to change

Contexts subclass these and name the fact (`IllegalTransition`, `SourceInactive`), with their own `code`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong place in an input: `path` as in `levels[1].delay_minutes`, `message` as a plain sentence."""

    path: str
    message: str


class PagerPalError(Exception):
    """Something that PagerPal refuses or cannot do; `status` is HTTP, `code` a stable snake_case word."""

    default_status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    # What a machine is told besides, such as the thing as it is now.
    extra: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = self.default_status if status is None else status
        self.code = self.default_code if code is None else code


class Malformed(PagerPalError):
    """The request cannot be read: broken JSON, wrong encoding, too deep."""

    default_status = 400
    default_code = "malformed"


class Unauthenticated(PagerPalError):
    """No credential was given, or it is wrong, revoked or expired."""

    default_status = 401
    default_code = "unauthenticated"


class Forbidden(PagerPalError):
    """The caller is known and may not do this."""

    default_status = 403
    default_code = "forbidden"


class NotFound(PagerPalError):
    """There is no such thing, or the caller may not know that there is."""

    default_status = 404
    default_code = "not_found"


class Conflict(PagerPalError):
    """The thing is in a state that does not allow this, or somebody changed it meanwhile."""

    default_status = 409
    default_code = "conflict"


class TooLarge(PagerPalError):
    """The body is larger than the limit that the message names."""

    default_status = 413
    default_code = "too_large"


class Invalid(PagerPalError):
    """The input was read and is wrong; `errors` lists every wrong place."""

    default_status = 422
    default_code = "invalid"

    def __init__(
        self,
        message: str,
        errors: Sequence[FieldError] = (),
        *,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.errors = list(errors)


class _TryLater(PagerPalError):
    """Refused for now; the door sends `retry_after_seconds` as `Retry-After`."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: int = 1,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.retry_after_seconds = retry_after_seconds


class TooMany(_TryLater):
    """Over the rate that is allowed."""

    default_status = 429
    default_code = "too_many"


class Unavailable(_TryLater):
    """The work cannot be taken now: the database is locked or gone, a queue is full, this process is standing by."""

    default_status = 503
    default_code = "unavailable"


class StartRefused(Exception):
    """The process must not start; the message names the variable, file or command that mends it."""
