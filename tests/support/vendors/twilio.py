"""Twilio on loopback: messages and calls."""

from base64 import b64encode
from urllib.parse import parse_qsl
from xml.etree.ElementTree import ParseError, fromstring

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor, json_answer

SID, TOKEN = "AC0000example", "example-auth-token"
LOGIN = f"Basic {b64encode(f'{SID}:{TOKEN}'.encode()).decode()}"


def error(status: int, code: int, message: str) -> Answer:
    """How Twilio refuses."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_answer(status, {"code": code, "message": message, "more_info": more, "status": status})


class TwilioSms(Vendor):
    """POST …/Messages.json."""

    kind = "twilio_sms"
    refusal = error(400, 21211, "Invalid 'To' Phone Number")
    throttle = Answer(429, b'{"code": 20429, "message": "Too Many Requests", "status": 429}', {"Retry-After": "120"})
    hidden_failures: tuple[tuple[Answer, bool], ...] = (
        (
            json_answer(201, {"sid": "SM1", "status": "failed", "error_code": 30003, "error_message": "Unreachable"}),
            True,
        ),
    )
    resource = "Messages"
    needed: tuple[str, ...] = ("Body",)
    prefix = "SM"

    @property
    def config(self) -> JsonObject:
        return {
            "account_sid": SID, "auth_token": TOKEN, "from": "+15005550006", "to": "+491511234567",
            "base_url": self.url,
        }  # fmt: skip

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != LOGIN:
            return error(401, 20003, "Authenticate")
        if request.path != f"/2010-04-01/Accounts/{SID}/{self.resource}.json":
            return error(404, 20404, "The requested resource was not found")
        form = self.form(request)
        if not form.get("To", "").startswith("+") or not (form.get("From") or form.get("MessagingServiceSid")):
            return error(400, 21211, "Invalid 'To' Phone Number")
        if not all(form.get(name) for name in self.needed) or len(form.get("Body", "")) > 1600:
            return error(400, 21602, "Message body is required")
        fault = self.fault(form)
        if fault is not None:
            return fault
        sid = f"{self.prefix}{len(self.requests):032x}"
        return json_answer(201, {"sid": sid, "status": "queued", "error_code": None, "error_message": None})

    def fault(self, form: dict[str, str]) -> Answer | None:
        """What else Twilio minds."""
        return None

    @staticmethod
    def form(request: Request) -> dict[str, str]:
        """A request's form."""
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


class TwilioVoice(TwilioSms):
    """POST …/Calls.json; the TwiML must be XML of at most 4000 characters."""

    kind = "twilio_voice"
    hidden_failures = ()
    resource = "Calls"
    needed = ("Twiml",)
    prefix = "CA"

    def fault(self, form: dict[str, str]) -> Answer | None:
        try:
            root = fromstring(form["Twiml"])  # noqa: S314  our own XML
        except ParseError:
            return error(400, 12100, "Document parse failure")
        return None if root.tag == "Response" and len(form["Twiml"]) <= 4000 else error(400, 21218, "Invalid TwiML")
