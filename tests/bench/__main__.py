"""`scripts/bench`: prints what was measured; ends with 1 when a floor was missed or figures contradict each other."""

import argparse
import sys
from collections.abc import Sequence

from tests.bench.ingest import Bench, measure, table
from tests.bench.page import measure_pages
from tests.bench.where import profile


def main(arguments: Sequence[str]) -> int:
    """Run one measurement."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure ingest or the time to the first page.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    ingest = kinds.add_parser("ingest", help="durable ingest on each database against a bare Starlette control")
    ingest.add_argument("--runs", type=int, default=5)
    ingest.add_argument("--seconds", type=float, default=5.0)
    ingest.add_argument("--connections", type=int, default=16)
    ingest.add_argument("--databases", default="sqlite,postgresql")
    ingest.add_argument("--profile", action="store_true", help="say where the time goes instead of comparing")
    page = kinds.add_parser("page", help="from the 202 to the message in a mail server")
    page.add_argument("--incidents", type=int, default=200)
    page.add_argument("--pause-seconds", type=float, default=0.05, help="between two incidents")
    options = parser.parse_args(arguments)
    if options.kind == "page":
        pages = measure_pages(incidents=options.incidents, pause_seconds=options.pause_seconds)
        return _say(pages.lines(), good=pages.good())
    databases = tuple(options.databases.split(","))
    if options.profile:
        return _say([line for database in databases for line in [f"== {database}", *profile(database)]], good=True)
    bench = Bench(options.runs, options.seconds, options.connections, databases)
    lines, good = table(measure(bench), bench)
    return _say(lines, good=good)


def _say(lines: Sequence[str], *, good: bool) -> int:
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
