"""This host, watched: checks by cadence and from the command line, and the bridge from what they find to alerts.

What turns bad becomes an alert of the internal source `checks` and goes the way of every other alert; what recovers
resolves it. Checks that are stages of a pipeline are evidence for their incident and do not come by here.
"""

from app.usecases.watch_host.bridge import PIPELINE
from app.usecases.watch_host.cadence import check_now, run_due, settle, stop

__all__ = ["PIPELINE", "check_now", "run_due", "settle", "stop"]
