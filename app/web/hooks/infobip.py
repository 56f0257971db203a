"""Infobip's requests: messages that come in, and delivery reports. Not signed: the path holds a secret instead."""

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.notify.callbacks import is_path_secret
from app.notify.inbound import Inbound
from app.notify.types import DeliveryReceipt, ReceiptState
from app.platform import strictjson
from app.platform.errors import FieldError, Invalid, NotFound
from app.platform.runtime import Runtime
from app.platform.types import JsonObject
from app.usecases import deliver
from app.usecases.answer.texts import TextMessage, take_text
from app.web.hooks.bodies import body_of
from app.web.hooks.vendors import MAX_BYTES, attended

VENDOR: Final = "infobip"
RESULTS_AT_MOST = 200
TEXT_LIMIT = 4096
# `groupId` of a status, which every version has; whatever else there is has not ended yet.
STATES = {2: ReceiptState.FAILED, 3: ReceiptState.DELIVERED, 4: ReceiptState.FAILED, 5: ReceiptState.FAILED}
GROUPS = {"UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}


class PathUnknown(NotFound):
    """The secret in the path is not ours."""

    default_code = "not_found"


async def inbound(request: Request) -> Response:
    """Messages came in, SMS or WhatsApp; answers to their senders go out as messages of their own."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        results = await _results(request, "infobip_inbound")
        messages = [each for each in map(_message, results) if each is not None]
        _refuse_if_none(results, messages)
        for message in messages:
            await take_text(rt, message, now=rt.clock.now())
    return JSONResponse({"status": "ok", "taken": len(messages), "passed_over": len(results) - len(messages)})


async def reports(request: Request) -> Response:
    """What became of messages."""
    rt: Runtime = request.app.state.runtime
    async with attended(request, VENDOR):
        results = await _results(request, "infobip_reports")
        now = rt.clock.now()
        receipts = [each for each in (_receipt(result, now) for result in results) if each is not None]
        _refuse_if_none(results, receipts)
        await deliver.take_receipts(rt, VENDOR, receipts, now=now)
    return JSONResponse({"status": "ok", "taken": len(receipts), "passed_over": len(results) - len(receipts)})


async def _results(request: Request, what: str) -> list[JsonObject]:
    """The results in the body, for whoever knows the path. Raises PathUnknown, MalformedJson, Invalid, TooLarge."""
    rt: Runtime = request.app.state.runtime
    if not is_path_secret(rt.secrets, what, request.path_params["secret"]):
        raise PathUnknown("The secret in this address is wrong: copy the address from Settings.")
    body = strictjson.loads(await body_of(request, at_most=MAX_BYTES))
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or len(results) > RESULTS_AT_MOST:
        raise Invalid(
            "The request is not what Infobip sends.",
            [FieldError("results", f"must be a list of at most {RESULTS_AT_MOST}")],
        )
    return [each if isinstance(each, dict) else {} for each in results]


def _refuse_if_none(results: list[JsonObject], readable: list[Any]) -> None:
    if results and not readable:
        raise Invalid("None of the results can be read.", [FieldError("results[0]", "lacks its id, sender or status")])


def _message(result: JsonObject) -> TextMessage | None:
    """One message; None for what lacks its id or sender. The text is read, never `cleanText`, which lacks a keyword."""
    vendor_id, sender = _text(result.get("messageId")), _text(result.get("from") or result.get("sender"))
    if not vendor_id or not sender:
        return None
    nested = result.get("message")
    is_whatsapp = isinstance(nested, dict) or _text(result.get("integrationType")).upper() == "WHATSAPP"
    text = _text(nested.get("text") if isinstance(nested, dict) else result.get("text"))
    medium, channel = ("whatsapp", "infobip_whatsapp") if is_whatsapp else ("sms", "infobip_sms")
    return TextMessage(Inbound(VENDOR, vendor_id, medium, sender), text[:TEXT_LIMIT], medium, reply_channel=channel)


def _receipt(result: JsonObject, now: datetime) -> DeliveryReceipt | None:
    vendor_id, status = _text(result.get("messageId")), result.get("status")
    if not vendor_id or not isinstance(status, dict):
        return None
    group = status.get("groupId")
    number = group if isinstance(group, int) else GROUPS.get(_text(status.get("groupName")).upper(), 0)
    error = result.get("error")
    why = _text(error.get("description") or error.get("name")) if isinstance(error, dict) else ""
    words = ", ".join(each for each in (_text(status.get("name")), why) if each)
    return DeliveryReceipt(
        vendor_id, STATES.get(number, ReceiptState.ON_ITS_WAY), _time(result.get("doneAt"), now), words[:200]
    )


def _time(value: object, now: datetime) -> datetime:
    """`2026-03-02T09:24:44.555+0000` as an instant; now for what is none."""
    try:
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo is not None else now
    except (ValueError, OverflowError):
        return now


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
