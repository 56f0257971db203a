"""The `pagerpal` command: each subcommand is one short function over a use case or a query."""

import argparse
import asyncio
import getpass
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from socket import socket
from types import FrameType
from typing import NoReturn

import uvicorn

from app import __version__, cli_setup
from app.checks.perfdata import plugin_output
from app.checks.rules import EXIT_STATUS, worst
from app.checks.types import CheckOrder, CheckRun, CheckStatus
from app.main import create_app
from app.pipeline import queries as pipelines
from app.pipeline.definitions import chain
from app.pipeline.types import RunStatus
from app.platform import failpoints, logs
from app.platform.clock import rfc3339
from app.platform.crews import leave_what_hangs
from app.platform.errors import Invalid, PagerPalError, StartRefused
from app.platform.memory import settle_memory
from app.platform.migrate import prepare_schema, schema_of, upgrade
from app.platform.runtime import Runtime, build_runtime
from app.platform.settings import Settings, load_settings
from app.platform.types import JsonObject
from app.platform.workers import refuse_many_workers
from app.usecases import deliver, intake, people, run_alarms, run_checks, run_pipeline, watch, watch_host
from app.usecases.watch import CheckStatus as ItemStatus
from app.web.greeting import greeting

FAILED = 1
# What a monitoring system makes of a plug-in that could not do its work.
NOT_KNOWN = EXIT_STATUS[CheckStatus.UNKNOWN]
DEMO = {"pagerpal_env": "development", "notification_sending_enabled": False}
# Open streams and requests under way get this long; sends under way get the rest of the 10 s that a stop may take.
GRACE_SECONDS = 4
LAST_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 30
# A run by hand is waited for this long; it goes on without us where a server runs.
RUN_SECONDS = 120.0
POLL_SECONDS = 0.2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status: 0 done, 1 refused or failed, 2 wrong usage.

    `check run` answers as monitoring plug-ins do: 0 ok, 1 warning, 2 critical, 3 unknown or failed.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    failed: int = arguments.failed
    try:
        status: int = arguments.run(arguments)
    except StartRefused as refused:
        return _failed(str(refused), failed)
    except Invalid as error:
        return _failed(" ".join([error.message, *(f"{each.path} {each.message}." for each in error.errors)]), failed)
    except PagerPalError as error:
        return _failed(error.message, failed)
    return status


