"""The part of the readiness checklist that settings alone decide; values in, lines out."""

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from app.platform.settings import PLACEHOLDER_WORDS, Settings, weakness_of
from app.usecases.watch.types import ReadinessItem, fail, ok, warn

# Words of a copied example file; the names that RFC 2606 sets aside never belong to a real installation.
EXAMPLE_HOSTS = ("example.com", "example.org", "example.net")


def settings_checks(settings: Settings) -> list[ReadinessItem]:
    """The checks that need no database, in the order of the checklist."""
    checks: list[Callable[[Settings], ReadinessItem]] = [
        _placeholders, _secret_key, _cookie, _base_url, _origins, _tls, _sending, _provider,
    ]  # fmt: skip
    return [check(settings) for check in checks]


def _placeholders(settings: Settings) -> ReadinessItem:
    left = sorted(name.upper() for name in Settings.model_fields if _is_placeholder(name, getattr(settings, name)))
    if left:
        return fail("placeholders", f"Still the value of an example: {', '.join(left)}.")
    return ok("placeholders", "No setting has an example's value.")


def _is_placeholder(name: str, value: object) -> bool:
    if not isinstance(value, str) or name in ("secret_key", "pagerpal_failpoints"):
        return False
    lowered = value.lower()
    return lowered in PLACEHOLDER_WORDS or any(host in lowered for host in EXAMPLE_HOSTS) or "changeme" in lowered


def _secret_key(settings: Settings) -> ReadinessItem:
    weakness = weakness_of(settings.secret_key)
    if weakness:
        return fail("secret_key", f"SECRET_KEY {weakness}; stored secrets and links are not protected.")
    if not settings.is_production:
        return warn("secret_key", f"SECRET_KEY is strong, but PAGERPAL_ENV is {settings.pagerpal_env}.")
    return ok("secret_key", "SECRET_KEY is long and random.")


def _cookie(settings: Settings) -> ReadinessItem:
    if settings.session_cookie_secure:
        return ok("session_cookie", "Session cookies travel over HTTPS only.")
    if settings.pagerpal_base_url.startswith("https://"):
        return fail("session_cookie", "Set SESSION_COOKIE_SECURE=true: PagerPal is used over HTTPS.")
    return warn("session_cookie", "Session cookies travel unprotected until PAGERPAL_BASE_URL is an HTTPS address.")


def _base_url(settings: Settings) -> ReadinessItem:
    url = urlsplit(settings.pagerpal_base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        return fail("base_url", "PAGERPAL_BASE_URL is no address; links in messages cannot work.")
    if _is_local(url.hostname):
        return warn("base_url", "Links in messages lead to this machine only; set PAGERPAL_BASE_URL.")
    if url.scheme == "http":
        return fail("base_url", "PAGERPAL_BASE_URL is not HTTPS; links in messages can be read on their way.")
    return ok("base_url", f"Links in messages lead to {settings.pagerpal_base_url}.")


def _origins(settings: Settings) -> ReadinessItem:
    if "*" in settings.allowed_origins:
        return fail("allowed_origins", "ALLOWED_ORIGINS must name origins; any site could act for a signed-in user.")
    insecure = [origin for origin in settings.allowed_origins if origin.startswith("http://")]
    if insecure:
        return warn("allowed_origins", f"Not HTTPS: {', '.join(insecure)}.")
    named = ", ".join(settings.allowed_origins)
    return ok("allowed_origins", f"Only {named}." if named else "Only PagerPal's own pages.")


def _tls(settings: Settings) -> ReadinessItem:
    url = urlsplit(settings.pagerpal_base_url)
    if url.scheme == "https":
        if settings.trusted_proxies:
            return ok("tls", "HTTPS ends at a trusted proxy.")
        return warn("tls", "Set TRUSTED_PROXIES to the proxy that ends HTTPS, or every client looks like the proxy.")
    if _is_local(url.hostname or ""):
        return warn("tls", "No HTTPS; put a proxy in front before anybody else can reach this port.")
    return fail("tls", "No HTTPS in front: passwords and keys can be read on their way.")


def _sending(settings: Settings) -> ReadinessItem:
    if settings.notification_sending_enabled:
        return ok("sending", "Messages are sent.")
    return warn(
        "sending", "Safe mode: nothing leaves. Set NOTIFICATION_SENDING_ENABLED=true once a test alert was seen."
    )


def _provider(settings: Settings) -> ReadinessItem:
    ready = providers(settings)
    if ready:
        return ok("providers", f"Configured: {', '.join(ready)}.")
    return fail(
        "providers", "No way to send: set SMTP_HOST and SMTP_FROM (or EMAIL_BACKEND=ses), INFOBIP_* or TWILIO_*."
    )


def providers(settings: Settings) -> list[str]:
    """The ways to reach people whose settings are complete, as people call them."""
    email = "email (SES)" if settings.email_backend == "ses" else f"email ({settings.smtp_host}:{settings.smtp_port})"
    infobip = settings.infobip_base_url and settings.infobip_api_key
    twilio = settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from
    ways = {
        email: settings.mail_is_configured,
        "Infobip SMS": bool(infobip and settings.infobip_sms_sender),
        "Infobip WhatsApp": bool(infobip and settings.infobip_whatsapp_sender),
        "Twilio": bool(twilio),
        "Slack": bool(settings.slack_bot_token),
    }
    return [way for way, is_ready in ways.items() if is_ready]


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
