"""Which fixes can be true: each other one is counted, and nothing is lost or made up."""

from __future__ import annotations

import datetime
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.made_up import CONFIG, NOW_S, START_S, gpx, point, read_one, ride_of
from transitmap.collect.intake import for_files
from transitmap.collect.screen import screen
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, Ride

DAY_S = 86_400.0
NINE_S = [START_S + second for second in range(9)]


def refusal_of(ride: Ride) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        screen(ride, CONFIG, NOW_S)
    return caught.value


def test_a_clean_ride_stays_as_it_is() -> None:
    ride = ride_of(NINE_S)
    clean = screen(ride, CONFIG, NOW_S)
    np.testing.assert_array_equal(clean.fixes.time_s, ride.fixes.time_s)
    np.testing.assert_array_equal(clean.fixes.lat_deg, ride.fixes.lat_deg)
    assert (clean.dropped, clean.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "reason"),
    [
        (np.nan, 0.5, "not_finite"),
        (0.5, -np.inf, "not_finite"),
        (91.0, 0.5, "out_of_range"),
        (0.5, 181.0, "out_of_range"),
        (0.5, 540.0, "out_of_range"),
        (0.0, 0.0, "null_island"),
    ],
)
def test_an_impossible_position_is_dropped_and_never_wrapped(
    lat_deg: float, lon_deg: float, reason: str
) -> None:
    clean = screen(ride_of(NINE_S[:3], [19.0, lat_deg, 19.1], [-99.0, lon_deg, -99.1]), CONFIG, NOW_S)
    assert clean.dropped == {reason: 1}
    assert clean.fixes.lat_deg.tolist() == [19.0, 19.1]


def test_the_antimeridian_is_a_place_like_others() -> None:
    clean = screen(ride_of(NINE_S[:2], [-17.0, -17.0], [179.9, -179.9]), CONFIG, NOW_S)
    assert clean.fixes.lon_deg.tolist() == [179.9, -179.9]


def test_the_edges_of_the_earth_are_in_range() -> None:
    assert len(screen(ride_of(NINE_S[:2], [-90, 90], [-180, 180]), CONFIG, NOW_S).fixes) == 2


def test_latitude_and_longitude_exchanged_are_told_and_not_repaired() -> None:
    refusal = refusal_of(ride_of(NINE_S, [-99.1] * 9, [19.4] * 9))
    assert refusal.reason == "swapped_coordinates"
    assert refusal_of(ride_of(NINE_S, [-99.1] * 9, [190.0] * 9)).reason == "out_of_range"


def test_a_ride_without_times_is_refused() -> None:
    refusal = refusal_of(ride_of([np.nan] * 9))
    assert refusal.reason == "no_timestamps"
    assert "no_time 9" in refusal.detail


def test_a_ride_of_unreadable_times_is_refused() -> None:
    assert refusal_of(read_one(gpx(point(0, time="x") + point(1, time="y")))).reason == "no_timestamps"


def test_some_points_without_time_are_dropped() -> None:
    assert screen(ride_of([*NINE_S, np.nan]), CONFIG, NOW_S).dropped == {"no_time": 1}


def test_a_clock_set_back_once_loses_nothing_and_mixes_nothing() -> None:
    written_s = [*NINE_S, *(time_s - 5 for time_s in NINE_S)]
    clean = screen(ride_of(written_s), CONFIG, NOW_S)
    assert clean.fixes.time_s.tolist() == written_s
    assert (clean.dropped, clean.warnings) == ({}, ("time_jump",))


def test_each_part_between_clocks_is_in_order_and_its_late_fixes_are_put_in_their_place() -> None:
    first, second = START_S + np.arange(60.0), START_S + np.arange(60.0) - 20
    late = [1, 3, 2, 4, *range(8, 20), 5, 6, 7, *range(20, 60)]
    clean = screen(ride_of([*first[[0, *late]], *second[[0, *late]]]), CONFIG, NOW_S)
    assert clean.fixes.time_s.tolist() == [*first, *second]


