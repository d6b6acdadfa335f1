"""The expanded variant: the template's calls, shifted by each departure, and nothing else changed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.feed.test_tables import by_trip, day_s, rows
from tests.gtfs.small_city import small_feed
from transitmap.gtfs.feed import expand


def departures(windows):
    return sorted(
        {
            second
            for row in windows
            for second in range(day_s(row["start_time"]), day_s(row["end_time"]), int(row["headway_secs"]))
        }
    )


def test_departures_are_the_windows_half_open():
    feed = small_feed()
    calls, windows = by_trip(expand(feed)), by_trip(feed, "frequencies")
    for trip_id, one in windows.items():
        left = sorted(day_s(c[0]["departure_time"]) for t, c in calls.items() if t.startswith(f"{trip_id}-"))
        assert left == departures(one)
    # 9:00 ends one window and begins the next: one departure, not two.
    assert "P1-WD-090000" in calls
    assert day_s(windows["P1-WD"][0]["end_time"]) == day_s(windows["P1-WD"][1]["start_time"]) == 9 * 3600


def test_every_departure_is_the_template_shifted():
    feed = small_feed()
    template = by_trip(feed)
    for trip_id, calls in by_trip(expand(feed)).items():
        known = template[trip_id.rsplit("-", 1)[0]]
        shift = day_s(calls[0]["departure_time"])
        assert [day_s(row["arrival_time"]) - shift for row in calls] == [
            day_s(row["arrival_time"]) for row in known
        ]
        clocks = ("trip_id", "arrival_time", "departure_time")
        assert [{k: v for k, v in row.items() if k not in clocks} for row in calls] == [
            {k: v for k, v in row.items() if k not in clocks} for row in known
        ]


def test_the_rest_is_the_same_feed():
    feed = small_feed()
    expanded = expand(feed)
    assert set(expanded) == set(feed) - {"frequencies.txt"}
    for name in set(expanded) - {"trips.txt", "stop_times.txt", "feed_info.txt"}:
        assert expanded[name] == feed[name]
    (version,) = expanded["feed_info.txt"]["feed_version"]
    assert version == feed["feed_info.txt"]["feed_version"][0] + "-expanded"
    trips = {row["trip_id"].rsplit("-", 1)[0]: row for row in rows(expanded, "trips")}
    assert {k: v["shape_id"] for k, v in trips.items()} == {
        row["trip_id"]: row["shape_id"] for row in rows(feed, "trips")
    }


def test_a_feed_of_others_may_lack_what_ours_have():
    feed = small_feed()
    assert "feed_info.txt" not in expand({name: feed[name] for name in feed if name != "feed_info.txt"})
    single = {name: feed[name] for name in feed if name != "frequencies.txt"}
    assert expand(single) == single


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6), st.integers(60, 3600)), min_size=1, max_size=4)
)
def test_no_departure_is_lost_or_doubled(spans):
    feed, start = small_feed(), 0
    windows = {name: [] for name in feed["frequencies.txt"]}
    for wait, hours, headway in spans:
        first, last = start + wait * 60, start + wait * 60 + hours * 3600
        row = ("P1-WD", clock(first), clock(last), str(headway), "0")
        for name, value in zip(windows, row, strict=True):
            windows[name].append(value)
        start = last
    expanded = expand({**feed, "frequencies.txt": windows})
    ids = [one for one in expanded["trips.txt"]["trip_id"] if one.startswith("P1-WD-")]
    told = departures([dict(zip(windows, row, strict=True)) for row in zip(*windows.values(), strict=True)])
    assert len(set(ids)) == len(ids) == len(told)
    # A trip without a window stands as it is.
    assert "P2-WD" in expanded["trips.txt"]["trip_id"]


def clock(second):
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def test_rows_in_any_order_and_calls_between_timepoints():
    feed = small_feed()
    calls = {name: values[::-1] for name, values in feed["stop_times.txt"].items()}
    assert by_trip(expand({**feed, "stop_times.txt": calls})) == by_trip(expand(feed))
    for name in ("arrival_time", "departure_time"):
        calls[name] = [
            "" if sequence == "2" else time
            for sequence, time in zip(calls["stop_sequence"], calls[name], strict=True)
        ]
    second = by_trip(expand({**feed, "stop_times.txt": calls}))["P1-WD-090000"][1]
    assert (second["arrival_time"], second["departure_time"]) == ("", "")
