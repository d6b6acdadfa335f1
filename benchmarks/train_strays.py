"""Learns what tells cars from buses on simulated cities and prints the weights of `StraysConfig`.

python -m benchmarks.train_strays

Each city has other phones, walks, noise and ways of riding, and every second one is small: a campaign with
three rides a direction, a town of sixty rides. To the rides come cars, one in twenty: most follow a stretch
of a bus line from end to end, since a car that leaves all lines supports none of them anyway. Half of the
cities teach; the last lines say how well the weights do on the other half, which nothing was chosen on.
"""

import time
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from transitmap import geo
from transitmap.config import Config
from transitmap.infer import areas, copies, labels, legs, lines, patterns, shapes, strays
from transitmap.infer import stops as stops_stage
from transitmap.model import Fixes, Ride, Taps
from transitmap.pipeline import collect_file, gather_crowd
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.network import City, simulate_city
from transitmap.simulate.operation import midnight_s
from transitmap.simulate.pace import drive_car
from transitmap.simulate.phones import Phone, Track, record
from transitmap.simulate.simulation import Dataset, simulate_rides

CONFIG = Config()
CAR_SHARE, ON_LINE_SHARE = 0.05, 0.7
SPARSE = {"interval_s": (10.0, 15.0, 20.0, 30.0), "interval_weight": (0.3, 0.3, 0.2, 0.2)}
DENSE = {"interval_s": (1.0, 2.0, 5.0), "interval_weight": (0.4, 0.3, 0.3)}
THIN = {"mode": "campaign", "n_routes": 24, "width_m": 14_000.0, "height_m": 11_000.0}
KINDS: tuple[tuple[int, dict[str, Any]], ...] = (
    (600, {"n_routes": 7}),
    (600, {"n_routes": 12, "width_m": 12_000.0, "walk_share": 0.3}),
    (150, {"n_routes": 6, "mode": "campaign"}),
    (600, {"n_routes": 5, **SPARSE, "distance_filter_share": 0.0}),
    (600, {"n_routes": 8, "walk_share": 0.1}),
    (600, {"n_routes": 8, "hail_share": 0.0, "noise_m": 7.0, "walk_share": 0.4}),
    (600, {"n_routes": 10, "distance_filter_share": 0.5}),
    (600, {"n_routes": 6, **DENSE, "walk_share": 0.7}),
    (600, {"n_routes": 9, "dwell_s": (4.0, 8.0, 15.0, 30.0), "canyon_factor": 4.0}),
    (600, {"n_routes": 9, **SPARSE, "walk_share": 0.3, "noise_m": 6.0}),
    *[(150, THIN)] * 4,
    *[(75, {**THIN, "n_routes": 18})] * 4,
    *[(60, {"n_routes": 4})] * 4,
)
"""Rides and settings of the cities of one half."""
TAUGHT, CHECKED = 1_000, 2_000
"""Seeds of the two halves."""
NAMES = ("calls", "boarding", "alighting", "pace")


def main() -> None:
    """The weights, then a line a city of the other half."""
    learnt = learn([city_of(TAUGHT + k, *kind) for k, kind in enumerate(KINDS)])
    print(f"odds {np.exp(learnt.intercept_[0]):.3f}", end="")
    print("".join(f", {name} {-w:.2f}" for name, w in zip(NAMES, learnt.coef_[0], strict=True)))
    total = np.zeros(4, dtype=np.int64)
    for k, kind in enumerate(KINDS):
        weighed, is_car = city_of(CHECKED + k, *kind)
        called = learnt.predict_proba(weighed)[:, 1] >= CONFIG.strays.min_share
        total += [np.sum(called & is_car), np.sum(is_car), np.sum(called & ~is_car), np.sum(~is_car)]
    print("{} of {} cars found, {} of {} buses called cars".format(*total))


def learn(cities: list[tuple[np.ndarray, np.ndarray]]) -> LogisticRegression:
    """The regression of cars on what is weighed; a small city has as much of a say as a large one."""
    weighed, is_car = (np.concatenate(parts) for parts in zip(*cities, strict=True))
    say = np.concatenate([np.full(len(part), 100.0 / len(part)) for _, part in cities])
    return LogisticRegression(max_iter=500).fit(weighed, is_car, say)


