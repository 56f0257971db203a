"""The guided set-up: one step a page, each a plain form; what has been made is said, and nothing else is left behind.

Choices that make no row yet travel in the address from step to step; everything else stands in the rows.
"""

from contextlib import suppress
from dataclasses import replace

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.accounts.permissions import Permission
from app.alerts.errors import SourceNameTaken
from app.alerts.types import AlertSource
from app.incidents import queries as incidents
from app.intelligence import queries as intelligence
from app.intelligence.local import LOCAL
from app.intelligence.types import AnalysisStatus
from app.platform.db import Tx
from app.platform.errors import Conflict, NotFound, PagerPalError
from app.platform.types import PageQuery
from app.usecases import catalogue, intake, set_up, simulate, watch
from app.usecases.set_up import Choices, Goal, Progress
from app.usecases.watch import CheckStatus
from app.web.deps import Id
from app.web.ui.forms import Form, FormDep, QueryDep, wrong
from app.web.ui.sources import NEW_KEY
from app.web.ui.ui import Ui, UiDep
from app.web.ui.views import provider_kinds as ai, setup as views
from app.web.ui.views.channel_kinds import config_of, kind_of, kinds, values_of
from app.web.ui.views.simulate import outcome
from app.web.ui.views.sources import driver_options, source_page, target_of
from app.web.ui.words import took

PATH = "/setup/sources/{}/{}"


def index(ui: UiDep) -> Response:
    """«What do you want to do?»: the six goals; who may not set up sees who can."""
    return ui.page(
        "setup/index.html",
        "Set-up",
        lambda tx: {
            "cards": views.cards(),
            "admins": [] if ui.may(Permission.MANAGE_SYSTEM) else views.admins(tx),
        },
    )


def begin(preset: str, ui: UiDep) -> Response:
    """Where alerts come from, and whom they page."""
    goal = views.goal_named(preset)
    target = ui.rt.db.read(views.default_target)
    if goal.is_local:
        watched = [name for name, _, is_watched in ui.rt.db.read(views.watch_options) if is_watched]
        return _begin_page(ui, goal, Form.of(checker=watched, cadence="", target=target))
    return _begin_page(ui, goal, Form.of(name="", driver="auto", target=target, take_over=True))


def connect(preset: str, ui: UiDep, form: FormDep) -> Response:
    """Make the source, and show its key once; or have this server watched."""
    goal = views.goal_named(preset)
    if goal.is_local:
        return _watch(ui, goal, form)
    try:
        made = set_up.connect_source(
            ui.rt, preset=goal.preset, name=form.value("name"), driver=form.value("driver"),
            target=views.target_of(form, ui.viewer), take_over=form.is_on("take_over"), actor=ui.viewer, now=ui.now,
        )  # fmt: skip
    except PagerPalError as fault:
        return _begin_page(ui, goal, form.refused(fault, at="name"), fault.status)
    return ui.go(
        f"/setup/sources/{made.source.id}", views.said_of(made), secrets={f"{NEW_KEY}-{made.source.id}": made.key}
    )


def source(source_id: Id, ui: UiDep) -> Response:
    """The key, once, and what to enter at the tool; our own checks need neither."""
    found, goal = ui.rt.db.read(lambda tx: views.source_and_goal(tx, source_id))
    if found.is_internal:
        return ui.go(PATH.format(source_id, views.after_source(goal)))
    base_url, new_key = ui.rt.settings.pagerpal_base_url, ui.secret(f"{NEW_KEY}-{source_id}")

    def read(tx: Tx) -> dict[str, object]:
        page = source_page(tx, source_id, PageQuery(), base_url=base_url, new_key=new_key, now=ui.now)
        onward = views.after_source(goal)
        return {**page, "goal": goal, "steps": views.steps(goal, "Alerts"), "onward": onward}

    return ui.page("setup/source.html", "The key", read)


