"""Devices that send live, browsers that are logged in, limits, and what is known of an upload's way."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("usage", "buckets", "messages", "logins")
NUMBER_OBSERVERS = """
    UPDATE observations SET place = (
        SELECT count(*) FROM observations AS other
        WHERE other.network_version = observations.network_version
        AND other.segment = observations.segment AND other.user_id < observations.user_id
    )
"""
"""Nobody noted who came first on a segment: any order will do, if it is one."""


def upgrade() -> None:
    """Adds columns and tables; uploads before were files, and their ends were cut as the settings say."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(op.f("ix_uploads_parent_id"), "uploads", ["parent_id"])
    op.execute(NUMBER_OBSERVERS)
    _make_logins()
    _make_messages()
    _make_limits()


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "users": [
            sa.Column("trim_m", sa.Double(), nullable=True),
            sa.Column("prize_consent", sa.String(32), nullable=False, server_default=""),
            sa.Column("erased_s", sa.Double(), nullable=True),
        ],
        "tokens": [
            sa.Column("app", sa.String(20), nullable=False, server_default=""),
            sa.Column("heard_s", sa.Double(), nullable=True),
            sa.Column("n_messages", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("n_fixes", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("dropped", sa.JSON(), nullable=False, server_default="{}"),
            sa.Column("consent", sa.String(32), nullable=False, server_default=""),
        ],
        "uploads": [
            sa.Column("kind", sa.String(8), nullable=False, server_default="file"),
            sa.Column("parent_id", sa.String(32), nullable=False, server_default=""),
            sa.Column("token_id", sa.Integer(), nullable=True),
            sa.Column("trim_m", sa.Double(), nullable=True),
            sa.Column("refused", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("lease_until_s", sa.Double(), nullable=True),
            sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        ],
        "rides": [
            sa.Column("ended_s", sa.Double(), nullable=True),
            sa.Column("flagged", sa.JSON(), nullable=False, server_default="{}"),
        ],
        "observations": [sa.Column("place", sa.Integer(), nullable=False, server_default="0")],
    }


def _make_logins() -> None:
    op.create_table(
        "logins",
        sa.Column("id_sha256", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("opened_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_logins_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_logins")),
    )
    op.create_index(op.f("ix_logins_user_id"), "logins", ["user_id"])


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("received_s", sa.Double(), nullable=False),
        sa.Column("dialect", sa.String(16), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("n_fixes", sa.Integer(), nullable=False),
        sa.Column("first_fix_s", sa.Double(), nullable=True),
        sa.Column("last_fix_s", sa.Double(), nullable=True),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["tokens.id"], name=op.f("fk_messages_token_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("token_id", "sha256", name=op.f("uq_messages_token_id_sha256")),
    )
    op.create_index("ix_messages_waiting", "messages", ["upload_id", "token_id", "received_s"])
    op.create_index(op.f("ix_messages_received_s"), "messages", ["received_s"])


def _make_limits() -> None:
    op.create_table(
        "buckets",
        sa.Column("key", sa.String(96), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("updated_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_buckets")),
    )
    op.create_table(
        "usage",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n_uploads", sa.Integer(), nullable=False),
        sa.Column("n_messages", sa.Integer(), nullable=False),
        sa.Column("n_bytes", sa.BigInteger(), nullable=False),
        sa.Column("n_fixes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("pk_usage")),
    )


def downgrade() -> None:
    """Drops the tables and columns; messages that are no ride yet are gone, uploads stay."""
    for name in TABLES:
        op.drop_table(name)
    op.drop_index(op.f("ix_uploads_parent_id"), "uploads")
    for table, columns in reversed(_new_columns().items()):
        for column in columns:  # in place: a table that others point to cannot be made anew
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
