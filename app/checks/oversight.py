"""Check runs for those who watch over PagerPal: how many were made, and what each host's last ones found."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.checks import repository
from app.checks.models import CheckRunRow
from app.checks.types import CheckRun
from app.platform.db import Tx
from app.platform.tally import Fact

# A host that has not been heard of for so long is told of by its absence.
RECENT = timedelta(days=1)
RUNS_AT_MOST = 2000

CHECKS = Fact(
    name="pagerpal_check_runs",
    help="Checks that were made, by what they found.",
    labels={"checker": CheckRunRow.checker_name, "status": CheckRunRow.status},
    at=CheckRunRow.executed_at,
)


def last_of_hosts(tx: Tx, *, now: datetime) -> list[CheckRun]:
    """The newest run of each checker on each host, of the last day's newest ones."""
    row = CheckRunRow
    recent = select(row.checker_name, row.hostname, row.id).where(row.executed_at > now - RECENT)
    newest: dict[tuple[str, str], int] = {}
    for checker, host, run_id in tx.execute(recent.order_by(row.executed_at.desc(), row.id.desc()).limit(RUNS_AT_MOST)):
        newest.setdefault((checker, host), run_id)
    return tx.all(CheckRun, repository.select_runs().where(row.id.in_(newest.values())).order_by(row.id))
