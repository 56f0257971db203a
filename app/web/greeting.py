"""What a starting process says to the person who started it: where it answers, and what a new installation needs."""

from app import __version__
from app.platform.errors import Unavailable
from app.platform.runtime import Runtime
from app.usecases import catalogue, people

FIRST_ALERT = '{"name": "Disk almost full", "status": "firing", "severity": "critical", "labels": {"host": "web-1"}}'


def greeting(rt: Runtime, url: str) -> str:
    """The lines to print once the process answers at `url`; makes the first alert source where there is none, and the
    key of web push.

    Its key is in the text that one time. The set-up code is there until there is an admin.
    """
    lines = [f"PagerPal {__version__} answers at {url}", *_first_steps(rt, url)]
    if not rt.settings.notification_sending_enabled:
        lines.append("Safe mode: messages are written down and not sent.")
    return "\n".join(lines) + "\n"


def _first_steps(rt: Runtime, url: str) -> list[str]:
    now = rt.clock.now()
    try:
        code, key = people.prepare_setup_code(rt, now=now), catalogue.first_source(rt, now=now)
        people.push_public_key(rt, now=now)
    except Unavailable as error:
        return [error.message]
    lines = []
    if code is not None:
        lines.append(f"Make the first admin at {url}/login with this set-up code: {code}")
    if key is not None:
        lines.append("The alert source «first-alert» is ready; its key is shown only now. Try it:")
        lines.append(
            f"  curl -X POST {url}/alerts/webhook/generic/ -H 'X-API-Key: {key}' "
            f"-H 'Content-Type: application/json' -d '{FIRST_ALERT}'"
        )
    return lines
