"""The addresses that vendors call back: receipts and answers. What cannot sign has a secret in its path instead."""

from app.platform.secrets import SecretBox, same

TWILIO_SMS = "/integrations/twilio_sms/"
TWILIO_STATUS = "/integrations/twilio_status/"
TWILIO_VOICE = "/integrations/twilio_voice/"
SECRET_LENGTH = 40
_PATH_PURPOSE = "integration-path"


def path_secret(box: SecretBox, what: str) -> str:
    """The secret part of the path `what` (such as `infobip_reports`), for senders that do not sign."""
    return box.sign(_PATH_PURPOSE, what.encode())[:SECRET_LENGTH]


def is_path_secret(box: SecretBox, what: str, given: str) -> bool:
    """Whether somebody called the path `what` with its secret, that of this or of a previous SECRET_KEY."""
    made = box.signatures(_PATH_PURPOSE, what.encode())
    return any([same(each[:SECRET_LENGTH], given) for each in made])


def infobip_path(box: SecretBox, what: str) -> str:
    """The path that Infobip calls: `what` is `infobip_reports` or `infobip_inbound`."""
    return filled(f"/integrations/{what}/{{secret}}/", box)


def filled(path: str, box: SecretBox, *, token: str = "") -> str:
    """A channel's path as the vendor is told it: `{secret}` is that of the path's name, `{token}` the message's."""
    what = path.removeprefix("/integrations/").partition("/")[0]
    return path.replace("{secret}", path_secret(box, what)).replace("{token}", token)
