"""Twilio's requests: text messages that come in, receipts, and calls. Signed over the address that Twilio knows."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.notify.callbacks import TWILIO_VOICE
from app.notify.configs import active_configs
from app.notify.inbound import Inbound
from app.notify.signing import is_twilio_signature
from app.notify.types import DeliveryReceipt, ReceiptState
from app.platform.errors import FieldError, Invalid, Unauthenticated
from app.platform.runtime import Runtime
from app.usecases import deliver
from app.usecases.answer.grammar import Verb
from app.usecases.answer.texts import TextMessage, take_text
from app.usecases.answer.voice import Call, take_call
from app.web.hooks import twiml
from app.web.hooks.bodies import body_of
from app.web.hooks.vendors import MAX_BYTES, SignatureWrong, attended, clean, form_of

VENDOR: Final = "twilio"
KINDS = ("twilio_sms", "twilio_voice")
WHATSAPP = "whatsapp:"
STATES = {
    "delivered": ReceiptState.DELIVERED, "read": ReceiptState.DELIVERED, "completed": ReceiptState.DELIVERED,
    "undelivered": ReceiptState.FAILED, "failed": ReceiptState.FAILED, "canceled": ReceiptState.FAILED,
    "busy": ReceiptState.FAILED, "no-answer": ReceiptState.FAILED,
}  # fmt: skip
# The codes that an operator meets; the others are told by number (https://www.twilio.com/docs/api/errors).
ERRORS = {
    "21610": "the number has opted out (STOP)", "30003": "the phone cannot be reached",
    "30004": "the message was blocked", "30005": "the number does not exist", "30006": "a landline, or unreachable",
    "30007": "the carrier filtered it", "30008": "the carrier gave no reason",
}  # fmt: skip


async def text(request: Request) -> Response:
    """A text message came in; the answer to its sender goes back as TwiML."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        form = await _signed(request)
        answered = await take_text(rt, _message(form), now=rt.clock.now())
    # In safe mode nothing leaves, the vendor's own answer neither.
    return twiml.message(answered.text if rt.settings.notification_sending_enabled else "")


async def status(request: Request) -> Response:
    """What became of a message or a call."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        form = await _signed(request)
        receipt = _receipt(form, rt)
        await deliver.take_receipts(rt, VENDOR, [receipt], now=rt.clock.now())
    return twiml.message("")


async def voice(request: Request) -> Response:
    """A call was taken, or a digit pressed; the next words go back as TwiML."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        form = await _signed(request)
        call = _call(request, form)
        script = await take_call(rt, call, now=rt.clock.now())
    asked = urlencode({"token": call.token, "turn": script.turn})
    url = f"{rt.settings.pagerpal_base_url}{TWILIO_VOICE}?{asked}"
    return twiml.call(script.says, answer_url=None if script.ends else url)


async def _signed(request: Request) -> dict[str, str]:
    """The form, when Twilio signed it. Raises Unauthenticated, SignatureWrong, Malformed, TooLarge."""
    rt: Runtime = request.app.state.runtime
    signature = request.headers.get("x-twilio-signature", "")
    if not signature:
        raise Unauthenticated("The request carries no X-Twilio-Signature.")
    form = form_of(await body_of(request, at_most=MAX_BYTES))
    configs = await rt.db.run_read(lambda tx: active_configs(tx, KINDS, rt.secrets))
    tokens = {rt.settings.twilio_auth_token, *(str(getattr(each, "auth_token", "")) for each in configs)} - {""}
    if not tokens:
        raise SignatureWrong("TWILIO_AUTH_TOKEN is not set, so nothing from Twilio can be believed.")
    if not is_twilio_signature(signature, url=_public_url(request), form=form, tokens=tokens):
        raise SignatureWrong(
            "The X-Twilio-Signature is wrong: TWILIO_AUTH_TOKEN must be the account's, and PAGERPAL_BASE_URL the "
            "address that Twilio calls."
        )
    return {name: clean(value) for name, value in form}


def _public_url(request: Request) -> str:
    """The address that Twilio called, whatever a proxy has made of it."""
    rt: Runtime = request.app.state.runtime
    scope = request.scope
    path = bytes(scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = bytes(scope.get("query_string", b"")).decode("latin-1")
    return f"{rt.settings.pagerpal_base_url}{path}{f'?{query}' if query else ''}"


def _message(form: Mapping[str, str]) -> TextMessage:
    sender = _needed(form, "From")
    vendor_id = _needed(form, "MessageSid", "SmsMessageSid", "SmsSid")
    medium = "whatsapp" if sender.startswith(WHATSAPP) else "sms"
    asked = {"STOP": Verb.STOP, "START": Verb.START, "HELP": Verb.HELP}.get(form.get("OptOutType", "").upper())
    return TextMessage(Inbound(VENDOR, vendor_id, medium, sender), form.get("Body", ""), medium, asked)


def _receipt(form: Mapping[str, str], rt: Runtime) -> DeliveryReceipt:
    vendor_id = _needed(form, "MessageSid", "SmsSid", "CallSid")
    word = _needed(form, "MessageStatus", "SmsStatus", "CallStatus").lower()
    code = form.get("ErrorCode", "").strip()
    error = f"{word}, {code}: {ERRORS[code]}" if code in ERRORS else f"{word}, error {code}" if code else word
    return DeliveryReceipt(vendor_id, STATES.get(word, ReceiptState.ON_ITS_WAY), rt.clock.now(), error[:200])


def _call(request: Request, form: Mapping[str, str]) -> Call:
    turn = request.query_params.get("turn", "0")
    return Call(
        token=request.query_params.get("token", ""),
        call_id=_needed(form, "CallSid"),
        digit=form.get("Digits", "").strip()[:1],
        turn=int(turn) if turn.isascii() and turn.isdigit() and len(turn) < 4 else 0,
    )


def _needed(form: Mapping[str, str], *names: str) -> str:
    """The first of these fields that is there. Raises Invalid."""
    for name in names:
        value = form.get(name, "").strip()
        if value:
            return value
    raise Invalid("The request is not what Twilio sends.", [FieldError(names[0], "is missing")])
