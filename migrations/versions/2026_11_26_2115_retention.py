"""What retention needs: how far it has come, and indexes by which it finds what is past and what names it.

Release 0.1.0 needs it; the code before it neither reads nor writes them and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c4a1f07d92be"
down_revision: str | Sequence[str] | None = "41b7b955e565"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WHOLE = (
    ("incidents", "resolved_at"),
    ("channel_threads", "incident_id"),
    ("inbound_messages", "incident_id"),
    ("alarm_events", "incident_id"),
)
LOOSE = sa.text("incident_id IS NULL")
PARTIAL = (
    ("ix_notifications_loose", "notifications", ("incident_id", "created_at"), LOOSE),
    ("ix_inbound_messages_loose", "inbound_messages", ("incident_id", "received_at"), LOOSE),
    ("ix_alerts_loose", "alerts", ("incident_id", "last_seen_at"), LOOSE),
    ("ix_deliveries_reparsed", "deliveries", ("received_at",), sa.text("outcome = 'reparsed' AND body IS NOT NULL")),
)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "retention_marks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_retention_marks")),
    )
    for table, column in WHOLE:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    for name, table, columns, where in PARTIAL:
        op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take it back."""
    for name, table, _, _ in reversed(PARTIAL):
        op.drop_index(name, table_name=table)
    for table, column in reversed(WHOLE):
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    op.drop_table("retention_marks")
