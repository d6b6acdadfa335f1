"""Memory of a process that understands and shows uploads: `python -m benchmarks.upload_memory [N_UPLOADS]`.

Rides of a simulated town by fifty riders, one after the other, and after each a page of its rider. Prints the
resident memory and the number of objects after 10, 20, 50 ... uploads: a cache without a bound would show.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import honest_riders as honest
from tests.points.hand import gpx_of
from transitmap import store
from transitmap.config import server_defaults
from transitmap.contribute import contribute
from transitmap.points.rules import load_rules

N_RIDERS, DAYS = 50, 300
NOW_S = honest.FIRST_DAY_S + 400 * honest.DAY_S


def main() -> int:
    """Prints a line each time."""
    n_uploads = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    told = {k * 10**power for power in range(1, 6) for k in (1, 2, 5)} | {n_uploads}
    with tempfile.TemporaryDirectory() as folder:
        for n in understood(Path(folder), n_uploads):
            if n in told:
                print(f"{n} uploads: {resident_mb():.0f} MB, {len(gc.get_objects())} objects", flush=True)
    return 0


def understood(folder: Path, n_uploads: int):
    """Counts uploads that are understood and shown."""
    from webapp import create_app
    from webapp.settings import Settings

    url = f"sqlite:///{folder / 'db.sqlite'}"
    store.upgrade(url)
    app = create_app(Settings(url, str(folder / "archive"), "benchmark" * 4))
    engine, archive = app.extensions["transitmap_engine"], app.extensions["transitmap_archive"]
    with store.session(engine) as session:
        riders = [store.add_user(session, f"Persona {k}", "", 1.0).name for k in range(N_RIDERS)]
    (city, _), dice = honest.town(0, 3), np.random.default_rng(1)
    config, rules, browser = server_defaults(), load_rules(), app.test_client()
    for n in range(1, n_uploads + 1):
        way = int(dice.integers(len(city.patterns))), int(dice.integers(DAYS)), float(dice.uniform(6, 21))
        body = gpx_of(honest.solo(city, *way, f"r{n}", dice).ride)
        with store.session(engine) as session:
            rider = store.user_by_name(session, riders[n % N_RIDERS])
            contribute(session, archive, rider, f"{n}.gpx", body, config, rules, NOW_S)
        assert browser.get(f"/standings/{riders[n % N_RIDERS]}").status_code == 200
        yield n
    engine.dispose()


def resident_mb() -> float:
    """What of the process is in memory, without what nobody holds any more."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
