import datetime

import numpy as np

from tests.infer.roads import MORNING_S, PLANE, bus, drive, ride_of
from transitmap.config import Config, LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.patterns import find_paths
from transitmap.infer.sightings import see_vehicles
from transitmap.infer.times import local_clock, time_runs, timezone_of
from transitmap.infer.trips import name_trips

ROAD = np.array([(0, 0), (6000, 0)], dtype=float)
CONFIG = Config()
CALLS_M = np.array([0.0, 1500.0, 3000.0, 6000.0])
START = np.array([0, 4])


def sighted(rides, copy_of=None):
    copies = np.full(len(rides), -1) if copy_of is None else np.array(copy_of)
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, copies >= 0, PLANE, CONFIG.lines)
    paths = find_paths(lines, [""] * len(lines), CONFIG.lines.near_m, CONFIG.patterns)
    return legs, lines, see_vehicles(lines, paths, [ROAD]), copies


def every(gap_s, n, **driving):
    return [
        bus(ROAD, f"bus {k}", start_s=MORNING_S + gap_s * k, seed=k, noise_m=2.0, **driving) for k in range(n)
    ]


def test_running_times_include_the_halts_on_the_way():
    rides = every(600, 5, halts=[(1400, 30)])
    run = time_runs(sighted(rides)[2], START, CALLS_M, CONFIG.times)
    expected_s = CALLS_M / 8.0 + np.array([0, 30, 30, 30])
    assert np.abs(run.run_s - expected_s).max() < 8
    assert (run.run_spread_s[1:] < 10).all()


def test_one_breakdown_does_not_slow_the_timetable():
    rides = every(600, 14) + [bus(ROAD, "broken", start_s=MORNING_S, halts=[(2000, 230)])]
    run = time_runs(sighted(rides)[2], START, CALLS_M, CONFIG.times)
    assert abs(run.run_s[-1] - 750) < 30


def test_the_clock_on_the_street_knows_summer_time():
    def local(year, month, day):
        time_s = datetime.datetime(year, month, day, 23, 30, tzinfo=datetime.UTC).timestamp()
        days, seconds = local_clock(np.array([time_s]), "Europe/Madrid")
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=int(days[0])), int(seconds[0])

    assert local(2026, 1, 10) == (datetime.date(2026, 1, 11), 1800)
    assert local(2026, 7, 10) == (datetime.date(2026, 7, 11), 5400)


def test_places_have_their_time_zone():
    assert timezone_of(19.43, -99.13) == "America/Mexico_City"
    assert timezone_of(5.56, -0.2) == "Africa/Accra"
    assert timezone_of(0.0, -150.0) == "UTC"


def test_every_ride_is_a_trip_or_says_why_not():
    walk = ride_of(*drive([(0, 0), (900, 0)], speed_m_s=1.3), ride_id="walk")
    still = ride_of(MORNING_S + np.arange(900.0), np.zeros((900, 2)), ride_id="still")
    car = bus(ROAD + np.array([0, 9000.0]), "car")
    part = bus([(1400, 0), (3100, 0)], "part", start_s=MORNING_S + 50)
    one = ride_of([MORNING_S], np.zeros((1, 2)), ride_id="one")
    rides = [*every(600, 4), walk, still, car, part, one, every(600, 1)[0]]
    copy_of = [-1] * 9 + [0]
    legs, lines, sightings, copies = sighted(rides, copy_of)
    trips = name_trips(rides, legs, sightings, START, CALLS_M, copies, np.zeros(len(rides), dtype=bool))
    assert trips.reason == ("", "", "", "", "walking", "standing", "no_pattern", "", "too_short", "copy")
    assert (trips.pattern_index[[0, 7]] == 0).all()
    assert (trips.board_call[0], trips.alight_call[0]) == (0, 3)
    assert (trips.board_call[7], trips.alight_call[7]) == (1, 2)
    assert abs(trips.board_time_s[7] - (MORNING_S + 50 + 12)) < 15
    assert 0 < trips.confidence[0] <= 1 and trips.confidence[4] == 0
