"""`/ping/{uuid}`: heartbeats come in, by GET, HEAD or POST, at the addresses that users of healthchecks know.

`/start`, `/fail`, `/log` and an exit code may follow; what a POST carries is kept. The UUID is all the proof there is.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.checks.errors import HeartbeatMissing
from app.checks.heartbeats import BODY_LENGTH
from app.checks.types import NewPing, Signal
from app.platform.errors import NotFound, TooMany
from app.platform.runtime import Runtime
from app.usecases import catalogue
from app.web.guard import client_address
from app.web.hooks.bodies import body_of

MAX_BYTES = 1024 * 1024
PINGS_A_MINUTE = 60
MINUTE = 60.0
KNOWN_AT_MOST = 10_000
EXIT_CODES = range(256)
HEADERS = {"Ping-Body-Limit": str(BODY_LENGTH), "Cache-Control": "no-store"}


class PingRates:
    """How many pings each address may send in this process; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, key: str, at: float) -> None:
        """Take a token; `at` is monotonic seconds. Raises TooMany with when to come again."""
        tokens, filled_at = self._buckets.pop(key, (float(PINGS_A_MINUTE), at))
        tokens = min(float(PINGS_A_MINUTE), tokens + (at - filled_at) * PINGS_A_MINUTE / MINUTE)
        self._buckets[key] = (max(0.0, tokens - 1), at)
        while len(self._buckets) > KNOWN_AT_MOST:
            self._buckets.pop(next(iter(self._buckets)))
        if tokens < 1:
            raise TooMany(f"A heartbeat may be pinged {PINGS_A_MINUTE} times a minute.", retry_after_seconds=1)


async def receive(request: Request) -> Response:
    """Take one ping."""
    rt: Runtime = request.app.state.runtime
    uuid = request.path_params["uuid"].lower()
    if len(uuid) != len("00000000-0000-0000-0000-000000000000"):
        raise HeartbeatMissing
    signal, exit_code = _meaning(request.path_params.get("signal", ""))
    rates: PingRates = request.app.state.ping_rates
    rates.check(uuid, rt.clock.monotonic())
    body = (await body_of(request, at_most=MAX_BYTES))[: BODY_LENGTH * 4]
    text = body.decode("utf-8", "replace").replace("\0", "\ufffd")[:BODY_LENGTH]
    ping = NewPing(signal, exit_code, request.method, client_address(request), text)
    await catalogue.take_ping(rt, uuid, ping, now=rt.clock.now())
    return PlainTextResponse("OK", headers=HEADERS)


def _meaning(word: str) -> tuple[Signal, int | None]:
    """What the last part of the address says. Raises NotFound."""
    if word in (Signal.START, Signal.FAIL, Signal.LOG):
        return Signal(word), None
    if not word:
        return Signal.SUCCESS, None
    if word.isascii() and word.isdecimal() and len(word) <= 3 and int(word) in EXIT_CODES:
        code = int(word)
        return (Signal.FAIL if code else Signal.SUCCESS), code
    raise NotFound("A ping may end in /start, /fail, /log or an exit code from 0 to 255.")