def test_a_few_late_fixes_are_no_clock_set_back() -> None:
    for n_late in (3, 4):
        written_s = [*range(n_late, 40), *range(n_late), *range(40, 80)]
        clean = screen(ride_of([START_S + second for second in written_s]), CONFIG, NOW_S)
        is_one = bool(np.all(np.diff(clean.fixes.time_s) > 0))
        assert (is_one, len(clean.fixes), clean.warnings) == (n_late == 3, 80, ("time_jump",))


def test_many_clocks_set_back_are_found_in_a_moment() -> None:
    time_s = START_S + np.arange(400_000) % 20 + np.arange(400_000) // 40
    begin_s = time.process_time()
    assert len(screen(ride_of(time_s.tolist()), CONFIG, NOW_S).fixes) == 400_000
    assert time.process_time() - begin_s < 5.0


def test_times_in_disorder_are_refused() -> None:
    refusal = refusal_of(ride_of(NINE_S[::-1]))
    assert refusal.reason == "unsorted_time"
    assert "8 of 8" in refusal.detail


def test_up_to_a_twentieth_of_steps_back_is_no_disorder() -> None:
    for n_back, reason in ((5, ""), (6, "unsorted_time")):
        time_s = START_S + np.arange(101.0)
        back = 10 * np.arange(n_back)
        time_s[back + 1], time_s[back] = time_s[back], time_s[back + 1]
        ride = ride_of(time_s.tolist())
        assert (refusal_of(ride).reason if reason else "") == reason
        assert reason or len(screen(ride, CONFIG, NOW_S).fixes) == 101


def test_of_two_fixes_at_one_time_the_first_stays() -> None:
    clean = screen(ride_of([START_S, START_S, START_S + 1], [1.0, 2.0, 3.0]), CONFIG, NOW_S)
    assert clean.fixes.lat_deg.tolist() == [1.0, 3.0]
    assert (clean.dropped, clean.flagged) == ({"duplicate_time": 1}, {"duplicate_time": 1})


def test_the_same_fix_again_is_dropped_and_nothing_to_flag() -> None:
    clean = screen(ride_of([START_S, START_S, START_S + 1], [1.0, 1.0, 3.0]), CONFIG, NOW_S)
    assert (clean.dropped, clean.flagged) == ({"duplicate_time": 1}, {})


def test_positions_that_lie_in_the_area_only_if_exchanged_are_told() -> None:
    berlin = CollectConfig(area="52.3,13.0,52.7,13.8")
    assert len(screen(ride_of(NINE_S, [52.5] * 9, [13.4] * 9), berlin, NOW_S).fixes) == 9
    assert len(screen(ride_of(NINE_S, [48.1] * 9, [11.5] * 9), berlin, NOW_S).fixes) == 9
    with pytest.raises(UploadRefused) as caught:
        screen(ride_of(NINE_S, [13.4] * 9, [52.5] * 9), berlin, NOW_S)
    assert caught.value.reason == "swapped_coordinates"
    assert len(screen(ride_of(NINE_S, [13.4] * 8 + [52.5], [52.5] * 8 + [13.4]), berlin, NOW_S).fixes) == 9


def test_a_phone_that_stands_still_is_left_to_inference() -> None:
    assert len(screen(ride_of(NINE_S, [19.4] * 9), CONFIG, NOW_S).fixes) == 9


@pytest.mark.parametrize("n", [1, 2])
def test_less_than_two_fixes_are_too_short(n: int) -> None:
    ride = ride_of(NINE_S[:n])
    if n < 2:
        assert refusal_of(ride).reason == "too_short"
    else:
        assert len(screen(ride, CONFIG, NOW_S).fixes) == n


def test_one_fix_written_many_times_is_too_short() -> None:
    refusal = refusal_of(ride_of([START_S] * 5))
    assert refusal.reason == "too_short"
    assert "duplicate_time 4" in refusal.detail


def test_a_fix_more_than_a_day_ahead_is_dropped_and_one_less_is_flagged() -> None:
    ahead = [NOW_S - 5, NOW_S + DAY_S - 5, NOW_S + DAY_S + 5]
    clean = screen(ride_of(ahead), CONFIG, NOW_S)
    assert clean.fixes.time_s.tolist() == ahead[:2]
    assert (clean.dropped, clean.warnings) == ({"future_date": 1}, ("future_time",))
    assert clean.flagged == {"future_time": 1}
    assert refusal_of(ride_of([NOW_S + 2 * DAY_S, NOW_S + 3 * DAY_S])).reason == "future_date"


