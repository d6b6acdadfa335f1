"""Learns the scorecard of stops on simulated towns, and measures it and its threshold on others.

python -m benchmarks.train_stops CARD.json [FOLDER]

The card that is shipped comes from `python -m benchmarks.train_stops transitmap/infer/stops/scorecard.json`.
Towns, seeds and the order of sums are fixed, so the same code gives the same bytes; a change to a stage
before the stops gives other paths and another card. Every third town is kept out of the learning; all that
is printed is measured on those. What the stages before the stops make of a town (some 5 s each) is kept
in FOLDER where one is named; after a change to a stage before the stops it must be emptied.
"""

import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from transitmap import geo
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.infer import areas, copies, labels, legs, lines, patterns, shapes
from transitmap.infer.stops.candidates import SIGNS, Candidates
from transitmap.infer.stops.halts import find_halts
from transitmap.infer.stops.places import calls_of, candidates_of, places_of
from transitmap.infer.stops.scorecard import Scorecard, confidence_of, read_scorecard
from transitmap.model import FloatArray, Legs, Lines, Ride
from transitmap.pipeline import collect_upload, gather_crowd
from transitmap.simulate import Dataset, SimulateConfig, simulate_city, simulate_rides

N_TOWNS = 48
RIGHT_M, WRONG_M = 25.0, 45.0
"""A candidate so near a stop of its direction is one; between the two it is neither and teaches nothing."""
FOUND_M, VISITS = 30.0, 3.0
"""A stop is found within 30 m, one to one, and has to be found where so many halts were to be expected with a
rider aboard; finding one that had fewer is right too."""
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
MORE_IS_BETTER = ("share", "share_tight", "ends", "ends_n", "ends_tight", "taps")
MIXED = ((1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0), (0.2, 0.15, 0.15, 0.25, 0.13, 0.07, 0.05))
PHONES = (
    *(MIXED, MIXED, MIXED),
    ((1.0, 2.0, 3.0, 5.0), (0.4, 0.2, 0.2, 0.2)),
    MIXED,
    ((10.0,), (1.0,)),
    ((15.0, 20.0), (0.5, 0.5)),
    ((30.0,), (1.0,)),
)
INTERVALS_S, N_SAME = (1.0, 5.0, 10.0, 15.0, 20.0, 30.0), 3
ORDINARY = {"width_m": 7_000.0, "height_m": 6_000.0, "n_routes": 4}
NOW_S = 2e9


class Town(NamedTuple):
    """What the stop stage gets of a town, and its truth: place and way of each call of ridden patterns, place
    and expected visits of each of their stops."""

    rides: list[Ride]
    leg: Legs
    line: Lines
    shape_m: list[FloatArray]
    plane: geo.Plane
    call_m: FloatArray
    way: FloatArray
    stop_m: FloatArray
    visits: FloatArray


class Scene(NamedTuple):
    """A town with its candidates, and metres from each to the next true stop of its direction (60 m at most,
    else inf)."""

    town: Town
    found: list[Candidates]
    signs: FloatArray
    gap_m: FloatArray


def main(out: Path, folder: Path | None = None) -> None:
    """Writes the card; prints what it and each threshold are worth in towns that it was not learned on."""
    seen = [scene(k, folder) for k in range(N_TOWNS) if k % 3 != 2]
    card = learn(seen)
    out.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    card = read_scorecard(json.dumps(card))
    unseen = {k: scene(k, folder) for k in range(N_TOWNS) if k % 3 == 2}
    print_calibration(list(unseen.values()), card)
    score = {k: scores(one, card) for k, one in unseen.items()}
    print_thresholds(np.array(list(score.values())))
    best = int(np.argmax(np.median(list(score.values()), axis=0)[:, 2]))
    print(f"The median town has its highest F1 at {THRESHOLDS[best]}; by phones, P / R / F1:")
    for phones in dict.fromkeys(PHONES):
        rows = [score[k][best] for k in unseen if PHONES[k % len(PHONES)] == phones]
        print(
            f"| {said_s(phones[0])} | {len(rows)} |",
            " | ".join(f"{x:.2f}" for x in np.mean(rows, axis=0)),
            "|",
        )
    for interval in range(len(INTERVALS_S)):
        towns = range(N_TOWNS + interval, N_TOWNS + N_SAME * len(INTERVALS_S), len(INTERVALS_S))
        rows = [scores(scene(k, folder), card)[best] for k in towns]
        print(
            f"| the same, {INTERVALS_S[interval]:g} s |",
            " | ".join(f"{x:.2f}" for x in np.mean(rows, axis=0)),
            "|",
        )


def scene(k: int, folder: Path | None) -> Scene:
    """A town and the candidates in it."""
    one, config = town(k, folder), Config().stops
    halts = find_halts(one.rides, one.leg, one.line, one.plane, config)
    crowd = gather_crowd(one.rides, one.line, one.plane, Config())
    found = candidates_of(one.rides, halts, one.line, crowd, one.shape_m, config)
    xy_m, ahead, signs = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("xy_m", "ahead", "signs")
    )
    return Scene(one, found, signs, gaps_m(xy_m, ahead, one))


