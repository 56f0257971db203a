"""`/health` and `/health/ready`: for load balancers, monitoring tools and people with curl; no credential."""

from fastapi import Request
from fastapi.responses import JSONResponse

from app import __version__
from app.jobs.health import jobs_move
from app.usecases.watch import Vitals, VitalSigns


async def health(request: Request) -> JSONResponse:
    """503 when the database cannot be written, so that webhooks go elsewhere; a stalled worker is only `degraded`."""
    vitals = await _signs(request).take()
    return JSONResponse(_body(vitals), 200 if vitals.database_is_writable else 503, _headers(vitals))


async def ready(request: Request) -> JSONResponse:
    """The same, but 503 for a stalled worker too: for who must decide whether pages go out."""
    vitals = await _signs(request).take()
    is_ready = vitals.database_is_writable and not vitals.is_stalled
    return JSONResponse(_body(vitals), 200 if is_ready else 503, _headers(vitals))


def _signs(request: Request) -> VitalSigns:
    state = request.app.state
    if not hasattr(state, "vital_signs"):
        state.vital_signs = VitalSigns(state.runtime, jobs_move)
    signs: VitalSigns = state.vital_signs
    return signs


def _body(vitals: Vitals) -> dict[str, str | bool]:
    if not vitals.database_is_writable:
        status = "unavailable"
    else:
        status = "degraded" if vitals.is_stalled else "ok"
    return {
        "status": status,
        "service": "pagerpal",
        "version": __version__,
        "database": "ok" if vitals.database_is_writable else "unavailable",
        "sending": vitals.sending,
        "workers": vitals.workers,
    }


def _headers(vitals: Vitals) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    return headers if vitals.database_is_writable else {**headers, "retry-after": "5"}
