"""Email over SMTP (RFC 5321, 5322), text and HTML in one message.

The quirk that cost time: mail programs fold messages into one thread by References, but some only while the subject
stays the same, so the subject must not tell the level.
"""

import re
from binascii import b2a_qp
from collections.abc import Iterable
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from pydantic import Field, field_validator

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    MailFailed,
    MailServer,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    Settings,
)
from app.notify.channels._mail import ATTACHMENT, incident_json, one_line, own_headers, recipients, split_addresses

TLS_PORT = 465
# «Authentication required», «mechanism too weak», «credentials invalid» (RFC 4954).
NO_LOGIN = frozenset({530, 534, 535})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


class EmailConfig(ChannelConfig):
    """A mail server and whom to write to; a contact method brings its own address."""

    smtp_host: str = Field(min_length=1, description="Name of the mail server.")
    from_address: str = Field(min_length=3, description="Sender, as in pager@example.com.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="587 for STARTTLS, 465 for TLS, 25 for a relay.")
    use_tls: bool = Field(default=True, description="Encrypt: STARTTLS, or TLS from the first byte on port 465.")
    implicit_tls: bool | None = Field(default=None, description="TLS from the first byte on another port than 465.")
    username: str = Field(default="", description="Login, if the server asks for one.")
    password: Secret = Field(default="", description="Its password.")
    to_addresses: tuple[str, ...] = Field(default=(), description="Who gets it, with commas between.")

    @field_validator("to_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_addresses(value)

    @property
    def server(self) -> MailServer:
        """Where the mail is handed over."""
        implicit = self.implicit_tls if self.implicit_tls is not None else self.use_tls and self.smtp_port == TLS_PORT
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            username=self.username or None,
            password=self.password or None,
            starttls=self.use_tls and not implicit,
            use_tls=implicit,
        )


async def send(message: Message, config: EmailConfig, outside: Outside) -> Receipt:
    """Hand one mail over. Raises DeliveryFailed: permanent for a 5xx reply and for an address that cannot be."""
    mail = _compose(message, config)
    mail["Date"] = format_datetime(outside.now())
    try:
        reply = await outside.mail.send(mail, server=config.server, timeout_seconds=config.timeout_seconds)
    except MailFailed as failed:
        raise DeliveryFailed(
            failed.reason,
            permanent=failed.permanent,
            outcome_unknown=failed.outcome_unknown,
            unauthorized=failed.code in NO_LOGIN,
        ) from failed
    return Receipt(provider_message_id=message.message_id, detail=reply)


def _compose(message: Message, config: EmailConfig) -> EmailMessage:
    readers = recipients(message, config.to_addresses)
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = config.from_address
        mail["To"] = ", ".join(readers)
    except (ValueError, IndexError) as error:
        raise DeliveryFailed("a mail address is not valid", permanent=True) from error
    mail["Subject"] = one_line(message.subject)
    mail["Message-ID"] = message.message_id
    for name, value in own_headers(message).items():
        mail[name] = value
    mail["MIME-Version"] = "1.0"
    _fill(mail, message)
    return mail


def _fill(mail: EmailMessage, message: Message) -> None:
    """Text and HTML as alternatives; a team's mail also carries the incident as JSON (document 001)."""
    bodies = [_text_part(_PLAIN, message.text)]
    if message.html:
        bodies.append(_text_part(_HTML, message.html))
    boundary = f"=_{message.idempotency_key}"
    if message.to:
        _join(mail, "alternative", boundary, bodies)
        return
    alternative = MIMEPart(policy=_POLICY)
    _join(alternative, "alternative", f"{boundary}_a", bodies)
    attachment = MIMEPart(policy=_POLICY)
    attachment.set_content(incident_json(message), maintype="application", subtype="json", filename=ATTACHMENT)
    _join(mail, "mixed", boundary, [alternative, attachment])


def _join(whole: MIMEPart, kind: str, boundary: str, parts: Iterable[MIMEPart]) -> None:
    whole["Content-Type"] = _POLICY.header_factory("Content-Type", f'multipart/{kind}; boundary="{boundary}"')
    for part in parts:
        whole.attach(part)


def _text_part(content_type: object, text: str) -> MIMEPart:
    part = MIMEPart(policy=_POLICY)
    part["Content-Type"] = content_type
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.encode(), istext=True).decode("ascii"))
    return part


class _AsWritten(EmailPolicy):
    """Keeps headers as they are written and lets whoever asks take them apart: parsing each costs more than sending."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """The header as it is stored. Raises ValueError for one that would break into two."""
        if isinstance(value, str) and value.isascii():
            if _CONTROLS.search(value):
                raise ValueError("a header holds a line break or another control character")
            return name, value
        return super().header_store_parse(name, value)


_POLICY = _AsWritten()
_PLAIN = _POLICY.header_factory("Content-Type", 'text/plain; charset="utf-8"')
_HTML = _POLICY.header_factory("Content-Type", 'text/html; charset="utf-8"')


def _from_settings(settings: Settings) -> JsonObject:
    return {
        "smtp_host": settings.smtp_host,
        "smtp_port": settings.smtp_port,
        "from_address": settings.smtp_from,
        "use_tls": settings.smtp_use_tls or settings.smtp_starttls,
        "implicit_tls": settings.smtp_use_tls,
        "username": settings.smtp_username,
        "password": settings.smtp_password,
    }


SAMPLES = (
    Sample(
        name="a person, by STARTTLS",
        config={"smtp_host": "mail.example.com", "from_address": "pager@example.com", "password": "s3cret-password"},
        to="ravi@example.com",
        expect={"host": "mail.example.com", "port": 587, "starttls": True, "use_tls": False, "to": "ravi@example.com"},
    ),
    Sample(
        name="a team, by TLS",
        config={
            "smtp_host": "mail.example.com", "smtp_port": 465, "from_address": "pager@example.com", "username": "pager",
            "password": "s3cret-password", "to_addresses": "a@example.com, b@example.com",
        },
        expect={"port": 465, "starttls": False, "use_tls": True, "to": "a@example.com, b@example.com"},
    ),
)  # fmt: skip

PLUGIN = Channel(
    label="Email",
    config_model=EmailConfig,
    send=send,
    address_label="Email address",
    from_settings=_from_settings,
    needs=("SMTP_HOST", "SMTP_FROM"),
    samples=SAMPLES,
    setup="For people: set SMTP_HOST, SMTP_PORT, SMTP_FROM and, where needed, SMTP_USERNAME and SMTP_PASSWORD. "
    "For a team: name the server here and list the addresses.",
)
