"""Totals of what has happened, and the indexes by which they are brought up to date.

Release 0.1.0 needs it; the code before it neither reads nor writes them and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "5d0c8e7a13f4"
down_revision: str | Sequence[str] | None = "8b2f6e94d0a7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ENDED = (
    ("notification_attempts", "ended_at"),
    ("pipeline_runs", "completed_at"),
    ("stage_executions", "completed_at"),
    ("analysis_runs", "completed_at"),
)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("labels", sa.String(), nullable=False),
        sa.Column("settled_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("buckets", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_tallies")),
    )
    for table, column in ENDED:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    with op.batch_alter_table("job_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("errors", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("job_runs", schema=None) as batch_op:
        batch_op.drop_column("errors")
    for table, column in reversed(ENDED):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    op.drop_table("tallies")