def findings(source_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """What is found out about an alert: which checks are made, who analyses."""
    return _findings_page(ui, source_id, query)


def choose_findings(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Go on with what was chosen; it makes nothing yet."""
    if form.is_on("has_checks") and not form.every("checker"):
        fault = wrong("checker", "Choose at least one check.")
        return _findings_page(ui, source_id, form.refused(fault), fault.status)
    return ui.go(f"{PATH.format(source_id, 'team')}?{views.carried(form)}")


def add_provider(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Set another provider up; the first one becomes the active one."""
    kind = ai.get_kind(form.value("driver"))
    try:
        made = set_up.add_provider(
            ui.rt, name=form.value("name"), provider=kind.name, config=ai.config_of(kind, form),
            description=form.value("description"), actor=ui.viewer, now=ui.now,
        )  # fmt: skip
    except PagerPalError as fault:
        return _findings_page(ui, source_id, Form(), fault.status, form.refused(fault, at="name"))
    address = f"{PATH.format(source_id, 'findings')}?{views.carried(form, provider=made.name)}"
    return ui.go(address, f"«{made.name}» is ready. Test whether it answers.")


async def try_provider(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Ask a provider about an incident that is made up."""
    name = form.value("provider")
    address = f"{PATH.format(source_id, 'findings')}?{views.carried(form, provider=name)}"
    if name == LOCAL:
        return ui.go(address, "The built-in analysis is part of PagerPal; it asks nobody and needs no test.")
    found = await ui.rt.db.run_read(lambda tx: intelligence.find_provider_named(tx, name))
    if found is None:
        raise NotFound("There is no such provider any more.")
    run = await catalogue.try_provider(ui.rt, provider_id=found.id)
    if run.status is AnalysisStatus.SUCCEEDED:
        return ui.go(address, f"«{name}» answered in {took(run.duration_ms)}.")
    return ui.go(address, f"«{name}» gave no analysis: {run.error_message}", kind="bad")


def team(source_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """Where the team hears of it."""
    return _team_page(ui, source_id, query)


def choose_team(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Go on with a channel that there is, or with none; it makes nothing yet."""
    return ui.go(f"{PATH.format(source_id, 'pipeline')}?{views.carried(form)}")


def add_channel(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Make a team channel, and go on with it."""
    kind = kind_of(form.value("driver"))
    try:
        made = catalogue.create_channel(
            ui.rt, name=form.value("name"), driver=kind.name, config=config_of(kind, form),
            description=form.value("description"), actor=ui.viewer, now=ui.now,
        )  # fmt: skip
    except PagerPalError as fault:
        return _team_page(ui, source_id, form, fault.status, form.refused(fault, at="name"))
    address = f"{PATH.format(source_id, 'pipeline')}?{views.carried(form, told=views.CHANNEL + made.name)}"
    return ui.go(address, f"The channel «{made.name}» is ready.")


def pipeline(source_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """The pipeline as it comes out: the preset, or a copy with a name of its own."""
    return _pipeline_page(ui, source_id, query)


def use_pipeline(source_id: Id, ui: UiDep, form: FormDep) -> Response:
    """Have the source follow it."""
    found, goal, choices = ui.rt.db.read(lambda tx: _chosen(tx, source_id, form))
    if choices is None:
        return ui.go(f"{PATH.format(source_id, 'team')}?{views.carried(form)}")
    try:
        used = set_up.use_pipeline(
            ui.rt, source_id=source_id, goal=goal, choices=choices, name=form.value("name"), actor=ui.viewer,
            now=ui.now,
        )  # fmt: skip
    except PagerPalError as fault:
        return _pipeline_page(ui, source_id, form.refused(fault, at="name"), fault.status)
    made = f"The pipeline «{used.pipeline}» was made. " if used.is_new else ""
    return ui.go(PATH.format(source_id, "test"), f"{made}«{found.name}» follows «{used.pipeline}».")


def test(source_id: Id, ui: UiDep, query: QueryDep) -> Response:
    """Whom a test pages; once it was sent, what becomes of it."""
    incident_id = query.maybe_id("incident")
    foreseen = None if incident_id else simulate.simulate_page(ui.rt, source_id=source_id, at=ui.now, now=ui.now)

    def read(tx: Tx) -> dict[str, object]:
        found, goal = views.source_and_goal(tx, source_id)
        shown = outcome(tx, foreseen, ui.zone, ui.now) if foreseen else None
        progress = _progress(tx, ui, found, incident_id) if incident_id else None
        return {"source": found, "goal": goal, "steps": views.steps(goal, "Test"), "foreseen": shown,
                "incident_id": incident_id, "progress": progress}  # fmt: skip

    return ui.page("setup/test.html", "Test", read)


def send_test(source_id: Id, ui: UiDep) -> Response:
    """Send the test alert."""
    try:
        incident_id = set_up.try_out(ui.rt, source_id=source_id, actor=ui.viewer, now=ui.now)
    except PagerPalError as fault:
        return ui.go(PATH.format(source_id, "test"), fault.message, kind="bad")
    return ui.go(f"{PATH.format(source_id, 'test')}?incident={incident_id}")


def finish(source_id: Id, ui: UiDep) -> Response:
    """Let the test alert recover, and show what there is now."""
    with suppress(Conflict):
        intake.recover_test_alerts(ui.rt, source_id=source_id, actor=ui.viewer, now=ui.now)
    return ui.go(PATH.format(source_id, "done"), "The test alert has recovered.")


def done(source_id: Id, ui: UiDep) -> Response:
    """What was set up, how to take it back, and what is still to do."""
    items = [item for item in watch.readiness(ui.rt, ui.now) if item.status is not CheckStatus.OK]

    def read(tx: Tx) -> dict[str, object]:
        found, goal = views.source_and_goal(tx, source_id)
        made = views.made(tx, found, goal, target_of(tx, found))
        return {"source": found, "goal": goal, "steps": views.steps(goal, "Done"), "made": made, "attention": items}

    return ui.page("setup/done.html", "It is set up", read)


def _watch(ui: Ui, goal: Goal, form: Form) -> Response:
    try:
        made = set_up.watch_this_host(
            ui.rt, preset=goal.preset, checkers=form.every("checker"), cadence_seconds=form.maybe_number("cadence"),
            target=views.target_of(form, ui.viewer), actor=ui.viewer, now=ui.now,
        )  # fmt: skip
    except PagerPalError as fault:
        return _begin_page(ui, goal, form.refused(fault, at="target"), fault.status)
    and_policy = f" The policy «{made.policy_made}» is ready, too." if made.policy_made else ""
    said = f"This server is watched; what turns bad comes by the source «{made.source.name}».{and_policy}"
    return ui.go(PATH.format(made.source.id, views.after_source(goal)), said)


def _begin_page(ui: Ui, goal: Goal, form: Form, status: int = 200) -> Response:
    def read(tx: Tx) -> dict[str, object]:
        return {
            "goal": goal,
            "steps": views.steps(goal, "Alerts"),
            "form": form,
            "drivers": driver_options(),
            "targets": views.targets(tx, ui.viewer),
            "watch": views.watch_options(tx),
            "cadences": views.CADENCES,
            "first": set_up.first_source(tx, now=ui.now),
            "taken": set_up.source_named(tx, form.value("name")) if status == SourceNameTaken.default_status else None,
        }

    return ui.page("setup/begin.html", goal.wish, read, status=status)


def _findings_page(ui: Ui, source_id: int, form: Form, status: int = 200, new: Form | None = None) -> Response:
    """`form` holds what is chosen, `new` a provider that was refused; a goal with nothing to choose goes on."""
    found, goal = ui.rt.db.read(lambda tx: views.source_and_goal(tx, source_id))
    if not views.has_findings(goal):
        return ui.go(PATH.format(source_id, "team"))
    name = new.value("driver") if new else form.value("kind")
    kind = ai.get_kind(name) if name else None

    def read(tx: Tx) -> dict[str, object]:
        return {
            "source": found, "goal": goal, "steps": views.steps(goal, "Findings"), **views.findings(tx, form),
            "kinds": [each for each in ai.kinds() if not each.is_local], "kind": kind,
            "new": new or _empty(ai.values_of(kind, {}) if kind else {}), "carried": views.carried(form),
        }  # fmt: skip

    return ui.page("setup/findings.html", "What is found out", read, status=status)


def _team_page(ui: Ui, source_id: int, form: Form, status: int = 200, new: Form | None = None) -> Response:
    """`form` holds what is chosen, `new` a channel that was refused."""
    name = new.value("driver") if new else form.value("kind")
    kind = kind_of(name) if name else None

    def read(tx: Tx) -> dict[str, object]:
        found, goal = views.source_and_goal(tx, source_id)
        return {
            "source": found, "goal": goal, "steps": views.steps(goal, "Team"), "channels": views.channel_options(tx),
            "form": form, "kinds": kinds(), "kind": kind,
            "new": new or _empty(values_of(kind, {}) if kind else {}), "carried": views.carried(form),
        }  # fmt: skip

    return ui.page("setup/team.html", "Where the team hears of it", read, status=status)


def _pipeline_page(ui: Ui, source_id: int, form: Form, status: int = 200) -> Response:
    found, goal, choices = ui.rt.db.read(lambda tx: _chosen(tx, source_id, form))
    if choices is None:
        return RedirectResponse(f"{PATH.format(source_id, 'team')}?{views.carried(form)}", status_code=303)
    name = form.value("name") or set_up.suggested_name(goal.preset, found.name)
    context = {
        "source": found, "goal": goal, "steps": views.steps(goal, "Pipeline"), "choices": choices,
        "boxes": views.chain(goal, choices), "carried": views.carried(form),
        "form": replace(form, values={**form.values, "name": (name,)}),
    }  # fmt: skip
    return ui.page("setup/pipeline.html", "The pipeline", lambda _tx: context, status=status)


def _chosen(tx: Tx, source_id: int, form: Form) -> tuple[AlertSource, Goal, Choices | None]:
    found, goal = views.source_and_goal(tx, source_id)
    return found, goal, views.choices_of(tx, goal, form)


def _progress(tx: Tx, ui: Ui, found: AlertSource, incident_id: int) -> Progress:
    if incidents.get_incident(tx, incident_id).source_id != found.id:
        raise NotFound(f"Incident {incident_id} is no test of «{found.name}».")
    return set_up.progress(tx, ui.rt.settings, incident_id, now=ui.now)


def _empty(values: dict[str, str]) -> Form:
    return Form.of(name="", description="", driver="", **values)
