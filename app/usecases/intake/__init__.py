"""Intake: a delivery becomes alerts, incidents, level-1 pages and a pipeline run in one transaction, then a 2xx.

`apply` is the writer's INTAKE lane: it takes many deliveries at once, reads what is stored, decides in memory in the
order of arrival, and writes everything back with a handful of statements.
"""

from app.alerts.problems import Submission
from app.usecases.intake.lane import INTAKE, apply, submit
from app.usecases.intake.on_request import firing_tests, recover_test_alerts, reparse, send_test_alert
from app.usecases.intake.own import own_submission
from app.usecases.intake.subscribe import confirm_due

__all__ = [
    "INTAKE",
    "Submission",
    "apply",
    "confirm_due",
    "firing_tests",
    "own_submission",
    "recover_test_alerts",
    "reparse",
    "send_test_alert",
    "submit",
]
