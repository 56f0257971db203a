"""Imports every context's tables once, so that Alembic and the tests see the whole schema."""

from app.accounts import models as accounts
from app.alarms import models as alarms
from app.alerts import models as alerts
from app.checks import models as checks
from app.escalation import models as escalation
from app.incidents import models as incidents
from app.intelligence import models as intelligence
from app.jobs import models as jobs
from app.notify import models as notify
from app.oncall import models as oncall
from app.pipeline import models as pipeline
from app.platform import models as platform
from app.platform.tables import Base

__all__ = [
    "accounts", "alarms", "alerts", "checks", "escalation", "incidents", "intelligence", "jobs", "metadata", "notify",
    "oncall", "pipeline", "platform",
]  # fmt: skip

metadata = Base.metadata
