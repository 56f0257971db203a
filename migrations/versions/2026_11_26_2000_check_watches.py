"""Checks: the value that was judged, an index for one host's day, and how far each checker on each host is.

Release 0.1.0 needs it; the code before it works on as before. Runs of before have no value and show no line.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "8b2f6e94d0a7"
down_revision: str | Sequence[str] | None = "5d0e83b1f6a4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "check_watches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hostname", sa.String(), nullable=False),
        sa.Column("checker", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recent", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_watches")),
        sa.UniqueConstraint("hostname", "checker", name=op.f("uq_check_watches_hostname_checker")),
    )
    with op.batch_alter_table("check_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("value", sa.Double(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_check_runs_hostname"))
        batch_op.create_index("ix_check_runs_host", ["hostname", "checker_name", "executed_at"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("check_runs", schema=None) as batch_op:
        batch_op.drop_index("ix_check_runs_host")
        batch_op.create_index(batch_op.f("ix_check_runs_hostname"), ["hostname"], unique=False)
        batch_op.drop_column("value")
    op.drop_table("check_watches")
