"""People, how they are reached, one's own profile, teams."""

import re

from app.accounts import queries
from app.accounts.types import Role, Urgency
from app.notify import queries as outbox
from app.notify.types import NotificationFilter
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from tests.support.people import PASSWORD
from tests.web.ui.conftest import Company, Open


def test_person_is_added_and_can_be_paged(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/people/new").form("/people")

    page = form.send(name="Lin Wei", email="lin@example.com", login_enabled=None, timezone="Asia/Tokyo")

    assert page.heading == "Lin Wei"
    lin = rt.db.read(lambda tx: queries.find_user_by_email(tx, "lin@example.com"))
    assert lin is not None
    assert (lin.role, lin.login_enabled, lin.timezone) == (Role.RESPONDER, False, "Asia/Tokyo")
    assert rt.db.read(lambda tx: queries.reach_of(tx, [lin.id], urgency=Urgency.HIGH))[lin.id]


def test_refused_person_keeps_what_was_typed_but_no_password(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/people/new").form("/people")

    page = form.send(name="Lin", email="not an address", login_enabled="yes", password="correct horse staple")

    assert page.status == 422
    assert "email-error" in page.errors()
    again = page.form("/people")
    assert (again.value("name"), again.value("email"), again.value("password")) == ("Lin", "not an address", "")


def test_making_somebody_an_admin_and_back(rt: Runtime, company: Company, open_screen: Open) -> None:
    path = f"/people/{company.noor.id}"
    screen = open_screen("Ada")

    screen.open(path).form(path).send("Save", role="admin")
    assert rt.db.read(lambda tx: queries.get_user(tx, company.noor.id)).role is Role.ADMIN
    screen.open(path).form(path).send("Save", role="viewer")
    assert rt.db.read(lambda tx: queries.get_user(tx, company.noor.id)).role is Role.VIEWER


def test_last_admin_cannot_be_taken_away(company: Company, open_screen: Open) -> None:
    path = f"/people/{company.ada.id}"

    page = open_screen("Ada").open(path).form(path).send("Save", role="viewer")

    assert page.status == 409
    assert "admin" in page.by_id("details").text


def test_deactivated_person_is_marked_and_can_come_back(company: Company, open_screen: Open) -> None:
    path = f"/people/{company.ravi.id}"
    screen = open_screen("Ada")

    page = screen.open(path).form(f"{path}/deactivate").send("Deactivate")
    assert "no longer paged" in page.toasts
    assert "Nobody on call" in page.by_id("oncall-chip").text
    page = page.form(f"{path}/activate").send("Activate")

    assert "active again" in page.toasts


def test_contact_method_is_verified_by_the_code_that_came(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ravi")
    page = screen.open("/profile").form("/profile/contact-methods").send("Add", address="ravi@home.example.com")
    action = next(each.get("action") for each in page.root.all("form") if each.get("action").endswith("/send-code"))
    verify = action.replace("send-code", "verify")

    page = page.form(action).send("Send a code")
    assert "ravi@home.example.com" in page.toasts
    wrong = page.form(verify).send("Verify", code="000000")
    assert wrong.status in (409, 422)
    assert wrong.errors()
    assert not wrong.by_id(dialog_of(action)).has("popover")

    page = page.form(verify).send("Verify", code=code_in_the_outbox(rt))
    assert page.toasts == "Verified."


def test_rule_is_added_and_removed(rt: Runtime, company: Company, open_screen: Open) -> None:
    page = open_screen("Ravi").open("/profile")

    form = page.form("/profile/notification-rules")
    method = next(iter(form.options("contact_method_id")))
    page = form.send("Add", urgency="high", delay_minutes="5", contact_method_id=method)
    assert "after 5 min" in page.by_id("rules").text
    rules = rt.db.read(lambda tx: queries.rules_of(tx, company.ravi.id))
    added = next(rule for rule in rules if rule.delay_minutes == 5)

    page = page.form(f"/profile/notification-rules/{added.id}/remove").send()
    assert "after 5 min" not in page.by_id("rules").text


def test_rule_with_a_wrong_delay_is_refused_beside_the_field(company: Company, open_screen: Open) -> None:
    form = open_screen("Ravi").open("/profile").form("/profile/notification-rules")

    page = form.send("Add", delay_minutes="-5", contact_method_id=next(iter(form.options("contact_method_id"))))

    assert page.errors() == {"rule-delay_minutes-error": "Write a whole number of 0 or more."}
    assert page.form("/profile/notification-rules").value("delay_minutes") == "-5"


def test_person_who_cannot_be_paged_is_marked(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    path = f"/people/{company.ravi.id}"
    page = screen.open(path)
    remove = next(each.get("action") for each in page.root.all("form") if "/contact-methods/" in each.get("action"))

    page = page.form(remove).send()

    assert "Ravi cannot be paged." in page.text
    assert "cannot be paged" in screen.open("/people").by_id("list").text


def test_how_somebody_else_is_reached_is_not_shown_to_everybody(company: Company, open_screen: Open) -> None:
    page = open_screen("Noor").open(f"/people/{company.ravi.id}")

    assert page.status == 200
    assert "Contact methods" not in page.text
    forged = page.screen.open("/profile").form("/profile/contact-methods")
    forged.action = f"/people/{company.ravi.id}/contact-methods"
    assert forged.send(address="noor@evil.example.com").status == 403


def test_token_is_shown_once_and_can_be_revoked(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ravi")

    page = screen.open("/profile").form("/profile/tokens").send("Make a token", name="deploy", scope="act")
    token = page.by_id("the-token").text
    answer = screen.client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "Ravi"
    page = screen.open("/profile")
    assert token not in page.html

    page.form("/profile/tokens/1/revoke").send("Revoke")
    screen.sign_out()
    assert screen.client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_changing_the_password_ends_the_other_sessions(company: Company, open_screen: Open) -> None:
    here, there = open_screen("Ravi"), open_screen("Ravi")
    form = here.open("/profile").form("/profile/password")

    wrong = form.send("Change it", old_password="wrong", new_password="an entirely new sentence")
    assert "password-old_password-error" in wrong.errors()
    page = form.send("Change it", old_password=PASSWORD, new_password="an entirely new sentence")

    assert "changed" in page.toasts
    assert there.open("/profile").heading == "Sign in"
    assert here.open("/profile").status == 200


def test_other_sessions_can_be_ended(company: Company, open_screen: Open) -> None:
    here, there = open_screen("Ravi"), open_screen("Ravi")

    page = here.open("/profile").form("/profile/sessions/revoke-others").send("End all others")

    assert "this one" in page.by_id("sessions").text
    assert there.open("/profile").heading == "Sign in"


def test_own_time_zone_is_the_one_of_every_page(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ravi")
    screen.open("/profile").form("/profile").send("Save", timezone="Asia/Tokyo")

    page = screen.open(f"/people/{company.ravi.id}")

    added = next(page.by_id("content").all("time"))
    assert added.get("title") == "2026-03-02 18:00:00 JST"


def test_list_of_people_is_narrowed(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")

    assert "Ravi" not in screen.open("/people?role=admin").by_id("list").text
    assert "Ada" not in screen.open("/people?q=rav").by_id("list").text
    assert "on call" in screen.open("/people?q=rav").by_id("list").text


def test_team_is_made_filled_and_deleted(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    page = screen.open("/teams/new").form("/teams").send("Make the team", name="Data", description="Numbers")
    path = page.path

    page = page.form(f"{path}/members").send("Add", user_id=company.ravi.id)
    assert "ravi@example.com" in page.by_id("members").text
    page = page.form(path).send("Save", extra_emails="data@example.com\nnumbers@example.com")
    team_id = int(path.rpartition("/")[2])
    emails = rt.db.read(lambda tx: queries.emails_by_team(tx, [team_id]))[team_id]
    assert emails == ["data@example.com", "numbers@example.com"]
    page = page.form(f"{path}/members/{company.ravi.id}/remove").send()
    assert "Nobody is in this team" in page.text
    assert page.form(f"{path}/delete").send("Delete").path == "/teams"


def code_in_the_outbox(rt: Runtime) -> str:
    """The code that the newest message carries, before it is sent."""
    newest = rt.db.read(lambda tx: outbox.list_notifications(tx, NotificationFilter(), PageQuery())).items[0]
    return str(re.findall(r"\b\d{6}\b", str(newest.facts))[0])


def dialog_of(action: str) -> str:
    """The id of the dialog that holds this form."""
    return f"verify-{action.split('/')[-2]}"


def test_quiet_hours_are_set_on_the_profile_and_an_impossible_digest_is_refused(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    screen = open_screen("Ravi")
    path = "/profile/quiet-hours"

    screen.open("/profile").form(path).send(quiet_from="22:00", quiet_to="07:00", digest_at="08:30")
    ravi = rt.db.read(lambda tx: queries.get_user(tx, company.ravi.id))
    assert (ravi.quiet_from, ravi.quiet_to, ravi.digest_at) == ("22:00", "07:00", "08:30")

    page = screen.open("/profile").form(path).send(digest_at="03:00")
    assert page.status == 422
    assert page.form(path).value("digest_at") == "03:00"
    assert "quiet-digest_at-error" in page.errors()


def test_admin_sets_somebodys_quiet_hours(rt: Runtime, company: Company, open_screen: Open) -> None:
    path = f"/people/{company.noor.id}"

    open_screen("Ada").open(path).form(f"{path}/quiet-hours").send(quiet_from="20:00", quiet_to="06:00")

    assert rt.db.read(lambda tx: queries.get_user(tx, company.noor.id)).quiet_to == "06:00"
