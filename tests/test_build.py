"""A simulated town to a feed: what is found and reported, and the same bytes each time."""

import csv
import datetime
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tests.collect.fit_bytes import RECORD, data, fit_file, message, record
from tests.collect.formats.test_timeline import android
from tests.infer.roads import MORNING_S, bus
from transitmap.build import build_feed, spread_over
from transitmap.config import Config
from transitmap.geo import Plane
from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables
from transitmap.gtfs.validate import canonical
from transitmap.pipeline import make_feed
from transitmap.report import COLUMNS
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides, write_dataset

TODAY = datetime.date(2026, 3, 20)
NEAR_M = 30.0


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    city = simulate_city(5, SimulateConfig(n_routes=4))
    write_dataset(simulate_rides(city, 5, n_rides=200, n_riders=50), folder)
    with zipfile.ZipFile(folder / "truth.zip") as truth:
        tables = {n: list(csv.DictReader(io.StringIO(truth.read(n).decode()))) for n in truth.namelist()}
    return folder, tables


@pytest.fixture(scope="module")
def built(town):
    return build_feed([town[0] / "rides.zip"], Config(), TODAY)


def pairs_within(a_m, b_m):
    """How many of a and b can be paired one to one within NEAR_M."""
    off_m = np.hypot(*(a_m[:, None, :] - b_m[None, :, :]).transpose(2, 0, 1))
    rows, columns = linear_sum_assignment(np.minimum(off_m, 10 * NEAR_M))
    return int((off_m[rows, columns] <= NEAR_M).sum())


def test_most_of_the_stops_that_riders_used_are_found(town, built):
    truth = [stop for stop in town[1]["stops.txt"] if stop.get("stop_lat")]
    plane = Plane.around(*(np.array([float(s[c]) for s in truth]) for c in ("stop_lat", "stop_lon")))
    true_m = plane.to_metres(*(np.array([float(s[c]) for s in truth]) for c in ("stop_lat", "stop_lon")))
    used = np.array([float(stop["expected_visits"]) >= 3 for stop in truth])
    found = built.feed.network.stops
    found_m = plane.to_metres(found.lat_deg, found.lon_deg)
    recall = pairs_within(true_m[used], found_m) / used.sum()
    precision = pairs_within(true_m, found_m) / len(found_m)
    assert recall > 0.6 and precision > 0.55
    rng = np.random.default_rng(1)
    chance_m = rng.uniform(true_m.min(axis=0), true_m.max(axis=0), found_m.shape)
    assert pairs_within(true_m[used], chance_m) / used.sum() < recall / 4


def test_rides_of_one_pattern_are_put_together(town, built):
    truth = {row["ride"]: row for row in truth_rows(town)}
    report = {row["ride"].removesuffix(".gpx").split("/")[-1]: row for row in rows_of(built)}
    used = [name for name, row in truth.items() if row["kind"] == "ride" and report[name]["status"] == "used"]
    assert len(used) > 0.7 * sum(row["kind"] == "ride" for row in truth.values())
    agreed = n_pairs = 0
    for k, a in enumerate(used):
        for b in used[:k]:
            same_truth = all(truth[a][c] == truth[b][c] for c in ("route_id", "direction_id"))
            same_found = all(report[a][c] == report[b][c] for c in ("route_id", "direction_id"))
            agreed += same_truth and same_found
            n_pairs += same_truth or same_found
    assert agreed / n_pairs > 0.5


def truth_rows(town):
    return csv.DictReader(io.StringIO((town[0] / "rides.csv").read_text()))


def rows_of(built):
    return list(csv.DictReader(io.StringIO(built.report_csv)))


def test_the_report_has_one_row_for_every_ride(town, built):
    rows = rows_of(built)
    assert list(rows[0]) == COLUMNS
    assert len(rows) == built.n_files == 200
    assert {row["status"] for row in rows} == {"used", "ignored"}
    for row in rows:
        if row["status"] == "ignored":
            assert row["reason"] not in ("", "no_pattern"), row["ride"]
        else:
            assert bool(row["trip_id"]) == (row["reason"] == ""), row["ride"]
    trips = set(built.feed.tables["trips.txt"]["trip_id"])
    stops = set(built.feed.tables["stops.txt"]["stop_id"])
    for row in rows:
        if row["trip_id"]:
            assert row["trip_id"] in trips and {row["board_stop_id"], row["alight_stop_id"]} <= stops
            assert row["board_time"] <= row["alight_time"]


def test_junk_is_left_out(town, built):
    truth = {row["ride"]: row["kind"] for row in truth_rows(town)}
    used = {
        row["ride"].removesuffix(".gpx").split("/")[-1] for row in rows_of(built) if row["status"] == "used"
    }
    for kind in ("walk", "still", "copy"):
        of_kind = {name for name, what in truth.items() if what == kind}
        assert not of_kind & used, kind


def test_the_same_rides_give_the_same_bytes(town, built, tmp_path):
    again = build_feed([town[0] / "rides.zip"], Config(), TODAY, jobs=2)
    assert again.feed.zip_bytes == built.feed.zip_bytes
    assert again.report_csv == built.report_csv
    with zipfile.ZipFile(town[0] / "rides.zip") as rides:
        rides.extractall(tmp_path)
    assert build_feed([tmp_path], Config(), TODAY).feed.zip_bytes == built.feed.zip_bytes


