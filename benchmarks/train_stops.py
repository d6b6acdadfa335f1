"""Learns the scorecard of stops on simulated cities and says how true its confidence is on others.

python -m benchmarks.train_stops FIRST_SEED N_CITIES OUT.json

Cities differ by seed in all that towns and campaigns differ in; every fourth is kept out of the learning.
It takes some 20 s a city.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingClassifier

from transitmap import geo
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.infer import areas, copies, labels, legs, lines, patterns, shapes
from transitmap.infer.stops.candidates import SIGNS
from transitmap.infer.stops.halts import find_halts
from transitmap.infer.stops.places import candidates_of
from transitmap.infer.stops.scorecard import confidence_of, read_scorecard
from transitmap.model import Ride
from transitmap.pipeline import collect_upload
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides

RIGHT_M, WRONG_M = 25.0, 45.0
"""A candidate so near a stop of its direction is one; between the two it is neither and teaches nothing."""
MORE_IS_BETTER = ("share", "share_tight", "ends", "ends_n", "ends_tight", "taps")
PHONES = (
    ((1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0), (0.2, 0.15, 0.15, 0.25, 0.13, 0.07, 0.05)),
    ((10.0, 15.0, 20.0, 30.0), (0.3, 0.3, 0.2, 0.2)),
    ((1.0, 2.0, 3.0, 5.0), (0.4, 0.2, 0.2, 0.2)),
)
NOW_S = 2e9


def main(first_seed: int, n_cities: int, out: Path) -> None:
    """Writes the card; prints how often candidates stated with each confidence are stops in cities unseen."""
    signs, gap_m, city = [], [], []
    for seed in range(first_seed, first_seed + n_cities):
        found = candidates_of_city(seed)
        signs.append(found[0])
        gap_m.append(found[1])
        city.append(np.full(len(found[1]), seed))
    x, d_m, seed_of = (np.concatenate(column) for column in (signs, gap_m, city))
    clear = (d_m < RIGHT_M) | (d_m > WRONG_M)
    x, is_stop, seed_of = x[clear], d_m[clear] < RIGHT_M, seed_of[clear]
    unseen = seed_of % 4 == 3
    card = learn(x[~unseen], is_stop[~unseen], seed_of[~unseen])
    out.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print_calibration(confidence_of(x[unseen], SIGNS, read_scorecard(json.dumps(card))), is_stop[unseen])


def town(seed: int) -> tuple[SimulateConfig, int, int, int]:
    """A town and campaign of its own for each seed: settings, rides, riders, days."""
    rng = np.random.default_rng([77, seed])
    interval_s, weight = PHONES[(0, 1, 2, 0)[seed % 4]]
    is_campaign = seed % 5 == 4
    least_m = float(np.exp(rng.uniform(np.log(100.0), np.log(600.0))))
    config = SimulateConfig(
        n_routes=int(rng.integers(2, 9)),
        mode="campaign" if is_campaign else "commuter",
        width_m=float(rng.uniform(5_000, 12_000)),
        height_m=float(rng.uniform(5_000, 10_000)),
        block_m=float(rng.uniform(110, 300)),
        spacing_m=(least_m, least_m * float(rng.uniform(1.5, 2.6))),
        label_share=float(rng.choice([0.0, 0.3, 0.6, 0.9])),
        tap_share=float(rng.choice([0.0, 0.1, 0.2])),
        hail_share=float(rng.choice([0.0, 0.0, 0.3, 0.6])),
        demand=float(rng.uniform(0.4, 1.6)),
        signal_factor=float(rng.uniform(0.4, 2.2)),
        traffic=float(rng.uniform(0.0, 1.4)),
        red_share=float(rng.uniform(0.2, 0.6)),
        red_s=float(rng.uniform(25.0, 80.0)),
        yield_share=float(rng.choice([0.0, rng.uniform(0.0, 0.5)])),
        noise_m=float(rng.uniform(3.2, 6.5)),
        interval_s=interval_s,
        interval_weight=weight,
    )
    n = config.n_routes * int(rng.integers(8, 20)) if is_campaign else int(rng.choice([150, 300, 500, 800]))
    return config, n, max(20, int(n * rng.uniform(0.2, 1.0))), int(rng.integers(3, 25))


def candidates_of_city(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Signs of all candidates of a city, and metres from each to the next true stop of its direction."""
    settings, n_rides, n_riders, days = town(seed)
    city = simulate_city(seed, settings)
    data = simulate_rides(city, seed, n_rides, n_riders, days=days)
    config = Config()
    rides = [ride for one in data.rides for ride in readable(one.ride, one.gpx, config)]
    plane, is_far = areas.find_area(rides, config.areas)
    leg = legs.split_legs(rides, config.legs)
    left_out = is_far | (copies.find_copies(rides, config.copies) >= 0)
    line = lines.draw_lines(rides, leg, left_out, plane, config.lines)
    label = [labels.clean_label(rides[k].label) for k in line.ride_index]
    path = patterns.find_paths(line, label, config.lines.near_m, config.patterns)
    shape_m = shapes.draw_shapes(path, line, config.shapes)
    halts = find_halts(rides, leg, line, plane, config.stops)
    found = candidates_of(rides, halts, line, shape_m, config.stops)
    xy_m = np.concatenate([one.xy_m for one in found])
    ahead = np.concatenate([one.ahead for one in found])
    ridden = {one.truth.pattern_index for one in data.rides if one.truth.kind == "ride"}
    signs = np.concatenate([one.signs for one in found])
    print(f"city {seed}: {len(rides)} rides, {len(path)} paths, {len(signs)} candidates", flush=True)
    return signs, gaps_m(xy_m, ahead, city, sorted(ridden), plane)


