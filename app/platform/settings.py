"""Every setting, read once from the environment, `NAME_FILE` files and `.env`; the only reader of the environment.

Order, strongest first: arguments of `load_settings`, `NAME`, `NAME_FILE`, then both from `.env`.
A wrong value stops the start with the variable's name. An empty value counts as not set.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.platform.errors import StartRefused
from app.platform.redact import HIDDEN, redact_text
from app.platform.types import JsonValue
from app.platform.webpush import private_key_of

MINIMUM_SECRET_LENGTH = 32
MINIMUM_SECRET_VARIETY = 8
PLACEHOLDER_WORDS = (
    "changeme", "change-me", "change_me", "replace", "placeholder", "example", "insecure", "password", "default",
    "your-secret", "your_secret",
)  # fmt: skip
DEVELOPMENT_SECRET = "development-only-key-that-is-in-the-public-source"  # noqa: S105  refused in production


def _split(value: object) -> object:
    """`a, b` becomes a list: lists in the environment are comma lists, never JSON."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _without_slash(value: str) -> str:
    return value.rstrip("/")


def _known_database(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return value


def _known_broker(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
        raise ValueError("must begin with redis://, rediss://, amqp:// or amqps://")
    return value


def _connections(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        name, _, url = (part.strip() for part in each.partition("="))
        if not name or not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must be name=sqlite:///… or name=postgresql://…, separated by commas")
    return value


def _push_key(value: str) -> str:
    if value:
        private_key_of(value)
    return value


Secret = Annotated[str, Field(repr=False)]
PushKey = Annotated[str, Field(repr=False), AfterValidator(_push_key)]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Connections = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_connections), Field(repr=False)
]
SecretList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), Field(repr=False)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)]
BaseUrl = Annotated[str, AfterValidator(_without_slash)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseModel):
    """All settings, frozen; each is the variable of the same name in capitals. Building one reads no environment."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[str, Field(repr=False), AfterValidator(_known_database)] = "sqlite:///./pagerpal.db"
    auto_migrate: bool = False
    secret_key: Secret = ""
    secret_key_previous: SecretList = ()
    pagerpal_env: Literal["production", "development", "test"] = "production"
    pagerpal_base_url: BaseUrl = "http://127.0.0.1:8000"
    allowed_origins: CommaList = ()
    trusted_proxies: Networks = ()
    session_cookie_secure: bool = False
    metrics_token: Secret = ""
    web_concurrency: int = 1
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    pagerpal_failpoints: str = ""

    notification_sending_enabled: bool = True
    notification_retry_worker_enabled: bool = True
    escalation_worker_enabled: bool = True
    alarm_worker_enabled: bool = True
    checks_worker_enabled: bool = True
    pipeline_worker_enabled: bool = True
    oncall_watch_worker_enabled: bool = True
    retention_worker_enabled: bool = True
    retention_days: Annotated[int, Field(ge=1)] = 400
    heartbeat_url: Secret = ""
    outbound_allowed_networks: Networks = ()

    notify_templates_dir: str = ""
    email_backend: Literal["smtp", "ses"] = "smtp"
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_username: str = ""
    smtp_password: Secret = ""
    smtp_from: str = ""
    smtp_use_tls: bool = False
    smtp_starttls: bool = True
    ses_region: str = ""
    ses_endpoint_url: BaseUrl = ""

    infobip_base_url: BaseUrl = ""
    infobip_api_key: Secret = ""
    infobip_sms_sender: str = ""
    infobip_whatsapp_sender: str = ""
    infobip_whatsapp_template: str = ""
    infobip_whatsapp_language: str = "en"
    twilio_base_url: BaseUrl = "https://api.twilio.com"
    twilio_account_sid: Secret = ""
    twilio_auth_token: Secret = ""
    twilio_from: str = ""
    slack_api_url: BaseUrl = "https://slack.com/api"
    slack_bot_token: Secret = ""
    slack_signing_secret: Secret = ""
    vapid_private_key: PushKey = ""
    vapid_subject: str = ""

    alarm_api_base_url: BaseUrl = ""
    alarm_modules_dir: str = ""
    alarm_sql_connections: Connections = ()
    orchestration_max_retries_per_stage: Annotated[int, Field(ge=0)] = 3
    orchestration_backoff_factor: Annotated[float, Field(ge=1)] = 2.0
    orchestration_intelligence_fallback_enabled: bool = True
    intelligence_calls_per_hour: Annotated[int, Field(ge=0)] = 30
    intelligence_labels: CommaList = ()
    intelligence_scrub_secrets: bool = True
    orchestration_metrics_backend: Literal["logging", "statsd"] = "logging"
    enable_celery_orchestration: bool = False
    celery_broker_url: Annotated[str, Field(repr=False), AfterValidator(_known_broker)] = ""
    statsd_host: str = ""
    statsd_port: Port = 8125
    statsd_dogstatsd_tags: bool = False

    ui_username: Annotated[str, Field(repr=False)] = ""
    ui_password: Secret = ""

    URLS_WITH_PASSWORDS: ClassVar[frozenset[str]] = frozenset({"database_url", "celery_broker_url"})

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Cookies are secure exactly when the base URL is https, and developers need no key, unless told otherwise."""
        if not isinstance(values, Mapping):
            return values
        filled = dict(values)
        base_url = str(filled.get("pagerpal_base_url", ""))
        filled.setdefault("session_cookie_secure", base_url.startswith("https://"))
        if filled.get("pagerpal_env") in ("development", "test") and not filled.get("secret_key"):
            filled["secret_key"] = DEVELOPMENT_SECRET
        return filled

    @model_validator(mode="after")
    def _refuse_weak_key(self) -> Self:
        """Raises ValueError with the sentence for the operator where the key could be guessed."""
        if self.is_production:
            weakness = weakness_of(self.secret_key)
            if weakness:
                raise ValueError(
                    f"SECRET_KEY {weakness}. Put a random value of at least {MINIMUM_SECRET_LENGTH} characters into "
                    "the environment or .env, for example from: "
                    'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
                )
        return self

    @model_validator(mode="after")
    def _refuse_half_of_a_choice(self) -> Self:
        """Raises ValueError where something is switched on and what it cannot do without is not set."""
        if self.orchestration_metrics_backend == "statsd" and not self.statsd_host:
            raise ValueError(
                "STATSD_HOST is not set, and ORCHESTRATION_METRICS_BACKEND=statsd sends to it. "
                "Set it, or choose ORCHESTRATION_METRICS_BACKEND=logging."
            )
        if self.enable_celery_orchestration and not self.celery_broker_url:
            raise ValueError("CELERY_BROKER_URL is not set, and ENABLE_CELERY_ORCHESTRATION needs a broker.")
        needed = ("celery", "redis") if self.celery_broker_url.startswith("redis") else ("celery",)
        if self.enable_celery_orchestration and not all(find_spec(package) for package in needed):
            raise ValueError(
                "ENABLE_CELERY_ORCHESTRATION is set, and Celery is not installed. Install the extra «celery» "
                "(pip install 'celery[redis]>=5.7,<6'), or take the setting away: the stages then run in the server."
            )
        return self

    @property
    def is_production(self) -> bool:
        """True unless PAGERPAL_ENV is development or test."""
        return self.pagerpal_env == "production"

    @property
    def sql_connections(self) -> dict[str, str]:
        """The databases that alarm modules may read, by name."""
        named = (each.partition("=") for each in self.alarm_sql_connections)
        return {name.strip(): url.strip() for name, _, url in named}

    @property
    def mail_is_configured(self) -> bool:
        """True when an email could be sent at all: a server (or SES region) and a sender address are set."""
        return bool(self.smtp_from and (self.ses_region if self.email_backend == "ses" else self.smtp_host))

    def warnings(self) -> list[str]:
        """Sentences about settings that are set and do nothing; logged at start."""
        if self.ui_username or self.ui_password:
            return ["UI_USERNAME and UI_PASSWORD are ignored: sign in with an account, and remove both variables."]
        return []

    def describe(self) -> dict[str, JsonValue]:
        """Every variable with its value for people to read: secrets as `***` when set, passwords in URLs masked."""
        return {name.upper(): self._shown(name) for name in type(self).model_fields}

    def _shown(self, name: str) -> JsonValue:
        value = getattr(self, name)
        if name in self.URLS_WITH_PASSWORDS:
            return redact_text(value)
        if not type(self).model_fields[name].repr:
            return HIDDEN if value else ""
        return [str(part) for part in value] if isinstance(value, tuple) else value


