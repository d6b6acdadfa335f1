"""Users, tokens, uploads, rides, feeds, the ledger that nobody can edit, and its observers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REFUSAL = "the ledger is append-only: a correction is a new row"


def upgrade() -> None:
    """Makes every table, and the triggers that keep the ledger append-only."""
    _make_people()
    _make_uploads()
    _make_rides()
    make_ledger()
    _make_observations()
    _make_feeds()
    guard_ledger()


def _make_people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("name_key", sa.String(160), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "role IN ('rider', 'reviewer', 'planner', 'organiser')", name=op.f("ck_users_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("revoked_s", sa.Double(), nullable=True),
        sa.Column("last_used_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_tokens_token_sha256")),
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"])


def _make_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("received_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("consent", sa.String(32), nullable=False),
        sa.CheckConstraint("state IN ('received', 'understood', 'refused')", name=op.f("ck_uploads_state")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_uploads_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("user_id", "sha256", name=op.f("uq_uploads_user_id_sha256")),
    )
    for column in ("user_id", "sha256", "received_s", "state"):
        op.create_index(op.f(f"ix_uploads_{column}"), "uploads", [column])
    of_use = sa.text("state <> 'refused'")
    op.create_index(
        "uq_uploads_contributed",
        "uploads",
        ["sha256"],
        unique=True,
        sqlite_where=of_use,
        postgresql_where=of_use,
    )


def _make_rides() -> None:
    op.create_table(
        "rides",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(240), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("n_fixes", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("network_version", sa.String(32), nullable=False),
        sa.Column("route_id", sa.String(64), nullable=False),
        sa.Column("route_name", sa.String(200), nullable=False),
        sa.Column("direction_id", sa.Integer(), nullable=True),
        sa.Column("pattern_id", sa.String(64), nullable=False),
        sa.Column("stretch", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("started_s", sa.Double(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=False),
        sa.Column("packed_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name=op.f("fk_rides_upload_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rides_user_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_rides")),
        sa.UniqueConstraint("id", name=op.f("uq_rides_id")),
        sa.UniqueConstraint("upload_id", "ordinal", name=op.f("uq_rides_upload_id_ordinal")),
    )
    op.create_index(op.f("ix_rides_upload_id"), "rides", ["upload_id"])
    op.create_index(op.f("ix_rides_user_id"), "rides", ["user_id"])


def make_ledger() -> None:
    """The ledger of the first version; later ones go back to it."""
    op.create_table(
        "ledger",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ride_id", sa.String(48), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("millipoints", sa.BigInteger(), nullable=False),
        sa.Column("rules_version", sa.String(64), nullable=False),
        sa.Column("network_version", sa.String(32), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("text_es", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_ledger_ride_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ledger_user_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_ledger")),
        sa.UniqueConstraint("ride_id", "rule", name=op.f("uq_ledger_ride_id_rule")),
    )
    op.create_index(op.f("ix_ledger_created_s"), "ledger", ["created_s"])
    op.create_index(op.f("ix_ledger_user_id"), "ledger", ["user_id"])


def _make_observations() -> None:
    op.create_table(
        "observations",
        sa.Column("network_version", sa.String(32), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("network_version", "segment", "user_id", name=op.f("pk_observations")),
        sqlite_with_rowid=False,
    )


def _make_feeds() -> None:
    op.create_table(
        "feed_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("feed_sha256", sa.String(64), nullable=False),
        sa.Column("network_sha256", sa.String(64), nullable=False),
        sa.Column("evidence_sha256", sa.String(64), nullable=False),
        sa.Column("known_sha256", sa.String(64), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("rules_version", sa.String(64), nullable=False),
        sa.Column("n_rides", sa.Integer(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_feed_versions")),
        sa.UniqueConstraint("id", name=op.f("uq_feed_versions_id")),
    )
    facts = op.create_table(
        "facts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.bulk_insert(facts, [{"name": "ledger", "value": ""}])


def guard_ledger() -> None:
    """The database itself refuses to change history, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_no_{verb.lower()} BEFORE {verb} ON ledger "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()"
    )


def downgrade() -> None:
    """Drops everything."""
    for table in ("facts", "feed_versions", "observations", "ledger", "rides", "uploads", "tokens", "users"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_ledger_change()")
