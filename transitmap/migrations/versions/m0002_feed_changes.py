"""What changed with each feed, which earlier one it brings back, and the feeds that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW = ("change_counts", "changes_sha256", "restores", "note")


def upgrade() -> None:
    """Adds columns; the feeds before have no change log and bring back nothing."""
    with op.batch_alter_table("feed_versions") as table:
        table.add_column(sa.Column("change_counts", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("changes_sha256", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("restores", sa.String(32), nullable=False, server_default=""))
        table.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "feed_refusals",
        sa.Column("rules_version", sa.String(64), nullable=False),
        sa.Column("n_rides", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("rules_version", "n_rides", name=op.f("pk_feed_refusals")),
    )


def downgrade() -> None:
    """Drops both; feeds stay."""
    op.drop_table("feed_refusals")
    with op.batch_alter_table("feed_versions") as table:
        for column in NEW:
            table.drop_column(column)