def test_work_spread_over_processes_comes_back_in_order():
    asked = []

    def ask():
        for k in range(40):
            asked.append(k)
            yield k

    spread = spread_over(2)
    found = iter(spread(lambda k, text: (os.getpid(), text * k), ask(), ["a"] * 40))
    process, text = next(found)
    assert process != os.getpid() and text == ""
    assert len(asked) < 10, "only a few rows go ahead of the results"
    assert [text for _, text in found] == ["a" * k for k in range(1, 40)]
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda k: 1 // k, [1, 0]))
    assert spread_over(1) is map


def test_the_command_gives_the_same_bytes_under_another_hash_seed(town, built, tmp_path):
    for words in (
        ("build", town[0] / "rides.zip", "--out", tmp_path / "feed.zip", "--today", TODAY, "--json"),
        ("expand", tmp_path / "feed.zip", "--out", tmp_path / "expanded.zip"),
    ):
        subprocess.run(
            [sys.executable, "-c", "from transitmap.cli import main; main()", *map(str, words)],
            env={**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
            check=True,
            capture_output=True,
        )
    assert (tmp_path / "feed.zip").read_bytes() == built.feed.zip_bytes
    assert (tmp_path / "expanded.zip").read_bytes() == pack(expand(built.feed.tables))


def test_the_feed_satisfies_every_validator(built, tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(built.feed.zip_bytes)
    assert built.feed.notices == ()
    assert canonical(path, TODAY) == []
    tables = read_tables(path)
    assert {name: len(t[next(iter(t))]) for name, t in tables.items()} == {
        name: len(t[next(iter(t))]) for name, t in built.feed.tables.items()
    }


def test_what_few_people_support_is_held_back(town):
    config = Config()
    strict = replace(config, feed=replace(config.feed, min_riders=8))
    whole, held = (build_feed([town[0] / "rides.zip"], c, TODAY).feed for c in (config, strict))
    assert len(held.network.patterns) < len(whole.network.patterns)
    assert (held.network.patterns.n_riders >= 8).all() and (held.network.stops.n_riders >= 8).all()
    assert len(held.held_back) > len(whole.held_back)


@pytest.fixture(scope="module")
def strict(town):
    """The town where it takes four people."""
    config = Config()
    config = replace(config, feed=replace(config.feed, min_riders=4))
    return build_feed([town[0] / "rides.zip"], config, TODAY), config


def test_no_count_below_the_bar_is_in_anything_written(strict):
    built, _ = strict
    rows = list(csv.DictReader(io.StringIO(built.feed.evidence_csv, newline="")))
    assert {"stop", "pattern", "segment", "headway", "held_back"} <= {row["kind"] for row in rows}
    told = [row for row in rows if row["kind"] != "held_back"]
    assert min(int(row["n_riders"]) for row in told if row["n_riders"]) >= 4
    assert all(row["last_seen"] for row in told if row["kind"] in ("stop", "pattern", "segment", "headway"))
    days = [row["last_seen"] for row in told if row["last_seen"]]
    assert max(days) == built.inferred.last_day and min(days) >= built.inferred.first_day
    on_map = json.loads(built.evidence("Evidence.GeoJSON"))
    counts = [one["properties"]["n_riders"] for one in on_map["features"]]
    assert min(n for n in counts if n is not None) >= 4
    assert on_map["license"] and on_map["held_back"] == built.summary()["held_back"]
    assert built.evidence("evidence.csv").decode() == built.feed.evidence_csv


@pytest.mark.parametrize("min_riders", [1, 4])
def test_every_published_way_between_calls_is_told_or_said_to_be_held_back(strict, min_riders):
    built, config = strict
    config = replace(config, feed=replace(config.feed, min_riders=min_riders))
    feed = make_feed(built.inferred, config, TODAY)
    patterns, told = feed.network.patterns, feed.network.hop_witnesses
    n_ways = len(patterns.stop_index) - len(patterns)
    held = sum(one.n for one in feed.held_back if one.kind == "segments")
    assert len(told) + held == n_ways > 20
    assert (told.next_index == told.call_index + 1).all()
    pattern = patterns.call_start.searchsorted(told.call_index, side="right") - 1
    assert (told.n_rides <= patterns.n_rides[pattern]).all()
    assert held < 0.05 * n_ways


def iso(time_s):
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC).isoformat()


def in_another_format(ride, kind):
    """The fixes of a ride as another app would have kept them."""
    columns = (ride.fixes.time_s, ride.fixes.lat_deg, ride.fixes.lon_deg)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    if kind == "fit":
        fields = [record(*row) for row in rows]
        return fit_file(message(RECORD, fields[0]), *map(data, fields[1:]))
    if kind == "csv":
        return ("time,lat,lon\n" + "".join(f"{iso(t)},{lat},{lon}\n" for t, lat, lon in rows)).encode()
    geometry = {"type": "LineString", "coordinates": [[lon, lat] for _, lat, lon in rows]}
    times = {"coordTimes": [iso(t) for t, *_ in rows]}
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": times}).encode()


def test_rides_of_every_format_are_rides_of_one_line(tmp_path):
    road = [(0, 0), (3000, 0), (3000, 3000), (6000, 3000)]
    for k in range(6):
        ride = bus(road, noise_m=3, seed=k, start_s=MORNING_S + 600.0 * k)
        kind = ("csv", "fit", "geojson")[k % 3]
        (tmp_path / f"{k}.{kind}").write_bytes(in_another_format(ride, kind))
    (tmp_path / "Timeline.json").write_text(json.dumps(android()))
    built = build_feed([tmp_path], Config(), TODAY)
    assert built.summary()["used"] == 6
    assert built.summary()["ignored"] == {"sparse_timeline": 1}
    assert len(built.feed.network.routes) == 1
