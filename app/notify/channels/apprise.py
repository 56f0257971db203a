"""Apprise: a hundred other services by one URL (https://github.com/caronc/apprise/wiki).

An optional extra. The quirk that cost time: the library opens its own connections, to any host that stands in the URL,
so it sends from a process of its own in which every connection is judged by the outbound address filter.
"""

import json
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pydantic import Field

from app.notify.channels._base import (
    TOO_EARLY_OR_TOO_MANY,
    Channel,
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
)

WORKER = Path(__file__).with_name("_apprise_worker.py")
ROOT = Path(__file__).resolve().parents[3]
NOT_INSTALLED = "Apprise is not installed: install the extra «apprise» (pip install 'apprise>=2.3,<3') and start again"
LOCAL = frozenset({"syslog", "dbus", "kde", "qt", "glib", "gnome", "macosx", "windows"})
TONES = {"critical": "failure", "warning": "warning", "info": "info", "success": "success"}


class AppriseConfig(ChannelConfig):
    """One service by its Apprise URL; a contact method brings its own."""

    url: Secret = Field(default="", description="Apprise URL, such as tgram://…, pover://… or ntfy://…")


async def send(message: Message, config: AppriseConfig, outside: Outside) -> Receipt:
    """Hand one message to Apprise. Raises DeliveryFailed: for good for a URL that it does not know, and for 4xx."""
    url = message.to or config.url
    if not url:
        raise DeliveryFailed("there is no service to call: url is empty", permanent=True)
    if url.partition(":")[0].lower() in LOCAL:
        raise DeliveryFailed("this service is on this very machine: nobody would hear it", permanent=True)
    if find_spec("apprise") is None:
        raise DeliveryFailed(NOT_INSTALLED)
    tone = TONES["success"] if message.status in ("resolved", "closed") else TONES.get(message.severity, "info")
    question = {
        "url": url,
        "title": message.subject,
        "body": message.text,
        "tone": tone,
        "allowed": [str(network) for network in outside.allowed_networks],
    }
    answer = await outside.blocking(partial(_asked, question, config.timeout_seconds - 1.0))
    if not answer.get("ok"):
        raise _failure(answer)
    return Receipt(detail="ok")


def _asked(question: JsonObject, timeout_seconds: float) -> JsonObject:
    """What the process says of one message. Raises DeliveryFailed."""
    try:
        done = subprocess.run(  # noqa: S603  our own script
            # No environment is handed on: it holds every secret of this process.
            [sys.executable, "-I", str(WORKER), str(ROOT)],
            input=json.dumps(question).encode(),
            capture_output=True,
            timeout=max(1.0, timeout_seconds),
            env={},
            check=False,
        )
        answer: JsonObject = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise DeliveryFailed(f"no answer within {timeout_seconds:g} s", outcome_unknown=True) from None
    except (OSError, ValueError):
        raise DeliveryFailed("the process that sends for Apprise ended without an answer") from None
    return answer


def _failure(answer: JsonObject) -> DeliveryFailed:
    if not answer.get("known"):
        return DeliveryFailed("Apprise does not know this URL", permanent=True)
    if answer.get("refused"):
        return DeliveryFailed(str(answer["refused"]), permanent=True)
    if answer.get("unanswered"):
        return DeliveryFailed("the service took the message and did not answer", outcome_unknown=True)
    status = int(answer.get("status") or 0)
    said = f"the service answered {status}" if status else "Apprise could not deliver it"
    return DeliveryFailed(said, permanent=400 <= status < 500 and status not in TOO_EARLY_OR_TOO_MANY)


SAMPLES = (
    Sample(
        name="a service by its URL",
        config={"url": "jsons://user:s3cret-password@hooks.example.com/in"},
        expect={},
    ),
)

PLUGIN = Channel(
    label="Apprise",
    config_model=AppriseConfig,
    send=send,
    address_label="Apprise URL",
    from_settings=lambda _settings: {},
    samples=SAMPLES,
    setup="Needs the extra: pip install 'apprise>=2.3,<3'. Give the service's Apprise URL. Internal addresses must be "
    "listed in OUTBOUND_ALLOWED_NETWORKS.",
)
