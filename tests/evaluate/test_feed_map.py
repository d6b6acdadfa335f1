"""A feed as columns: what stands in it, and what is said of one that is none."""

import numpy as np
import pytest

from tests.evaluate.feeds import Trip, write_feed, write_table
from transitmap.evaluate.feed_map import place_calls, read_feed_map
from transitmap.gtfs.read import FeedUnreadable

STREET = [(0, 0), (2000, 0)]
EVERY = [100, 900, 1700]


def test_trips_of_one_chain_are_one_pattern(tmp_path):
    folder = write_feed(tmp_path / "a", [Trip("t", "r", STREET, EVERY), Trip("u", "r", STREET[::-1], EVERY)])
    add(folder / "trips.txt", "r,WD,again,0,t")
    times = "10:00:00", "10:02:00", "10:04:00"
    add(folder / "stop_times.txt", *(f"again,{k},t-s{k},{times[k]},{times[k]}" for k in range(3)))
    feed, _ = read_feed_map(folder)
    assert sorted(feed.trip_ids) == [("t", "again"), ("u",)]
    pattern = feed.pattern_of()["t"]
    assert feed.call_m[feed.calls(pattern)] == pytest.approx(EVERY, abs=10.0)
    assert feed.offset_s[feed.calls(pattern)] == pytest.approx([0, 140, 280])
    assert np.flatnonzero(np.isfinite(feed.headway_s[pattern])).tolist() == [6, 10]


def add(path, *rows):
    path.write_text(path.read_text() + "".join(f"{row}\r\n" for row in rows))


def test_frequencies_speak_for_their_trip(tmp_path):
    windows = [("t", "06:00:00", "08:00:00", 600), ("t", "08:00:00", "09:00:00", 1200)]
    feed, _ = read_feed_map(write_feed(tmp_path / "a", [Trip("t", "r", STREET, EVERY)], windows))
    assert feed.headway_s[0, 5:10] == pytest.approx([np.nan, 600, 600, 1200, np.nan], nan_ok=True)


CALENDAR = "service_id wednesday start_date end_date"
DATES = "service_id date exception_type"


@pytest.mark.parametrize(
    ("calendar", "dates", "hours"),
    [
        ([("A", 1, "20260101", "20260331"), ("B", 1, "20260401", "20261231")], [], [6, 7]),
        ([("B", 1, "", "")], [("B", "20260107", 2), ("A", "20260107", 1)], [6, 7]),
        ([], [("A", "20260107", 1), ("B", "20260114", 1)], [6, 7]),
        ([], [("A", "20260108", 1), ("B", "20260114", 1)], [8]),
        ([("A", 1, "20260101", "20260331"), ("B", 1, "20260201", "99991231")], [], [6, 7, 8]),
        ([("A", 0, "20260101", "20260331")], [], [6, 7, 8]),
    ],
)
def test_headways_are_those_of_the_busiest_wednesday(tmp_path, calendar, dates, hours):
    folder = write_feed(tmp_path / "a", [Trip("t", "r", STREET, EVERY)])
    add(folder / "trips.txt", "r,A,late,0,t", "r,B,other,0,t")
    (folder / "trips.txt").write_text((folder / "trips.txt").read_text().replace(",WD,", ",A,"))
    for trip, hour in (("late", "07"), ("other", "08")):
        add(
            folder / "stop_times.txt", *(f"{trip},{k},t-s{k},{hour}:0{k}:00,{hour}:0{k}:00" for k in range(3))
        )
    write_table(folder / "calendar.txt", CALENDAR, calendar)
    write_table(folder / "calendar_dates.txt", DATES, dates)
    feed, _ = read_feed_map(folder)
    assert np.flatnonzero(np.isfinite(feed.headway_s[0])).tolist() == hours


def test_without_a_shape_a_trip_runs_from_stop_to_stop(tmp_path):
    feed, _ = read_feed_map(write_feed(tmp_path / "a", [Trip("t", "r", STREET, EVERY, has_shape=False)]))
    assert np.hypot(*np.diff(feed.line_m(0)[[0, -1]], axis=0)[0]) == pytest.approx(1600, abs=1)


def test_what_truth_alone_knows_is_unknown_elsewhere(tmp_path):
    feed, _ = read_feed_map(write_feed(tmp_path / "a", [Trip("t", "r", STREET, EVERY)]))
    for column in (feed.n_visits, feed.n_rides, feed.n_aboard):
        assert len(column) and np.isnan(column).all()


def test_calls_never_run_back_on_a_loop():
    loop = np.array([(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0), (1000, 0)], dtype=float)
    stops_m = np.array([(500, 0), (1000, 500), (500, 1000), (0, 500), (500, 0)], dtype=float)
    assert place_calls(stops_m, loop) == pytest.approx([500, 1500, 2500, 3500, 4500], abs=10)


@pytest.mark.parametrize(
    ("file", "drop", "said"),
    [
        ("stops.txt", "stop_lat", "stops.txt has no column stop_lat"),
        ("stop_times.txt", "trip_id", "stop_times.txt has no column trip_id"),
        ("trips.txt", "route_id", "trips.txt has no column route_id"),
        ("shapes.txt", "shape_pt_lon", "shapes.txt has no column shape_pt_lon"),
        ("stops.txt", "", "stops.txt has no column stop_id"),
        ("trips.txt", "", "trips.txt has no column trip_id"),
    ],
)
def test_a_feed_without_what_a_map_needs_is_refused_with_a_reason(tmp_path, file, drop, said):
    folder = write_feed(tmp_path / "bad", [Trip("t", "r", STREET, EVERY)])
    if drop:
        path = folder / file
        path.write_text(path.read_text().replace(drop, "other", 1))
    else:
        (folder / file).unlink()
    with pytest.raises(FeedUnreadable, match=f"bad: {said}"):
        read_feed_map(folder)


def test_a_feed_that_runs_nothing_is_refused(tmp_path):
    folder = write_feed(tmp_path / "bad", [Trip("t", "r", STREET, [100])])
    with pytest.raises(FeedUnreadable, match="no trip has two calls"):
        read_feed_map(folder)
    write_table(folder / "stop_times.txt", "trip_id stop_sequence stop_id", [("t", 1, "nowhere")])
    with pytest.raises(FeedUnreadable, match="stop nowhere"):
        read_feed_map(folder)