def said_s(interval_s: tuple[float, ...]) -> str:
    """The range of some intervals."""
    return f"{min(interval_s):g}-{max(interval_s):g} s"


def town_plan(k: int) -> tuple[SimulateConfig, int, int, int]:
    """Settings, rides, riders and days of the k-th town and its campaign; from N_TOWNS on those of ordinary
    towns that differ in nothing but how often all phones write."""
    if k >= N_TOWNS:
        interval_s = INTERVALS_S[(k - N_TOWNS) % len(INTERVALS_S)]
        return SimulateConfig(**ORDINARY, interval_s=(interval_s,), interval_weight=(1.0,)), 400, 80, 14
    rng = np.random.default_rng([77, k])
    interval_s, weight = PHONES[k % len(PHONES)]
    is_campaign = k % 5 == 4
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
        late_share=float(rng.choice([0.0, 0.0, 0.15, 0.4])),
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
    n = config.n_routes * int(rng.integers(8, 20)) if is_campaign else int(rng.choice([150, 300, 500]))
    return config, n, max(20, int(n * rng.uniform(0.2, 1.0))), int(rng.integers(3, 25))


def town(k: int, folder: Path | None) -> Town:
    """The k-th town, from the folder where it was made before."""
    kept = folder / f"town-{k}.pkl" if folder else None
    if kept and kept.exists():
        return Town(*pickle.loads(kept.read_bytes()))
    made = make_town(k)
    if kept:
        kept.write_bytes(pickle.dumps(tuple(made)))
    return made


def make_town(k: int) -> Town:
    """A town simulated, and its rides taken through the stages before the stops."""
    settings, n_rides, n_riders, days = town_plan(k)
    seed = k if k < N_TOWNS else N_TOWNS + (k - N_TOWNS) // len(INTERVALS_S)
    data = simulate_rides(simulate_city(seed, settings), seed, n_rides, n_riders, days=days)
    config = Config()
    rides = [ride for one in data.rides for ride in readable(one.ride, one.gpx, config)]
    plane, is_far = areas.find_area(rides, config.areas)
    leg = legs.split_legs(rides, config.legs)
    left_out = is_far | (copies.find_copies(rides, config.copies) >= 0)
    line = lines.draw_lines(rides, leg, left_out, plane, config.lines)
    label = [labels.clean_label(rides[i].label) for i in line.ride_index]
    path = patterns.find_paths(line, label, config.lines.near_m, config.patterns)
    shape_m = shapes.draw_shapes(path, line, config.shapes)
    print(f"town {k}: {len(rides)} rides, {len(path)} paths", flush=True)
    return Town(rides, leg, line, list(shape_m), plane, *truth(data, plane))


def readable(name: str, gpx: bytes, config: Config) -> list[Ride]:
    """The rides of an upload; none where it is refused, as some junk is."""
    try:
        return collect_upload(name, gpx, config, NOW_S)
    except UploadRefused:
        return []


