"""A certificate authority of our own, so that TLS can be tested without switching its checks off."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ISSUER = "Test Authority"
NAMES = ("localhost", "127.0.0.1")


class Authority:
    """An authority with one server certificate for localhost; its files are made in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def server_context(self) -> ssl.SSLContext:
        """What a server presents."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._files[1])
        return context

    def client_context(self) -> ssl.SSLContext:
        """What a client checks with that trusts this authority."""
        return ssl.create_default_context(cafile=str(self._files[0]))

    @cached_property
    def _files(self) -> tuple[Path, Path]:
        signer = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        authority, server = self.folder / "authority.pem", self.folder / "server.pem"
        authority.write_bytes(_certificate(ISSUER, signer, signer).public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        server.write_bytes(private + _certificate(NAMES[0], key, signer).public_bytes(Encoding.PEM))
        return authority, server


def _certificate(subject: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    is_authority = subject == ISSUER
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(ISSUER))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = [x509.DNSName(NAMES[0]), x509.IPAddress(ip_address(NAMES[1]))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
