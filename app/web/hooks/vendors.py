"""What the doors of all vendors have in common: forms read exactly, refusals that are counted.

An operator whose vendor is set up wrongly sees it on the settings page, not in the vendor's console only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from app.notify import inbound
from app.platform.errors import Forbidden, Malformed, PagerPalError, Unavailable
from app.platform.logs import get_logger
from app.platform.runtime import Runtime

MAX_BYTES = 256 * 1024
MAX_FIELDS = 200
# A flood of forged requests must not become a flood of writes.
WRITE_EVERY_SECONDS = 1.0
REFUSED = "refused"

log = get_logger(__name__)


class SignatureWrong(Forbidden):
    """Whoever sent this cannot show that they are the vendor."""

    default_code = "signature_invalid"


@dataclass
class Refusals:
    """Counts what this process refuses at each vendor's door, written down at most once a second."""

    _counts: dict[str, int] = field(default_factory=dict)
    _written_at: dict[str, float] = field(default_factory=dict)

    async def count(self, rt: Runtime, vendor: str, why: str) -> None:
        """One more was refused, and why."""
        self._counts[vendor] = self._counts.get(vendor, 0) + 1
        at = rt.clock.monotonic()
        if at - self._written_at.get(vendor, float("-inf")) < WRITE_EVERY_SECONDS:
            return
        self._written_at[vendor] = at
        count, now = self._counts.pop(vendor), rt.clock.now()
        try:
            await rt.db.run(lambda tx: inbound.note(tx, vendor, REFUSED, now=now, error=why, accepted=0, refused=count))
        except Unavailable as error:
            # The refusal itself is answered all the same.
            log.warning("a refusal was not counted", vendor=vendor, reason=error.message)


@asynccontextmanager
async def attended(request: Request, vendor: str) -> AsyncIterator[None]:
    """Handle one request of a vendor; what is refused is logged and counted."""
    try:
        yield
    except PagerPalError as error:
        if error.status < 500:
            log.warning("a vendor's request was refused", vendor=vendor, reason=error.message)
            refusals: Refusals = request.app.state.refusals
            await refusals.count(request.app.state.runtime, vendor, error.message)
        raise


def form_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in order, empty ones kept: they are signed, too. Raises Malformed."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        # No UTF-8, or too many fields: both are ValueErrors.
        raise Malformed(f"The body is no form of at most {MAX_FIELDS} fields in UTF-8.") from None


def clean(text: str) -> str:
    """A text as every database can keep it."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
