"""Signing in and out, and the first admin at an empty PagerPal."""

import pytest
from starlette.testclient import TestClient

from app.accounts import queries
from app.platform.runtime import Runtime
from app.usecases import catalogue, people
from tests.support.people import PASSWORD
from tests.support.screen import Page, Screen
from tests.web.ui.conftest import Company, Open


def first_run(page: Page, code: str, **typed: str) -> Page:
    """Fill the first-run form in as somebody would."""
    values = {"code": code, "name": "Ada", "email": "ada@example.com", "password": PASSWORD, **typed}
    return page.form("/login").send("Make the admin and sign in", **values)


def test_first_admin_is_made_with_the_set_up_code_and_signed_in(rt: Runtime, screen: Screen) -> None:
    code = people.prepare_setup_code(rt, now=rt.clock.now())
    assert code is not None
    page = screen.open("/")
    assert page.heading == "Make the first admin"

    after = first_run(page, code.lower(), timezone="Europe/Berlin")

    assert after.path == "/dashboard"
    assert rt.db.read(queries.active_admins)[0].timezone == "Europe/Berlin"
    assert "First steps" in after.text


def test_alert_that_came_before_any_admin_is_on_the_first_page_until_somebody_is_paged(
    rt: Runtime, client: TestClient, screen: Screen
) -> None:
    code, key = people.prepare_setup_code(rt, now=rt.clock.now()), catalogue.first_source(rt, now=rt.clock.now())
    assert code is not None
    assert "Nobody to page" not in screen.open("/login").text
    client.post("/alerts/webhook/generic/", json={"name": "Disk almost full"}, headers={"x-api-key": str(key)})

    page = screen.open("/login")

    assert "Nobody to page for 1 open incident." in page.by_id("banners").text
    assert list(page.by_id("banners").all("a")) == []
    assert "Nobody to page" not in first_run(page, code).text


def test_wrong_code_is_refused_beside_the_field_and_nothing_typed_is_lost(rt: Runtime, screen: Screen) -> None:
    people.prepare_setup_code(rt, now=rt.clock.now())

    page = first_run(screen.open("/login"), "AAAA-BBBB-CCCC", name="Ada Byron")

    assert page.status in (401, 403, 422)
    form = page.form("/login")
    assert (form.value("name"), form.value("email")) == ("Ada Byron", "ada@example.com")
    assert form.value("password") == ""
    assert not rt.db.read(queries.has_admin)


def test_short_password_is_refused_in_words_that_say_what_to_do(rt: Runtime, screen: Screen) -> None:
    code = people.prepare_setup_code(rt, now=rt.clock.now())

    page = first_run(screen.open("/login"), str(code), password="short")

    assert "password-error" in page.errors()


def test_first_run_page_is_gone_once_there_is_an_admin(company: Company, screen: Screen) -> None:
    page = screen.open("/login")

    assert page.heading == "Sign in"
    assert "code" not in dict(page.form("/login").values)


def test_wrong_password_keeps_the_address_and_says_no_more_than_that(company: Company, screen: Screen) -> None:
    page = screen.open("/login").form("/login").send(email="ada@example.com", password="wrong")

    assert page.status == 401
    assert page.form("/login").value("email") == "ada@example.com"
    assert page.form("/login").value("password") == ""
    other = screen.open("/login").form("/login").send(email="nobody@example.com", password="wrong")
    assert other.by_id("content").text == page.by_id("content").text


@pytest.mark.parametrize("target", ["//evil.example.com", "https://evil.example.com/", "/\\evil.example.com"])
def test_sign_in_never_leads_to_another_site(target: str, company: Company, screen: Screen) -> None:
    page = screen.open(f"/login?next={target}")

    assert page.form("/login").send(email="ada@example.com", password=PASSWORD).path == "/dashboard"


def test_signing_out_ends_the_session(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")

    page = screen.open("/profile").form("/logout").send("Sign out")

    assert page.heading == "Sign in"
    assert screen.open("/incidents").heading == "Sign in"


def test_form_without_its_token_changes_nothing(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/teams/new").form("/teams")

    page = form.send(name="Data", csrf_token="made-up")

    assert page.status == 403
    assert "reload the page" in page.text
    assert "Data" not in open_screen("Ada").open("/teams").text


def test_theme_is_kept_in_a_cookie_and_works_without_scripts(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")

    page = screen.open("/more").form("/theme").send("Dark")

    assert page.path == "/more"
    assert next(page.root.all("html")).get("data-theme") == "dark"
