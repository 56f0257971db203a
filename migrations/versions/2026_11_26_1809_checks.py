"""Checks: what was measured on which host, and what was changed over the checkers' own configuration.

Release 0.1.0 needs it; the code before it knows no checks and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "f1b30e564d03"
down_revision: str | Sequence[str] | None = "e07a5bd2c913"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "check_configs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checker", sa.String(), nullable=False),
        sa.Column("params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("warning_threshold", sa.Double(), nullable=True),
        sa.Column("critical_threshold", sa.Double(), nullable=True),
        sa.Column("timeout", sa.Double(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=True),
        sa.Column("cadence_seconds", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_configs")),
        sa.UniqueConstraint("checker", name=op.f("uq_check_configs_checker")),
    )
    op.create_table(
        "check_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("checker_name", sa.String(), nullable=False),
        sa.Column("hostname", sa.String(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("metrics", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("warning_threshold", sa.Double(), nullable=True),
        sa.Column("critical_threshold", sa.Double(), nullable=True),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Double(), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_check_runs_alert_id_alerts")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_check_runs_incident_id_incidents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_runs")),
    )
    with op.batch_alter_table("check_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_runs_alert_id"), ["alert_id"], unique=False)
        batch_op.create_index("ix_check_runs_checker", ["checker_name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_runs_executed_at"), ["executed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_runs_hostname"), ["hostname"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_runs_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_runs_status"), ["status"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_runs_trace_id"), ["trace_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("check_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_runs_trace_id"))
        batch_op.drop_index(batch_op.f("ix_check_runs_status"))
        batch_op.drop_index(batch_op.f("ix_check_runs_incident_id"))
        batch_op.drop_index(batch_op.f("ix_check_runs_hostname"))
        batch_op.drop_index(batch_op.f("ix_check_runs_executed_at"))
        batch_op.drop_index("ix_check_runs_checker")
        batch_op.drop_index(batch_op.f("ix_check_runs_alert_id"))
    op.drop_table("check_runs")
    op.drop_table("check_configs")