def truth(data: Dataset, plane: geo.Plane) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Calls of the patterns that somebody rode with their way, their stops and the visits of each."""
    city = data.city
    all_m = plane.to_metres(*city.plane.to_degrees(city.stops.xy_m))
    visits, call_m, way = np.zeros(len(all_m)), [], []
    ridden = [one.truth for one in data.rides if one.truth.kind == "ride"]
    for pattern in (city.patterns[k] for k in sorted({one.pattern_index for one in ridden})):
        ends_m = [
            geo.at(pattern.line.xy_m, pattern.line.along_m, pattern.call_m + step_m)
            for step_m in (-10.0, 10.0)
        ]
        turn_m = ends_m[1] - ends_m[0]
        way.append(turn_m / np.maximum(np.hypot(*turn_m.T), 1e-9)[:, None])
        call_m.append(pattern.stop_index)
    for one in ridden:
        pattern = city.patterns[one.pattern_index]
        aboard = (pattern.call_m >= one.board_m - 1e-6) & (pattern.call_m <= one.alight_m + 1e-6)
        np.add.at(visits, pattern.stop_index[aboard], data.runs[one.departure].chance[aboard])
    called = np.concatenate(call_m)
    used = np.unique(called)
    return all_m[called], np.concatenate(way), all_m[used], visits[used]


def gaps_m(xy_m: FloatArray, ahead: FloatArray, one: Town) -> FloatArray:
    """Metres from each place to the nearest stop at which a ridden pattern calls that way; inf past 60 m."""
    gap_m = np.full(len(xy_m), np.inf)
    for k, near in enumerate(cKDTree(one.call_m).query_ball_point(xy_m, 60.0)):
        near = [i for i in near if one.way[i] @ ahead[k] > 0.5]
        if near:
            gap_m[k] = np.hypot(*(one.call_m[near] - xy_m[k]).T).min()
    return gap_m


def learn(scenes: list[Scene]) -> dict:
    """Boosted stumps, each town of the weight of the root of its candidates, summed up sign by sign."""
    clear = [(one.gap_m < RIGHT_M) | (one.gap_m > WRONG_M) for one in scenes]
    x = np.concatenate([one.signs[rows] for one, rows in zip(scenes, clear, strict=True)])
    is_stop = np.concatenate([one.gap_m[rows] < RIGHT_M for one, rows in zip(scenes, clear, strict=True)])
    weight = np.concatenate([np.full(rows.sum(), rows.sum() ** -0.5) for rows in clear])
    model = HistGradientBoostingClassifier(
        max_iter=250,
        learning_rate=0.1,
        max_leaf_nodes=2,
        max_bins=32,
        min_samples_leaf=60,
        l2_regularization=5.0,
        early_stopping=False,
        monotonic_cst=[int(name in MORE_IS_BETTER) for name in SIGNS],
    )
    with threadpool_limits(1):
        model.fit(x, is_stop, weight)
    steps = [{} for _ in SIGNS]
    for (tree,) in model._predictors:
        root = tree.nodes[0]
        if not root["is_leaf"]:
            at = steps[root["feature_idx"]].setdefault(float(root["num_threshold"]), [0.0, 0.0])
            at[0] += float(tree.nodes[root["left"]]["value"])
            at[1] += float(tree.nodes[root["right"]]["value"])
    return summed(steps, float(model._baseline_prediction.ravel()[0]), x)


def summed(steps: list[dict[float, list[float]]], base: float, x: FloatArray) -> dict:
    """The steps of all stumps as one stair a sign, each with a mean of 0 over the candidates."""
    signs = {}
    for k, name in enumerate(SIGNS):
        edges = sorted(steps[k])
        points = np.cumsum(
            [sum(steps[k][e][0] for e in edges), *(steps[k][e][1] - steps[k][e][0] for e in edges)]
        )
        mean = float(points[np.searchsorted(edges, x[:, k])].mean())
        base += mean
        signs[name] = {"edges": edges, "points": [round(float(p) - mean, 3) for p in points]}
    return {"base": round(base, 3), "signs": signs}


def scores(one: Scene, card: Scorecard) -> FloatArray:
    """(thresholds, 3): precision, recall and F1 of the stops of a town, terminals included, by threshold."""
    rows = []
    for threshold in THRESHOLDS:
        config = replace(Config().stops, min_confidence=threshold)
        places = places_of(one.found, one.town.shape_m, config, card)
        calls = calls_of(places, one.town.shape_m, config)
        rows.append(score(places.xy_m[np.unique(calls.stop_index)], one.town.stop_m, one.town.visits))
    return np.array(rows)


def score(xy_m: FloatArray, stop_m: FloatArray, visits: FloatArray) -> tuple[float, float, float]:
    """Precision, recall, F1: the stops that must be found are matched first, the others with what is left."""
    must = visits >= VISITS
    hit = matched(xy_m, stop_m[must])
    n_more = len(matched(np.delete(xy_m, hit, axis=0), stop_m[~must]))
    precision, recall = (len(hit) + n_more) / max(1, len(xy_m)), len(hit) / max(1, must.sum())
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def matched(xy_m: FloatArray, stop_m: FloatArray) -> FloatArray:
    """Rows of the places that pair with a stop, most pairs first, then the nearest."""
    gap_m = cdist(xy_m, stop_m)
    place, stop = linear_sum_assignment(np.where(gap_m <= FOUND_M, gap_m, 1e3 * FOUND_M))
    return place[gap_m[place, stop] <= FOUND_M]


def print_calibration(scenes: list[Scene], card: Scorecard) -> None:
    """A line for each tenth of confidence: candidates of all towns."""
    confidence = np.concatenate([confidence_of(one.signs, SIGNS, card) for one in scenes])
    gap_m = np.concatenate([one.gap_m for one in scenes])
    clear = (gap_m < RIGHT_M) | (gap_m > WRONG_M)
    print("| stated | mean | right | candidates |")
    for low in np.arange(0.0, 1.0, 0.1):
        rows = clear & (confidence >= low) & (confidence < low + 0.1)
        if rows.any():
            mean, right = confidence[rows].mean(), (gap_m[rows] < RIGHT_M).mean()
            print(f"| {low:.1f}-{low + 0.1:.1f} | {mean:.2f} | {right:.2f} | {rows.sum()} |")


def print_thresholds(score: FloatArray) -> None:
    """Means over towns by threshold; `score` is (towns, thresholds, 3)."""
    print("| threshold | precision | recall | F1 | F1, median town |")
    for k, threshold in enumerate(THRESHOLDS):
        means = [*score[:, k].mean(axis=0), np.median(score[:, k, 2])]
        print(f"| {threshold} |", " | ".join(f"{x:.3f}" for x in means), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(Path(folder) for folder in sys.argv[2:]))
