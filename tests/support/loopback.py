"""Real HTTP over loopback, for a runtime whose clock stands still: sends really leave, but not this machine."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network

from app.platform.addresses import AddressFilter
from app.platform.http import OutboundHttp
from app.platform.ports import HttpAnswer, Outside
from app.platform.runtime import Runtime, in_thread
from app.platform.templates import SandboxedTemplates

LOOPBACK = (ip_network("127.0.0.0/8"),)


class LoopbackHttp:
    """Real HTTP with a pool for each request: a test that runs one event loop after the other shares none."""

    def __init__(self, filter: AddressFilter) -> None:
        self._filter = filter

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float,
        max_bytes: int = 65536,
    ) -> HttpAnswer:
        """One request over a pool of its own."""
        http = OutboundHttp(self._filter)
        try:
            return await http.request(
                method, url, headers=headers, content=content, timeout_seconds=timeout_seconds, max_bytes=max_bytes
            )
        finally:
            await http.close()


class LoopbackTemplates:
    """The real sandbox, a process for each rendering."""

    async def render(self, source: str, values: dict[str, object]) -> str:
        """What the template makes."""
        templates = SandboxedTemplates(render_seconds=1.0)
        try:
            return await templates.render(source, values)
        finally:
            await templates.close()


def on_loopback(rt: Runtime) -> Runtime:
    """The runtime with real HTTP and templates; only loopback may be called, and mail is still written down."""
    filter = AddressFilter(LOOPBACK)
    outside = Outside(
        http=LoopbackHttp(filter),
        mail=rt.outside.mail,
        blocking=in_thread,
        now=rt.clock.now,
        templates=LoopbackTemplates(),
        allowed_networks=LOOPBACK,
    )
    return replace(rt, outside=outside)