def test_a_fix_of_more_than_ten_years_ago_is_dropped() -> None:
    old_s = NOW_S - 11 * 365.25 * DAY_S
    assert screen(ride_of([old_s, *NINE_S]), CONFIG, NOW_S).dropped == {"too_old": 1}
    assert refusal_of(ride_of([old_s, old_s + 1])).reason == "too_old"


def test_a_receiver_that_lost_1024_weeks_is_told_the_date() -> None:
    lost = datetime.timedelta(weeks=1024)
    date = datetime.datetime(2026, 3, 2, 10, tzinfo=datetime.UTC)
    refusal = refusal_of(ride_of([(date - lost).timestamp() + second for second in range(9)]))
    assert refusal.reason == "implausible_date"
    assert "2026-03-02" in refusal.detail


def test_own_files_may_be_of_any_year_that_had_satellites() -> None:
    config = for_files(CONFIG)
    year_2011 = datetime.datetime(2011, 4, 3, tzinfo=datetime.UTC).timestamp()
    clean = screen(ride_of([5.0, year_2011, year_2011 + 1]), config, NOW_S)
    assert clean.fixes.time_s.tolist() == [year_2011, year_2011 + 1]
    assert clean.dropped == {"too_old": 1}


def test_an_accuracy_that_is_none_is_unknown_and_keeps_its_fix() -> None:
    ride = ride_of(NINE_S[:4])
    fixes = Fixes(
        ride.fixes.time_s, ride.fixes.lat_deg, ride.fixes.lon_deg, np.array([5.0, -1.0, np.inf, np.nan])
    )
    clean = screen(Ride("r", fixes, ride.taps), CONFIG, NOW_S)
    np.testing.assert_array_equal(clean.fixes.accuracy_m, [5.0, np.nan, np.nan, np.nan])


wild = st.one_of(st.floats(allow_nan=True), st.sampled_from([0.0, 19.4, -99.1, 91.0, np.nan, np.inf]))
near = st.integers(-5, 40).map(lambda second: START_S + second)
rows = st.tuples(
    st.one_of(near, near, near, wild), st.one_of(st.just(19.4), wild), st.one_of(st.just(-99.1), wild)
)


@given(st.lists(rows, max_size=30))
def test_what_is_kept_and_what_is_dropped_are_what_was_read(read: list[tuple[float, float, float]]) -> None:
    ride = ride_of([row[0] for row in read], [row[1] for row in read], [row[2] for row in read])
    try:
        clean = screen(ride, CONFIG, NOW_S)
    except UploadRefused:
        return
    fixes = clean.fixes
    assert len(fixes) + sum(clean.dropped.values()) == len(read)
    assert len(fixes) >= CONFIG.min_fixes
    assert np.all(np.diff(fixes.time_s) > 0) or "time_jump" in clean.warnings
    assert np.all((np.abs(fixes.lat_deg) <= 90) & (np.abs(fixes.lon_deg) <= 180))
    assert set(zip(fixes.time_s, fixes.lat_deg, fixes.lon_deg, strict=True)) <= set(read)


texts = st.sampled_from(["19.4", "19.5", "x", "NaN", "95", "", "1e400", "0"])
written_times = st.sampled_from(
    [f"2026-03-02T10:00:0{second}Z" for second in range(9)] + ["", "bad", "2099-01-01T00:00:00Z"]
)
written = st.builds(lambda lat, lon, time: point(0, lat, lon, time), texts, texts, written_times)
whole = st.one_of(written, written, st.sampled_from(["<trkpt/>", '<trkpt lat="1" lon="2"/>']))


@given(st.lists(whole, min_size=1, max_size=20))
def test_every_point_of_a_file_is_kept_or_counted(points: list[str]) -> None:
    ride = read_one(gpx("".join(points)))
    assert len(ride.fixes) + sum(ride.dropped.values()) == len(points)
    try:
        clean = screen(ride, CONFIG, NOW_S)
    except UploadRefused:
        return
    assert len(clean.fixes) + sum(clean.dropped.values()) == len(points)
