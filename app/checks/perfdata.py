"""Check runs as the output of a monitoring plug-in: one line that says all, with figures, then a line for each check.

Format: Monitoring Plugins Development Guidelines, «Plugin output for Nagios» and «Performance data». Only the first
line carries figures, because what reads them takes everything after a second bar for figures, too.
"""

from collections import Counter
from collections.abc import Sequence

from app.checks import kinds
from app.checks.types import CheckRun, CheckStatus

NOT_KNOWN = "U"


def plugin_output(status: CheckStatus, runs: Sequence[CheckRun]) -> list[str]:
    """The lines; `status` is that of all runs together."""
    counts = Counter(run.status for run in runs)
    said = ", ".join(f"{counts[each]} {each}" for each in CheckStatus if counts[each])
    figures = " ".join(figure for figure in map(perfdata, runs) if figure)
    lines = [f"{run.status:<8} {run.checker_name:<12} {_plain(run.message)}" for run in runs]
    return [f"{status.upper()}: {said}" + (f" | {figures}" if figures else ""), *lines]


def perfdata(run: CheckRun) -> str:
    """A run's figure: `label=value unit;warning;critical`; nothing where there was nothing to judge.

    A colon after a threshold says that what is below it is bad.
    """
    checker = kinds.get_checker(run.checker_name)
    if run.value is None and run.status is not CheckStatus.UNKNOWN:
        return ""
    value = NOT_KNOWN if run.value is None else f"{run.value:g}{checker.unit}"
    below = ":" if checker.is_inverted else ""
    limits = ";".join(
        f"{each:g}{below}" for each in (run.warning_threshold, run.critical_threshold) if each is not None
    )
    return f"{run.checker_name}={value};{limits}"


def _plain(message: str) -> str:
    # A bar or a line break in a name would end the text for whatever reads it.
    return " ".join(message.replace("|", "/").split())
