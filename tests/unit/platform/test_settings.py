"""Settings: where values come from, what stops the start, what people see of them."""

import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from app.platform.errors import StartRefused
from app.platform.settings import DEVELOPMENT_SECRET, Settings, load_settings, weakness_of

STRONG = "kX3vq8Zb1nLr5TyWm0cJd7fGh2sPa9Ue"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and no `.env` of the checkout reaches these tests."""
    for name in Settings.model_fields:
        for variable in (name.upper(), f"{name.upper()}_FILE"):
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_variable_of_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"SECRET_KEY={STRONG}\nSMTP_HOST=from-file.example.com\nSMTP_PORT=2525\n")
    monkeypatch.setenv("SMTP_HOST", "from-env.example.com")
    settings = load_settings()
    assert (settings.smtp_host, settings.smtp_port) == ("from-env.example.com", 2525)


def test_a_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{STRONG}\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert load_settings().secret_key == STRONG


def test_the_env_file_may_name_a_secret_file_too(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse\n")
    Path(".env").write_text(f"SECRET_KEY={STRONG}\nSMTP_PASSWORD_FILE={tmp_path / 'password'}\n")
    assert load_settings().smtp_password == "correct horse"


def test_the_variable_itself_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "host").write_text("from-file.example.com")
    monkeypatch.setenv("SMTP_HOST_FILE", str(tmp_path / "host"))
    monkeypatch.setenv("SMTP_HOST", "direct.example.com")
    assert load_settings(secret_key=STRONG).smtp_host == "direct.example.com"


def test_a_missing_file_stops_the_start_and_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(StartRefused, match=r"SMTP_PASSWORD_FILE: the file /nowhere/password cannot be read"):
        load_settings(secret_key=STRONG)


def test_lists_are_comma_lists() -> None:
    Path(".env").write_text(
        f"SECRET_KEY={STRONG}\nALLOWED_ORIGINS=https://a.example.com, https://b.example.com\n"
        "OUTBOUND_ALLOWED_NETWORKS=127.0.0.0/8,::1/128\n"
    )
    settings = load_settings()
    assert settings.allowed_origins == ("https://a.example.com", "https://b.example.com")
    assert settings.outbound_allowed_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PORT", "")
    assert load_settings(secret_key=STRONG).smtp_port == 587


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SMTP_PORT", "many"),
        ("SMTP_PORT", "70000"),
        ("SESSION_COOKIE_SECURE", "perhaps"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("PAGERPAL_ENV", "staging"),
        ("RETENTION_DAYS", "0"),
        ("DATABASE_URL", "mysql://db.example.com/pagerpal"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_the_variable_only(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StartRefused) as refused:
        load_settings(secret_key=STRONG)
    assert str(refused.value).startswith(f"{variable}: ")
    assert value not in str(refused.value).split(": ", 1)[1].split()


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PORT", "many")
    monkeypatch.setenv("STATSD_PORT", "none")
    with pytest.raises(StartRefused) as refused:
        load_settings(secret_key=STRONG)
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["SMTP_PORT", "STATSD_PORT"]


def test_statsd_without_a_server_stops_the_start() -> None:
    with pytest.raises(StartRefused, match="STATSD_HOST is not set"):
        load_settings(secret_key=STRONG, orchestration_metrics_backend="statsd")
    load_settings(secret_key=STRONG, orchestration_metrics_backend="statsd", statsd_host="127.0.0.1")


CELERY = {"secret_key": STRONG, "enable_celery_orchestration": True, "celery_broker_url": "redis://127.0.0.1:6379/0"}


def test_celery_without_a_broker_stops_the_start() -> None:
    with pytest.raises(StartRefused, match="CELERY_BROKER_URL is not set"):
        load_settings(**CELERY | {"celery_broker_url": ""})
    with pytest.raises(StartRefused, match="CELERY_BROKER_URL: must begin with redis://"):
        load_settings(**CELERY | {"celery_broker_url": "http://127.0.0.1"})


@pytest.mark.parametrize("package", ["celery", "redis"])
def test_celery_without_the_extra_stops_the_start(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    load_settings(**CELERY)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(StartRefused, match="Install the extra «celery»"):
        load_settings(**CELERY)
    load_settings(secret_key=STRONG, celery_broker_url="redis://127.0.0.1:6379/0")


@pytest.mark.parametrize("key", ["", "changeme", "replace-me-" * 5, "short", "ab" * 40, DEVELOPMENT_SECRET])
def test_production_refuses_a_key_that_could_be_guessed(key: str) -> None:
    with pytest.raises(StartRefused, match="SECRET_KEY"):
        load_settings(secret_key=key)


@pytest.mark.parametrize("environment", ["development", "test"])
def test_developers_need_no_key(environment: str) -> None:
    assert load_settings(pagerpal_env=environment).secret_key == DEVELOPMENT_SECRET


def test_a_random_key_is_strong() -> None:
    assert weakness_of(STRONG) is None


def test_the_cookie_follows_the_base_url_unless_told() -> None:
    def secure(**values: object) -> bool:
        return load_settings(secret_key=STRONG, **values).session_cookie_secure

    assert secure(pagerpal_base_url="https://pager.example.com/")
    assert not secure(pagerpal_base_url="http://127.0.0.1:8000")
    assert not secure(pagerpal_base_url="https://pager.example.com", session_cookie_secure=False)


def test_settings_cannot_be_changed() -> None:
    settings = Settings(pagerpal_env="test")
    with pytest.raises(ValueError, match="frozen"):
        settings.smtp_host = "elsewhere.example.com"  # type: ignore[misc]


def test_nothing_secret_is_shown() -> None:
    settings = Settings(
        secret_key=STRONG,
        smtp_password="canary-1",
        slack_bot_token="canary-2",
        heartbeat_url="https://beat.example.com/canary-3",
        database_url="postgresql+psycopg://pager:canary-4@db.example.com/pagerpal",
    )
    shown = f"{settings!r} {settings.describe()}"
    assert "canary" not in shown
    assert STRONG not in shown
    assert settings.describe()["SMTP_PASSWORD"] == "***"
    assert settings.describe()["INFOBIP_API_KEY"] == ""
    assert settings.describe()["DATABASE_URL"] == "postgresql+psycopg://***@db.example.com/pagerpal"


def test_the_old_shared_login_is_ignored_with_a_warning() -> None:
    settings = Settings(pagerpal_env="test", ui_username="admin", ui_password="x")
    assert settings.warnings() == [
        "UI_USERNAME and UI_PASSWORD are ignored: sign in with an account, and remove both variables."
    ]
    assert Settings(pagerpal_env="test").warnings() == []


def test_mail_needs_a_server_and_a_sender() -> None:
    def can_mail(**values: object) -> bool:
        return Settings.model_validate({"pagerpal_env": "test", **values}).mail_is_configured

    assert can_mail(smtp_host="mail.example.com", smtp_from="pager@example.com")
    assert not can_mail(smtp_host="mail.example.com")
    assert not can_mail(email_backend="ses", smtp_host="mail.example.com", smtp_from="pager@example.com")
    assert can_mail(email_backend="ses", ses_region="eu-north-1", smtp_from="pager@example.com")


def test_push_key_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartRefused, match="VAPID_PRIVATE_KEY"):
        load_settings(pagerpal_env="test", vapid_private_key="no key at all")
