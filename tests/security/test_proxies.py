"""Whose address counts: what a trusted proxy reports, and nothing that a caller makes up (F-98, S-33)."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from app.web.security import Proxies
from tests.support.client import Client

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers how the application sees the caller."""
    request = Request(scope, receive)
    address = request.client.host if request.client else ""
    await JSONResponse({"address": address, "scheme": scope["scheme"]})(scope, receive, send)


def seen(peer: str, **headers: str) -> tuple[str, str]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    client = Client(Proxies(tell, trusted=TRUSTED), client=(peer, 4711))
    answer = client.get("/", headers=names).json()
    return answer["address"], answer["scheme"]


def test_a_stranger_cannot_pretend_to_be_behind_a_proxy() -> None:
    assert seen("192.0.2.9", x_forwarded_for="127.0.0.1", x_forwarded_proto="https") == ("192.0.2.9", "http")


def test_a_trusted_proxy_reports_the_caller() -> None:
    assert seen("10.1.2.3", x_forwarded_for="192.0.2.9", x_forwarded_proto="https") == ("192.0.2.9", "https")
    assert seen("fd00::1", x_forwarded_for="2001:db8::7") == ("2001:db8::7", "http")


def test_of_several_hops_the_first_untrusted_from_the_right_is_the_caller() -> None:
    assert seen("10.1.2.3", x_forwarded_for="127.0.0.1, 192.0.2.9, 10.9.9.9")[0] == "192.0.2.9"


@pytest.mark.parametrize("made_up", ["", "unknown", "192.0.2.9:80", "<script>", "192.0.2.9, nonsense", "10.0.0.1\x01"])
def test_what_is_no_address_is_not_believed(made_up: str) -> None:
    assert seen("10.1.2.3", x_forwarded_for=made_up)[0] == "10.1.2.3"


def test_a_scheme_that_is_none_is_not_believed() -> None:
    assert seen("10.1.2.3", x_forwarded_proto="gopher") == ("10.1.2.3", "http")
