"""Senders' signatures, checked over the bytes as received; a certificate that one needs is fetched and kept here."""

from app.alerts.drivers._base import Driver, Headers, Payload, SignatureInvalid
from app.alerts.types import SourceOptions
from app.platform.errors import Unavailable
from app.platform.ports import HttpFailed
from app.platform.runtime import Runtime

FETCH_SECONDS = 5.0
KEPT_CERTIFICATES = 20

_certificates: dict[str, bytes] = {}


async def check_signature(
    rt: Runtime, driver: Driver, payload: Payload, body: bytes, headers: Headers, options: SourceOptions
) -> None:
    """Pass, or raise SignatureInvalid (401); Unavailable when the vendor's certificate cannot be fetched just now."""
    now = rt.clock.now()
    if driver.verify is not None:
        driver.verify(body, headers, options, now)
    if driver.certificate is not None:
        url = driver.certificate.url(payload, headers)
        if url is not None:
            driver.certificate.verify(payload, await _certificate(rt, url), options, now)


async def _certificate(rt: Runtime, url: str) -> bytes:
    # The driver has checked that the address is the vendor's: never fetch what a body merely names.
    if url not in _certificates:
        try:
            answer = await rt.outside.http.request("GET", url, timeout_seconds=FETCH_SECONDS)
        except HttpFailed as failed:
            raise Unavailable(
                f"The signing certificate could not be fetched: {failed.reason}", retry_after_seconds=10
            ) from failed
        if answer.status != 200:
            raise SignatureInvalid("The signing certificate could not be fetched.")
        if len(_certificates) >= KEPT_CERTIFICATES:
            _certificates.clear()
        _certificates[url] = answer.body
    return _certificates[url]
