"""What shape error a scorer sees in lines that are true, or nearly: the floor below which it cannot tell.

python -m benchmarks.shape_floor SCORER.py FOLDER...

FOLDER holds truth.zip, or the truth of a simulated city. The feed that is scored is the truth itself with its
lines changed; SCORER compares two samplings of 25 m point to point, ours the points with the line.
"""

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.cities import said, table
from benchmarks.score_sets import load_scorer
from transitmap import geo
from transitmap.evaluate import evaluate
from transitmap.gtfs.read import read_tables

SEED = 1
SMOOTH_M = 60.0
"""Noise of a consensus line changes slowly: it is drawn at knots this far apart."""


def main(scorer_path: Path, folders: list[Path]) -> str:
    """The table of all changes, the mean over the folders."""
    scorer = load_scorer(scorer_path)
    rows = []
    for name, change in CHANGES.items():
        found = [figures(scorer, folder, change) for folder in folders]
        rows.append([name, *(said(float(value), 1) for value in np.mean(found, axis=0))])
        print("|", " | ".join(rows[-1]), "|", flush=True)
    return table(
        ["the true lines, but", "grid: mean m", "grid: p95 m", "ours: mean m", "ours: p95 m"],
        rows,
    )


def figures(scorer, folder: Path, change) -> list[float]:
    """Mean and p95 of both scorers for the truth with its lines changed."""
    with tempfile.TemporaryDirectory() as out:
        feed = Path(out) / "feed.zip"
        feed.write_bytes(changed(folder / "truth.zip", change))
        theirs, ours = scorer.score(feed, folder), evaluate(feed, folder).figures
    return [one[f"shape_error_{name}_m"] for one in (theirs, ours) for name in ("mean", "p95")]


def changed(feed: Path, change) -> bytes:
    """A feed with each of its lines changed."""
    tables = read_tables(feed)
    shapes = tables["shapes.txt"]
    ids = np.array(shapes["shape_id"])
    lat_deg, lon_deg = (np.array(shapes[f"shape_pt_{one}"], dtype=float) for one in ("lat", "lon"))
    plane = geo.Plane.around(lat_deg, lon_deg)
    rng = np.random.default_rng(SEED)
    rows = ["shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence"]
    for one in dict.fromkeys(ids.tolist()):
        order = np.flatnonzero(ids == one)
        order = order[np.argsort(np.array(shapes["shape_pt_sequence"])[order].astype(int))]
        line_m = change(plane.to_metres(lat_deg[order], lon_deg[order]), rng, _span(tables, one, plane))
        for k, (lat, lon) in enumerate(zip(*plane.to_degrees(line_m), strict=True)):
            rows.append(f"{one},{lat:.7f},{lon:.7f},{k}")
    body = io.BytesIO()
    with zipfile.ZipFile(feed) as before, zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as after:
        texts = {name: before.read(name).decode() for name in before.namelist()}
        texts |= {"shapes.txt": "\n".join(rows), "stop_times.txt": _with_times(texts["stop_times.txt"])}
        for name, text in texts.items():
            after.writestr(name, text)
    return body.getvalue()


def _with_times(text: str) -> str:
    """A truth may have no times; a feed must."""
    if "arrival_time" in text.splitlines()[0]:
        return text
    return "\n".join(
        f"{line},{',' if k else 'arrival_time,departure_time'}" for k, line in enumerate(text.splitlines())
    )


def _span(tables: dict, shape_id: str, plane: geo.Plane) -> np.ndarray:
    """First and last stop of the trip that has the shape."""
    trips, calls, stops = (tables[f"{name}.txt"] for name in ("trips", "stop_times", "stops"))
    trip = trips["trip_id"][trips["shape_id"].index(shape_id)]
    columns = zip(calls["trip_id"], calls["stop_sequence"], calls["stop_id"], strict=True)
    mine = sorted((int(call), stop) for one, call, stop in columns if one == trip)
    rows = [stops["stop_id"].index(stop) for _, stop in (mine[0], mine[-1])]
    degrees = (np.array(stops[f"stop_{one}"], dtype=float)[rows] for one in ("lat", "lon"))
    return plane.to_metres(*degrees)


def identical(line_m, rng, ends_m):
    """The line itself."""
    return line_m


def moved(start_m):
    """The line begins later: the samplings are out of phase, the line is the same."""

    def change(line_m, rng, ends_m):
        along_m = geo.along_m(line_m)
        where_m = np.concatenate([[start_m], along_m[along_m > start_m]])
        return geo.at(line_m, along_m, where_m)

    return change


def scaled(share):
    """Longer or shorter by a share through small wiggles that stay on the line: the phase drifts."""

    def change(line_m, rng, ends_m):
        dense_m = geo.resample(line_m, 5.0)
        side_m = np.where(np.arange(len(dense_m)) % 2, 0.5, -0.5) * 5.0 * np.sqrt((1 + share) ** 2 - 1)
        ahead = geo.headings(dense_m, 2)
        return dense_m + np.column_stack([-ahead[:, 1], ahead[:, 0]]) * side_m[:, None]

    return change


def noisy(noise_m):
    """Off to the side by a slowly changing error of this standard deviation."""

    def change(line_m, rng, ends_m):
        dense_m = geo.resample(line_m, 10.0)
        along_m = geo.along_m(dense_m)
        knot_m = np.arange(0.0, along_m[-1] + SMOOTH_M, SMOOTH_M)
        side_m = np.interp(along_m, knot_m, rng.normal(0.0, noise_m, len(knot_m)))
        ahead = geo.headings(dense_m, 2)
        return dense_m + np.column_stack([-ahead[:, 1], ahead[:, 0]]) * side_m[:, None]

    return change


def from_stop_to_stop(line_m, rng, ends_m):
    """Cut where the first and the last stop stand, as feeds are drawn."""
    along_m, dense_m = geo.along_m(line_m), geo.resample(line_m, 1.0)
    dense_along_m = geo.along_m(dense_m)
    half = len(dense_m) // 2
    first = int(np.argmin(np.hypot(*(dense_m[:half] - ends_m[0]).T)))
    last = half + int(np.argmin(np.hypot(*(dense_m[half:] - ends_m[1]).T)))
    inner = along_m[(along_m > dense_along_m[first]) & (along_m < dense_along_m[last])]
    where_m = np.concatenate([[dense_along_m[first]], inner, [dense_along_m[last]]])
    return geo.at(line_m, along_m, where_m)


CHANGES = {
    "nothing changed": identical,
    "start moved by 5 m": moved(5.0),
    "start moved by 10 m": moved(10.0),
    "start moved by 12.5 m": moved(12.5),
    "length + 0.1 %": scaled(0.001),
    "length + 0.3 %": scaled(0.003),
    "length + 1 %": scaled(0.01),
    "1 m of noise": noisy(1.0),
    "2 m of noise": noisy(2.0),
    "3 m of noise": noisy(3.0),
    "cut from first to last stop": from_stop_to_stop,
}

if __name__ == "__main__":
    print(main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]))
