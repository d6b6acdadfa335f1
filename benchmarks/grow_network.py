"""What a network costs while one city collects more rides: seconds by stage, memory, and how they grow.

python -m benchmarks.grow_network [RIDES...] [--jobs N]   1000 4000 16000 and 1 unless told

Stages are CPU seconds of the main process, CPU s and MB are those of all. The rides that come in are not the
network's: their megabytes are left out.
"""

import argparse
import contextlib
import datetime
import multiprocessing
import os
import resource
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from transitmap.build import spread_over
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.geo import Plane
from transitmap.model import Fixes, Ride
from transitmap.pipeline import collect_upload, infer_network
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides

SIZES = (1000, 4000, 16000)
SEED, N_BASE, N_DAYS = 41, 1000, 14
SETTINGS = SimulateConfig(
    n_routes=40,
    interval_s=(1.0, 2.0),
    interval_weight=(0.85, 0.15),
    distance_filter_share=0.0,
    wrong_label_share=0.0,
    junk_share=0.0,
)
NOISE_M, CORRELATION = 2.5, 0.9
WRONG_SHARE, STRAY_SHARE = 0.04, 0.05
RIDES_A_RIDER = 15
STAGES = ("copies", "legs", "lines", "patterns", "shapes", "stops", "strays", "times", "network")
"""As the pipeline tells them; `patterns` holds routes, `shapes` the sightings, `times` the trips."""


def main(sizes: list[int], jobs: int) -> None:
    """A line a size, and the exponents from the smallest to the largest."""
    base = simulate()
    print("| rides | points | patterns |", " | ".join(STAGES), "| CPU s | wall s | MB |")
    rows = [in_a_process(base, n, jobs) for n in sizes]
    first, last = rows[0], rows[-1]
    growth = np.log(last[0] / first[0])
    if growth:
        power = [np.log(max(b, 1e-3) / max(a, 1e-3)) / growth for a, b in zip(first, last, strict=True)]
        print("| exponent | | |", " | ".join(f"{one:.2f}" for one in power[3:]), "|")


def simulate() -> list[Ride]:
    """The rides of two weeks in a simulated city, as collected; nobody is wrong and all are in buses."""
    campaign = simulate_rides(
        simulate_city(SEED, SETTINGS), SEED, N_BASE, N_BASE // RIDES_A_RIDER, days=N_DAYS
    )
    now_s, found = datetime.datetime.now(datetime.UTC).timestamp(), []
    for ride in campaign.rides:
        with contextlib.suppress(UploadRefused):
            found += collect_upload(ride.ride, ride.gpx, Config(), now_s)
    return found


def in_a_process(base: list[Ride], n_rides: int, jobs: int) -> list[float]:
    """The figures of one size, measured in a process that does nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        row = pool.submit(measure, base, n_rides, jobs).result()
    n, points, patterns, *seconds, megabytes = row
    print(f"| {n} | {points / 1e6:.2f} M | {patterns} |", " | ".join(f"{s:.2f}" for s in seconds), end="")
    print(f" | {megabytes:.0f} |", flush=True)
    return row


def measure(base: list[Ride], n_rides: int, jobs: int) -> list[float]:
    """Rides, points, patterns, CPU seconds by stage and in all, wall seconds, and megabytes at the peak."""
    rides, at_s = multiply(base, n_rides), []
    peak_mb, is_done = [megabytes()], threading.Event()
    watch = threading.Thread(target=watch_memory, args=(peak_mb, is_done))
    watch.start()
    wall_s = time.perf_counter()
    network, _ = infer_network(
        rides, Config(), lambda *_: at_s.append(time.process_time()), spread=spread_over(jobs)
    )
    at_s.append(time.process_time())
    wall_s = time.perf_counter() - wall_s
    is_done.set()
    watch.join()
    points, patterns = sum(len(ride.fixes) for ride in rides), len(network.patterns)
    spent_s, others = np.diff(at_s).tolist(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = sum(spent_s) + others.ru_utime + others.ru_stime
    return [n_rides, points, patterns, *spent_s, cpu_s, wall_s, max(peak_mb) - peak_mb[0]]


def watch_memory(found_mb: list[float], is_done: threading.Event) -> None:
    """Adds the megabytes in use every half second."""
    while not is_done.wait(0.5):
        found_mb.append(megabytes())


def megabytes() -> float:
    """Memory of this process and of those it has forked; what they share counts once. Linux only."""
    total = 0.0
    for pid in [os.getpid(), *(child.pid for child in multiprocessing.active_children())]:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += float(text.split("Pss:")[1].split()[0]) / 1000
    return total


def multiply(base: list[Ride], n_rides: int) -> list[Ride]:
    """As many rides on the same ways: other phones, days, riders and ends; some labels are wrong, some rides
    are of cars that go where nobody else goes."""
    rng = np.random.default_rng(SEED)
    fixes = [ride.fixes for ride in base]
    plane = Plane.around(
        np.concatenate([one.lat_deg for one in fixes]), np.concatenate([one.lon_deg for one in fixes])
    )
    labels = [ride.label for ride in base if ride.label]
    return [_like(base[k % len(base)], k, n_rides, labels, plane, rng) for k in range(n_rides)]


def _like(
    ride: Ride, k: int, n_rides: int, labels: list[str], plane: Plane, rng: np.random.Generator
) -> Ride:
    from scipy.signal import lfilter

    n = len(ride.fixes)
    first = int(rng.uniform(0.0, 0.3) * n) if rng.random() < 0.4 else 0
    last = n - int(rng.uniform(0.0, 0.3) * n) if rng.random() < 0.4 else n
    kept = slice(first, last)
    xy_m = plane.to_metres(ride.fixes.lat_deg[kept], ride.fixes.lon_deg[kept])
    if rng.random() < STRAY_SHARE:
        xy_m = xy_m[:, ::-1] * rng.choice([-1.0, 1.0], 2) + rng.normal(0.0, 1500.0, 2)
    drawn_m = rng.normal(0.0, NOISE_M * np.sqrt(1 - CORRELATION**2), xy_m.shape)
    lat_deg, lon_deg = plane.to_degrees(xy_m + lfilter([1.0], [1.0, -CORRELATION], drawn_m, axis=0))
    later_s = 86_400.0 * rng.integers(0, N_DAYS) + rng.uniform(-1800.0, 1800.0)
    time_s = ride.fixes.time_s[kept] + later_s
    is_wrong = ride.label and rng.random() < WRONG_SHARE
    return replace(
        ride,
        ride_id=f"ride-{k:05d}",
        fixes=Fixes(time_s, lat_deg, lon_deg, ride.fixes.accuracy_m[kept]),
        taps=replace(ride.taps, time_s=ride.taps.time_s + later_s),
        label=labels[int(rng.integers(len(labels)))] if is_wrong else ride.label,
        rider_id=f"rider-{rng.integers(max(1, n_rides // RIDES_A_RIDER))}",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rides", type=int, nargs="*", default=SIZES)
    parser.add_argument("--jobs", type=int, default=1)
    told = parser.parse_args()
    main(told.rides, told.jobs)
