"""The editor of levels works with buttons alone, keeps everything typed, and puts each error at its level."""

from app.escalation import queries
from app.escalation.types import Policy
from app.platform.runtime import Runtime
from tests.web.ui.conftest import Company, Open


def policy_of(rt: Runtime, policy_id: int) -> Policy:
    """The policy as it is stored."""
    return rt.db.read(lambda tx: queries.get_policy(tx, policy_id))


def test_policy_of_two_levels_is_made_with_buttons_alone(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/policies/new").form("/policies")

    page = form.send("Add another", name="Night", **{"assignee-1": [f"schedule:{company.schedule.id}"]})
    form = page.form("/policies")
    assert [value for name, value in form.values if name == "assignee-1"] == ["schedule:1", ""]
    page = form.send("Add a level", **{"delay-1": "5"})
    form = page.form("/policies")
    assert (form.value("name"), form.value("delay-1"), form.value("delay-2")) == ("Night", "5", "15")
    page = form.send(
        "Make the policy",
        repeat="2",
        **{"assignee-2": [f"user:{company.noor.id}", f"team:{company.team.id}"]},
    )

    stored = policy_of(rt, 2)
    assert page.path == "/policies/2"
    assert [(level.level, level.delay_minutes, len(level.assignees)) for level in stored.levels] == [
        (1, 5, 1),
        (2, 15, 2),
    ]
    assert stored.repeat == 2


def test_levels_are_moved_and_dropped_without_saving(rt: Runtime, company: Company, open_screen: Open) -> None:
    path = f"/policies/{company.policy.id}"
    form = open_screen("Ada").open(path).form(path)

    page = form.send("Move level 2 up")
    moved = page.form(path)
    assert [value for name, value in moved.values if name == "level"] == ["2", "1"]
    page = moved.send("Remove level 2")
    assert policy_of(rt, company.policy.id).version == 1

    page.form(path).send("Save as version 2")
    stored = policy_of(rt, company.policy.id)
    assert [level.assignees[0].type.value for level in stored.levels] == ["user"]
    assert stored.version == 2


def test_each_error_stands_at_its_level_and_nothing_is_lost(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/policies/new").form("/policies")

    page = form.send("Make the policy", name="Night", **{"delay-1": "soon"})

    assert page.status == 422
    assert "Write a whole number of minutes." in page.by_id("levels").text
    assert "Choose at least one person, team or schedule." in page.by_id("levels").text
    again = page.form("/policies")
    assert (again.value("name"), again.value("delay-1")) == ("Night", "soon")


def test_what_the_use_case_refuses_stands_at_its_level(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/policies/new").form("/policies")

    page = form.send("Make the policy", name="Night", **{"assignee-1": ["user:999"]})

    assert page.status == 422
    assert "user" in page.by_id("levels").text.split("choose a person")[0].lower()
    assert page.form("/policies").value("name") == "Night"


def test_name_that_is_taken_is_said(company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/policies/new").form("/policies")

    page = form.send("Make the policy", name="Escalate", **{"assignee-1": [f"user:{company.ravi.id}"]})

    assert page.status == 409
    assert "Escalate" in page.text


def test_policy_in_use_cannot_be_deleted_and_the_page_says_by_what(company: Company, open_screen: Open) -> None:
    path = f"/policies/{company.policy.id}"

    page = open_screen("Ada").open(path).form(f"{path}/delete").send("Delete")

    assert page.path == path
    assert "Prometheus" in page.toasts


def test_page_tells_the_policy_as_a_story(company: Company, open_screen: Open) -> None:
    story = open_screen("Vera").open(f"/policies/{company.policy.id}").by_id("story").text

    assert "Primary (Ravi)" in story
    assert "after 15 m without an answer" in story
    assert "Then all active admins." in story
