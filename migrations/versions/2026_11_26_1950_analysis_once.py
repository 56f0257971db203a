"""Nobody pays twice at the same time for the analysis of one incident.

Release 0.1.0 needs it; the code before it asks about no stored incident and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d7e03a5c61f4"
down_revision: str | Sequence[str] | None = "9a41d0c7be52"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEING_PAID_FOR = sa.text("status IN ('PENDING', 'RUNNING') AND provider <> 'local'")


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("analysis_runs", schema=None) as batch_op:
        batch_op.create_index(
            "uq_analysis_runs_asking",
            ["incident_id"],
            unique=True,
            sqlite_where=BEING_PAID_FOR,
            postgresql_where=BEING_PAID_FOR,
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("analysis_runs", schema=None) as batch_op:
        batch_op.drop_index("uq_analysis_runs_asking")
