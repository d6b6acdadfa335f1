"""The ledger, its sums, and who counts as an observer of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap import chain
from transitmap.store.tables import LedgerRow, Observation, User
from transitmap.store.tables_game import ALL_CAMPAIGNS, OWN_CAMPAIGN, Member

CHUNK = 5_000
DAY_S = 86_400
DECISION = "decision"
"""The kind of lines that say who decided what, and give or take nothing themselves."""
MEMBER = "member"
Where = tuple[int, int, int]
"""Of a sum: campaign, period, rider."""
OfTeam = tuple[int, int]
"""Of a team's sum: team, period."""


def add_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[LedgerRow]:
    """The lines that were new, sealed in this order; one whose key is there already is passed over.

    `rows` hold the columns of LedgerRow without `sequence` and `sha256`; left out, `key` is "rule:ride_id",
    `kind` award, `campaign_id` the installation's own, `verified_millipoints` 0 and `day` that of `created_s`
    in UTC. Sums follow in the same transaction. Call it under `lock_ledger`.
    """
    lines = [_whole(row) for row in rows]
    paid = _keys_paid(session, [line["key"] for line in lines])
    last = session.execute(
        sa.select(LedgerRow.sequence, LedgerRow.sha256).order_by(LedgerRow.sequence.desc()).limit(1)
    ).first()
    sequence, before = last or (0, chain.GENESIS)
    added: list[LedgerRow] = []
    for line in lines:
        if line["key"] in paid:
            continue
        paid.add(line["key"])
        line["sequence"] = sequence + len(added) + 1
        before = line["sha256"] = chain.seal(before, line)
        added.append(LedgerRow(**line))
    _add_to_sums(session, added)
    session.add_all(added)
    session.flush()
    return added


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line with all its columns but its place and its seal."""
    line = {"campaign_id": OWN_CAMPAIGN, "kind": "award", "ride_id": None, "verified_millipoints": 0, **row}
    line.setdefault("key", f"{line['rule']}:{line['ride_id']}")
    line.setdefault("day", int(line["created_s"] // DAY_S))
    return line


def _keys_paid(session: Session, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        question = sa.select(LedgerRow.key).where(LedgerRow.key.in_(keys[start : start + CHUNK]))
        found |= set(session.scalars(question))
    return found


def monday(day: int) -> int:
    """The Monday of the week of a day; both count days since 1970-01-01, which was a Thursday."""
    return day - (day + 3) % 7


def stands(points: Any, verified: Any, n_rides: Any) -> sa.ColumnElement[bool]:
    """Whether sums like these stand on boards: who has neither a point nor a ride does not.

    Whoever only decided something, or of whom only something was decided, has a sum in which all is 0.
    """
    return sa.or_(points != 0, verified != 0, n_rides != 0)


def _add_to_sums(session: Session, added: Sequence[LedgerRow]) -> None:
    """Folds new lines into the sums of riders and of their teams; a ride counts with its first line."""
    change: dict[Where, list[int]] = {}
    for row in added:
        for period in (0, monday(row.day)):
            sums = change.setdefault((row.campaign_id, period, row.user_id), [0, 0, 0])
            sums[0] += row.millipoints
            sums[1] += row.verified_millipoints
    for where, n in _n_new_rides(session, added).items():
        change[where][2] = n
    together: dict[Where, list[int]] = {}
    for (_, period, user_id), sums in change.items():
        if period == 0:
            kept = together.setdefault((ALL_CAMPAIGNS, 0, user_id), [0, 0, 0])
            kept[:] = map(sum, zip(kept, sums, strict=True))
    names = ("campaign_id", "period", "user_id", "millipoints", "verified_millipoints", "n_rides")
    rows = [
        dict(zip(names, (*where, *sums), strict=True)) for where, sums in sorted((change | together).items())
    ]
    if rows:
        session.execute(_TO_SUMS, rows)
    add_to_teams(session, _of_teams(session, change))


_TO_SUMS = sa.text(
    "INSERT INTO sums (campaign_id, period, user_id, millipoints, verified_millipoints, n_rides) "
    "VALUES (:campaign_id, :period, :user_id, :millipoints, :verified_millipoints, :n_rides) "
    "ON CONFLICT (campaign_id, period, user_id) DO UPDATE SET "
    "millipoints = sums.millipoints + excluded.millipoints, "
    "verified_millipoints = sums.verified_millipoints + excluded.verified_millipoints, "
    "n_rides = sums.n_rides + excluded.n_rides"
)
_TO_TEAM_SUMS = sa.text(
    "INSERT INTO team_sums (team_id, period, millipoints, verified_millipoints) "
    "VALUES (:team_id, :period, :millipoints, :verified_millipoints) "
    "ON CONFLICT (team_id, period) DO UPDATE SET "
    "millipoints = team_sums.millipoints + excluded.millipoints, "
    "verified_millipoints = team_sums.verified_millipoints + excluded.verified_millipoints"
)


def _of_teams(session: Session, change: Mapping[Where, Sequence[int]]) -> dict[OfTeam, list[int]]:
    """What of changed sums is a team's: since its rider joined, and in no week before that one."""
    riders = sorted({user_id for _, _, user_id in change})
    teams: dict[tuple[int, int], tuple[int, int]] = {}
    for start in range(0, len(riders), CHUNK):
        some = Member.user_id.in_(riders[start : start + CHUNK]), Member.state == MEMBER
        question = sa.select(Member.campaign_id, Member.user_id, Member.team_id, Member.week).where(*some)
        for campaign_id, user_id, team_id, week in session.execute(question):
            teams[campaign_id, user_id] = team_id, week
    found: dict[OfTeam, list[int]] = {}
    for (campaign_id, period, user_id), (points, verified, _) in change.items():
        team_id, week = teams.get((campaign_id, user_id), (0, 0))
        if team_id and (period == 0 or week <= period):
            kept = found.setdefault((team_id, period), [0, 0])
            kept[:] = kept[0] + points, kept[1] + verified
    return found