class _FileValues(EnvSettingsSource):
    """Variables of the environment; a missing `NAME` is read from the file that `NAME_FILE` names."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.env_vars = _with_files(self.env_vars)


class _DotEnvFileValues(DotEnvSettingsSource):
    """The same for `.env`."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.env_vars = _with_files(self.env_vars)


class _FromEnvironment(Settings, BaseSettings):
    """`Settings` filled from the environment and `.env`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _FileValues(settings_cls), _DotEnvFileValues(settings_cls)


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process, `overrides` (lower-case names) on top.

    Raises StartRefused naming each variable that is wrong, its file that cannot be read, or the weak SECRET_KEY.
    """
    try:
        return _FromEnvironment(**overrides)
    except ValidationError as error:
        raise StartRefused("\n".join(_sentences(error))) from None


def weakness_of(secret_key: str) -> str | None:
    """Why `secret_key` must not protect a real installation, as the end of a sentence; None when it may."""
    if not secret_key:
        return "is not set"
    if secret_key == DEVELOPMENT_SECRET or any(word in secret_key.lower() for word in PLACEHOLDER_WORDS):
        return "is a placeholder"
    if len(secret_key) < MINIMUM_SECRET_LENGTH:
        return f"is too short ({len(secret_key)} characters)"
    if len(set(secret_key)) < MINIMUM_SECRET_VARIETY:
        return "repeats too few different characters"
    return None


def _with_files(variables: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """`variables` (lower-case names) with each `name_file` read into `name` where `name` itself is not set."""
    filled = dict(variables)
    for name in Settings.model_fields:
        path = variables.get(f"{name}_file")
        if path and not variables.get(name):
            filled[name] = _read(f"{name.upper()}_FILE", Path(path))
    return filled


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StartRefused(f"{variable}: the file {path} cannot be read: {reason}") from None


def _sentences(error: ValidationError) -> list[str]:
    """One sentence per fault, starting with the variable's name; values stay out, they may be secret."""
    sentences = []
    for fault in error.errors(include_url=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ")
        name = str(fault["loc"][0]).upper() if fault["loc"] else ""
        sentences.append(f"{name}: {message}" if name else message)
    return sentences
