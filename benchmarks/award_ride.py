"""How long scoring one ride takes when thousands came before: `python -m benchmarks.award_ride [N_RIDES]`.

The city: 40 lines of 12 km, a ride of 40 minutes with a fix a second, N earlier rides of random stretches by
500 riders on 60 days. Recognising is not counted: it is what `infer` takes, once, without a transaction.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.points.hand import DAY_S, NOON_S, network_of, ride_along, trips_of
from transitmap import store
from transitmap.points import evidence
from transitmap.points.rules import load_rules
from transitmap.points.score import score

N_LINES, LENGTH_M, KEY, VERSION = 40, 12_000.0, b"benchmark", "1-benchmark"


def main() -> None:
    """Print a line a measurement: milliseconds of CPU."""
    n_rides = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    rules, random = load_rules(), np.random.default_rng(1)
    ways = [[(0.0, 300.0 * line), (LENGTH_M, 300.0 * line)] for line in range(N_LINES)]
    began_s = time.process_time()
    ground = evidence.survey(network_of(*((line, 0, way) for line, way in enumerate(ways))), rules)
    print(f"survey of {N_LINES} lines: {1000 * (time.process_time() - began_s):.0f} ms")
    ride = ride_along(ways[7], NOON_S + 99 * DAY_S, interval_s=1.0, speed_m_s=5.0, noise_m=3.0)
    trip = trips_of((7, 0.0, LENGTH_M))
    thin = [replace(ride_along(way, interval_s=5.0), ride_id=str(line)) for line, way in enumerate(ways)]
    rows = evidence.gather(
        ground, trips_of(*((line, 0.0, LENGTH_M) for line in range(N_LINES))), thin, rules, KEY
    )
    observers: dict[int, list[tuple[int, int]]] = {}
    for _ in range(n_rides):
        own = np.flatnonzero(rows.ride_index == random.integers(N_LINES))[
            slice(*sorted(random.integers(0, 120, 2)))
        ]
        part = type(rows)(*(getattr(rows, name)[own] for name in type(rows).__dataclass_fields__))
        part = replace(part, day=part.day + random.integers(60))
        for segment, who, day in score(part, int(random.integers(500)), observers, rules).observed:
            observers.setdefault(segment, []).append((who, day))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'benchmark.db'}"
        store.upgrade(url)
        engine = store.open_engine(url)
        with store.session(engine) as session:
            counted = [(segment, who, day) for segment, many in observers.items() for who, day in many]
            store.add_observations(session, VERSION, counted)
        print(f"{n_rides} earlier rides: {len(counted)} observations of {len(observers)} segments")
        for number in range(5):
            award(engine, number, ground, trip, ride, rules)
        engine.dispose()


def award(engine, number, ground, trip, ride, rules) -> None:
    """Print the milliseconds of CPU of each step of one award."""
    times = {}
    with store.session(engine) as session:
        began_s = time.process_time()
        segments = evidence.gather(ground, trip, [ride], rules, KEY)
        times["gather"] = time.process_time()
        store.lock_ledger(session)
        before = store.observers(session, VERSION, segments.segment.tolist())
        times["look up"] = time.process_time()
        result = score(segments, 1_000 + number, before, rules)
        times["score"] = time.process_time()
        store.add_observations(session, VERSION, result.observed)
        session.commit()
        times["keep and commit"] = time.process_time()
    ends_ms = [1000 * (end_s - began_s) for end_s in times.values()]
    steps_ms = np.diff([0.0, *ends_ms])
    parts = ", ".join(f"{step} {ms:.1f}" for step, ms in zip(times, steps_ms, strict=True))
    print(f"award of a ride of {len(ride.fixes)} fixes: {ends_ms[-1]:.1f} ms ({parts})")


if __name__ == "__main__":
    main()
