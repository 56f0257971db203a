"""`scripts/prove`: runs one proof, prints one table, and ends with 1 when a promise was broken."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from app.platform import logs
from app.platform.settings import Settings
from tests.kill.loop import Plan, Report, kill_and_judge
from tests.kill.stages import stages
from tests.kill.storm import storm
from tests.kill.takeover import takeover
from tests.prove import faults
from tests.prove.agree import agree, made_up
from tests.prove.alarms import simulate
from tests.prove.beside import ingest_beside_analyses
from tests.prove.schedules import TEN_YEARS_SECONDS, judge, judge_again, ten_years
from tests.security.attack import assault
from tests.service.rota.conftest import new_duty
from tests.service.rota.test_races import race
from tests.support.people import add_admin
from tests.support.postgres import running_cluster

Table = list[tuple[str, str]]


def main(arguments: Sequence[str]) -> int:
    """Run one proof."""
    parser = argparse.ArgumentParser(prog="scripts/prove", description="Show what the product promises.")
    proofs = parser.add_subparsers(dest="proof", required=True)
    kill = proofs.add_parser("kill", help="SIGKILL under load, at random moments and at named places")
    kill.add_argument("--sqlite", type=int, default=100, metavar="KILLS")
    kill.add_argument("--postgres", type=int, default=25, metavar="KILLS")
    kill.add_argument("--check-every", type=int, default=25, metavar="KILLS")
    hostile = proofs.add_parser("hostile", help="generated bodies: no 5xx, no good alert lost")
    hostile.add_argument("--cases", type=int, default=100_000)
    schedules = proofs.add_parser("schedules", help="who is on call, in every zone, against an oracle")
    schedules.add_argument("--cases", type=int, default=5_000_000)
    schedules.add_argument("--again", nargs=2, metavar=("ZONE", "SEED"), help="look at one violation again")
    doors = proofs.add_parser("agree", help="pager, page, API, feed and simulation on who is on call")
    doors.add_argument("--instants", type=int, default=10_000)
    doors.add_argument("--schedules", type=int, default=50)
    alarms = proofs.add_parser("alarms", help="ticks of which a third cannot be evaluated")
    alarms.add_argument("--ticks", type=int, default=10_000)
    pairs_of_moves = proofs.add_parser("races", help="two people change one schedule in the same moment")
    pairs_of_moves.add_argument("--pairs", type=int, default=1000)
    for one in (kill, hostile, schedules, doors, alarms, pairs_of_moves):
        one.add_argument("--seed", type=int, default=int(time.time()) % 60_000)
    storms = proofs.add_parser("storm", help="one group's alerts as fast as they go")
    storms.add_argument("--alerts", type=int, default=10_000)
    runs = proofs.add_parser("stages", help="presets, hanging providers, and a kill in every stage of a pipeline")
    runs.add_argument("--sqlite-only", action="store_true")
    pairs = proofs.add_parser("takeover", help="two processes on one PostgreSQL, the leader killed")
    pairs.add_argument("--rounds", type=int, default=3)
    real = proofs.add_parser("faults", help="real faults of this machine: what the local analysis says")
    real.add_argument("--rounds", type=int, default=3)
    real.add_argument("--load-rounds", type=int, default=5, help="of webhooks beside analyses")
    options = parser.parse_args(arguments)
    return PROOFS[options.proof](options)


def prove_kill(options: argparse.Namespace) -> int:
    """Kill on both databases."""
    failed = 0
    with kept_on_failure() as folder:
        if options.sqlite:
            plan = Plan(options.sqlite, options.seed, options.check_every)
            failed |= _say_kill(kill_and_judge(_inside(folder, "sqlite"), f"sqlite:///{folder}/kill.db", plan), plan)
        if options.postgres:
            plan = Plan(options.postgres, options.seed, options.check_every)
            with running_cluster() as cluster:
                failed |= _say_kill(kill_and_judge(_inside(folder, "postgresql"), cluster.create("kill"), plan), plan)
        return _end(failed, folder)


def prove_hostile(options: argparse.Namespace) -> int:
    """Attack an application in this process, then a real server on raw sockets."""
    with kept_on_failure() as folder:
        report = asyncio.run(assault(folder, cases=options.cases, seed=options.seed))
        say(f"hostile input, seed {options.seed}", report.lines(), report.findings)
        return _end(bool(report.findings), folder)


def prove_agree(options: argparse.Namespace) -> int:
    """Ask every door about the same instants."""
    began = time.monotonic()
    asked, findings = agree(options.instants, options.schedules, options.seed)
    table = [
        ("instants asked of 5 doors", str(asked)),
        ("schedules", str(options.schedules)),
        ("disagreements", str(len(findings))),
        ("seconds", f"{time.monotonic() - began:.0f}"),
    ]
    say(f"who is on call, seed {options.seed}", table, findings)
    return int(bool(findings))


def prove_races(options: argparse.Namespace) -> int:
    """Race on each database; the first hole or double ends it."""
    with kept_on_failure() as folder, running_cluster() as cluster:
        for name, url in (("SQLite", f"sqlite:///{folder}/races.db"), ("PostgreSQL", cluster.create("races"))):
            with made_up(url) as (rt, world):
                duty = new_duty(rt, add_admin(rt))
                race(duty, world.clock, Random(options.seed), options.pairs)
            say(f"races on {name}, seed {options.seed}", [("pairs", str(options.pairs)), ("holes, doubles", "0")], [])
    return 0


def prove_alarms(options: argparse.Namespace) -> int:
    """Tick on SQLite; the suite has a short form on both databases."""
    logs.configure(Settings(pagerpal_env="test", log_level="WARNING"))
    with kept_on_failure() as folder:
        mail = {"smtp_host": "mail.example.com", "smtp_from": "pager@example.com"}
        with made_up(f"sqlite:///{folder}/alarms.db", **mail) as (rt, world):
            report = simulate(rt, world, ticks=options.ticks, seed=options.seed)
        say(f"alarms that often cannot know, seed {options.seed}", report.lines(), report.findings())
        return _end(bool(report.findings()), folder)


def prove_storm(options: argparse.Namespace) -> int:
    """A storm on each database."""
    failed = 0
    with kept_on_failure() as folder, running_cluster() as cluster:
        for name, url in (("SQLite", f"sqlite:///{folder}/storm.db"), ("PostgreSQL", cluster.create("storm"))):
            report = storm(_inside(folder, name.lower()), url, alerts=options.alerts, full=True)
            say(f"storm on {name}", report.lines(), [str(violation) for violation in report.violations])
            failed |= bool(report.violations)
        return _end(failed, folder)


def prove_takeover(options: argparse.Namespace) -> int:
    """Two processes, the leader killed."""
    with kept_on_failure() as folder, running_cluster() as cluster:
        report = takeover(folder, cluster.create("takeover"), rounds=options.rounds, climb=True)
        say("take-over on PostgreSQL", report.lines(), [str(violation) for violation in report.violations])
        return _end(bool(report.violations), folder)


def prove_stages(options: argparse.Namespace) -> int:
    """Presets, hangs and kills on each database."""
    failed = 0
    with kept_on_failure() as folder, running_cluster() as cluster:
        places = [("SQLite", f"sqlite:///{folder}/stages.db")]
        places += [] if options.sqlite_only else [("PostgreSQL", cluster.create("stages"))]
        for name, url in places:
            lines, faults = stages(_inside(folder, name.lower()), url)
            say(f"stages on {name}", [*lines, ("violations", str(len(faults)))], [str(fault) for fault in faults])
            failed |= bool(faults)
        return _end(failed, folder)


def prove_schedules(options: argparse.Namespace) -> int:
    """Every zone against the oracle, twenty years of hand-offs, and how long ten years of one schedule take."""
    began = time.monotonic()
    verdict = judge_again(*options.again) if options.again else judge(options.cases, options.seed)
    took = {hours: ten_years(hours) for hours in (24, 12)}
    lines = [("hand-offs looked at", f"{verdict.handoffs}")]
    lines += [
        (f"ten years of {hours} h turns", f"{slots} slots in {seconds:.2f} s")
        for hours, (slots, seconds) in took.items()
    ]
    say(f"who is on call, seed {options.seed}", lines, verdict.findings)
    sys.stdout.write(f"{verdict.line(time.monotonic() - began)}\n")
    return int(bool(verdict.findings) or any(seconds >= TEN_YEARS_SECONDS for _, seconds in took.values()))


def prove_faults(options: argparse.Namespace) -> int:
    """Make real faults, each told in right, vague and misleading words."""
    logs.configure(Settings(pagerpal_env="test", log_level="WARNING"))
    report = faults.prove(options.rounds)
    say("faults of this machine", report.lines(), report.violations())
    failed = bool(report.violations())
    if options.load_rounds:
        beside = ingest_beside_analyses(options.load_rounds)
        say("webhooks beside analyses", beside.lines(), beside.violations())
        failed |= bool(beside.violations())
    return int(failed)


PROOFS: dict[str, Callable[[argparse.Namespace], int]] = {
    "kill": prove_kill,
    "hostile": prove_hostile,
    "agree": prove_agree,
    "alarms": prove_alarms,
    "schedules": prove_schedules,
    "races": prove_races,
    "storm": prove_storm,
    "stages": prove_stages,
    "takeover": prove_takeover,
    "faults": prove_faults,
}


@contextmanager
def kept_on_failure() -> Iterator[Path]:
    """A folder that goes when the proof holds; `_end` says where it is when it does not."""
    folder = Path(tempfile.mkdtemp(prefix="pagerpal-prove-"))
    yield folder
    if not (folder / "failed").exists():
        shutil.rmtree(folder)


def say(title: str, table: Table, findings: Sequence[str]) -> None:
    """Print one table and every violation."""
    width = max(len(what) for what, _ in table)
    lines = [f"== {title}", *(f"{what:{width}}  {value}" for what, value in table)]
    lines += [f"VIOLATION  {finding}" for finding in findings]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _say_kill(report: Report, plan: Plan) -> int:
    say(f"kill -9 on {report.database}, seed {plan.seed}", report.lines(), [str(one) for one in report.violations])
    return bool(report.violations)


def _end(failed: int, folder: Path) -> int:
    if failed:
        (folder / "failed").touch()
        sys.stdout.write(f"Logs, ledgers and the database are in {folder}\n")
    return int(failed)


def _inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
