"""Pipeline definitions of one's own, beside the built-in ones.

Release 0.1.0 needs it; the code before it does not know the table and works on as before.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "5d0e83b1f6a4"
down_revision: str | Sequence[str] | None = "d7e03a5c61f4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "pipeline_definitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("config", json, nullable=False),
        sa.Column("tags", json, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_definitions")),
        sa.UniqueConstraint("name", name=op.f("uq_pipeline_definitions_name")),
    )
    with op.batch_alter_table("pipeline_definitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pipeline_definitions_is_active"), ["is_active"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("pipeline_definitions")
