"""What it costs to hear a phone: `python -m benchmarks.hear_messages`.

The literal messages of the tests: a batch of 200 fixes as Overland sends it, one fix as OwnTracks does, and a
bundle of 5,000 of these. CPU time, the best of many runs; beside it what two readers of JSON take alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
import orjson

from tests.collect.clients import test_overland, test_owntracks
from tests.collect.clients.messages import post
from transitmap.collect.bundle import pack_bundle, read_bundle
from transitmap.collect.hear import hear
from transitmap.config import Config

N_BATCH, N_BUNDLE, START_S = 200, 5_000, 1_795_370_000
NOTHING_KNOWN = np.zeros(0, dtype=np.int64)


def main() -> None:
    """Print a line a measurement: milliseconds of CPU."""
    times = [f"2026-11-22T18:{15 + n // 60}:{n % 60:02}Z" for n in range(N_BATCH)]
    batch = post("overland", {"locations": [test_overland.feature(timestamp=one) for one in times]})
    single = post("owntracks", test_owntracks.LOCATION)
    bundle = [post("owntracks", {**test_owntracks.LOCATION, "tst": START_S + n}) for n in range(N_BUNDLE)]
    packed = pack_bundle("x", bundle, NOTHING_KNOWN)
    print(f"batch of {N_BATCH}, {len(batch.body)} bytes: {best_ms(lambda: hear(batch)):.2f} ms")
    print(f"  its JSON by orjson: {best_ms(lambda: orjson.loads(batch.body)):.2f} ms")
    print(f"  its JSON by json: {best_ms(lambda: json.loads(batch.body)):.2f} ms")
    print(f"one fix of OwnTracks: {best_ms(lambda: hear(single)):.3f} ms")
    pack_ms = best_ms(lambda: pack_bundle("x", bundle, NOTHING_KNOWN), 3)
    print(f"bundle of {N_BUNDLE} such, packed: {pack_ms:.0f} ms")
    print(f"  and read: {best_ms(lambda: read_bundle('x', packed, Config()), 3):.0f} ms")


def best_ms(call: Callable[[], object], n_runs: int = 200) -> float:
    """The least of many runs: what others do on the machine only ever adds."""
    least_s = float("inf")
    for _ in range(n_runs):
        begin_s = time.process_time()
        call()
        least_s = min(least_s, time.process_time() - begin_s)
    return least_s * 1000


if __name__ == "__main__":
    main()
