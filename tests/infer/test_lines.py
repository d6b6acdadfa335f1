import numpy as np

from tests.infer.roads import PLANE, bus, drive, ride_of
from transitmap import geo
from transitmap.config import LegsConfig, LinesConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines, without_spikes

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
    kept = without_spikes(time_s, xy_m, max_speed_m_s=45)
    assert np.flatnonzero(~kept).tolist() == [100, 250]
    assert np.abs(draw(ride_of(time_s, xy_m)).xy_m[:, 1]).max() < 5


def test_a_phone_that_wakes_up_far_away_draws_no_road_from_there():
    time_s, xy_m = drive(ROAD)
    xy_m = xy_m.copy()
    xy_m[:20] += (3_000_000, 500_000)
    lines = draw(ride_of(time_s, xy_m))
    assert 3600 < geo.along_m(lines.xy_m)[-1] < 4100


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
