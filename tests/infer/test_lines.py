import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.roads import PLANE, bus, drive, ride_of
from transitmap import geo
from transitmap.config import LegsConfig, LinesConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines, is_elsewhere, is_frozen, thin, without_spikes

ROAD = [(0, 0), (4000, 0)]


def draw(*rides, copy_of=None):
    legs = split_legs(rides, LegsConfig())
    copies = np.full(len(rides), -1) if copy_of is None else np.array(copy_of)
    return draw_lines(rides, legs, copies >= 0, PLANE, LinesConfig())


def test_a_line_keeps_the_length_of_the_road_whatever_the_jitter():
    lines = draw(bus(ROAD, noise_m=4, halts=[(1000, 60), (2000, 90)]))
    length_m = geo.along_m(lines.xy_m)[-1]
    assert 3900 < length_m < 4250
    assert lines.is_seen.mean() > 0.95
    assert (np.diff(lines.time_s) >= 0).all()


def test_spikes_are_taken_out():
    time_s, xy_m = drive(ROAD)
    xy_m = xy_m.copy()
    xy_m[100] += (0, 400)
    xy_m[250] += (-600, 200)
    kept = without_spikes(np.array([0, len(xy_m)]), time_s, xy_m, max_speed_m_s=45)
    assert np.flatnonzero(~kept).tolist() == [100, 250]
    assert np.abs(draw(ride_of(time_s, xy_m)).xy_m[:, 1]).max() < 5


@pytest.mark.parametrize(("every_s", "off_m"), [(1.0, 150.0), (5.0, 250.0), (10.0, 400.0)])
def test_positions_told_elsewhere_for_a_while_draw_no_road(every_s, off_m):
    time_s, xy_m = drive([(0, 0), (5000, 0)], noise_m=3, every_s=every_s)
    away = (time_s - time_s[0] >= 200) & (time_s - time_s[0] < 240)
    again = (time_s - time_s[0] >= 270) & (time_s - time_s[0] < 300)
    told_m = xy_m + off_m * (away | again)[:, None] * np.array([0.6, 0.8])
    assert is_elsewhere(np.array([0, len(time_s)]), time_s, told_m, 45.0).tolist() == (away | again).tolist()
    line = draw(ride_of(time_s, told_m))
    assert np.ptp(line.xy_m[:, 0]) > 4850 and np.abs(line.xy_m[:, 1]).max() < 20


def test_a_quick_way_and_back_is_driven():
    """Half of the way at walking pace in a jam, then a motorway out and back: nothing leaps."""
    slow_s, slow_m = drive([(0, 0), (1500, 0)], speed_m_s=3, every_s=10)
    quick_s, quick_m = drive([(1500, 0), (3000, 0), (3000, 30), (1500, 30)], speed_m_s=24, every_s=10)
    time_s, xy_m = (
        np.concatenate([slow_s, quick_s + slow_s[-1] - slow_s[0] + 10]),
        np.concatenate([slow_m, quick_m]),
    )
    assert not is_elsewhere(np.array([0, len(time_s)]), time_s, xy_m, 45.0).any()
    assert len(is_elsewhere(np.zeros(1, dtype=np.int64), np.zeros(0), np.zeros((0, 2)), 45.0)) == 0


def test_a_phone_that_wakes_up_far_away_draws_no_road_from_there():
    time_s, xy_m = drive(ROAD)
    xy_m = xy_m.copy()
    xy_m[:20] += (3_000_000, 500_000)
    lines = draw(ride_of(time_s, xy_m))
    assert 3600 < geo.along_m(lines.xy_m)[-1] < 4100


def test_a_spike_where_two_tracks_meet_is_no_spike():
    time_s, xy_m = drive(ROAD)
    two_m = np.concatenate([xy_m, xy_m + (0, 9000)])
    kept = without_spikes(np.array([0, len(xy_m), len(two_m)]), np.tile(time_s, 2), two_m, max_speed_m_s=45)
    assert kept.all()


@pytest.mark.parametrize("every_s", [1.0, 2.0, 5.0])
def test_a_position_repeated_on_the_move_is_no_halt(every_s):
    time_s, xy_m = drive(ROAD, speed_m_s=12, halts=[(3000, 40)], noise_m=0.5, every_s=every_s)
    stands = (time_s > time_s[0] + 251) & (time_s < time_s[0] + 289)
    xy_m = xy_m.copy()
    xy_m[stands] = xy_m[stands][0]  # a phone may rest truly: that is a halt
    frozen = (time_s > time_s[0] + 60) & (time_s < time_s[0] + 90)
    xy_m[frozen] = xy_m[frozen][0]
    found = is_frozen(np.array([0, len(xy_m)]), time_s, xy_m)
    assert found.sum() == frozen.sum() - 1
    assert not found[stands].any()
    lines = draw(ride_of(time_s, xy_m))
    pace_s_m = np.diff(lines.time_s) / np.diff(lines.xy_m[:, 0])
    early = lines.xy_m[1:, 0] < 2500
    assert pace_s_m[early].max() < 2 / 12
    assert pace_s_m[~early].max() > 0.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(-40, 40), st.floats(-40, 40)), max_size=30), max_size=6))
def test_thinned_tracks_are_those_thinned_one_by_one(tracks):
    start = np.concatenate([[0], np.cumsum([len(track) for track in tracks])]).astype(np.int64)
    xy_m = np.array([point for track in tracks for point in track], dtype=float).reshape(-1, 2)
    expected = []
    for first, last in zip(start, start[1:], strict=False):
        for row in range(first, last):
            if row == first or np.hypot(*(xy_m[row] - xy_m[expected[-1]])) >= 12.0:
                expected.append(row)
    assert np.flatnonzero(thin(start, xy_m, 12.0)).tolist() == expected


def test_what_its_rider_calls_a_car_draws_nothing():
    car = bus(ROAD)
    assert len(draw(ride_of(car.fixes.time_s, drive(ROAD)[1], mode="car"))) == 0


def test_lines_do_not_depend_on_the_others():
    rides = [bus(ROAD, noise_m=4, seed=seed, halts=[(900, 20)]) for seed in range(4)]
    together, alone = draw(*rides), draw(rides[2])
    points = slice(together.point_start[2], together.point_start[3])
    assert np.allclose(together.xy_m[points], alone.xy_m, atol=1e-6)
    assert np.allclose(together.time_s[points], alone.time_s, atol=1e-6)
    assert np.array_equal(together.is_seen[points], alone.is_seen)


def test_between_distant_fixes_the_way_is_unknown():
    time_s, xy_m = drive(ROAD)
    away = (xy_m[:, 0] > 1500) & (xy_m[:, 0] < 2500)
    lines = draw(ride_of(time_s[~away], xy_m[~away]))
    inside = (lines.xy_m[:, 0] > 1600) & (lines.xy_m[:, 0] < 2400)
    assert inside.any() and not lines.is_seen[inside].any()
    assert lines.gap_m[inside].min() > 900


def test_the_same_way_is_the_same_place_and_back_is_another():
    there, again, back = bus(ROAD), bus(ROAD), bus(ROAD[::-1])
    lines = draw(there, again, back)
    place = [set(lines.place[a:b]) for a, b in zip(lines.point_start, lines.point_start[1:], strict=False)]
    assert place[0] == place[1]
    assert not place[0] & place[2]


def test_copies_and_standing_phones_draw_nothing():
    still = ride_of(np.arange(600.0), np.zeros((600, 2)))
    assert len(draw(bus(ROAD), bus(ROAD), copy_of=[-1, 0])) == 1
    assert len(draw(still)) == 0
    assert draw(still).xy_m.shape == (0, 2)
