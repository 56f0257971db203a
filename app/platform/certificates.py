"""Looks at the certificate that a TLS server shows, through the outbound address filter."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from app.platform.addresses import AddressFilter, AddressRefused, NameNotResolved
from app.platform.ports import HttpFailed

# Where TLS begins with the first byte: web, mail, directory, name and queue servers.
TLS_PORTS = frozenset({443, 465, 563, 636, 853, 989, 990, 993, 995, 5061, 5671, 6514, 6697, 8443, 8883})


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a server shows; `fault` says why a client would not trust it."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fault: str


async def peer_certificate(filter: AddressFilter, host: str, port: int, *, timeout_seconds: float) -> PeerCertificate:
    """The certificate of a server, also of one that nobody should trust. Raises HttpFailed."""
    try:
        async with asyncio.timeout(timeout_seconds):
            addresses = await filter.addresses(host, port)
            try:
                return _read(await _shown(addresses[0], host, port, _context(verifies=True)), "")
            except ssl.SSLCertVerificationError as error:
                shown = await _shown(addresses[0], host, port, _context(verifies=False))
                return _read(shown, error.verify_message or "it is not trusted")
    except TimeoutError as error:
        raise HttpFailed(f"no answer within {timeout_seconds:g} s") from error
    except AddressRefused as error:
        raise HttpFailed(str(error), permanent=True) from error
    except NameNotResolved as error:
        raise HttpFailed(str(error)) from error
    except ssl.SSLError as error:
        raise HttpFailed(f"no TLS could be agreed on: {error.reason or 'unknown reason'}") from error
    except (OSError, ValueError) as error:
        raise HttpFailed(f"could not connect: {type(error).__name__}") from error


def _context(*, verifies: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verifies:
        # Only to read the dates of a certificate that was refused a moment ago; nothing is sent.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _shown(address: str, host: str, port: int, context: ssl.SSLContext) -> bytes:
    _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    try:
        tls = writer.get_extra_info("ssl_object")
        shown: bytes | None = tls.getpeercert(binary_form=True)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if shown is None:
        raise HttpFailed("the server showed no certificate")
    return shown


def _read(shown: bytes, fault: str) -> PeerCertificate:
    certificate = x509.load_der_x509_certificate(shown)
    return PeerCertificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fault=fault,
    )
