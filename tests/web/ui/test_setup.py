"""The guided set-up, page by page: what is made is said, what is refused stays, nothing comes double."""

import asyncio
from collections.abc import Callable

from app.alerts import queries as alerts
from app.alerts.types import AlertSource
from app.checks import queries as checks
from app.escalation import queries as policies
from app.incidents import queries as incidents
from app.intelligence import queries as intelligence
from app.pipeline import definition_queries as definitions
from app.platform.ports import HttpFailed, MailFailed
from app.platform.runtime import Runtime
from app.platform.types import PageQuery
from app.usecases import catalogue, deliver, run_pipeline, set_up
from tests.support.screen import Element, Page, Screen
from tests.support.world import World
from tests.web.ui.conftest import Company, Open

EVERYTHING = PageQuery(page_size=100)


def begin(screen: Screen, preset: str = "direct", **typed: str) -> Page:
    """Choose a goal and make its source, to page the admin alone."""
    path = f"/setup/{preset}"
    assert path in screen.open("/setup").links()
    form = screen.open(path).form(path)
    return form.send("Make the source and show its key", **{"name": "grafana-prod", "target": "me", **typed})


def source_named(rt: Runtime, name: str) -> AlertSource:
    """The source of that name."""
    found = rt.db.read(lambda tx: set_up.source_named(tx, name))
    assert found is not None
    return found


def work(rt: Runtime) -> None:
    """What a process does by itself: send, run the pipeline, send what that says, and look at what came of it."""

    async def passes() -> None:
        for _ in range(2):
            await run_pipeline.run_due(rt, rt.clock.now())
            await run_pipeline.drain(rt)
            await deliver.deliver_due(rt, rt.clock.now())
            await deliver.drain(rt)
        await run_pipeline.run_due(rt, rt.clock.now())
        await run_pipeline.drain(rt)

    asyncio.run(passes())


def lines(page: Page) -> dict[str, str]:
    """How each line of a test stands, by its title."""
    items = page.by_id("progress").all("li")
    return {of_class(item, "strong").text: of_class(item, "word").text for item in items}


def of_class(item: Element, name: str) -> Element:
    """The first element inside that has this class."""
    return next(each for each in item.all() if name in each.get("class").split())


def test_goals_are_the_six_of_the_presets_and_each_shows_its_chain(company: Company, open_screen: Open) -> None:
    page = open_screen("Ada").open("/setup")

    assert {f"/setup/{preset}" for preset in set_up.GOALS} <= page.links()
    drawn = [[item.text for item in each.all("li")] for each in page.root.all("ol") if each.get("class") == "boxes"]
    assert ["Alert", "Team is told"] in drawn
    assert ["Alert", "Checks", "Analysis", "Team is told"] in drawn


def test_who_may_not_set_up_sees_who_can(company: Company, open_screen: Open) -> None:
    screen = open_screen("Vera")
    page = screen.open("/setup")

    assert "Only an admin can set PagerPal up. Ask Ada" in page.text
    assert not {link for link in page.links() if link.startswith("/setup/")}
    assert screen.open("/setup/direct").status == 403