def city_of(seed: int, n_rides: int, settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """What `strays.weigh` says of each line of a city's rides and cars, and which are cars."""
    started_s = time.perf_counter()
    city = simulate_city(seed, SimulateConfig(junk_share=0.05, **settings))
    dataset = simulate_rides(city, seed, n_rides, n_rides // 7)
    rides, kinds = rides_of(dataset)
    rng = np.random.default_rng([seed, 9])
    n_cars = int(np.ceil(CAR_SHARE * len(rides)))
    rides += [car_on_a_line(dataset, rides, k, rng) for k in range(int(np.ceil(ON_LINE_SHARE * n_cars)))]
    kinds += ["car"] * (len(rides) - len(kinds))
    kept = [k for k, kind in enumerate(kinds) if kind in ("ride", "car")]
    weighed, ride_index = weigh([rides[k] for k in kept])
    is_car = np.array([kinds[k] == "car" for k in kept])[ride_index]
    print(f"city {seed}: {len(kept)} rides, {is_car.sum()} cars, {time.perf_counter() - started_s:.0f} s")
    return weighed, is_car


def rides_of(dataset: Dataset) -> tuple[list[Ride], list[str]]:
    """The uploads as collected, and what each was."""
    rides, kinds = [], []
    for upload in dataset.rides:
        for one in collect_file(f"{upload.ride}.gpx", upload.gpx, CONFIG, 2e9):
            if isinstance(one, Ride):
                rides.append(one)
                kinds.append(upload.truth.kind)
    return rides, kinds


def car_on_a_line(dataset: Dataset, rides: list[Ride], k: int, rng: np.random.Generator) -> Ride:
    """A car along a stretch of a bus line, recorded by a phone like that of some ride."""
    city: City = dataset.city
    line = city.patterns[int(rng.integers(len(city.patterns)))].line
    hour = int(rng.integers(6, 22))
    motion = drive_car(line, hour, city.config, rng)
    longest_m = 16_000.0 if city.config.mode == "campaign" else 9_000.0
    length_m = min(0.95 * line.along_m[-1], rng.uniform(1_500.0, longest_m))
    first_m = rng.uniform(0.0, line.along_m[-1] - length_m)
    first_s, last_s = np.interp([first_m, first_m + length_m], motion.distance_m, motion.time_s)
    inside = (motion.time_s > first_s) & (motion.time_s < last_s)
    time_s = np.concatenate([[first_s], motion.time_s[inside], [last_s]])
    place_m = np.interp(time_s, motion.time_s, motion.distance_m)
    start_s = midnight_s(city, dataset.first_day) + 3_600.0 * hour
    track = Track(start_s + time_s - first_s, geo.at(line.xy_m, line.along_m, place_m))
    every_s = float(np.median(np.diff(rides[int(rng.integers(len(rides)))].fixes.time_s)))
    noise_m = city.config.noise_m * float(rng.lognormal(0.0, 0.35))
    phone = Phone(max(every_s, 1.0), 0.0, noise_m, city.config.canyon_factor, city.config.gap_share)
    seen = record(track, phone, rng)
    fixes = Fixes(seen.time_s, *city.plane.to_degrees(seen.xy_m), seen.accuracy_m)
    return Ride(f"car-{k}", fixes, Taps(np.zeros(0), np.zeros(0), np.zeros(0), ()))


def weigh(rides: list[Ride]) -> tuple[np.ndarray, np.ndarray]:
    """The stages up to `strays`, which weighs each line; and the ride of each line."""
    plane, is_far = areas.find_area(rides, CONFIG.areas)
    copy_of = copies.find_copies(rides, CONFIG.copies)
    leg = legs.split_legs(rides, CONFIG.legs)
    line = lines.draw_lines(rides, leg, is_far | (copy_of >= 0), plane, CONFIG.lines)
    label = [labels.clean_label(rides[k].label) for k in line.ride_index]
    path = patterns.find_paths(line, label, CONFIG.lines.near_m, CONFIG.patterns)
    shape_m = shapes.draw_shapes(path, line, CONFIG.shapes)
    stop, _ = stops_stage.find_stops(
        rides, leg, line, gather_crowd(rides, line, plane, CONFIG), shape_m, plane, CONFIG.stops
    )
    return strays.weigh(leg, line, stop, plane, CONFIG.strays), line.ride_index


if __name__ == "__main__":
    main()
