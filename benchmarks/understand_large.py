"""A gz of a million points and of one more, as the service takes it: answered, then understood or refused.

    python benchmarks/understand_large.py [N_POINTS]

The file goes through the API (202) and the worker's way: the archive in a child, then its member, each under
the limits of the settings. Times are of the wall, and of the readers' processor.
"""

from __future__ import annotations

import gzip
import resource
import sys
import tempfile
import time
from pathlib import Path

from transitmap import store, work
from transitmap.config import server_defaults
from transitmap.points.rules import load_rules
from transitmap.sandbox import sandbox
from webapp import create_app
from webapp.settings import Settings


def body_of(n: int) -> bytes:
    """A bus that runs up and down for `n` seconds until now."""
    start = int(time.time()) - n - 60
    rows = []
    for second in range(n):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + second))
        way = abs(second % 4000 - 2000)
        rows.append(f'<trkpt lat="{19.4 + way * 7e-5:.6f}" lon="-99.133200"><time>{when}</time></trkpt>')
    head = b'<?xml version="1.0"?><gpx version="1.1" creator="bench"><trk><trkseg>'
    return head + "".join(rows).encode() + b"</trkseg></trk></gpx>"


def run(n: int, folder: Path) -> None:
    """Prints what became of one file."""
    url, config = f"sqlite:///{folder / 'db.sqlite'}", server_defaults()
    store.upgrade(url)
    app = create_app(Settings(url, str(folder / "archive"), "k" * 40, config))
    engine, archive = app.extensions["transitmap_engine"], app.extensions["transitmap_archive"]
    with store.session(engine) as session:
        user = store.add_user(session, "bench", "", time.time())
        headers = {"Authorization": f"Bearer {store.add_token(session, user, 'bench', time.time())[1]}"}
    plain = body_of(n)
    body = gzip.compress(plain, 6)
    answer = app.test_client().post("/api/v1/traces", data=body, headers=headers)
    began_s = time.perf_counter()
    with store.session(engine) as session:
        work.understand_waiting(session, archive, config, load_rules())
    took_s = time.perf_counter() - began_s
    told = app.test_client().post("/api/v1/traces", data=body, headers=headers).json
    sandbox.cache_clear()  # its child ends, so that its figures are told
    reader = resource.getrusage(resource.RUSAGE_CHILDREN)
    what = f"{told.get('state', '')} {told.get('code', '')} {told.get('points_kept', 0)} points kept"
    size = f"{len(body) / 1e6:.1f} MB of {len(plain) / 1e6:.0f} MB"
    print(f"{n} points, {size}: {answer.status_code}, then {what}")
    cpu_s = reader.ru_utime + reader.ru_stime
    print(f"    in {took_s:.1f} s; readers so far {cpu_s:.1f} s CPU")
    engine.dispose()


def main() -> None:
    """A million, and one more."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for number in (n, 1_000_001):
        with tempfile.TemporaryDirectory() as folder:
            run(number, Path(folder))


if __name__ == "__main__":
    main()
