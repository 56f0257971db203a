"""Alarms: the tick and what follows from it, trying an alarm out, setting it up, playing its past again."""

from app.usecases.run_alarms.asking import find
from app.usecases.run_alarms.backtest import Backtest, BacktestMail, backtest
from app.usecases.run_alarms.editing import acknowledge, change_alarm, create_alarm, restore_version
from app.usecases.run_alarms.listing import ModuleShown, list_modules
from app.usecases.run_alarms.recording import Pass, mail_state, record
from app.usecases.run_alarms.tick import TickOutcome, run_now, tick
from app.usecases.run_alarms.trying import Preview, dry_run, preview, try_out

__all__ = [
    "Backtest", "BacktestMail", "ModuleShown", "Pass", "Preview", "TickOutcome", "acknowledge", "backtest",
    "change_alarm", "create_alarm", "dry_run", "find", "list_modules", "mail_state", "preview", "record",
    "restore_version", "run_now", "tick", "try_out",
]  # fmt: skip
