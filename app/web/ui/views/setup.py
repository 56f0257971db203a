"""The guided set-up as values: the goals with their chains, the steps, what each page asks, what was made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from app.accounts import queries as people
from app.accounts.types import User
from app.alerts import queries as alerts
from app.alerts.types import AlertSource
from app.checks import kinds, queries as checks
from app.intelligence import queries as intelligence
from app.intelligence.kinds import all_kinds
from app.intelligence.local import LOCAL
from app.notify import queries as notify
from app.pipeline import definition_queries as definitions
from app.pipeline.types import NodeType
from app.platform.db import Tx
from app.platform.errors import NotFound
from app.usecases import catalogue, run_checks, set_up
from app.usecases.set_up import Choices, Connected, Goal, Target
from app.web.ui.forms import Form
from app.web.ui.views.channel_kinds import EMAIL, labels
from app.web.ui.views.choices import EVERYTHING, Group, Option, not_in_list, paging_targets
from app.web.ui.views.sources import Target as Place

ME = "me"
NOBODY = "nobody"
CHANNEL = "channel:"
CADENCES: list[Option] = [
    ("", "each as it is set up"), ("60", "every minute"), ("300", "every 5 minutes"), ("900", "every 15 minutes"),
    ("3600", "every hour"),
]  # fmt: skip
# What each box of a drawing is called, and its icon.
BOXES = {
    NodeType.INGEST: ("Alert", "source"),
    NodeType.CONTEXT: ("Checks", "shield"),
    NodeType.INTELLIGENCE: ("Analysis", "search"),
    NodeType.TRANSFORM: ("Transform", "policy"),
    NodeType.NOTIFY: ("Team is told", "channel"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """One box of the drawing of a chain; `said` is what is particular about it."""

    text: str
    icon: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """One thing of a set-up: what it is, its name and place, and how to take it back."""

    what: str
    name: str
    href: str
    undo: str


@dataclass(frozen=True, slots=True)
class Card:
    """A goal as a card."""

    goal: Goal
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the way; `state` is done, here or ahead."""

    text: str
    state: str


def cards() -> list[Card]:
    """The six goals, each with its chain."""
    return [Card(goal, chain(goal)) for goal in set_up.GOALS.values()]


def goal_named(preset: str) -> Goal:
    """The goal of this preset. Raises NotFound."""
    found = set_up.GOALS.get(preset)
    if found is None:
        raise NotFound("There is no such goal; choose one of the six.")
    return found


def steps(goal: Goal, here: str) -> list[Step]:
    """The way with a mark where the reader is."""
    words = ["What", "Alerts", *(["Findings"] if has_findings(goal) else []), "Team", "Pipeline", "Test", "Done"]
    at = words.index(here)
    states = ["done" if index < at else "here" if index == at else "ahead" for index in range(len(words))]
    return [Step(text, state) for text, state in zip(words, states, strict=True)]


def has_findings(goal: Goal) -> bool:
    """Whether there is anything to choose about checks or analysis once the source is there."""
    return goal.has_analysis or (goal.has_checks and not goal.is_local)


def after_source(goal: Goal) -> str:
    """The step that follows when there is a source."""
    return "findings" if has_findings(goal) else "team"


def chain(goal: Goal, choices: Choices = Choices()) -> list[Box]:  # noqa: B008  frozen
    """The drawing of what happens to an alert, with what was chosen in it."""
    particular = {
        NodeType.CONTEXT: ", ".join(kinds.get_checker(name).label for name in choices.checkers or ()),
        NodeType.INTELLIGENCE: "the local analysis" if choices.provider == LOCAL else choices.provider or "",
        NodeType.NOTIFY: choices.channel or "",
    }
    nodes = [node for node in goal.plan.nodes if node.type is not NodeType.NOTIFY or not choices.is_quiet]
    boxes = [Box(*BOXES[node.type], said=particular.get(node.type, "")) for node in nodes]
    return [Box("Local check", "shield"), *boxes[2:]] if goal.is_local and choices.is_preset else boxes


def said_of(made: Connected) -> str:
    """What was made of a source, in a sentence."""
    policy = f", and so is the policy «{made.policy_made}»" if made.policy_made else ""
    before = f" It was «{catalogue.FIRST_SOURCE}» before." if made.took_over else ""
    return f"«{made.source.name}» is ready{policy}.{before}"


def source_and_goal(tx: Tx, source_id: int) -> tuple[AlertSource, Goal]:
    """The source that is being set up, and what for. Raises SourceNotFound, NotFound."""
    source = alerts.get_source(tx, source_id)
    goal = set_up.goal_of(tx, source)
    if goal is None:
        raise NotFound(f"«{source.name}» follows a pipeline of your own; the guided set-up does not touch it.")
    return source, goal


def targets(tx: Tx, viewer: User) -> list[Option | Group]:
    """Whom a source can page, the viewer alone first."""
    teams: Group = ("Teams", [(f"team:{team.id}", team.name) for team in people.list_teams(tx, EVERYTHING).items])
    return [(ME, _me(tx, viewer)), *paging_targets(tx, "")[1:], *([teams] if teams[1] else [])]


def default_target(tx: Tx) -> str:
    """The first policy or schedule there is, else the viewer alone."""
    groups = [pairs for _, pairs in paging_targets(tx, "")[1:] if not isinstance(pairs, str)]
    return groups[0][0][0] if groups else ME


