"""What the database and the archive know of a campaign -> all that its end report tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import store
from transitmap.archive import Archive, unpack_columns, unpack_network
from transitmap.campaigns.figures import Line, Mapped, Ridden, by_voice, map_figures, place_m
from transitmap.campaigns.report import Account, Outlook
from transitmap.campaigns.words import Voice
from transitmap.config import Config
from transitmap.gtfs.feed.names import headsigns_of
from transitmap.missions import coverage
from transitmap.model import BoolArray, Network
from transitmap.points.campaigns import CLOSED
from transitmap.points.equity import Grid, read_grid, weights
from transitmap.terms import city_day
from transitmap.terrain import Known

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LISTED = (
    *("id", "slug", "state", "area", "opens_s", "closes_s", "currency", "budget_centavos"),
    *("rules_version", "snapshot_sha256"),
)
"""Columns of a campaign in a list of all."""
NEED_PERMILLE = 1_250
"""Need is marked where a ride is worth a quarter more: of a grid of population or poverty, its upper half."""


def timezone_of(session: Session, archive: Archive, config: Config) -> str:
    """The city's clock: the one that is set, else the one its feed was made in, else universal time."""
    if config.feed.timezone:
        return config.feed.timezone
    feed = store.latest_feed(session)
    return unpack_network(archive.get(feed.network_sha256)).timezone if feed else "UTC"


def account_of(
    session: Session,
    archive: Archive,
    campaign: store.Campaign,
    config: Config,
    timezone: str,
    locale: str,
    now_s: float,
    mapped: Mapped | None = None,
) -> Account:
    """The account of a campaign as of now, under the feed that holds; `mapped` where it is known already."""
    mapped = mapped or mapped_by(session, archive, campaign, timezone, config.equity.grid, config.feed.lang)
    sums = store.sums_of_campaign(session, campaign.id)
    feed, part = store.latest_feed(session), store.ledger_part(session, campaign.id)
    return Account(
        name=campaign.name_en if locale == "en" else campaign.name_es,
        publisher=config.feed.publisher_name,
        opens_s=campaign.opens_s,
        closes_s=campaign.closes_s,
        is_closed=campaign.state == CLOSED,
        made_s=now_s,
        budget_centavos=campaign.budget_centavos,
        mapped=mapped,
        prizes_centavos=store.payout_centavos(session, campaign.id),
        there=_there(session, campaign, mapped),
        n_teams=store.n_teams(session, campaign.id),
        millipoints=sum(row[1] for row in sums),
        verified_millipoints=sum(row[2] for row in sums),
        n_open_findings=store.n_open_findings(session, campaign.id),
        outlook=_outlook(coverage(session)),
        feed_version=feed.id if feed else "",
        rules_version=campaign.rules_version,
        n_ledger_lines=part.n_lines,
        head_sha256=part.head_sha256,
        snapshot_sha256=campaign.snapshot_sha256,
    )


def _there(session: Session, campaign: store.Campaign, mapped: Mapped) -> tuple[int, int] | None:
    """The points of rides where need is marked, and those of them that count for prizes."""
    if mapped.need is None:
        return None
    of_ride = store.points_of_rides(session, campaign.id)
    some = [of_ride[one] for one in mapped.rides_in_need if one in of_ride]
    return sum(points for points, _ in some), sum(verified for _, verified in some)


def _outlook(noted: Mapping[str, Any]) -> Outlook | None:
    """The forecast for the nearest target not reached yet, else for the last; None where there is none."""
    forecasts = sorted(noted.get("forecasts", ()), key=lambda one: one["target_permille"])
    ahead = [one for one in forecasts if one["share_permille"] < one["target_permille"]]
    if not forecasts:
        return None
    one = ahead[0] if ahead else forecasts[-1]
    return Outlook(one["share_permille"], one["target_permille"], one["low"], one["high"])


def voice_of(campaign: store.Campaign, locale: str, timezone: str) -> Voice:
    """How the report of a campaign speaks: its money, the reader's language, the city's clock."""
    return Voice(locale, campaign.currency, timezone)


def mapped_by(
    session: Session,
    archive: Archive,
    campaign: store.Campaign,
    timezone: str,
    grid: str = "",
    lang: str = "es",
) -> Mapped:
    """What a campaign's rides brought to the map that holds now; rides after it are counted as late.

    Whoever sent a copy of another's ride is no voice beside theirs. `grid` is the file of the public grid of
    need, empty where there is none; destinations nobody named are told in `lang`, as in the feed. Takes two
    seconds for 100,000 rides.
    """
    counted = {ride.ride_id for ride in store.counted_rides(session, campaign.id)}
    rides = store.counted_rides(session)
    feed = store.latest_feed(session)
    if feed is None or not feed.known_sha256:
        return Mapped(n_late=len(counted))
    known = unpack_columns(Known, archive.get(feed.known_sha256))
    row_of = {ride_id: row for row, ride_id in enumerate(known.ride_id)}
    names = store.read_under(store.bound_riders(session))
    behind = [ride for ride in rides if ride.ride_id in row_of]
    rows = np.array([row_of[ride.ride_id] for ride in behind], dtype=np.int64)
    trips = known.trips
    ridden = Ridden(
        pattern_index=trips.pattern_index[rows],
        first_m=trips.first_m[rows],
        last_m=trips.last_m[rows],
        rider=np.array([ride.user_id for ride in behind], dtype=np.int64),
        voice=by_voice([ride.user_id for ride in behind], names.items()),
        day=np.array([city_day(ride.started_s, timezone) for ride in behind], dtype=np.int64),
        distance_m=np.array([ride.distance_m for ride in behind], dtype=np.float64),
        is_counted=np.array([ride.ride_id in counted for ride in behind], dtype=np.bool_),
    )
    marked = marked_places(known.network, read_grid(Path(grid))) if grid else None
    found = map_figures(known.network, known.route_id, ridden, len(counted - row_of.keys()), marked)
    found = replace(found, lines=_named(found.lines, headsigns_of(known.network, lang)))
    if found.need is None:
        return found
    there = frozenset(ride.ride_id for ride, one in zip(behind, found.need.is_there, strict=True) if one)
    return replace(found, rides_in_need=there)


def _named(lines: Sequence[Line], headsigns: Sequence[str]) -> tuple[Line, ...]:
    """The lines with their destinations as the feed calls them."""
    return tuple(replace(one, headsign=headsigns[one.pattern]) for one in lines)


def marked_places(network: Network, grid: Grid) -> list[BoolArray]:
    """Of each pattern, which of its places the grid weighs NEED_PERMILLE or more."""
    shapes, found = network.shapes, []
    for pattern in range(len(network.patterns)):
        points = slice(shapes.point_start[pattern], shapes.point_start[pattern + 1])
        along_m = place_m(network, pattern)
        lat_deg, lon_deg = (
            np.interp(along_m, shapes.along_m[points], one[points])
            for one in (shapes.lat_deg, shapes.lon_deg)
        )
        found.append(weights(grid, lat_deg, lon_deg) >= NEED_PERMILLE)
    return found


def told_of_all(session: Session) -> list[dict[str, Any]]:
    """A row a campaign, the installation's own first: its settings, its state, its riders and points."""
    rows = []
    for one in store.all_campaigns(session):
        sums = store.sums_of_campaign(session, one.id)
        row = {name: getattr(one, name) for name in LISTED}
        rows.append(row | {"riders": len(sums), "points": sum(row[1] for row in sums) / 1000})
    return rows
