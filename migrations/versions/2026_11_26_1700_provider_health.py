"""The health of providers: a circuit each, and which provider every message goes through.

Release 0.1.0 needs it; messages that the code before it writes count to a provider without a name, and still go out.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b81c73e0d4f6"
down_revision: str | Sequence[str] | None = "5d2f6a90c1e7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "provider_circuits",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_failed_id", sa.Integer(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["notification_channels.id"],
            name=op.f("fk_provider_circuits_channel_id_notification_channels"),
        ),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_circuits")),
    )
    with op.batch_alter_table("provider_circuits", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_provider_circuits_channel_id"), ["channel_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_provider_circuits_status"), ["status"], unique=False)
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("provider", sa.String(), server_default=sa.text("''"), nullable=False))
    # What still waits is what the name matters for.
    op.execute(
        "UPDATE notifications SET provider = CASE WHEN channel_id IS NULL THEN 'people:' || channel "
        "ELSE 'channel:' || channel_id END WHERE status IN ('pending', 'retrying', 'held', 'unknown', 'in_flight')"
    )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_column("provider")
    with op.batch_alter_table("provider_circuits", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provider_circuits_status"))
        batch_op.drop_index(batch_op.f("ix_provider_circuits_channel_id"))
    op.drop_table("provider_circuits")
