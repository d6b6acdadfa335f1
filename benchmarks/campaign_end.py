"""What the end of a large campaign takes: figures of its rides, the signed snapshot, its check, the report.

`python -m benchmarks.campaign_end [RIDES] [RIDERS]` on a made-up city of 600 directions; one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.points.hand import network_of
from transitmap.campaigns.figures import Ridden, map_figures
from transitmap.campaigns.report import Account, write_html, write_pdf
from transitmap.campaigns.signing import public_pem, sign
from transitmap.campaigns.snapshot import TABLES, make_snapshot, verify_file, write_file
from transitmap.campaigns.words import Voice

N_ROUTES, LENGTH_M, N_DAYS = 300, 12_000.0, 17


def main(n_rides: int = 100_000, n_riders: int = 100_000) -> None:
    """Prints a line for each step."""
    rng = np.random.default_rng(0)
    lines = [(0.0, 0.0), (LENGTH_M, 0.0)]
    network = network_of(
        *[(route, way, lines[:: 1 - 2 * way]) for route in range(N_ROUTES) for way in (0, 1)]
    )
    first_m = rng.uniform(0, LENGTH_M / 2, n_rides)
    rider = rng.integers(0, n_riders, n_rides)
    ridden = Ridden(
        rng.integers(0, 2 * N_ROUTES, n_rides),
        first_m,
        first_m + rng.uniform(1_000, LENGTH_M / 2, n_rides),
        rider,
        rider,
        rng.integers(0, N_DAYS, n_rides),
        np.full(n_rides, 5_000.0),
        rng.random(n_rides) < 0.9,
    )
    ids = [f"R{route}" for route in range(N_ROUTES)]
    mapped = timed(f"figures of {n_rides:,} rides", lambda: map_figures(network, ids, ridden))
    points = rng.integers(0, 10**8, n_riders).tolist()
    sums = [(who, points[who], points[who] // 2, 3) for who in range(n_riders)]
    body = timed(f"board of {n_riders:,} riders", lambda: make_snapshot({name: {} for name in TABLES}, sums))
    file = timed("signature", lambda: write_file(body, sign(body, b"k" * 32)))
    timed(f"check of {len(file) / 1e6:.1f} MB", lambda: verify_file(file, public_pem(b"k" * 32)))
    account, voice = Account("X", "Y", 0.0, 1e6, True, 2e6, 17_000_000, mapped), Voice("es_MX", "MXN", "UTC")
    page = timed("report as HTML", lambda: write_html(account, voice))
    pdf = timed("report as PDF, the first", lambda: write_pdf(account, voice))
    timed("report as PDF, the next", lambda: write_pdf(account, voice))
    print(f"HTML {len(page) / 1e3:.0f} kB, PDF {len(pdf) / 1e3:.0f} kB")


def timed(what: str, call: Callable[[], Any]) -> Any:
    """What a call gives, and how long it took."""
    start = time.perf_counter()
    given = call()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return given


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
