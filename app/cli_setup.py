"""`pagerpal setup`: the guided set-up at a terminal, by questions or by options; it makes what `/setup` makes."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from app.accounts import queries as people
from app.accounts.types import Team, User
from app.alerts.detection import drivers, find_driver
from app.alerts.options import AUTO
from app.escalation import queries as escalation
from app.escalation.types import Policy
from app.notify import queries as notify
from app.notify.channels._base import ChannelConfig
from app.notify.kinds import channel_kinds, kind_named
from app.oncall import queries as oncall
from app.oncall.types import Schedule
from app.pipeline import queries as pipelines
from app.platform import strictjson
from app.platform.configs import key_of, secret_fields
from app.platform.db import Tx
from app.platform.errors import Conflict, FieldError, Invalid, NotFound
from app.platform.runtime import Runtime
from app.platform.strictjson import MalformedJson
from app.platform.types import MAX_PAGE_SIZE, JsonObject, PageQuery
from app.usecases import catalogue, deliver, intake, run_pipeline, set_up
from app.usecases.set_up import GOALS, Connected, Goal, Progress, State, Target
from app.web.ui.views.sources import setup_text, webhook_url

ME = "me"
FAILED = 1
# A test is followed this long; it goes on without us where a server runs.
TEST_SECONDS = 90.0
POLL_SECONDS = 0.2
EVERYTHING = PageQuery(page_size=MAX_PAGE_SIZE)
MARKS = {State.GOOD: "ok", State.WAITING: "wait", State.NONE: "-", State.BAD: "fail"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be set up; names that are empty were not said."""

    preset: str
    source: str
    driver: str
    pages: str
    checkers: tuple[str, ...]
    every: int | None
    provider: str
    provider_kind: str
    provider_config: JsonObject
    channel: str
    channel_driver: str
    channel_config: JsonObject
    tells_nobody: bool
    pipeline: str
    is_tested: bool


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of the command; without --preset they are asked for."""
    command.add_argument("--preset", choices=list(GOALS), help="what you want to do (asked for on a terminal)")
    command.add_argument("--ask", action="store_true", help="ask for what is not said, also where this is no terminal")
    command.add_argument("--as", dest="admin", metavar="EMAIL", help="the admin who does it (default: the first one)")
    command.add_argument("--source", default="", help="name of the new alert source")
    command.add_argument("--driver", default=AUTO, help="the tool that posts (default: found out by itself)")
    command.add_argument(
        "--pages", default=ME, metavar="WHOM", help="me, policy:NAME, schedule:NAME or team:NAME (default: me)"
    )
    command.add_argument("--check", action="append", default=[], metavar="NAME", help="a checker; may be repeated")
    command.add_argument("--every", type=int, metavar="SECONDS", help="how often this server is checked")
    command.add_argument("--provider", default="", help="who analyses: a provider's name, or local")
    command.add_argument("--provider-kind", default="", help="set a provider of this kind up, by that name")
    command.add_argument("--provider-config-stdin", action="store_true", help="its settings: one line of JSON")
    command.add_argument("--channel", default="", help="the team channel that is told: its name")
    command.add_argument("--channel-driver", default="", help="make a channel of this kind, by that name")
    command.add_argument("--channel-config-stdin", action="store_true", help="its settings: one line of JSON, first")
    command.add_argument("--no-channel", action="store_true", help="tell no team")
    command.add_argument("--pipeline", default="", help="name of the pipeline, where it is not the preset itself")
    command.add_argument("--no-test", action="store_true", help="send no test alert")


def run(rt: Runtime, arguments: argparse.Namespace) -> int:
    """Set up what the options say, or what is answered; 1 when the test did not go through."""
    if arguments.preset is None and not (arguments.ask or sys.stdin.isatty()):
        arguments.parser.error("say --preset, or run it on a terminal")
    admin = rt.db.read(lambda tx: _admin(tx, arguments.admin))
    wanted = _of_options(arguments) if arguments.preset else _asked(rt)
    goal = GOALS[wanted.preset]
    _require_new(rt, goal, wanted)
    provider, channel = _provider(rt, wanted, admin), _channel(rt, wanted, admin)
    made = _source(rt, goal, wanted, admin)
    _print_source(rt, made)
    checkers = wanted.checkers if wanted.checkers and not goal.is_local else None
    choices = rt.db.read(lambda tx: set_up.chosen(tx, goal, checkers=checkers, provider=provider, channel=channel))
    name = wanted.pipeline or set_up.suggested_name(goal.preset, made.source.name)
    used = set_up.use_pipeline(
        rt, source_id=made.source.id, goal=goal, choices=choices, name=name, actor=admin, now=rt.clock.now()
    )
    print(f"pipeline {used.pipeline}{', made for it' if used.is_new else ''}")
    print(f"team     {channel or 'nobody is told for now'}")
    return _test(rt, made, admin) if wanted.is_tested else 0


def _of_options(arguments: argparse.Namespace) -> Wanted:
    channel_config = _line_of_json("channel") if arguments.channel_config_stdin else {}
    provider_config = _line_of_json("provider") if arguments.provider_config_stdin else {}
    return Wanted(
        preset=arguments.preset,
        source=arguments.source,
        driver=arguments.driver,
        pages=arguments.pages,
        checkers=tuple(arguments.check),
        every=arguments.every,
        provider=arguments.provider or arguments.provider_kind,
        provider_kind=arguments.provider_kind,
        provider_config=provider_config,
        channel=arguments.channel or arguments.channel_driver,
        channel_driver=arguments.channel_driver,
        channel_config=channel_config,
        tells_nobody=arguments.no_channel,
        pipeline=arguments.pipeline,
        is_tested=not arguments.no_test,
    )


def _asked(rt: Runtime) -> Wanted:
    """The same by questions; an empty answer takes what stands in brackets."""
    print("What do you want to do?")
    for number, goal in enumerate(GOALS.values(), 1):
        print(f"  {number}  {goal.wish} ({goal.preset}), from {goal.alerts_from}")
    numbers = {str(number): preset for number, preset in enumerate(GOALS, 1)}
    preset = numbers[_ask("Number", known=list(numbers))]
    goal = GOALS[preset]
    names = [AUTO, *(entry.name for entry in drivers())]
    source = "" if goal.is_local else _ask("Name of the source")
    driver = AUTO if goal.is_local else _ask(f"Tool: {', '.join(names)}", AUTO, known=names)
    pages = _ask("Who is paged: me, policy:NAME, schedule:NAME or team:NAME", ME)
    provider = _ask("Who analyses: local, or a provider's name", "local") if goal.has_analysis else ""
    there_are = [each.name for each in rt.db.read(notify.active_channels)]
    kinds = [name for name, kind in channel_kinds().items() if kind.for_teams]
    said = ", ".join([*there_are, *kinds])
    channel = _ask(f"Where the team hears of it, a channel or a kind of a new one: {said}", "nowhere")
    is_new = channel not in there_are and kind_named(channel, rt.settings) in kinds
    return Wanted(
        preset=preset,
        source=source,
        driver=driver,
        pages=pages,
        checkers=(),
        every=None,
        provider=provider,
        provider_kind="",
        provider_config={},
        channel=_ask("Name of the channel", channel) if is_new else "" if channel == "nowhere" else channel,
        channel_driver=channel if is_new else "",
        channel_config=_asked_config(kind_named(channel, rt.settings)) if is_new else {},
        tells_nobody=channel == "nowhere",
        pipeline="",
        is_tested=_ask("Send a test alert when it is ready", "yes", known=["yes", "no"]) == "yes",
    )


def _ask(question: str, default: str = "", *, known: Sequence[str] = ()) -> str:
    while True:
        typed = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
        if typed and (not known or typed in known):
            return typed


def _asked_config(kind: str) -> JsonObject:
    """What a kind needs, and what it may need; what every kind has can be set later."""
    model = channel_kinds()[kind].config_model
    config: JsonObject = {}
    for name, info in model.model_fields.items():
        if name in ChannelConfig.model_fields or (not info.is_required() and info.get_default() not in ("", ())):
            continue
        key = key_of(name, info)
        read: Callable[[str], str] = getpass.getpass if key in secret_fields(model) and sys.stdin.isatty() else input
        typed = read(f"{key}{'' if info.is_required() else ' (may be empty)'}: ").strip()
        if typed:
            config[key] = typed
    return config


def _admin(tx: Tx, email: str | None) -> User:
    admins = [each for each in people.active_admins(tx) if email is None or each.email == email.casefold()]
    if not admins:
        raise NotFound("There is no such admin; make the first one with: python -m app create-admin --email …")
    return min(admins, key=lambda each: each.id)


def _require_new(rt: Runtime, goal: Goal, wanted: Wanted) -> None:
    """Before anything is made: what would be refused at the end."""
    if goal.is_local:
        return
    if not wanted.source:
        raise Invalid("The alert source needs a name.", [FieldError("--source", "says what it is called")])
    if rt.db.read(lambda tx: set_up.source_named(tx, wanted.source)):
        raise Invalid(f"There is an alert source «{wanted.source}» already; nothing was changed.")
    if wanted.driver != AUTO and find_driver(wanted.driver) is None:
        raise Invalid(f"There is no tool {wanted.driver}; there are {', '.join(each.name for each in drivers())}.")
    rt.db.read(lambda tx: _target(tx, wanted.pages, 0))


def _target(tx: Tx, pages: str, person_id: int) -> Target:
    kind, _, name = pages.partition(":")
    if pages == ME:
        return Target(person_id=person_id)
    things: Sequence[Policy | Schedule | Team] = ()
    if kind == "policy":
        things = escalation.list_policies(tx, EVERYTHING).items
    elif kind == "schedule":
        things = oncall.list_schedules(tx, EVERYTHING).items
    elif kind == "team":
        things = people.list_teams(tx, EVERYTHING).items
    found = next((each for each in things if each.name == name), None)
    if found is None:
        raise NotFound(f"--pages: there is no {pages}; say me, policy:NAME, schedule:NAME or team:NAME.")
    return Target(**{f"{kind}_id": found.id})


def _provider(rt: Runtime, wanted: Wanted, admin: User) -> str | None:
    if wanted.provider_kind:
        set_up.add_provider(
            rt, name=wanted.provider, provider=wanted.provider_kind, config=wanted.provider_config, actor=admin,
            now=rt.clock.now(),
        )  # fmt: skip
    return wanted.provider or None


def _channel(rt: Runtime, wanted: Wanted, admin: User) -> str | None:
    """The channel that is told: a new one, the one that was named, or the one that the preset tells anyway."""
    if wanted.tells_nobody:
        return None
    if wanted.channel_driver:
        catalogue.create_channel(
            rt, name=wanted.channel, driver=wanted.channel_driver, config=wanted.channel_config, actor=admin,
            now=rt.clock.now(),
        )  # fmt: skip
    usual = [each.name for each in rt.db.read(notify.active_channels)[:1]]
    return wanted.channel or next(iter(usual), None)


def _source(rt: Runtime, goal: Goal, wanted: Wanted, admin: User) -> Connected:
    target = rt.db.read(lambda tx: _target(tx, wanted.pages, admin.id))
    if goal.is_local:
        watched = rt.db.read(set_up.watched_checkers)
        return set_up.watch_this_host(
            rt, preset=goal.preset, checkers=wanted.checkers or watched, cadence_seconds=wanted.every, target=target,
            actor=admin, now=rt.clock.now(),
        )  # fmt: skip
    return set_up.connect_source(
        rt, preset=goal.preset, name=wanted.source, driver=wanted.driver, target=target, actor=admin, take_over=True,
        now=rt.clock.now(),
    )  # fmt: skip


def _print_source(rt: Runtime, made: Connected) -> None:
    took_over = f", which was «{catalogue.FIRST_SOURCE}» before" if made.took_over else ""
    policy = f", with the policy «{made.policy_made}»" if made.policy_made else ""
    print(f"source   {made.source.name}{took_over}{policy}")
    if not made.key:
        return
    url = webhook_url(rt.settings.pagerpal_base_url, made.source.driver)
    entry = find_driver(made.source.driver)
    print(f"address  {url}\nkey      {made.key}   (shown only now)")
    if entry:
        print(f"         {setup_text(entry.driver, url, made.key)}")


def _test(rt: Runtime, made: Connected, admin: User) -> int:
    incident_id = set_up.try_out(rt, source_id=made.source.id, actor=admin, now=rt.clock.now())
    found = asyncio.run(_followed(rt, made.source.id, incident_id, admin))
    for line in found.lines:
        print(f"{MARKS[line.state]:<8} {line.title}{f': {line.said}' if line.said else ''}")
        if line.advice:
            print(f"         {line.advice}")
    print(f"The test alert has recovered; see {rt.settings.pagerpal_base_url}/incidents/{incident_id}")
    return 0 if found.went_through else FAILED


async def _followed(rt: Runtime, source_id: int, incident_id: int, admin: User) -> Progress:
    """Work on a test, beside the server if one runs, until nothing is waited for any more; then let it recover."""
    ends_at = rt.clock.monotonic() + TEST_SECONDS
    while True:
        for each in (await rt.db.run_read(lambda tx: pipelines.runs_of(tx, incident_id)))[:1]:
            await run_pipeline.run_one(rt, each.run_id, rt.clock.now())
        await deliver.deliver_due(rt, rt.clock.now())
        found = await rt.db.run_read(lambda tx: set_up.progress(tx, rt.settings, incident_id, now=rt.clock.now()))
        if found.is_over or rt.clock.monotonic() >= ends_at:
            break
        await rt.clock.sleep(POLL_SECONDS)
    with suppress(Conflict):
        recover = partial(intake.recover_test_alerts, rt, source_id=source_id, actor=admin, now=rt.clock.now())
        await rt.db.aside(recover)
    await deliver.deliver_due(rt, rt.clock.now())
    await deliver.drain(rt)
    await rt.outside.close()
    return found


def _line_of_json(what: str) -> JsonObject:
    try:
        found = strictjson.loads(sys.stdin.readline().encode())
    except MalformedJson as malformed:
        raise Invalid(f"The settings of the {what} must be one line of JSON: {malformed.message}") from None
    if not isinstance(found, dict):
        raise Invalid(f"The settings of the {what} must be a JSON object.")
    return found
