"""What shape error a scorer sees in lines that are true, or nearly: the floor below which it cannot tell.

python -m benchmarks.shape_floor [--own] SCORER.py FOLDER...

FOLDER holds truth.zip, or the truth of a simulated city. The feed that is scored is the truth itself with its
lines changed; SCORER compares two samplings of 25 m point to point, ours the points with the line. With --own
it is the feed we build of the folder's rides, its lines mended: what forbids the rest of its shape error.
"""

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.cities import build, said, table
from benchmarks.score_sets import load_scorer
from transitmap import geo
from transitmap.evaluate import evaluate
from transitmap.evaluate.feed_map import read_feed_map
from transitmap.evaluate.found_patterns import match_patterns
from transitmap.gtfs.read import read_tables

SEED = 1
N_CHANCES = 4
SAMPLED_M = 25.0
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


def main_own(scorer_path: Path, folders: list[Path]) -> str:
    """A row a folder: mean and p95 by the scorer of our lines as they are, and mended."""
    scorer, rows = load_scorer(scorer_path), []
    for folder in folders:
        found = [(name, mended(scorer, folder, change)) for name, change in MENDS.items()]
        chances = np.array([mended(scorer, folder, by_chance, seed) for seed in range(N_CHANCES)])
        found.append(("begun anywhere", chances.mean(axis=0)))
        row = [f"{mean:.1f} / {p95:.1f}" for _, (mean, p95) in found]
        rows.append([folder.name, *row, f"{chances[:, 0].std():.1f}"])
        print("|", " | ".join(rows[-1]), "|", flush=True)
    return table(["set", *(name for name, _ in found), "luck, m"], rows)


def mended(scorer, folder: Path, change, seed: int = SEED) -> tuple[float, float]:
    """Mean and p95 by the scorer of the feed of a folder's rides, each line it found changed."""
    feed, rng = build(folder).feed, np.random.default_rng(seed)
    reference, plane = read_feed_map(folder / "truth.zip")
    own, _ = read_feed_map(feed, plane)
    pairs = match_patterns(own, reference)
    trips = read_tables(feed)["trips.txt"]
    shape_of = dict(zip(trips["trip_id"], trips["shape_id"], strict=True))
    lines = {
        shape_of[own.trip_ids[found][0]]: change(own.line_m(found), reference.line_m(true), rng)
        for true, found in zip(pairs.true, pairs.found, strict=True)
    }
    with tempfile.TemporaryDirectory() as out:
        path = Path(out) / "feed.zip"
        path.write_bytes(with_lines(feed, plane, lines))
        score = scorer.score(path, folder)
    return score["shape_error_mean_m"], score["shape_error_p95_m"]


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
    rng, lines = np.random.default_rng(SEED), {}
    for one in dict.fromkeys(ids.tolist()):
        order = np.flatnonzero(ids == one)
        order = order[np.argsort(np.array(shapes["shape_pt_sequence"])[order].astype(int))]
        lines[one] = change(plane.to_metres(lat_deg[order], lon_deg[order]), rng, _span(tables, one, plane))
    return with_lines(feed, plane, lines)


def with_lines(feed: Path, plane: geo.Plane, lines: dict) -> bytes:
    """A feed with these lines, by shape, in place of its own."""
    with zipfile.ZipFile(feed) as before:
        texts = {name: before.read(name).decode("utf-8-sig") for name in before.namelist()}
    header, *rows = texts["shapes.txt"].splitlines()
    names = header.split(",")
    column = [names.index(f"shape_{one}") for one in ("id", "pt_lat", "pt_lon", "pt_sequence")]
    kept = [[row.split(",")[k] for k in column] for row in rows]
    written = ["shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence"]
    written += [",".join(row) for row in kept if row[0] not in lines]
    for one, line_m in lines.items():
        for k, (lat, lon) in enumerate(zip(*plane.to_degrees(line_m), strict=True)):
            written.append(f"{one},{lat:.7f},{lon:.7f},{k}")
    texts |= {"shapes.txt": "\n".join(written), "stop_times.txt": _with_times(texts["stop_times.txt"])}
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as after:
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


def ahead_m(own_m, true_m):
    """By how much the true line is ahead of ours where ours begins: the median over 200 m."""
    where_m = np.arange(30.0, min(230.0, geo.along_m(own_m)[-1]), 5.0)
    place_m = geo.at(own_m, geo.along_m(own_m), where_m)
    return float(np.median(geo.project(place_m, true_m)[0] - where_m))


def as_it_is(own_m, true_m, rng):
    """Our line."""
    return own_m


def by_chance(own_m, true_m, rng):
    """Our line, begun anywhere within a step of the sampling."""
    return moved(rng.uniform(0.0, SAMPLED_M))(own_m, rng, None)


def begun_right(own_m, true_m, rng):
    """Our line, begun where the sampling of the true one has a point."""
    return moved(-ahead_m(own_m, true_m) % SAMPLED_M)(own_m, rng, None)


def as_true_from_there(own_m, true_m, rng):
    """The true line, begun and ended where ours is."""
    length_m = geo.along_m(true_m)[-1]
    first_m = np.clip(ahead_m(own_m, true_m), 0.0, length_m - SAMPLED_M)
    last_m = np.clip(length_m - ahead_m(own_m[::-1], true_m[::-1]), first_m + SAMPLED_M, length_m)
    along_m = geo.along_m(true_m)
    inner = along_m[(along_m > first_m) & (along_m < last_m)]
    return geo.at(true_m, along_m, np.concatenate([[first_m], inner, [last_m]]))


MENDS = {
    "ours": as_it_is,
    "begun right": begun_right,
    "the true line from our start": as_true_from_there,
}


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
    is_own = "--own" in sys.argv
    words = [word for word in sys.argv[1:] if word != "--own"]
    print((main_own if is_own else main)(Path(words[0]), [Path(word) for word in words[1:]]))
