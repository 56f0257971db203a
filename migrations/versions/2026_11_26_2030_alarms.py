"""Alarms, their versions and events, the engine's runs, and heartbeats; with the team and the alarms of seed 003.

Release 0.1.0 needs it; the code before it knows none of these tables. The seeded alarms send no mail until somebody
switches it on, and wait for ALARM_API_BASE_URL.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "41b7b955e565"
down_revision: str | Sequence[str] | None = "e2b7c4d90a15"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)
TEAMS = sa.table(
    "teams", sa.column("name"), sa.column("description"), sa.column("created_at", INSTANT),
    sa.column("updated_at", INSTANT),
)  # fmt: skip
_SETTINGS: tuple[sa.ColumnClause[Any], ...] = (
    sa.column("module"), sa.column("title"), sa.column("content"), sa.column("enabled", sa.Boolean),
    sa.column("recipients", JSON), sa.column("renotification_window_hours", sa.Double), sa.column("params", JSON),
    sa.column("pages", sa.Boolean), sa.column("archived", sa.Boolean), sa.column("version", sa.Integer),
)  # fmt: skip
ALARMS = sa.table(
    "alarms", sa.column("id", sa.Integer), sa.column("entry_id"), sa.column("status"), sa.column("last_error"),
    sa.column("unknown_ticks", sa.Integer), sa.column("quiet_ticks", sa.Integer), sa.column("created_at", INSTANT),
    sa.column("updated_at", INSTANT), *_SETTINGS,
)  # fmt: skip
VERSIONS = sa.table(
    "alarm_versions", sa.column("alarm_id", sa.Integer), sa.column("how"), sa.column("saved_at", INSTANT),
    *(sa.column(each.name, each.type) for each in _SETTINGS),
)  # fmt: skip
SEEDED = (
    (
        "panda_failure_rate_user",
        "PanDA failure rate: one user",
        "Tasks of one user whose final failure rate is over the threshold.",
        {"threshold": 0.5, "since_days": 1, "username": "someone"},
    ),
    (
        "panda_failure_rate_eic_all",
        "PanDA failure rate: all of EIC",
        "Tasks of the production whose final failure rate is over the threshold.",
        {"threshold": 0.5, "since_days": 1},
    ),
)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "engine_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("boundary", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trigger", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("counters", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("per_alarm", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine_runs")),
        sa.UniqueConstraint("boundary", name=op.f("uq_engine_runs_boundary")),
    )
    with op.batch_alter_table("engine_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_engine_runs_started_at"), ["started_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_engine_runs_status"), ["status"], unique=False)

    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("period_seconds", sa.Integer(), nullable=False),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("last_signal", sa.String(length=40), nullable=True),
        sa.Column("last_ping_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_exit_code", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("name", name=op.f("uq_heartbeats_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_heartbeats_uuid")),
    )
    op.create_table(
        "heartbeat_pings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("heartbeat_id", sa.Integer(), nullable=False),
        sa.Column("signal", sa.String(length=40), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["heartbeat_id"], ["heartbeats.id"], name=op.f("fk_heartbeat_pings_heartbeat_id_heartbeats")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat_pings")),
    )
    with op.batch_alter_table("heartbeat_pings", schema=None) as batch_op:
        batch_op.create_index("ix_heartbeat_pings_heartbeat", ["heartbeat_id", "id"], unique=False)

    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("module", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("recipients", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("renotification_window_hours", sa.Double(), nullable=False),
        sa.Column("params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("pages", sa.Boolean(), nullable=False),
        sa.Column("escalation_policy_id", sa.Integer(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_ran_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_outcome", sa.String(length=40), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("unknown_ticks", sa.Integer(), nullable=False),
        sa.Column("unknown_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_ticks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["escalation_policy_id"],
            ["escalation_policies.id"],
            name=op.f("fk_alarms_escalation_policy_id_escalation_policies"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_alarms_entry_id")),
    )
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarms_archived"), ["archived"], unique=False)

    op.create_table(
        "alarm_input_bodies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_input_bodies_alarm_id_alarms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_input_bodies")),
        sa.UniqueConstraint("alarm_id", "digest", name=op.f("uq_alarm_input_bodies_alarm_id_digest")),
    )
    op.create_table(
        "alarm_inputs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_inputs_alarm_id_alarms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_inputs")),
        sa.UniqueConstraint("alarm_id", "taken_at", name=op.f("uq_alarm_inputs_alarm_id_taken_at")),
    )
    op.create_table(
        "alarm_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(length=40), nullable=False),
        sa.Column("saved_by", sa.Integer(), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("module", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("recipients", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("renotification_window_hours", sa.Double(), nullable=False),
        sa.Column("params", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("pages", sa.Boolean(), nullable=False),
        sa.Column("escalation_policy_id", sa.Integer(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_versions_alarm_id_alarms")),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name=op.f("fk_alarm_versions_saved_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_versions")),
        sa.UniqueConstraint("alarm_id", "version", name=op.f("uq_alarm_versions_alarm_id_version")),
    )
    op.create_table(
        "alarm_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("fire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clear_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_notified", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recipients", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("extra_data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("acked_by", sa.Integer(), nullable=True),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("mail_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["acked_by"], ["users.id"], name=op.f("fk_alarm_events_acked_by_users")),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_events_alarm_id_alarms")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_alarm_events_incident_id_incidents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_events")),
    )
    with op.batch_alter_table("alarm_events", schema=None) as batch_op:
        batch_op.create_index("ix_alarm_events_alarm", ["alarm_id", "fire_time"], unique=False)
        batch_op.create_index("ix_alarm_events_entity", ["alarm_id", "dedupe_key", "fire_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_events_fire_time"), ["fire_time"], unique=False)
        batch_op.create_index(
            "uq_alarm_events_active",
            ["alarm_id", "dedupe_key"],
            unique=True,
            sqlite_where=sa.text("clear_time IS NULL"),
            postgresql_where=sa.text("clear_time IS NULL"),
        )
    _seed()


def _seed() -> None:
    connection = op.get_bind()
    now = datetime.now(UTC)
    times = {"created_at": now, "updated_at": now}
    # A team of this name that people have made already is the one that is meant.
    if connection.scalar(sa.select(TEAMS.c.name).where(TEAMS.c.name == "prodops")) is None:
        connection.execute(TEAMS.insert().values(name="prodops", description="Operates the production.", **times))
    for name, title, content, params in SEEDED:
        settings = {
            "module": name, "title": title, "content": content, "enabled": False, "recipients": ["@prodops"],
            "renotification_window_hours": 24.0, "params": params, "pages": False, "archived": False,
        }  # fmt: skip
        state = {"status": "active", "version": 1, "last_error": "", "unknown_ticks": 0, "quiet_ticks": 0}
        connection.execute(ALARMS.insert().values(entry_id=f"alarm_{name}", **settings, **state, **times))
        alarm_id = connection.scalar(sa.select(ALARMS.c.id).where(ALARMS.c.entry_id == f"alarm_{name}"))
        connection.execute(
            VERSIONS.insert().values(alarm_id=alarm_id, version=1, how="created", saved_at=now, **settings)
        )


def downgrade() -> None:
    """Take it back; the team stays, somebody may belong to it."""
    with op.batch_alter_table("alarm_events", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alarm_events_active",
            sqlite_where=sa.text("clear_time IS NULL"),
            postgresql_where=sa.text("clear_time IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_alarm_events_fire_time"))
        batch_op.drop_index("ix_alarm_events_entity")
        batch_op.drop_index("ix_alarm_events_alarm")

    op.drop_table("alarm_events")
    op.drop_table("alarm_versions")
    op.drop_table("alarm_inputs")
    op.drop_table("alarm_input_bodies")
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alarms_archived"))

    op.drop_table("alarms")
    with op.batch_alter_table("heartbeat_pings", schema=None) as batch_op:
        batch_op.drop_index("ix_heartbeat_pings_heartbeat")

    op.drop_table("heartbeat_pings")
    op.drop_table("heartbeats")
    with op.batch_alter_table("engine_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_engine_runs_status"))
        batch_op.drop_index(batch_op.f("ix_engine_runs_started_at"))

    op.drop_table("engine_runs")
