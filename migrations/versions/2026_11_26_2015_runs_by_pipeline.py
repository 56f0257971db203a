"""Pipeline runs are found by their definition: its page shows the newest ones.

Release 0.1.0 needs it; the code before it does not mind the index.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "e2b7c4d90a15"
down_revision: str | Sequence[str] | None = "5d0c8e7a13f4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("pipeline_runs", schema=None) as batch_op:
        batch_op.create_index("ix_pipeline_runs_pipeline", ["pipeline", "id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("pipeline_runs", schema=None) as batch_op:
        batch_op.drop_index("ix_pipeline_runs_pipeline")
