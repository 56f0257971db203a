"""Rotations: versions of the rule that generates slots, swaps, calendars, absences, and what the watch knows.

Release 0.1.0 needs it; the code before it knows neither rotations nor a schedule's times of being switched on, and
works on as before. Every schedule that is switched on now counts as having been so since it was made.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "899989b78c6c"
down_revision: str | Sequence[str] | None = "1cc17a236e0d"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "absence_calendars",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_absence_calendars_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence_calendars")),
    )
    with op.batch_alter_table("absence_calendars", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absence_calendars_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_absence_calendars_user_id"), ["user_id"], unique=False)

    op.create_table(
        "absences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["absence_calendars.id"], name=op.f("fk_absences_calendar_id_absence_calendars")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_absences_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_absences_calendar_id"), ["calendar_id"], unique=False)
        batch_op.create_index("ix_absences_user_end", ["user_id", "end_time"], unique=False)

    op.create_table(
        "calendar_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_calendar_tokens_schedule_id_schedules")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendar_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_tokens_token_hash")),
    )
    with op.batch_alter_table("calendar_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_calendar_tokens_schedule_id", ["schedule_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_calendar_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "duty_watches",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("slot_id", sa.String(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_duty_watches_schedule_id_schedules")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_duty_watches_user_id_users")),
        sa.PrimaryKeyConstraint("schedule_id", name=op.f("pk_duty_watches")),
    )
    with op.batch_alter_table("duty_watches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_watches_due_at"), ["due_at"], unique=False)

    op.create_table(
        "rotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("cadence", sa.String(length=40), nullable=False),
        sa.Column("shift_length_hours", sa.Integer(), nullable=True),
        sa.Column("handoff_time", sa.Time(), nullable=False),
        sa.Column("handoff_weekday", sa.Integer(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("skips_absent", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_rotations_schedule_id_schedules")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotations")),
        sa.UniqueConstraint("schedule_id", "version", name=op.f("uq_rotations_schedule_id_version")),
    )
    op.create_table(
        "schedule_activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_activity_schedule_id_schedules")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_activity")),
    )
    with op.batch_alter_table("schedule_activity", schema=None) as batch_op:
        batch_op.create_index("ix_schedule_activity_schedule_id", ["schedule_id"], unique=False)

    op.create_table(
        "swap_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("from_user_id", sa.Integer(), nullable=False),
        sa.Column("to_user_id", sa.Integer(), nullable=True),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["users.id"], name=op.f("fk_swap_requests_answered_by_users")),
        sa.ForeignKeyConstraint(["from_user_id"], ["users.id"], name=op.f("fk_swap_requests_from_user_id_users")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_swap_requests_schedule_id_schedules")),
        sa.ForeignKeyConstraint(["to_user_id"], ["users.id"], name=op.f("fk_swap_requests_to_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swap_requests")),
    )
    with op.batch_alter_table("swap_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_swap_requests_from_user_id"), ["from_user_id"], unique=False)
        batch_op.create_index("ix_swap_requests_schedule_end", ["schedule_id", "end_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_swap_requests_to_user_id"), ["to_user_id"], unique=False)

    op.create_table(
        "rotation_members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rotation_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rotation_id"], ["rotations.id"], name=op.f("fk_rotation_members_rotation_id_rotations")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rotation_members_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation_members")),
        sa.UniqueConstraint("rotation_id", "position", name=op.f("uq_rotation_members_rotation_id_position")),
    )
    with op.batch_alter_table("rotation_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rotation_members_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("escalations", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "backups",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default=sa.text("'[]'"),
                nullable=False,
            )
        )
    op.execute(
        "INSERT INTO schedule_activity (schedule_id, started_at) SELECT id, created_at FROM schedules WHERE is_active"
    )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("escalations", schema=None) as batch_op:
        batch_op.drop_column("backups")

    with op.batch_alter_table("rotation_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rotation_members_user_id"))

    op.drop_table("rotation_members")
    with op.batch_alter_table("swap_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_swap_requests_to_user_id"))
        batch_op.drop_index("ix_swap_requests_schedule_end")
        batch_op.drop_index(batch_op.f("ix_swap_requests_from_user_id"))

    op.drop_table("swap_requests")
    with op.batch_alter_table("schedule_activity", schema=None) as batch_op:
        batch_op.drop_index("ix_schedule_activity_schedule_id")

    op.drop_table("schedule_activity")
    op.drop_table("rotations")
    with op.batch_alter_table("duty_watches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_watches_due_at"))

    op.drop_table("duty_watches")
    with op.batch_alter_table("calendar_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_tokens_user_id"))
        batch_op.drop_index("ix_calendar_tokens_schedule_id")

    op.drop_table("calendar_tokens")
    with op.batch_alter_table("absences", schema=None) as batch_op:
        batch_op.drop_index("ix_absences_user_end")
        batch_op.drop_index(batch_op.f("ix_absences_calendar_id"))

    op.drop_table("absences")
    with op.batch_alter_table("absence_calendars", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_absence_calendars_user_id"))
        batch_op.drop_index(batch_op.f("ix_absence_calendars_due_at"))

    op.drop_table("absence_calendars")