def readable(name: str, gpx: bytes, config: Config) -> list[Ride]:
    """The rides of an upload; none where it is refused, as some junk is."""
    try:
        return collect_upload(name, gpx, config, NOW_S)
    except UploadRefused:
        return []


def gaps_m(xy_m, ahead, city, ridden, plane: geo.Plane) -> np.ndarray:
    """Metres from each place to the nearest stop at which a ridden pattern calls that way; inf past 60 m."""
    stop_m, way = [], []
    for pattern in (city.patterns[k] for k in ridden):
        along_m, call_m = pattern.line.along_m, pattern.call_m
        ends_m = [geo.at(pattern.line.xy_m, along_m, call_m + step_m) for step_m in (-10.0, 10.0)]
        turn_m = ends_m[1] - ends_m[0]
        way.append(turn_m / np.maximum(np.hypot(*turn_m.T), 1e-9)[:, None])
        stop_m.append(plane.to_metres(*city.plane.to_degrees(city.stops.xy_m[pattern.stop_index])))
    stop_m, way = np.concatenate(stop_m), np.concatenate(way)
    gap_m = np.full(len(xy_m), np.inf)
    for k, near in enumerate(cKDTree(stop_m).query_ball_point(xy_m, 60.0)):
        near = [i for i in near if way[i] @ ahead[k] > 0.5]
        if near:
            gap_m[k] = np.hypot(*(stop_m[near] - xy_m[k]).T).min()
    return gap_m


def learn(x: np.ndarray, is_stop: np.ndarray, city: np.ndarray) -> dict:
    """Boosted stumps, each city of the weight of the root of its candidates, summed up sign by sign."""
    n = np.bincount(city)[city]
    model = HistGradientBoostingClassifier(
        max_iter=250,
        learning_rate=0.1,
        max_leaf_nodes=2,
        max_bins=32,
        min_samples_leaf=60,
        l2_regularization=5.0,
        early_stopping=False,
        monotonic_cst=[int(name in MORE_IS_BETTER) for name in SIGNS],
    ).fit(x, is_stop, 1.0 / np.sqrt(n))
    steps = [{} for _ in SIGNS]
    for (tree,) in model._predictors:
        root = tree.nodes[0]
        if not root["is_leaf"]:
            at = steps[root["feature_idx"]].setdefault(float(root["num_threshold"]), [0.0, 0.0])
            at[0] += float(tree.nodes[root["left"]]["value"])
            at[1] += float(tree.nodes[root["right"]]["value"])
    card = {"base": float(model._baseline_prediction.ravel()[0]), "signs": {}}
    for k, name in enumerate(SIGNS):
        edges = sorted(steps[k])
        points = np.cumsum(
            [sum(steps[k][e][0] for e in edges), *(steps[k][e][1] - steps[k][e][0] for e in edges)]
        )
        mean = float(points[np.searchsorted(edges, x[:, k])].mean())
        card["base"] += mean
        card["signs"][name] = {"edges": edges, "points": [round(float(p) - mean, 4) for p in points]}
    return card


def print_calibration(confidence: np.ndarray, is_stop: np.ndarray) -> None:
    """A line for each tenth of confidence."""
    print("| stated | mean | right | candidates |")
    for low in np.arange(0.0, 1.0, 0.1):
        rows = (confidence >= low) & (confidence < low + 0.1)
        if rows.any():
            mean, right = confidence[rows].mean(), is_stop[rows].mean()
            print(f"| {low:.1f}-{low + 0.1:.1f} | {mean:.2f} | {right:.2f} | {rows.sum()} |")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
