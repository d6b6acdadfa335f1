"""How fast GPX is read here and by gpxpy: points a second of both in one run, and the ratio.

    python benchmarks/collect_gpx.py [N_POINTS]

Processor time, best of three, on two made-up files: the least an exporter writes (position and time) and the
usual (with elevation and HDOP). gpxpy reads with its ElementTree backend, a tenth of the points.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable

import gpxpy
import gpxpy.parser

from transitmap.collect.parse import parse
from transitmap.config import CollectConfig

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def make_gpx(n: int, least: bool) -> bytes:
    """One track of `n` points at 1 Hz."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<gpx version="1.1" creator="benchmark" ']
    lines.append('xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>')
    for second in range(n):
        when = f"{START + datetime.timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"
        place = f'<trkpt lat="{19 + second * 1e-6:.7f}" lon="{-99 + second * 1e-6:.7f}">'
        more = ("", "") if least else ("<ele>2240.1</ele>", "<hdop>1.1</hdop>")
        lines.append(f"{place}{more[0]}<time>{when}</time>{more[1]}</trkpt>")
    lines.append("</trkseg></trk></gpx>")
    return "\n".join(lines).encode()


def best_s(read: Callable[[], object]) -> float:
    """Processor seconds of the best of three runs."""
    times_s = []
    for _ in range(3):
        begin_s = time.process_time()
        read()
        times_s.append(time.process_time() - begin_s)
    return min(times_s)


def main() -> None:
    """Prints one line a file."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    for words, least in (("lat lon time", True), ("lat lon ele time hdop", False)):
        body, text = make_gpx(n, least), make_gpx(n // 10, least).decode()
        ours_s = best_s(lambda body=body: parse("made-up.gpx", body, CollectConfig()))
        peer_s = best_s(lambda text=text: gpxpy.parser.GPXParser(text).parse())
        ours, peer = n / ours_s, (n // 10) / peer_s
        print(
            f"{words}: {n} points in {ours_s:.2f} s, {ours:,.0f}/s; gpxpy {peer:,.0f}/s; {ours / peer:.1f}x"
        )


if __name__ == "__main__":
    main()