def add_to_teams(session: Session, change: Mapping[OfTeam, Sequence[int]]) -> None:
    """Millipoints and verified ones by team and period that its members earned, or took along."""
    names = ("team_id", "period", "millipoints", "verified_millipoints")
    rows = [dict(zip(names, (*where, *sums), strict=True)) for where, sums in sorted(change.items())]
    if rows:
        session.execute(_TO_TEAM_SUMS, rows)


def _n_new_rides(session: Session, added: Sequence[LedgerRow]) -> dict[Where, int]:
    """How many rides have their first line of a campaign, and of a week in it, among these."""
    awarding = [row for row in added if row.ride_id and row.kind != DECISION]
    rides = list({row.ride_id for row in awarding})
    seen: set[tuple[int, int, str]] = set()
    for start in range(0, len(rides), CHUNK):
        question = sa.select(LedgerRow.campaign_id, LedgerRow.day, LedgerRow.ride_id).where(
            LedgerRow.ride_id.in_(rides[start : start + CHUNK]), LedgerRow.kind != DECISION
        )
        for campaign_id, day, ride_id in session.execute(question):
            seen |= {(campaign_id, 0, str(ride_id)), (campaign_id, monday(day), str(ride_id))}
    n: dict[Where, int] = {}
    for row in awarding:
        for period in (0, monday(row.day)):
            this = row.campaign_id, period, str(row.ride_id)
            if this not in seen:
                seen.add(this)
                n[row.campaign_id, period, row.user_id] = n.get((row.campaign_id, period, row.user_id), 0) + 1
    return n


def ledger_rows(session: Session, user_id: int | None = None, ride_id: str | None = None) -> list[LedgerRow]:
    """The ledger in its order, everybody's or one rider's or one ride's."""
    question = sa.select(LedgerRow).order_by(LedgerRow.sequence)
    if user_id is not None:
        question = question.where(LedgerRow.user_id == user_id)
    if ride_id is not None:
        question = question.where(LedgerRow.ride_id == ride_id)
    return list(session.scalars(question))


@dataclass(frozen=True)
class Standing:
    """What one rider earned in a period."""

    user_id: int
    name: str
    is_hidden: bool
    millipoints: int
    n_rides: int
    verified_millipoints: int = 0


