"""The certificate of a real TLS server on loopback, trusted by nobody; and servers that may not be looked at."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.platform.addresses import AddressFilter
from app.platform.certificates import peer_certificate
from app.platform.ports import HttpFailed
from tests.support.loopback import LOOPBACK

BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[int]:
    """A server with a certificate of its own making; its port."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_dates_are_read_also_where_the_certificate_is_not_trusted(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as port:
        shown = await peer_certificate(AddressFilter(LOOPBACK), "127.0.0.1", port, timeout_seconds=5)
    assert (shown.subject, shown.not_before, shown.not_after) == ("CN=www.example.com", BEGINS, ENDS)
    assert shown.fault


async def test_an_internal_server_is_not_looked_at_unless_its_network_is_allowed() -> None:
    with pytest.raises(HttpFailed, match="not a public address") as refused:
        await peer_certificate(AddressFilter(), "127.0.0.1", 443, timeout_seconds=5)
    assert refused.value.permanent


async def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(HttpFailed, match="could not connect"):
        await peer_certificate(AddressFilter(LOOPBACK), "127.0.0.1", 1, timeout_seconds=5)
