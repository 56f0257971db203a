"""Webhooks in: the hot path. A plain route, first in the list; nothing but a key, a parse and a place in the writer.

Whatever authenticates is kept: what cannot be read goes into quarantine before it is refused (B11).
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.alerts.detection import Detected, as_payload, detect, drivers, find_driver, parse
from app.alerts.drivers._base import Headers
from app.alerts.keyring import Access
from app.alerts.types import DeliveryOutcome, DeliveryResult, ParsedPayload
from app.platform import strictjson
from app.platform.errors import Invalid, Malformed, NotFound, PagerPalError, Unauthenticated
from app.platform.failpoints import fp
from app.platform.runtime import Runtime
from app.usecases import intake
from app.web.hooks.bodies import body_of
from app.web.hooks.keys import KeyCupboard, open_door
from app.web.hooks.rates import Rates
from app.web.hooks.signatures import check_signature

MAX_BYTES = 1024 * 1024
# Kept with a delivery to explain it later; credentials never are.
KEPT_HEADERS = ("content-type", "user-agent", "x-amz-sns-message-type", "x-amz-sns-message-id", "x-webhook-id")


@dataclass(frozen=True, slots=True)
class _Arrival:
    access: Access
    is_to_be_noted: bool
    headers: Headers
    body: bytes
    trace_id: str
    forced: str | None


async def receive(request: Request) -> Response:
    """One delivery: 202 after its commit, a clear 4xx for what cannot be taken, 503 when it cannot be stored."""
    try:
        return await _receive(request)
    except PagerPalError as refused:
        request.app.state.refused[refused.status] += 1
        raise


async def _receive(request: Request) -> Response:
    rt: Runtime = request.app.state.runtime
    access = await open_door(request)
    cupboard: KeyCupboard = request.app.state.keys
    rates: Rates = request.app.state.rates
    rates.check(access.source, rt.clock.monotonic())
    body = await body_of(request, at_most=MAX_BYTES)
    arrival = _Arrival(
        access=access,
        is_to_be_noted=cupboard.is_to_be_noted(access.source.id),
        headers=Headers(request.headers.items()),
        body=body,
        trace_id=request.state.trace_id,
        forced=request.path_params.get("driver"),
    )
    return await _take(rt, arrival)


async def say_ready(_request: Request) -> Response:
    """`GET /alerts/webhook/`: that webhooks are taken here, and which formats are known; no key needed."""
    return JSONResponse({"status": "ok", "drivers": [entry.name for entry in drivers()]})


async def _take(rt: Runtime, arrival: _Arrival) -> Response:
    entry: Detected | None = None
    try:
        entry = _forced(arrival)
        payload = as_payload(strictjson.loads(arrival.body))
        entry = entry or detect(payload, arrival.headers)
        options = arrival.access.options
        await check_signature(rt, entry.driver, payload, arrival.body, arrival.headers, options)
        parsed = parse(entry, payload, arrival.headers, received_at=rt.clock.now(), options=options)
    except (Malformed, Invalid, Unauthenticated) as refused:
        await _store(rt, arrival, entry.name if entry else "", None, DeliveryOutcome.QUARANTINED, refused.message)
        raise
    fp("ingest.parsed")
    remarks = "; ".join([*parsed.errors, *parsed.notes][:20])
    result = await _store(rt, arrival, entry.name, parsed, _outcome(parsed), remarks)
    return _answer(parsed, result, entry.name, arrival)


def _forced(arrival: _Arrival) -> Detected | None:
    name = arrival.forced or (arrival.access.source.driver if arrival.access.source.driver != "auto" else None)
    if name is None:
        return None
    entry = find_driver(name)
    if entry is None:
        raise NotFound(f"There is no driver «{name[:40]}»; GET /alerts/webhook/ lists them.", code="driver_not_found")
    return entry


def _outcome(parsed: ParsedPayload) -> DeliveryOutcome:
    if parsed.control is not None:
        return DeliveryOutcome.CONTROL
    if parsed.ignored or not parsed.alerts:
        return DeliveryOutcome.IGNORED
    return DeliveryOutcome.PARTIAL if parsed.errors else DeliveryOutcome.ACCEPTED


async def _store(
    rt: Runtime,
    arrival: _Arrival,
    driver: str,
    parsed: ParsedPayload | None,
    outcome: DeliveryOutcome,
    error: str,
) -> DeliveryResult:
    kept = {name: value for name in KEPT_HEADERS if (value := arrival.headers.get(name)) is not None}
    now = rt.clock.now()
    submission = intake.Submission(
        source=arrival.access.source,
        driver=driver,
        outcome=outcome,
        parsed=parsed,
        headers=kept,
        body=arrival.body,
        received_at=now,
        trace_id=arrival.trace_id,
        new_run_id=rt.ids.hex32,
        error=error,
        key_id=arrival.access.use_to_note(now),
        notes_source=arrival.is_to_be_noted,
    )
    return await intake.submit(rt, submission)


def _answer(parsed: ParsedPayload, result: DeliveryResult, driver: str, arrival: _Arrival) -> Response:
    if parsed.control is not None:
        word = "unsubscribed" if parsed.control.kind == "sns_unsubscribed" else "subscription_pending"
        return JSONResponse({"status": word, "trace_id": result.trace_id})
    return JSONResponse(
        {
            "status": "partial" if parsed.errors else "accepted",
            "trace_id": result.trace_id,
            "run_id": result.run_ids[0] if result.run_ids else None,
            "source": parsed.source,
            "driver": driver,
            "alerts_created": result.alerts_created,
            "alerts_updated": result.alerts_updated,
            "alerts_resolved": result.alerts_resolved,
            "incidents_created": result.incidents_created,
            "incidents_updated": result.incidents_updated,
            "incident_ids": list(result.incident_ids),
            "run_ids": list(result.run_ids),
            "errors": parsed.errors,
        },
        202,
    )
