"""How many public ids stay with what they name while a campaign collects rides, loses some and gets noisier.

usage: python -m benchmarks.grow_ids [FOLDER...]

FOLDER holds rides.zip and truth.zip; without one the standard cities are made. A true stop or pattern that
two builds found, matched one to one to the truth, is unchanged, and so is a true route where more than half
of its patterns and of those of the route found are the same: its id must be the same in both feeds.
"""

import datetime
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.cities import CITIES, make, table
from transitmap.build import collect_files
from transitmap.config import Config
from transitmap.evaluate import read_feed_map
from transitmap.evaluate.feed_map import FeedMap
from transitmap.evaluate.found_patterns import match_patterns
from transitmap.evaluate.found_stops import facings, match_stops
from transitmap.model import Network, Ride
from transitmap.pipeline import Feed, infer_network, make_feed

SHARES = (0.6, 0.8, 0.9, 1.0)
WITHDRAWN = 0.05
NOISE_M = 3.0
SAME_STOP_M = 30.0
KINDS = ("stop", "pattern", "route")
TODAY = datetime.date(2026, 11, 1)

Names = dict[str, dict[str, str]]
"""Kind -> id of a true thing -> its id in a feed."""


def main(words: list[str]) -> None:
    """Print a table with a row a city, and the sum of all."""
    folders = [Path(word) for word in words] or [make(city) for city in CITIES]
    header = ["city"] + [f"{kind}: {what}" for kind in KINDS for what in ("same", "back", "other")]
    header += ["any stop id", "station"]
    counted = {folder.name: count(folder) for folder in folders}
    rows = [[name, *map(_said, counts)] for name, counts in counted.items()]
    sums = np.sum(list(counted.values()), axis=0).tolist()
    rows.append(["all", *map(_said, sums)])
    print(table(header, rows))


def count(folder: Path) -> list[list[int]]:
    """For each kind: unchanged things with the same id, of all; things back with their last id, of all that
    were not in the feed before; ids that name another thing than before, of all. Then any stop ids of the
    feed before that are in the next, and stations of which more than half of the stops are the same."""
    truth, plane = read_feed_map(folder / "truth.zip")
    figures = defaultdict(lambda: [0, 0])
    last, named, before = {kind: {} for kind in KINDS}, {}, None
    for network in builds(folder):
        feed = _feed(network, before[0] if before else None)
        with tempfile.TemporaryDirectory(prefix="transitmap-") as out:
            (Path(out) / "feed.zip").write_bytes(feed.zip_bytes)
            names = true_names(read_feed_map(Path(out) / "feed.zip", plane)[0], truth)
        if before:
            _count_names(figures, names, before[1], last, named)
            _count_rest(figures, feed, before[0])
        for kind in KINDS:
            last[kind] |= names[kind]
            named |= {one: true for true, one in names[kind].items()}
        before = feed, names
    keys = [(kind, what) for kind in KINDS for what in ("same", "back", "other")]
    return [figures[key] for key in [*keys, "any", "station"]]


def builds(folder: Path) -> Iterator[Network]:
    """The same city of ever more rides, without some of them, and of noisier ones."""
    config = Config()
    rides, _, _ = collect_files([folder / "rides.zip"], config)
    rides.sort(key=lambda ride: float(ride.fixes.time_s[0]) if len(ride.fixes) else 0.0)
    rng = np.random.default_rng(1)
    for share in SHARES:
        yield infer_network(rides[: int(len(rides) * share)], config)[0]
    kept = rng.random(len(rides)) < 1.0 - WITHDRAWN
    yield infer_network([ride for ride, is_kept in zip(rides, kept, strict=True) if is_kept], config)[0]
    yield infer_network([_noisier(ride, rng) for ride in rides], config)[0]


def _noisier(ride: Ride, rng: np.random.Generator) -> Ride:
    off_deg = rng.normal(0.0, NOISE_M / 111_000.0, (2, len(ride.fixes)))
    fixes = ride.fixes
    return replace(
        ride,
        fixes=replace(fixes, lat_deg=fixes.lat_deg + off_deg[0], lon_deg=fixes.lon_deg + off_deg[1]),
    )


def _feed(network: Network, before: Feed | None) -> Feed:
    """Everything anybody rode, so that the ids are tried and not the publishing."""
    config = Config()
    config = replace(config, feed=replace(config.feed, min_riders=1))
    return make_feed(network, config, TODAY, before.ids if before else None)


def true_names(feed: FeedMap, truth: FeedMap) -> Names:
    """The ids of a feed for the true things that are in it."""
    stops = match_stops(feed.stop_m, truth, SAME_STOP_M, (facings(feed), facings(truth)))
    patterns = match_patterns(feed, truth)
    true_route, found_route = defaultdict(set), defaultdict(set)
    for true, found in zip(patterns.true.tolist(), patterns.found.tolist(), strict=True):
        true_route[truth.route_id[truth.route_index[true]]].add(true)
        found_route[feed.route_id[feed.route_index[found]]].add(true)
    return {
        "stop": {
            truth.stop_id[true]: feed.stop_id[found]
            for true, found in zip(stops.true, stops.found, strict=True)
        },
        "pattern": {
            truth.trip_ids[true][0]: feed.trip_ids[found][0].rpartition("-")[0]
            for true, found in zip(patterns.true, patterns.found, strict=True)
        },
        "route": {
            true: found
            for true, ours in true_route.items()
            for found, theirs in found_route.items()
            if 2 * len(ours & theirs) > len(ours | theirs)
        },
    }


def _count_names(figures: dict, names: Names, before: Names, last: Names, named: dict[str, str]) -> None:
    for kind in KINDS:
        for true, one in names[kind].items():
            if true in before[kind]:
                _add(figures, (kind, "same"), one == before[kind][true])
            elif true in last[kind]:
                _add(figures, (kind, "back"), one == last[kind][true])
            _add(figures, (kind, "other"), named.get(one, true) != true)


def _count_rest(figures: dict, feed: Feed, before: Feed) -> None:
    for one in before.ids.stop_id:
        _add(figures, "any", one in feed.ids.stop_id)
    now = _stations(feed)
    for station_id, stops in _stations(before).items():
        for other_id, others in now.items():
            if 2 * len(stops & others) > len(stops | others):
                _add(figures, "station", station_id == other_id)


def _stations(feed: Feed) -> dict[str, set[str]]:
    """Stops by their station."""
    found = defaultdict(set)
    stops = feed.tables["stops.txt"]
    for stop_id, station_id in zip(stops["stop_id"], stops.get("parent_station", []), strict=False):
        if station_id:
            found[station_id].add(stop_id)
    return found


def _add(figures: dict, key: object, is_so: bool) -> None:
    figures[key][0] += int(is_so)
    figures[key][1] += 1


def _said(counts: list[int]) -> str:
    return f"{counts[0]} of {counts[1]}"


if __name__ == "__main__":
    main(sys.argv[1:])