def serve(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; an empty database is filled first. Raises StartRefused for what must not start."""
    settings = _with_links_to(arguments.port, load_settings(**DEMO) if arguments.demo else load_settings())
    refuse_many_workers(settings, sys.argv)
    logs.configure(settings)
    prepare_schema(settings.database_url, auto_migrate=settings.auto_migrate)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        log_config=None,
        access_log=arguments.access_log,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    settle_memory()
    _Server(config, app.state.runtime).run()
    return 0


def migrate(_arguments: argparse.Namespace) -> int:
    """Bring the database to this version's schema."""
    url = load_settings().database_url
    before = schema_of(url)
    upgrade(url)
    after = schema_of(url)
    print(f"The database is at {after.current}" + ("." if before.current == after.current else ", migrated just now."))
    return 0


def create_admin(arguments: argparse.Namespace) -> int:
    """Make an admin account; whoever is open and reached nobody is paged to them at once."""
    rt = _runtime()
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else _ask_twice()
    name = arguments.name or arguments.email.partition("@")[0]
    user = people.create_admin(rt, email=arguments.email, name=name, password=password, now=rt.clock.now())
    print(f"{user.name} <{user.email}> is an admin and can sign in at {rt.settings.pagerpal_base_url}/login")
    return 0


def send_test_alert(arguments: argparse.Namespace) -> int:
    """Open a test incident as a monitoring tool would, and say where to see it."""
    rt = _runtime()
    result = intake.send_test_alert(rt, source_name=arguments.source, now=rt.clock.now())
    print(f"Sent; see {rt.settings.pagerpal_base_url}/incidents/{result.incident_ids[0]}")
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Print the readiness checklist; 1 when a line of it is red."""
    if arguments.failpoints:
        for name, places in failpoints.named_places().items():
            print(f"{name:<36} {', '.join(places)}")
        return 0
    rt = _runtime()
    items = watch.readiness(rt, rt.clock.now())
    for item in items:
        print(f"{item.status.value:<5} {item.check:<16} {item.detail}")
    return FAILED if any(item.status is ItemStatus.FAIL for item in items) else 0


def setup(arguments: argparse.Namespace) -> int:
    """The guided set-up by questions or by options; 1 when its test did not go through."""
    return cli_setup.run(_runtime(), arguments)


def check_run(arguments: argparse.Namespace) -> int:
    """Make checks of this host, all that are switched on unless some are named; the worst decides the exit status."""
    rt = _runtime()
    failpoints.arm(rt.settings)
    orders = [CheckOrder(name) for name in dict.fromkeys(arguments.names)] or rt.db.read(run_checks.orders_for_all)
    made = asyncio.run(watch_host.check_now(rt, orders, now=rt.clock.now(), with_alerts=not arguments.no_alert))
    status = worst(each.status for each in made)
    if arguments.json:
        print(json.dumps({"status": status, "checks": [_shown_check(each) for each in made]}, indent=2))
    else:
        print("\n".join(plugin_output(status, made)))
    return EXIT_STATUS[status]


def pipeline_run(arguments: argparse.Namespace) -> int:
    """Run a pipeline by hand and wait for its end, or print what it would do; 1 when it failed."""
    rt = _runtime()
    payload = run_pipeline.SAMPLE if arguments.sample else None
    now = rt.clock.now()
    rehearsal = run_pipeline.rehearse(rt, pipeline_name=arguments.name, payload=payload, now=now)
    print(f"{rehearsal.plan.name}: {chain(rehearsal.plan)}")
    if arguments.dry_run:
        for each in rehearsal.alerts:
            print(f"alert    {each.name}")
        return 0
    started = run_pipeline.start(rt, pipeline_name=arguments.name, payload=payload, now=now)
    asyncio.run(_to_the_end(rt, started.run_id))
    return _print_trace(rt, started.run_id)


def pipeline_resume(arguments: argparse.Namespace) -> int:
    """Let a failed run go on, and wait for its end; 1 when it fails again."""
    rt = _runtime()
    run_pipeline.resume(rt, run_id=arguments.run_id, now=rt.clock.now())
    asyncio.run(_to_the_end(rt, arguments.run_id))
    return _print_trace(rt, arguments.run_id)


def pipeline_trace(arguments: argparse.Namespace) -> int:
    """Print every attempt of a run and what it came to; 1 when it failed."""
    return _print_trace(_runtime(), arguments.run_id)


async def _to_the_end(rt: Runtime, run_id: str) -> None:
    """Work on a run and its messages, beside the server if one runs, until it has ended or waits for others."""
    ends_at = rt.clock.monotonic() + RUN_SECONDS
    while rt.clock.monotonic() < ends_at:
        await run_pipeline.run_one(rt, run_id, rt.clock.now())
        await deliver.deliver_due(rt, rt.clock.now())
        run = await rt.db.run_read(lambda tx: pipelines.get_run(tx, run_id))
        if run.completed_at is not None:
            return
        await rt.clock.sleep(POLL_SECONDS)


def alarms_run(arguments: argparse.Namespace) -> int:
    """Ask every alarm now, or one; 1 when one of them could not be evaluated."""
    rt = _runtime()
    failpoints.arm(rt.settings)
    return asyncio.run(_alarms_run(rt, arguments))


async def _alarms_run(rt: Runtime, arguments: argparse.Namespace) -> int:
    run = run_alarms.dry_run if arguments.dry_run else run_alarms.run_now
    made = await run(rt, rt.clock.now(), name=arguments.name)
    if not arguments.dry_run:
        # No server need be running: whoever claims a message first sends it, and nobody else.
        await deliver.deliver_due(rt, rt.clock.now())
        await deliver.drain(rt)
    await rt.outside.close()
    for name, line in made.per_alarm.items():
        print(_alarm_line(name, line))
        for each in [*line.get("subjects", ()), *line.get("warnings", ())] if arguments.verbose else ():
            print(f"    {each}")
        if arguments.verbose and line["error_trace"]:
            print(line["error_trace"])
    return FAILED if made.errors else 0


def alarms_backtest(arguments: argparse.Namespace) -> int:
    """Play an alarm's past again, by its module and parameters of today, and say what it would have told."""
    rt = _runtime()
    told = asyncio.run(run_alarms.backtest(rt, name=arguments.name, days=arguments.days, now=rt.clock.now()))
    if told.first_at is None:
        print("Nothing is kept of this alarm in that time.")
        return 0
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(told.outcomes.items()))
    print(f"{told.ticks} ticks since {told.first_at:%Y-%m-%d %H:%M} UTC: {counts}")
    print(f"{told.fired} events, {told.cleared} cleared, {len(told.mails)} mails")
    for mail in told.mails:
        print(f"{mail.at:%Y-%m-%d %H:%M}  {'; '.join(mail.subjects)}")
    if told.last_error:
        print(f"last error: {told.last_error}")
    return 0