def target_of(form: Form, viewer: User) -> Target:
    """Whom the form says. Raises Invalid."""
    kind, _, number = form.value("target").partition(":")
    if kind == ME:
        return Target(person_id=viewer.id)
    if kind not in ("policy", "schedule", "team") or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise not_in_list("target")
    return Target(**{f"{kind}_id": int(number)})


def choices_of(tx: Tx, goal: Goal, form: Form) -> Choices | None:
    """What the steps before chose, as the address carries it; None while the team's step is still to come."""
    told = form.value("told")
    if told != NOBODY and not told.startswith(CHANNEL):
        return None
    channel = told.removeprefix(CHANNEL) if told != NOBODY else None
    checkers = form.every("checker") or None
    return set_up.chosen(tx, goal, checkers=checkers, provider=form.value("provider") or None, channel=channel)


def carried(form: Form, **more: str) -> str:
    """What the steps before chose, for the address of the next one."""
    pairs = [("checker", each) for each in form.every("checker")]
    pairs += [(name, form.value(name)) for name in ("provider", "told") if form.value(name) and name not in more]
    return urlencode([*pairs, *more.items()])


def checker_options(tx: Tx) -> list[tuple[str, str]]:
    """The checkers that are switched on and have something to measure here."""
    return [(order.checker, kinds.get_checker(order.checker).label) for order in run_checks.orders_for_all(tx)]


def watch_options(tx: Tx) -> list[tuple[str, str, bool]]:
    """What of this server can be watched, and whether it is; what has nothing to look at yet is left out."""
    return [
        (name, kinds.get_checker(name).label, kinds.is_watched(config))
        for name, config in checks.configs(tx).items()
        if kinds.applies_here(kinds.get_checker(name)) and kinds.has_something(config)
    ]


def provider_options(tx: Tx) -> list[tuple[str, str, str]]:
    """Who can analyse: the built-in one first, then those that were set up."""
    active = intelligence.find_active_provider(tx)
    built_in = (LOCAL, "The built-in local analysis", "Needs no account; nothing leaves this machine.")
    others = [
        (
            each.name,
            each.name,
            f"{_kind_of(each.provider)}{', the active one' if active and active.id == each.id else ''}",
        )
        for each in intelligence.list_providers(tx, EVERYTHING).items
        if each.provider != LOCAL
    ]
    return [built_in, *others]


def _kind_of(provider: str) -> str:
    kind = all_kinds().get(provider)
    return kind.label if kind else provider


def findings(tx: Tx, form: Form) -> dict[str, object]:
    """What can be chosen about checks and analysis, with what has been chosen, else what is usual, marked."""
    active = intelligence.find_active_provider(tx)
    checkers = checker_options(tx)
    usual = LOCAL if active is None or active.provider == LOCAL else active.name
    typed = {
        "checker": tuple(form.every("checker")) or tuple(name for name, _ in checkers),
        "provider": (form.value("provider") or usual,),
    }
    if form.error("checker"):
        del typed["checker"]
    shown = replace(form, values={**form.values, **typed})
    return {"form": shown, "checkers": checkers, "providers": provider_options(tx)}


def channel_options(tx: Tx) -> list[Option]:
    """The team channels that are switched on, each with its kind."""
    called = labels()
    return [
        (f"{CHANNEL}{each.name}", f"{each.name} ({called.get(each.driver, each.driver)})")
        for each in notify.active_channels(tx)
    ]


def admins(tx: Tx) -> Sequence[User]:
    """Who can set PagerPal up."""
    return [user for user in people.active_admins(tx) if user.login_enabled]


def made(tx: Tx, source: AlertSource, goal: Goal, target: Place) -> list[Made]:
    """What belongs to the set-up of a source, each with its place and how to take it back."""
    found = [
        Made("Alert source", source.name, f"/alert-sources/{source.id}",
             "Switch it off or delete it there; its key ends at once."),
        Made("Who is paged", target.text, target.href, "Choose somebody else in the source's settings."),
        Made("Pipeline", source.pipeline, f"/pipelines/{source.pipeline}", "Choose another in the source's settings."),
    ]  # fmt: skip
    plan = definitions.get_plan(tx, source.pipeline)
    names = [name for node in plan.nodes if node.type is NodeType.NOTIFY for name in node.config.get("channels", ())]
    is_told = any(node.type is NodeType.NOTIFY for node in plan.nodes)
    told = notify.active_channels(tx, names) if names else notify.active_channels(tx)[:1] if is_told else []
    found += [Made("Team channel", each.name, f"/channels/{each.id}", "Switch it off there.") for each in told]
    if not told:
        found.append(Made("Team channel", "none for now", "/channels", "Make one, and run the set-up again."))
    if goal.has_analysis:
        active = intelligence.find_active_provider(tx)
        chosen = next((str(node.config["provider"]) for node in plan.nodes if "provider" in node.config), None)
        name = chosen or (active.name if active else LOCAL)
        words = "the built-in local analysis" if name == LOCAL else name
        found.append(Made("Analysis", words, "/intelligence-providers", "Choose another there."))
    return found


def _me(tx: Tx, viewer: User) -> str:
    called = labels()
    ways = dict.fromkeys(each.channel for each in people.contact_methods_of(tx, viewer.id) if each.verified_at)
    by = " and ".join("email" if way == EMAIL else called.get(way, way) for way in ways)
    own = set_up.own_policy(tx, viewer)
    said = f"by {by}" if by else "who has no verified contact method yet"
    return f"Me, {viewer.name}, {said}" + (f" (policy «{own.name}»)" if own else "")
