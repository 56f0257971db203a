"""The addresses that vendors call back: receipts and answers. What cannot sign has a secret in its path instead."""

from app.platform.secrets import SecretBox

TWILIO_SMS = "/integrations/twilio_sms/"
TWILIO_STATUS = "/integrations/twilio_status/"
TWILIO_VOICE = "/integrations/twilio_voice/"
_PATH_PURPOSE = "integration-path"


def path_secret(box: SecretBox, what: str) -> str:
    """The secret part of the path `what` (such as `infobip_reports`), for senders that do not sign."""
    return box.sign(_PATH_PURPOSE, what.encode())[:40]


def infobip_path(box: SecretBox, what: str) -> str:
    """The path that Infobip calls: `what` is `infobip_reports` or `infobip_inbound`."""
    return f"/integrations/{what}/{path_secret(box, what)}/"


def voice_path(token: str) -> str:
    """The path that Twilio calls with a digit; `token` is the message's acknowledge token, the digit decides."""
    return f"{TWILIO_VOICE}?token={token}"