def standings_rows(session: Session, since_s: float | None = None) -> list[Standing]:
    """The ledger summed by rider over awards made since then; hidden riders too.

    Riders who have nothing there (`stands`) are left out. `points.standings.board` makes ranks of it.
    """
    rides = sa.case((LedgerRow.kind != DECISION, LedgerRow.ride_id))
    points, verified = (sa.func.sum(one) for one in (LedgerRow.millipoints, LedgerRow.verified_millipoints))
    n_rides = sa.func.count(sa.distinct(rides))
    question = (
        sa.select(User.id, User.name, User.is_hidden, points, n_rides, verified)
        .join(LedgerRow, LedgerRow.user_id == User.id)
        .group_by(User.id, User.name, User.is_hidden)
        .having(stands(points, verified, n_rides))
        .order_by(User.id)
    )
    if since_s is not None:
        question = question.where(LedgerRow.created_s >= since_s)
    return [
        Standing(i, name, hidden, int(points), n, int(verified))
        for i, name, hidden, points, n, verified in session.execute(question)
    ]


def observers(
    session: Session, network_version: str, segments: Sequence[int]
) -> dict[int, list[tuple[int, int]]]:
    """(user_id, day) of everyone who counted as an observer of these segments under a network."""
    found: dict[int, list[tuple[int, int]]] = {}
    connection = session.connection()  # rows as they are: no object is behind them
    for start in range(0, len(segments), CHUNK):
        some = {"version": network_version, "segments": segments[start : start + CHUNK]}
        for segment, user_id, day in connection.execute(_OBSERVERS, some):
            found.setdefault(segment, []).append((user_id, day))
    return found


_OBSERVERS = sa.select(Observation.segment, Observation.user_id, Observation.day).where(
    Observation.network_version == sa.bindparam("version"),
    Observation.segment.in_(sa.bindparam("segments", expanding=True)),
)


def add_observations(
    session: Session,
    network_version: str,
    rows: Sequence[tuple[int, int, int]],
    before: Mapping[int, Sequence[tuple[int, int]]] | None = None,
) -> None:
    """Stores (segment, user_id, day) of new observers in their order; call it under `lock_ledger`.

    `before` are those who counted already (see `observers`); without it there are none.
    """
    n_before = {segment: len(those) for segment, those in (before or {}).items()}
    values = []
    for segment, user_id, day in rows:
        place = n_before.get(segment, 0)
        n_before[segment] = place + 1
        row = {"network_version": network_version, "segment": segment, "user_id": user_id}
        values.append(row | {"day": day, "place": place})
    connection = session.connection()
    for start in range(0, len(values), CHUNK):
        connection.execute(_ADD_OBSERVATIONS, values[start : start + CHUNK])


_ADD_OBSERVATIONS = sa.insert(Observation)


def copy_observations(session: Session, network_version: str, to_version: str) -> None:
    """Who counts under a network counts under another that knows the same. Call it under `lock_ledger`."""
    columns = ("segment", "user_id", "day", "place")
    seen = sa.select(sa.literal(to_version), *(getattr(Observation, name) for name in columns)).where(
        Observation.network_version == network_version
    )
    into = sa.insert(Observation).from_select(("network_version", *columns), seen)
    session.execute(into)


def all_observations(session: Session, network_version: str) -> list[tuple[int, int, int]]:
    """(segment, user_id, day) of every observer under a network, sorted."""
    question = (
        sa.select(Observation.segment, Observation.user_id, Observation.day)
        .where(Observation.network_version == network_version)
        .order_by(Observation.segment, Observation.user_id, Observation.day)
    )
    return [(segment, user_id, day) for segment, user_id, day in session.execute(question)]


def nameless_observations(session: Session, network_version: str) -> list[tuple[int, int, int, int]]:
    """(segment, user_id, day, place) of those under a network who were erased, and of mere touches."""
    question = sa.select(Observation.segment, Observation.user_id, Observation.day, Observation.place)
    question = question.where(Observation.network_version == network_version, Observation.user_id <= 0)
    return [(segment, who, day, place) for segment, who, day, place in session.execute(question)]
