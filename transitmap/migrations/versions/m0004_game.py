"""The game: campaigns, teams, missions, reviews, prizes, and a ledger whose lines seal those before."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from transitmap import chain
from transitmap.migrations.versions import m0001_first_tables as first

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "ties", "payouts", "checks", "votes", "comments", "proposals", "appeals", "decisions", "findings",
    "marks", "adoptions", "reservations", "missions", "members", "team_sums", "teams", "sums", "shares",
    "settlements", "campaigns",
)  # fmt: skip
DAY_S = 86_400
CHUNK = 1_000


def upgrade() -> None:
    """Adds tables and makes the ledger anew: lines get keys, days (UTC) and seals."""
    _make_campaigns()
    _make_sums()
    _make_teams()
    _make_missions()
    _make_findings()
    _make_reviews()
    _make_proposals()
    _make_prizes()
    _remake_ledger()
    _sum_up()
    _remake_observations("day")
    _add_finishes()


def _add_finishes() -> None:
    """What says that a trip is over, what came after one was understood, whose turn it is and who works."""
    for table, column in _columns():
        op.add_column(table, column)
    op.create_index(op.f("ix_users_turn"), "users", ["turn"])
    op.create_index(
        "ix_messages_finish",
        "messages",
        ["upload_id", "received_s"],
        sqlite_where=sa.text("is_finish = 1"),
        postgresql_where=sa.text("is_finish"),
    )


def _columns() -> list[tuple[str, sa.Column[Any]]]:
    return [
        ("messages", sa.Column("is_finish", sa.Boolean(), nullable=False, server_default=sa.false())),
        ("rides", sa.Column("late_sha256", sa.String(64), nullable=False, server_default="")),
        ("users", sa.Column("turn", sa.Integer(), nullable=False, server_default="0")),
        ("uploads", sa.Column("holder", sa.String(128), nullable=False, server_default="")),
    ]


def _remake_ledger() -> None:
    """The same lines in a table with more columns: nothing points to them, and a new table has no trigger."""
    op.execute("CREATE TABLE ledger_before AS SELECT * FROM ledger")
    op.drop_table("ledger")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_ledger_change()")
    ledger = _make_ledger()
    _copy(ledger)
    op.drop_table("ledger_before")
    first.guard_ledger()


def _copy(ledger: sa.Table) -> None:
    connection, before = op.get_bind(), chain.GENESIS
    columns = [column.name for column in ledger.columns if column.name not in ("evidence", *_ADDED)]
    old = sa.table("ledger_before", *(sa.column(name) for name in columns), sa.column("evidence", sa.JSON()))
    rows: list[dict[str, Any]] = []
    for found in connection.execute(sa.select(old).order_by(old.c.sequence)).mappings().all():
        line = dict(found) | {
            "key": f"{found['rule']}:{found['ride_id']}",
            "campaign_id": 1,
            "kind": "award",
            "verified_millipoints": 0,
            "day": int(found["created_s"] // DAY_S),
        }
        before = line["sha256"] = chain.seal(before, line)
        rows.append(line)
    for start in range(0, len(rows), CHUNK):
        connection.execute(sa.insert(ledger), rows[start : start + CHUNK])


_ADDED = ("key", "campaign_id", "kind", "verified_millipoints", "day", "sha256")


def _make_ledger() -> sa.Table:
    made = op.create_table(
        "ledger",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("ride_id", sa.String(48), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("millipoints", sa.BigInteger(), nullable=False),
        sa.Column("verified_millipoints", sa.BigInteger(), nullable=False),
        sa.Column("rules_version", sa.String(64), nullable=False),
        sa.Column("network_version", sa.String(32), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("text_es", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_ledger_ride_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ledger_user_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_ledger")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_key")),
    )
    op.create_index(op.f("ix_ledger_created_s"), "ledger", ["created_s"])
    op.create_index(op.f("ix_ledger_ride_id"), "ledger", ["ride_id"])
    op.create_index("ix_ledger_user_id_day", "ledger", ["user_id", "day"])
    return made


def _remake_observations(*more: str) -> None:
    """Who counts as an observer of what: with the day in its key somebody may see a segment again."""
    op.execute("CREATE TABLE observations_before AS SELECT * FROM observations")
    op.drop_table("observations")
    op.create_table(
        "observations",
        sa.Column("network_version", sa.String(32), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("network_version", "segment", "user_id", *more, name=op.f("pk_observations")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO observations (network_version, segment, user_id, day, place) "
        "SELECT network_version, segment, user_id, min(day), min(place) FROM observations_before "
        "GROUP BY network_version, segment, user_id"
    )
    op.drop_table("observations_before")


def _sum_up() -> None:
    """The fold of the lines there are: all of the campaign, week by week, and of all campaigns (0)."""
    op.execute(
        "INSERT INTO sums (campaign_id, period, user_id, millipoints, verified_millipoints, n_rides) "
        "SELECT campaign_id, 0, user_id, sum(millipoints), 0, count(DISTINCT ride_id) "
        "FROM ledger GROUP BY campaign_id, user_id"
    )
    op.execute(
        "INSERT INTO sums (campaign_id, period, user_id, millipoints, verified_millipoints, n_rides) "
        "SELECT 0, 0, user_id, sum(millipoints), 0, sum(n_rides) FROM sums GROUP BY user_id"
    )
    op.execute(  # a week begins on Monday, and 1970-01-01 was a Thursday
        "INSERT INTO sums (campaign_id, period, user_id, millipoints, verified_millipoints, n_rides) "
        "SELECT campaign_id, day - (day + 3) % 7, user_id, sum(millipoints), 0, count(DISTINCT ride_id) "
        "FROM ledger GROUP BY campaign_id, day - (day + 3) % 7, user_id"
    )


def _make_campaigns() -> None:
    made = op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name_es", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=120), nullable=False),
        sa.Column("opens_s", sa.Double(), nullable=True),
        sa.Column("closes_s", sa.Double(), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("budget_centavos", sa.BigInteger(), nullable=False),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("rules_toml", sa.Text(), nullable=False),
        sa.Column("prizes_toml", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("opened_s", sa.Double(), nullable=True),
        sa.Column("frozen_s", sa.Double(), nullable=True),
        sa.Column("closed_s", sa.Double(), nullable=True),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=200), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'open', 'frozen', 'closed')", name=op.f("ck_campaigns_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("slug", name=op.f("uq_campaigns_slug")),
    )
    texts = dict.fromkeys(
        ("area", "rules_version", "rules_toml", "prizes_toml", "snapshot_sha256", "signature"), ""
    )
    own: dict[str, Any] = {
        "slug": "city",
        "name_es": "El mapa de todos",
        "name_en": "Everybody's map",
        "locale": "es_MX",
    }
    own |= {"currency": "MXN", "budget_centavos": 0, "state": "open", "made_s": 0.0}
    op.bulk_insert(made, [own | texts])  # the installation's own, number 1


def _make_sums() -> None:
    op.create_table(
        "settlements",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network_version", sa.String(length=32), nullable=False),
        sa.Column("through_sequence", sa.Integer(), nullable=False),
        sa.Column("through_decision", sa.Integer(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("n_lines", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_settlements")),
    )
    op.create_table(
        "shares",
        sa.Column("ride_id", sa.String(length=48), nullable=False),
        sa.Column("permille", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_shares_ride_id")),
        sa.PrimaryKeyConstraint("ride_id", name=op.f("pk_shares")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sums",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("millipoints", sa.BigInteger(), nullable=False),
        sa.Column("verified_millipoints", sa.BigInteger(), nullable=False),
        sa.Column("n_rides", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sums_user_id")),
        sa.PrimaryKeyConstraint("campaign_id", "period", "user_id", name=op.f("pk_sums")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_sums_board", "sums", ["campaign_id", "period", "millipoints", "user_id"], unique=False
    )
    op.create_index("ix_sums_user_id", "sums", ["user_id"], unique=False)


def _make_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_key", sa.String(length=160), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_teams_campaign_id")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_teams_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("campaign_id", "name_key", name=op.f("uq_teams_campaign_id_name_key")),
    )
    op.create_table(
        "members",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since_s", sa.Double(), nullable=False),
        sa.Column("before_millipoints", sa.BigInteger(), nullable=False),
        sa.Column("before_verified_millipoints", sa.BigInteger(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("week_millipoints", sa.BigInteger(), nullable=False),
        sa.Column("week_verified_millipoints", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_members_campaign_id")),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_members_team_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index("ix_members_team_id", "members", ["team_id"], unique=False)
    op.create_table(
        "team_sums",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("millipoints", sa.BigInteger(), nullable=False),
        sa.Column("verified_millipoints", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_sums_team_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "period", name=op.f("pk_team_sums")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rides_user_id_route_id", "rides", ["user_id", "route_id"], unique=False)
    op.create_index(op.f("ix_users_is_hidden"), "users", ["is_hidden"], unique=False)


def _make_missions() -> None:
    op.create_table(
        "missions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.String(length=64), nullable=False),
        sa.Column("direction_id", sa.Integer(), nullable=False),
        sa.Column("day_part", sa.String(length=16), nullable=False),
        sa.Column("lat_deg", sa.Double(), nullable=False),
        sa.Column("lon_deg", sa.Double(), nullable=False),
        sa.Column("n_needed", sa.Integer(), nullable=False),
        sa.Column("bonus_permille", sa.Integer(), nullable=False),
        sa.Column("is_check", sa.Boolean(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("closes_s", sa.Double(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_missions_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missions")),
    )
    op.create_index("ix_missions_state", "missions", ["state", "campaign_id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mission_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("from_s", sa.Double(), nullable=False),
        sa.Column("until_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["mission_id"], ["missions.id"], name=op.f("fk_reservations_mission_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reservations_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_mission_id", "reservations", ["mission_id"], unique=False)
    op.create_index(op.f("ix_reservations_user_id"), "reservations", ["user_id"], unique=False)
    op.create_table(
        "adoptions",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.String(length=64), nullable=False),
        sa.Column("since_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_adoptions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "route_id", name=op.f("pk_adoptions")),
    )


def _make_findings() -> None:
    op.create_table(
        "ties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("is_one", sa.Boolean(), nullable=False),
        sa.Column("from_sequence", sa.Integer(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ties_user_id")),
        sa.ForeignKeyConstraint(["other_id"], ["users.id"], name=op.f("fk_ties_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ties")),
    )
    op.create_index(op.f("ix_ties_user_id"), "ties", ["user_id"])
    op.create_table(
        "marks",
        sa.Column("band", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ride_id", sa.String(length=48), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_marks_ride_id")),
        sa.PrimaryKeyConstraint("band", "ride_id", name=op.f("pk_marks")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_marks_ride_id", "marks", ["ride_id"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ride_id", sa.String(length=48), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=8), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("other_ride_id", sa.String(length=48), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_findings_ride_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("ride_id", "code", name=op.f("uq_findings_ride_id_code")),
    )
    op.create_index("ix_findings_state", "findings", ["state"], unique=False)


def _make_reviews() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_decisions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_subject", "decisions", ["subject_kind", "subject_id"], unique=False)
    op.create_index(op.f("ix_decisions_user_id"), "decisions", ["user_id"], unique=False)
    op.create_table(
        "appeals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("ride_id", sa.String(length=48), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["ride_id"], ["rides.id"], name=op.f("fk_appeals_ride_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_appeals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
    )
    op.create_index("ix_appeals_state", "appeals", ["state"], unique=False)
    op.create_index(op.f("ix_appeals_user_id"), "appeals", ["user_id"], unique=False)


def _make_proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("rules_toml", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_proposals_campaign_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_proposals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_comments_proposal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_comments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index("ix_comments_proposal_id", "comments", ["proposal_id"], unique=False)
    op.create_table(
        "votes",
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("vote", sa.Integer(), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.id"], name=op.f("fk_votes_proposal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_votes_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("proposal_id", "user_id", name=op.f("pk_votes")),
    )


def _make_prizes() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("route_id", sa.String(length=64), nullable=False),
        sa.Column("stop_id", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.Column("made_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_checks_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("award", sa.String(length=64), nullable=False),
        sa.Column("amount_centavos", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("hold_until_s", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_payouts_campaign_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_payouts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint(
            "campaign_id", "user_id", "award", name=op.f("uq_payouts_campaign_id_user_id_award")
        ),
    )


def downgrade() -> None:
    """The ledger as it was: lines of other kinds than awards are gone, as are all tables of the game."""
    connection = op.get_bind()
    op.execute(
        "CREATE TABLE ledger_after AS SELECT * FROM ledger WHERE kind = 'award' AND ride_id IS NOT NULL"
    )
    op.drop_table("ledger")
    if connection.dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_ledger_change()")
    first.make_ledger()
    op.execute(
        "INSERT INTO ledger (sequence, ride_id, user_id, rule, millipoints, rules_version, network_version, "
        "evidence, text_es, text_en, created_s) SELECT sequence, ride_id, user_id, rule, millipoints, "
        "rules_version, network_version, evidence, text_es, text_en, created_s FROM ledger_after"
    )
    op.drop_table("ledger_after")
    first.guard_ledger()
    _remake_observations()
    op.drop_index("ix_messages_finish", "messages")
    op.drop_index(op.f("ix_users_turn"), "users")
    for table, column in _columns():
        op.drop_column(table, column.name)
    op.drop_index("ix_rides_user_id_route_id", "rides")
    op.drop_index(op.f("ix_users_is_hidden"), "users")
    for name in TABLES:
        op.drop_table(name)
