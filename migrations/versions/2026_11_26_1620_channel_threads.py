"""Threads: where a channel or a person was told of an incident first, by the vendor's handle of the message."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "4c1d8e0b6a27"
down_revision: str | Sequence[str] | None = "899989b78c6c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TO_TEAM = sa.text("channel_id IS NOT NULL")
TO_PERSON = sa.text("contact_method_id IS NOT NULL")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "channel_threads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=True),
        sa.Column("contact_method_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["notification_channels.id"],
            name=op.f("fk_channel_threads_channel_id_notification_channels"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_method_id"],
            ["contact_methods.id"],
            name=op.f("fk_channel_threads_contact_method_id_contact_methods"),
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_channel_threads_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_threads")),
    )
    with op.batch_alter_table("channel_threads", schema=None) as batch_op:
        batch_op.create_index("ix_channel_threads_ref", ["channel", "ref"], unique=False)
        batch_op.create_index(
            "ix_channel_threads_team",
            ["incident_id", "channel_id", "ref"],
            unique=True,
            sqlite_where=TO_TEAM,
            postgresql_where=TO_TEAM,
        )
        batch_op.create_index(
            "ix_channel_threads_person",
            ["incident_id", "contact_method_id", "ref"],
            unique=True,
            sqlite_where=TO_PERSON,
            postgresql_where=TO_PERSON,
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("channel_threads", schema=None) as batch_op:
        batch_op.drop_index("ix_channel_threads_person", sqlite_where=TO_PERSON, postgresql_where=TO_PERSON)
        batch_op.drop_index("ix_channel_threads_team", sqlite_where=TO_TEAM, postgresql_where=TO_TEAM)
        batch_op.drop_index("ix_channel_threads_ref")

    op.drop_table("channel_threads")
