"""Pipeline runs keep the definition that they follow, and what a run by hand was given.

Release 0.1.0 needs it; the code before it writes neither column and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "9a41d0c7be52"
down_revision: str | Sequence[str] | None = "c4f19b7d20ae"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("pipeline_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("plan", json, nullable=True))
        batch_op.add_column(sa.Column("payload", json, nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("pipeline_runs", schema=None) as batch_op:
        batch_op.drop_column("payload")
        batch_op.drop_column("plan")
