"""The readiness checks that settings alone decide."""

from typing import Any

import pytest

from app.platform.settings import DEVELOPMENT_SECRET, Settings
from app.usecases.watch.settings_checks import providers, settings_checks
from app.usecases.watch.types import ReadinessItem

GOOD: dict[str, Any] = {
    "secret_key": "kX3vq8Zb1nLr5TyWm0cJd7fGh2sPa9Ue",
    "pagerpal_base_url": "https://pager.acme.net",
    "trusted_proxies": "10.0.0.0/8",
    "allowed_origins": "https://pager.acme.net",
    "smtp_host": "mail.acme.net",
    "smtp_from": "pager@acme.net",
}


def check(name: str, **changes: Any) -> ReadinessItem:
    """The line of that name on good production settings with these changes."""
    settings = Settings.model_validate({**GOOD, **changes})
    return next(item for item in settings_checks(settings) if item.check == name)


def test_good_production_settings_pass_every_check() -> None:
    assert {item.status.value for item in settings_checks(Settings.model_validate(GOOD))} == {"ok"}


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("placeholders", {"smtp_from": "pager@example.com"}, "fail"),
        ("placeholders", {"smtp_password": "changeme"}, "fail"),
        ("secret_key", {"pagerpal_env": "development"}, "warn"),
        ("secret_key", {"pagerpal_env": "development", "secret_key": DEVELOPMENT_SECRET}, "fail"),
        ("session_cookie", {"session_cookie_secure": False}, "fail"),
        ("session_cookie", {"pagerpal_base_url": "http://127.0.0.1:8000"}, "warn"),
        ("base_url", {"pagerpal_base_url": "pager.acme.net"}, "fail"),
        ("base_url", {"pagerpal_base_url": "http://pager.acme.net"}, "fail"),
        ("base_url", {"pagerpal_base_url": "http://localhost:8000"}, "warn"),
        ("base_url", {"pagerpal_base_url": "http://[::1]:8000"}, "warn"),
        ("allowed_origins", {"allowed_origins": "*"}, "fail"),
        ("allowed_origins", {"allowed_origins": "http://pager.acme.net"}, "warn"),
        ("allowed_origins", {"allowed_origins": ""}, "ok"),
        ("tls", {"trusted_proxies": ""}, "warn"),
        ("tls", {"pagerpal_base_url": "http://10.1.2.3"}, "fail"),
        ("tls", {"pagerpal_base_url": "http://127.0.0.1:8000"}, "warn"),
        ("sending", {"notification_sending_enabled": False}, "warn"),
        ("providers", {"smtp_host": ""}, "fail"),
        ("providers", {"smtp_host": "", "slack_bot_token": "x"}, "ok"),
    ],
)
def test_a_weak_setting_is_named(name: str, changes: dict[str, Any], status: str) -> None:
    assert check(name, **changes).status.value == status


def test_a_placeholder_is_named_by_its_variable() -> None:
    assert check("placeholders", smtp_from="pager@example.org", twilio_from="changeme").detail == (
        "Still the value of an example: SMTP_FROM, TWILIO_FROM."
    )


def test_no_check_shows_a_secret() -> None:
    settings = Settings.model_validate({**GOOD, "smtp_password": "canary", "infobip_api_key": "canary"})
    assert "canary" not in repr(settings_checks(settings))


def test_providers_are_named_only_when_complete() -> None:
    def ready(**values: Any) -> list[str]:
        return providers(Settings.model_validate({"pagerpal_env": "test", **values}))

    assert ready() == []
    assert ready(smtp_host="mail.acme.net", smtp_from="p@acme.net") == ["email (mail.acme.net:587)"]
    assert ready(email_backend="ses", ses_region="eu-north-1", smtp_from="p@acme.net") == ["email (SES)"]
    assert ready(infobip_base_url="https://x.api", infobip_api_key="k") == []
    assert ready(infobip_base_url="https://x.api", infobip_api_key="k", infobip_sms_sender="P") == ["Infobip SMS"]
    assert ready(twilio_account_sid="AC1", twilio_auth_token="t", twilio_from="+15550100") == ["Twilio"]
