"""Apprise sends from a process of its own, in which every connection is judged."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.notify.channels._base import Outside
from app.notify.kinds import channel_kinds
from app.notify.types import DeliveryFailed, Receipt
from app.platform.runtime import in_thread
from tests.contracts.test_channels import MESSAGE, Edge
from tests.support.http_server import Answer, HttpServer
from tests.support.loopback import LOOPBACK

KIND = channel_kinds()["apprise"]


def tell(url: str, *, is_allowed: bool = True, timeout: float = 20) -> Receipt:
    """One message to an Apprise URL."""
    edge = Edge()
    outside = Outside(
        http=edge, mail=edge, blocking=in_thread, now=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        allowed_networks=LOOPBACK if is_allowed else (),
    )  # fmt: skip
    config = KIND.config_model.model_validate({"url": url, "timeout": timeout})

    async def send() -> Receipt:
        return await KIND.send(replace(MESSAGE, to=""), config, outside)

    return asyncio.run(send())


def at(server: HttpServer) -> str:
    """A service of Apprise's that posts JSON to this server."""
    return server.url.replace("http://", "json://user:s3cret-password@")


def test_a_message_goes_to_the_service_of_its_url(http_server: HttpServer) -> None:
    tell(at(http_server))
    (request,) = http_server.requests
    said = json.loads(request.body)
    assert (said["title"], said["message"], said["type"]) == (MESSAGE.subject, MESSAGE.text, "failure")


def test_a_private_address_is_never_connected_to(http_server: HttpServer) -> None:
    with pytest.raises(DeliveryFailed, match="not a public address") as failed:
        tell(at(http_server), is_allowed=False)
    assert failed.value.permanent
    assert http_server.requests == []


@pytest.mark.parametrize(("status", "is_final"), [(404, True), (429, False), (503, False)])
def test_a_failure_is_sorted_by_the_services_status(http_server: HttpServer, status: int, is_final: bool) -> None:
    http_server.answer(Answer(status))
    with pytest.raises(DeliveryFailed) as failed:
        tell(at(http_server))
    assert (failed.value.permanent, failed.value.message) == (is_final, f"the service answered {status}")
    assert "s3cret" not in failed.value.message


@pytest.mark.parametrize("timeout", [3, 20], ids=["our patience ends first", "the library's ends first"])
def test_a_service_that_does_not_answer_leaves_the_outcome_unknown(http_server: HttpServer, timeout: float) -> None:
    http_server.answer(Answer(hangs=True))
    with pytest.raises(DeliveryFailed) as failed:
        tell(at(http_server), timeout=timeout)
    assert failed.value.outcome_unknown


@pytest.mark.parametrize("url", ["nothing://x", "syslog://", "dbus://", ""])
def test_what_reaches_nobody_is_refused(url: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        tell(url)
    assert failed.value.permanent