def test_step_that_a_goal_has_not_leads_on(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    begin(screen, "direct")
    page = screen.open(f"/setup/sources/{source_named(rt, 'grafana-prod').id}/findings")

    assert page.status == 200
    assert page.path.endswith("/team")


def test_whole_way_of_a_webhook_goal(rt: Runtime, world: World, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    page = begin(screen, driver="grafana")
    source = source_named(rt, "grafana-prod")
    assert page.path == f"/setup/sources/{source.id}"
    assert "«grafana-prod» is ready, and so is the policy «Page Ada»." in page.toasts
    key = page.by_id("the-key").raw.strip()
    assert key in page.by_id("curl-line").raw
    assert "Contact points" in page.by_id("setup").text
    assert "the-key" not in screen.open(page.path).html

    page = screen.open(f"{page.path}/team?kind=webhook").form(f"{page.path}/channels").send(
        "Make the channel", name="ops", **{"config.endpoint": "https://hooks.example.com/ops"}
    )  # fmt: skip
    assert "just as it is" in page.text
    page = page.form(f"/setup/sources/{source.id}/pipeline").send("Use it")
    assert page.path == f"/setup/sources/{source.id}/test"
    assert "Ada would be paged at once." in page.text

    page = page.form(page.path).send("Send the test alert")
    assert "This follows what happens by itself." in page.by_id("verdict").text
    work(rt)
    page = screen.open(page.path)
    assert lines(page) == {
        "Alert received": "done",
        "Incident #1 opened": "done",
        "Page to Ada, by email": "done",
        "Message to the team, by ops": "done",
    }
    assert page.by_id("verdict").text == "It went all the way."
    assert world.mail.sent[0].to.endswith("ada@example.com")

    page = page.form(f"/setup/sources/{source.id}/finish").send("End the test and finish")
    assert page.path == f"/setup/sources/{source.id}/done"
    assert {f"/alert-sources/{source.id}", "/channels/1"} <= page.links()
    assert not rt.db.read(lambda tx: incidents.get_incident(tx, 1)).status.is_open
    assert source_named(rt, "grafana-prod").pipeline == "direct"


def test_posting_twice_makes_nothing_double(rt: Runtime, company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")
    begin(screen)

    again = begin(screen)

    assert again.status == 409
    assert "grafana-prod" in again.errors()["name-error"]
    assert again.form("/setup/direct").value("name") == "grafana-prod"
    assert f"/setup/sources/{source_named(rt, 'grafana-prod').id}" in again.links()
    assert [each.name for each in rt.db.read(lambda tx: policies.list_policies(tx, EVERYTHING)).items] == [
        "Escalate", "Page Ada",
    ]  # fmt: skip


def test_refused_source_leaves_no_policy_behind(rt: Runtime, company: Company, open_screen: Open) -> None:
    page = begin(open_screen("Ada"), name="Prometheus")

    assert page.status == 409
    assert rt.db.read(lambda tx: policies.list_policies(tx, EVERYTHING)).total == 1


def test_second_person_alone_has_a_policy_of_their_own_and_the_first_is_used_again(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    begin(screen)
    begin(screen, name="another")

    first, second = source_named(rt, "grafana-prod"), source_named(rt, "another")
    assert first.escalation_policy_id == second.escalation_policy_id


def test_source_of_the_first_start_is_taken_over(rt: Runtime, company: Company, open_screen: Open) -> None:
    catalogue.delete_source(rt, source_id=company.source.id, actor=company.ada, now=rt.clock.now())
    first, printed = catalogue.create_source(rt, name="first-alert", actor=company.ada, now=rt.clock.now())

    page = begin(open_screen("Ada"), target=f"schedule:{company.schedule.id}")

    source = source_named(rt, "grafana-prod")
    assert (source.id, source.schedule_id, source.pipeline) == (first.id, company.schedule.id, "direct")
    assert len(rt.db.read(lambda tx: alerts.keys_of(tx, first.id, now=rt.clock.now()))) == 2
    client = page.screen.client
    for key in (printed, page.by_id("the-key").raw.strip()):
        answer = client.post("/alerts/webhook/generic/", json={"name": "Disk"}, headers={"x-api-key": key})
        assert answer.status_code == 202


def test_nowhere_for_now_where_there_are_channels_is_a_pipeline_that_tells_nobody(
    rt: Runtime, company: Company, open_screen: Open
) -> None:
    config = {"endpoint": "https://hooks.example.com/ops"}
    catalogue.create_channel(rt, name="ops", driver="webhook", config=config, actor=company.ada, now=rt.clock.now())
    page = begin(open_screen("Ada"))
    quiet = [each for each in page.screen.open(f"{page.path}/team").root.all("form") if "Nowhere" in each.text]
    assert quiet
    page = page.screen.open(f"{page.path}/pipeline?told=nobody")

    form = page.form(page.path.partition("?")[0])
    assert form.value("name") == "direct-grafana-prod"
    assert form.send("Make it and use it", name="no good").status == 422
    page = form.send("Make it and use it")

    assert "The pipeline «direct-grafana-prod» was made." in page.toasts
    plan = rt.db.read(lambda tx: definitions.get_plan(tx, "direct-grafana-prod"))
    assert [node.id for node in plan.nodes] == ["ingest"]
    assert form.send("Make it and use it").status == 409


def test_chosen_checks_and_an_ai_of_ones_own_become_a_pipeline(
    rt: Runtime, world: World, company: Company, open_screen: Open
) -> None:
    screen = open_screen("Ada")
    base = begin(screen, "full").path
    page = screen.open(f"{base}/findings")
    assert page.form(f"{base}/findings").value("provider") == "local"
    assert page.form(f"{base}/findings").send("Go on", checker=[]).status == 422

    page = screen.open(f"{base}/findings?kind=ollama").form(f"{base}/providers#new-provider").send(
        "Make Ollama ready", name="llama", **{"config.model": "small"}
    )  # fmt: skip
    assert page.form(f"{base}/findings").value("provider") == "llama"
    world.http.next.append(HttpFailed("connection refused"))
    failed = page.form(f"{base}/findings").send("Test the chosen one")
    assert "«llama» gave no analysis" in failed.toasts

    page = page.form(f"{base}/findings").send("Go on", checker=["cpu", "disk"], provider="local")
    page = page.screen.open(page.path.replace("/team?", "/pipeline?") + "&told=nobody")
    assert "CPU, Disk space" in page.text
    page.form(f"{base}/pipeline").send("Make it and use it", name="mine")

    plan = rt.db.read(lambda tx: definitions.get_plan(tx, "mine"))
    assert {node.id: node.config for node in plan.nodes} == {
        "ingest": {}, "check": {"checker_names": ["cpu", "disk"]}, "analyze": {"provider": "local"}, "notify": {},
    }  # fmt: skip
    assert source_named(rt, "grafana-prod").pipeline == "mine"
    active = rt.db.read(intelligence.find_active_provider)
    assert active is not None
    assert active.name == "llama"


def test_failed_page_shows_the_exact_error_and_what_to_do(
    rt: Runtime, world: World, company: Company, open_screen: Open
) -> None:
    base = begin(open_screen("Ada")).path
    world.mail.down = MailFailed("535 authentication failed", permanent=False)
    page = open_screen("Ada").open(f"{base}/test").form(f"{base}/test").send("Send the test alert")

    work(rt)
    page = page.screen.open(page.path)

    assert lines(page)["Page to Ada, by email"] == "failed"
    assert "535 authentication failed" in page.text
    assert "goes on trying" in page.text
    assert "Not all of it worked." in page.by_id("verdict").text


def test_test_that_is_sent_twice_at_once_is_one_test(rt: Runtime, company: Company, open_screen: Open) -> None:
    base = begin(open_screen("Ada")).path
    form = open_screen("Ada").open(f"{base}/test").form(f"{base}/test")

    first, second = form.send("Send the test alert"), form.send("Send the test alert")

    assert first.path == second.path
    assert rt.db.read(lambda tx: alerts.list_alerts(tx)).total == 1


def test_incident_of_another_source_is_no_test_of_this_one(
    company: Company, open_screen: Open, fire: Callable[..., int]
) -> None:
    base = begin(open_screen("Ada")).path

    assert open_screen("Ada").open(f"{base}/test?incident={fire('Disk full')}").status == 404


def test_way_leads_from_the_dashboard_and_the_settings(company: Company, open_screen: Open) -> None:
    screen = open_screen("Ada")

    assert "/setup" in screen.open("/dashboard").links()
    assert "/setup" in screen.open("/settings").links()
    assert "/setup" not in open_screen("Vera").open("/dashboard").links()


def test_goal_of_watching_this_server_sets_its_checks_up(rt: Runtime, company: Company, open_screen: Open) -> None:
    form = open_screen("Ada").open("/setup/local-smart").form("/setup/local-smart")
    assert {"cpu", "memory", "disk"} <= {value for name, value in form.values if name == "checker"}
    assert form.send("Watch this server", checker=[]).status == 422

    page = form.send("Watch this server", checker=["cpu", "network"], cadence="300", target=f"team:{company.team.id}")

    source = source_named(rt, "checks")
    assert page.path == f"/setup/sources/{source.id}/findings"
    assert (source.is_internal, source.pipeline, source.team_id) == (True, "local-smart", company.team.id)
    watched = {name: each.cadence_seconds for name, each in rt.db.read(checks.configs).items() if each.cadence_seconds}
    assert {name: watched.get(name) for name in ("cpu", "network", "memory")} == {
        "cpu": 300, "network": 300, "memory": None,
    }  # fmt: skip
    assert page.screen.open(f"/setup/sources/{source.id}").path == page.path

    page = page.form(page.path).send("Go on")
    page = page.screen.open(page.path.replace("/team?", "/pipeline?") + "&told=nobody")
    page = page.form(f"/setup/sources/{source.id}/pipeline").send("Use it")
    assert "Ravi and Noor would be paged at once." in page.text or "Ravi would be paged at once." in page.text
    assert "Alert received" in page.form(page.path).send("Send the test alert").text