def _alarm_line(name: str, line: JsonObject) -> str:
    what = line.get("dropped") or line["error"]
    if not what:
        mails = line["bundle_new"] + line["bundle_renotify"]
        what = (
            f"{line['detections']} detections: {line['new']} new, {line['still_firing']} still firing, "
            f"{line['cleared']} cleared; {mails} to be mailed"
        )
    return f"{line['outcome']:<8} {name:<40} {what}"


def _print_trace(rt: Runtime, run_id: str) -> int:
    run = rt.db.read(lambda tx: pipelines.get_run(tx, run_id))
    print(f"run      {run.run_id}  trace {run.trace_id}")
    for each in rt.db.read(lambda tx: pipelines.stages_of(tx, run)):
        took = f"{each.duration_ms:.0f} ms" if each.duration_ms is not None else ""
        why = each.error_message or str(each.output_snapshot.get("reason") or "")
        print(f"{each.status:<9} {each.node_id:<12} attempt {each.attempt}  {took}  {why}".rstrip())
    print(f"{run.status}{f': {run.last_error_message}' if run.last_error_message else ''}")
    return FAILED if run.status is RunStatus.FAILED else 0


def _shown_check(made: CheckRun) -> JsonObject:
    return {**asdict(made), "executed_at": rfc3339(made.executed_at)}


class _Server(uvicorn.Server):
    """Says what to do next once the port is open."""

    def __init__(self, config: uvicorn.Config, rt: Runtime) -> None:
        super().__init__(config)
        self._rt = rt

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(await self._rt.db.aside(lambda: greeting(self._rt, self._url())), end="", flush=True)

    def _url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        return f"http://{shown}:{port}"


def _with_links_to(port: int, settings: Settings) -> Settings:
    # The default address names the default port: links in messages must not lead past the server that sent them.
    if not port or "pagerpal_base_url" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"pagerpal_base_url": f"http://127.0.0.1:{port}"})


def _runtime() -> Runtime:
    """A runtime for one command beside the server, on a schema that is this version's."""
    settings = load_settings(log_level="WARNING")
    logs.configure(settings)
    prepare_schema(settings.database_url, auto_migrate=settings.auto_migrate)
    return build_runtime(settings)


def _ask_twice() -> str:
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise StartRefused("The two passwords differ; nothing was changed.")
    return password


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # The server raises the signal again once it has stopped; an orderly stop ends with 0.
    leave_what_hangs(patience_seconds=LAST_SECONDS)
    raise SystemExit(0)


