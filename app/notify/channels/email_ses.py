"""Email by Amazon SES, API version 2 (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).

boto3 finds the credentials and signs; the request itself goes out through our own HTTP, with its address filter and its
deadline. The quirk that cost time: SES makes its own Message-ID, so a thread hangs on In-Reply-To and References.
"""

from functools import lru_cache, partial
from typing import Any

from pydantic import Field, field_validator

from app.notify.channels._base import (
    Channel,
    ChannelConfig,
    DeliveryFailed,
    JsonObject,
    Message,
    Outside,
    Receipt,
    Sample,
    Secret,
    Settings,
    answered,
    call,
    refusal_of,
    secrets_in,
)
from app.notify.channels._mail import ATTACHMENT, incident_json, one_line, own_headers, recipients, split_addresses

RECIPIENTS_AT_MOST = 50
# By their error word: what may work later. Everything else below 500 needs somebody to change something.
TEMPORARY = frozenset({
    "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling", "ServiceUnavailable",
    "InternalFailure", "InternalServiceErrorException", "RequestTimeout", "ExpiredTokenException",
})  # fmt: skip
# Our keys are not taken: no mail gets through until somebody changes them.
NO_LOGIN = frozenset({
    "UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignatureException",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException",
})  # fmt: skip


class SesConfig(ChannelConfig):
    """A region and whom to write to; without keys the machine's own AWS credentials are used."""

    region: str = Field(min_length=4, description="AWS region, such as eu-west-1.")
    from_address: str = Field(min_length=3, description="Verified sender, as in pager@example.com.")
    endpoint_url: str = Field(default="", description="Another address than the region's own; for tests.")
    access_key_id: Secret = Field(default="", description="Access key; empty: the machine's own credentials.")
    secret_access_key: Secret = Field(default="", description="Its secret part.")
    configuration_set: str = Field(default="", description="Configuration set of SES, where one is used.")
    to_addresses: tuple[str, ...] = Field(
        default=(), max_length=RECIPIENTS_AT_MOST, description="Who gets it, with commas between."
    )

    @field_validator("to_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_addresses(value)


class _Signed(Exception):
    """No failure: a request as boto3 would send it, on its way out of the library before it is sent."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.method: str = request.method
        self.url: str = request.url
        self.headers = {
            name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()
        }
        self.body: bytes = request.body or b""


async def send(message: Message, config: SesConfig, outside: Outside) -> Receipt:
    """Send one mail. Raises DeliveryFailed: for good by SES's error word, not for throttling and 5xx."""
    request = await outside.blocking(partial(_signed, _mail(message, config), config))
    answer = await call(
        outside,
        request.method,
        request.url,
        config=config,
        headers=request.headers,
        content=request.body,
        accepts=lambda _status: True,
    )
    if not 200 <= answer.status < 300:
        refused = refusal_of(answer, secrets=[request.url, *secrets_in(config)], now=outside.now())
        word = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
        raise DeliveryFailed(
            f"{word}: {refused.message}" if word else refused.message,
            permanent=refused.permanent and word not in TEMPORARY,
            unauthorized=refused.unauthorized or word in NO_LOGIN,
            retry_after_seconds=refused.retry_after_seconds,
        )
    return Receipt(provider_message_id=str(answered(answer).get("MessageId") or "") or None)


def _mail(message: Message, config: SesConfig) -> JsonObject:
    body: JsonObject = {"Text": _utf8(message.text)}
    if message.html:
        body["Html"] = _utf8(message.html)
    simple: JsonObject = {
        "Subject": _utf8(one_line(message.subject)),
        "Body": body,
        "Headers": [{"Name": name, "Value": one_line(value)} for name, value in own_headers(message).items()],
    }
    if not message.to:
        simple["Attachments"] = [
            {"FileName": ATTACHMENT, "ContentType": "application/json", "RawContent": incident_json(message)}
        ]
    mail: JsonObject = {
        "FromEmailAddress": one_line(config.from_address),
        "Destination": {"ToAddresses": [one_line(each) for each in recipients(message, config.to_addresses)]},
        "Content": {"Simple": simple},
    }
    return mail | ({"ConfigurationSetName": config.configuration_set} if config.configuration_set else {})


def _utf8(text: str) -> JsonObject:
    return {"Data": text, "Charset": "UTF-8"}


def _signed(mail: JsonObject, config: SesConfig) -> _Signed:
    """The request that sends `mail`, signed; blocks while credentials are looked for. Raises DeliveryFailed."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  slow to import

    try:
        client = _client(config.region, config.endpoint_url, config.access_key_id, config.secret_access_key)
        client.send_email(**mail)
    except _Signed as signed:
        return signed
    except (BotoCoreError, ClientError, ValueError) as error:
        raise DeliveryFailed(f"the mail could not be signed for SES ({type(error).__name__})") from None
    raise DeliveryFailed("the AWS library sent the mail by itself", outcome_unknown=True)


@lru_cache(maxsize=8)
def _client(region: str, endpoint_url: str, key_id: str, secret: str) -> Any:
    """One client per account and region: making one costs a third of a second."""
    import boto3  # noqa: PLC0415  slow to import
    from botocore.config import Config  # noqa: PLC0415  the same

    client = boto3.session.Session().client(
        "sesv2",
        region_name=region,
        endpoint_url=endpoint_url or None,
        aws_access_key_id=key_id or None,
        aws_secret_access_key=secret or None,
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.meta.events.register("before-send.sesv2.SendEmail", _carry_out)
    return client


def _carry_out(request: Any, **_: object) -> None:
    raise _Signed(request)


def _from_settings(settings: Settings) -> JsonObject:
    return {
        "region": settings.ses_region,
        "endpoint_url": settings.ses_endpoint_url,
        "from_address": settings.smtp_from,
    }


_KEYS: JsonObject = {"access_key_id": "s3cret-key-id", "secret_access_key": "s3cret-access-key"}
SAMPLES = (
    Sample(
        name="a person",
        config={"region": "eu-west-1", "from_address": "pager@example.com", **_KEYS},
        to="ravi@example.com",
        answer='{"MessageId": "0100example"}',
        expect={"method": "POST", "url": "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"},
    ),
    Sample(
        name="a team, elsewhere",
        config={
            "region": "eu-west-1", "from_address": "pager@example.com", "endpoint_url": "https://ses.example.com",
            "to_addresses": "a@example.com, b@example.com", **_KEYS,
        },
        answer='{"MessageId": "0100example"}',
        expect={
            "url": "https://ses.example.com/v2/email/outbound-emails",
            "json": {
                "FromEmailAddress": "pager@example.com",
                "Destination": {"ToAddresses": ["a@example.com", "b@example.com"]},
            },
        },
    ),
)  # fmt: skip

PLUGIN = Channel(
    label="Email (Amazon SES)",
    config_model=SesConfig,
    send=send,
    address_label="Email address",
    from_settings=_from_settings,
    needs=("SES_REGION", "SMTP_FROM"),
    samples=SAMPLES,
    setup="For people: set EMAIL_BACKEND=ses, SES_REGION and SMTP_FROM, and give the machine AWS credentials with the "
    "right ses:SendEmail. For a team: name the region here and list the addresses.",
)
