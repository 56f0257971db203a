"""Quiet hours: when a person's digest leaves, and which messages wait for it.

Release 0.1.0 needs it; the code before it holds no message back and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5d2f6a90c1e7"
down_revision: str | Sequence[str] | None = "e96aaadc4b20"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("digest_at", sa.String(), nullable=True))
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_column("held_until")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("digest_at")
