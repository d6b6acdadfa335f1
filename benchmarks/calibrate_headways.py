"""How often the truth lies within stated headway intervals, on simulated cities and rates of riding.

python -m benchmarks.calibrate_headways [SEEDS]
"""

import datetime
import sys
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.model import Network
from transitmap.pipeline import collect_upload, infer_network
from transitmap.simulate import Dataset, SimulateConfig, simulate_city, simulate_rides
from transitmap.simulate.operation import day_type

HOUR_S = 3600
NEAR_M, STEP_M, SHARE_SAME = 40.0, 25.0, 0.85
LEVELS = (0.5, 0.8, 0.95)
SIZES = ((3, 250, 5), (3, 700, 5), (2, 900, 3), (5, 500, 10))
"""Routes, rides, days."""


class Row(NamedTuple):
    """A window of a found pattern and the mean time between the departures that were really made in it."""

    true_s: float
    headway_s: float
    low_s: float
    high_s: float
    is_bound: bool
    n_vehicles: int


def main(seeds: int) -> None:
    """A line a size of campaign, then all together."""
    print("| routes, rides, days | windows | told | off by |", *(f"in {level:.0%} |" for level in LEVELS))
    everything: list[Row] = []
    for n_routes, n_rides, days in SIZES:
        rows: list[Row] = []
        for seed in range(seeds):
            city = simulate_city(seed, SimulateConfig(n_routes=n_routes))
            dataset = simulate_rides(city, seed, n_rides, 60, days=days)
            rows += calibration_rows(network_of(dataset), dataset)
        print_line(f"{n_routes}, {n_rides}, {days}", rows)
        everything += rows
    print_line("all", everything)


def network_of(dataset: Dataset) -> Network:
    """What is inferred from the uploads of a simulated campaign."""
    rides = []
    for upload in dataset.rides:
        try:
            rides += collect_upload(upload.ride, upload.gpx, Config(), upload.uploaded_at + 1)
        except UploadRefused:
            continue
    return infer_network(rides, Config())[0]


def calibration_rows(network: Network, dataset: Dataset) -> list[Row]:
    """The windows of all patterns that are one of the truth: what is stated and what was true.

    A pattern is the true one whose line it covers, and that covers it, one to one.
    """
    departures, headways = dataset.departures, network.headways
    dates = [dataset.first_day + datetime.timedelta(days=k) for k in range(dataset.days)]
    kinds = np.array([day_type(date) for date in dates])
    true_of = match_patterns(network, dataset)
    hour = departures.departure_s // HOUR_S
    rows = []
    for k, pattern in enumerate(headways.pattern_index.tolist()):
        if pattern not in true_of:
            continue
        first, last = headways.start_s[k] // HOUR_S, headways.end_s[k] // HOUR_S
        is_day = kinds == headways.day_type[k]
        ran = (departures.pattern_index == true_of[pattern]) & is_day[departures.day_index]
        n = np.count_nonzero(ran & (hour >= first) & (hour < last))
        if n:
            true_s = HOUR_S * float(last - first) * np.count_nonzero(is_day) / n
            told = (headways.headway_s[k], headways.low_s[k], headways.high_s[k])
            rows.append(
                Row(true_s, *map(float, told), bool(headways.is_bound[k]), int(headways.n_vehicles[k]))
            )
    return rows


def match_patterns(network: Network, dataset: Dataset) -> dict[int, int]:
    """The true pattern of each found one that is one; best pairs first, one to one."""
    start, plane = network.shapes.point_start, dataset.city.plane
    found = [
        geo.resample(plane.to_metres(network.shapes.lat_deg[a:b], network.shapes.lon_deg[a:b]), STEP_M)
        for a, b in zip(start[:-1], start[1:], strict=True)
    ]
    true = [geo.resample(pattern.line.xy_m, STEP_M) for pattern in dataset.city.patterns]
    pairs = []
    for i, line_m in enumerate(found):
        for j, other_m in enumerate(true):
            covered = [
                np.mean(geo.running_along(a, b, NEAR_M) > 0)
                for a, b in ((line_m, other_m), (other_m, line_m))
            ]
            if min(covered) >= SHARE_SAME:
                pairs.append((sum(covered), i, j))
    chosen: dict[int, int] = {}
    for _, i, j in sorted(pairs, reverse=True):
        if i not in chosen and j not in chosen.values():
            chosen[i] = j
    return chosen


def stated_level(row: Row) -> float:
    """The least level whose interval holds the truth; even from 0 to 1 over rows if intervals are right.

    The logarithm of the headway is taken as normal: the 80 % interval tells the others.
    """
    middle = (np.log(row.low_s) + np.log(row.high_s)) / 2
    width = (np.log(row.high_s) - np.log(row.low_s)) / 2 / NormalDist().inv_cdf(0.9)
    return 2 * NormalDist().cdf(abs(np.log(row.true_s) - middle) / width) - 1


def covered(rows: list[Row], level: float) -> float:
    """Share of rows whose interval of that level holds the truth."""
    return float(np.mean([stated_level(row) <= level for row in rows])) if rows else float("nan")


def print_line(name: str, rows: list[Row]) -> None:
    """Those that are told as headways, and in brackets all."""
    told = [row for row in rows if not row.is_bound]
    off = np.mean([abs(row.headway_s / row.true_s - 1) for row in told]) if told else float("nan")
    shares = [f"{covered(told, level):.2f} ({covered(rows, level):.2f}) |" for level in LEVELS]
    print(f"| {name} | {len(rows)} | {len(told)} | {off:.2f} |", *shares, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