def _failed(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pagerpal", description="PagerPal: alerts in, the right person woken, once.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(failed=FAILED, parser=parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="run the server")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    command.add_argument("--port", default=8000, type=int, help="port to listen on; 0 takes a free one")
    command.add_argument("--demo", action="store_true", help="safe mode with a development key: nothing is sent")
    command.add_argument("--access-log", action="store_true", help="log every request")
    command.set_defaults(run=serve)

    command = commands.add_parser("migrate", help="bring the database to this version's schema")
    command.set_defaults(run=migrate)

    command = commands.add_parser("create-admin", help="make an admin account")
    command.add_argument("--email", required=True)
    command.add_argument("--name", help="the name that others see (default: the part of the address before @)")
    command.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")
    command.set_defaults(run=create_admin)

    command = commands.add_parser("send-test-alert", help="open a test incident and page for it")
    command.add_argument("--source", help="name of the alert source (default: the first one)")
    command.set_defaults(run=send_test_alert)

    command = commands.add_parser("doctor", help="print the readiness checklist; 1 when a line is red")
    command.add_argument("--failpoints", action="store_true", help="list the named places where a test may strike")
    command.set_defaults(run=doctor)
    command = commands.add_parser("setup", help="set up sources, people, channels and a pipeline, and try it")
    cli_setup.add_options(command)
    command.set_defaults(run=setup, parser=command)
    _add_check(commands.add_parser("check", help="measure this host"))
    _add_pipeline(commands.add_parser("pipeline", help="run pipelines by hand"))
    _add_alarms(commands.add_parser("alarms", help="ask alarms by hand"))
    return parser


def _add_check(group: argparse.ArgumentParser) -> None:
    commands = group.add_subparsers(required=True, metavar="COMMAND", parser_class=_MonitoringPlugin)
    command = commands.add_parser("run", help="make checks; exits with 0 ok, 1 warning, 2 critical, 3 unknown")
    command.add_argument("names", nargs="*", metavar="NAME", help="a checker (default: all that are switched on)")
    command.add_argument("--json", action="store_true", help="print everything that was found as JSON")
    command.add_argument("--no-alert", action="store_true", help="only look: what is bad makes no alert here")
    command.set_defaults(run=check_run, failed=NOT_KNOWN, parser=command)


def _add_pipeline(group: argparse.ArgumentParser) -> None:
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="run a pipeline by hand; pages nobody, tells the team's channels")
    command.add_argument("name", metavar="PIPELINE", help="a preset, or a definition of yours")
    command.add_argument("--sample", action="store_true", help="about a made-up alert instead of this host")
    command.add_argument("--dry-run", action="store_true", help="print the chain of nodes and do nothing")
    command.set_defaults(run=pipeline_run)
    command = commands.add_parser("resume", help="let a failed run go on from its last good stage")
    command.add_argument("run_id", metavar="RUN_ID")
    command.set_defaults(run=pipeline_resume)
    command = commands.add_parser("trace", help="print every attempt at a run's stages")
    command.add_argument("run_id", metavar="RUN_ID")
    command.set_defaults(run=pipeline_trace)


def _add_alarms(group: argparse.ArgumentParser) -> None:
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="ask every alarm now, and mail what is to be mailed")
    command.add_argument("name", nargs="?", metavar="NAME", help="one alarm alone")
    command.add_argument("--dry-run", action="store_true", help="store nothing and mail nothing")
    command.add_argument("-v", "--verbose", action="store_true", help="print every detection, warning and trace")
    command.set_defaults(run=alarms_run)
    command = commands.add_parser("backtest", help="play an alarm's past again by its settings of today")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--days", type=int, default=30, metavar="N", choices=range(1, 31))
    command.set_defaults(run=alarms_backtest)


class _MonitoringPlugin(argparse.ArgumentParser):
    """Wrong usage is «unknown» to a monitoring system; argparse's own 2 would be «critical»."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(NOT_KNOWN, f"{self.prog}: {message}\n")
