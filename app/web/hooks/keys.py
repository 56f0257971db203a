"""The credential of a monitoring tool: its source's key, in a header; in the query only where the source allows it."""

import asyncio
import base64
from contextlib import suppress

from starlette.requests import Request

from app.alerts.errors import KeyUnknown, SourceInactive
from app.alerts.keyring import RELOAD_SECONDS, Access, KeyRing, load_ring
from app.platform.runtime import Runtime

SOURCES = "sources"
# When a source was last heard is written down once a second at most: intake would change the same row all the time.
NOTE_HEARD_SECONDS = 1.0


class KeyCupboard:
    """The process's key ring, reloaded when a commit changed sources and at least every RELOAD_SECONDS."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._ring = KeyRing({})
        self._read_at = float("-inf")
        self._noted_at: dict[int, float] = {}
        self._lock = asyncio.Lock()
        rt.bus.on_wake(self._on_wake)

    async def ring(self) -> KeyRing:
        """The keys as they are now. Raises Unavailable when they were never read and cannot be."""
        if self._is_stale():
            async with self._lock:
                if self._is_stale():
                    now, read_at = self._rt.clock.now(), self._rt.clock.monotonic()
                    self._ring = await self._rt.db.run_read(lambda tx: load_ring(tx, self._rt.secrets, now=now))
                    self._read_at = read_at
        return self._ring

    def is_to_be_noted(self, source_id: int) -> bool:
        """Whether this delivery is to be written down as the source's last; answers yes once in NOTE_HEARD_SECONDS."""
        now = self._rt.clock.monotonic()
        if now - self._noted_at.get(source_id, float("-inf")) < NOTE_HEARD_SECONDS:
            return False
        self._noted_at[source_id] = now
        return True

    def _is_stale(self) -> bool:
        return self._rt.clock.monotonic() - self._read_at >= RELOAD_SECONDS

    def _on_wake(self, names: frozenset[str]) -> None:
        if SOURCES in names:
            self._read_at = float("-inf")


async def open_door(request: Request) -> Access:
    """What the request's key opens. Raises KeyUnknown (401) or SourceInactive (403)."""
    rt: Runtime = request.app.state.runtime
    cupboard: KeyCupboard = request.app.state.keys
    ring = await cupboard.ring()
    now = rt.clock.now()
    for key in _keys_in_headers(request):
        access = ring.find(key, now)
        if access is not None:
            return _active(access)
    asked = request.query_params.get("api_key")
    access = ring.find(asked, now) if asked else None
    if access is not None and access.source.config.get("allow_query_key"):
        return _active(access)
    raise KeyUnknown


def _active(access: Access) -> Access:
    if not access.source.is_active:
        raise SourceInactive(access.source.name)
    return access


def _keys_in_headers(request: Request) -> list[str]:
    found = [request.headers.get("x-api-key", "")]
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(value.strip())
    elif scheme.lower() == "basic":
        # No ASCII, no base64, no UTF-8: each of them is a ValueError, and no key.
        with suppress(ValueError):
            found.append(base64.b64decode(value, validate=True).decode().partition(":")[2])
    return [key for key in found if key]
