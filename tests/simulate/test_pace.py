from dataclasses import replace

import numpy as np
import pytest

from transitmap.model import IntArray
from transitmap.simulate.lines import Line
from transitmap.simulate.pace import Halts, corner_halts, draw_dwells_s, move, run_vehicle, street_halts

FASTEST_GAIN_M_S2, FASTEST_BRAKE_M_S2 = 1.2, 1.4
KNOT_M_S2 = 0.3
"""Between knots the motion is even: a second that holds one shows this much more change."""


def straight(length_m: float, limit_m_s: float) -> Line:
    along_m = np.arange(0.0, length_m + 1, 5.0)
    xy_m = np.column_stack([along_m, 0 * along_m])
    empty = np.empty(0)
    return Line(xy_m, along_m, along_m, np.full(len(along_m), limit_m_s), 0 * along_m, empty, empty, empty)


def no_call(n: int) -> IntArray:
    return np.full(n, -1)


def test_a_kilometre_without_halts_takes_what_physics_says():
    line = straight(1_000.0, 10.0)
    halts = Halts(np.empty(0), np.empty(0), no_call(0))
    motion, _ = move(line, (0.0, 1_000.0), line.limit_m_s, halts, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    gain, brake = rng.uniform(0.8, 1.2), rng.uniform(0.9, 1.4)
    by_hand_s = 1_000 / 10 + 10 / (2 * gain) + 10 / (2 * brake)
    assert motion.time_s[-1] == pytest.approx(by_hand_s, rel=0.01)


def test_a_halt_stands_still_for_its_wait():
    line = straight(1_000.0, 10.0)
    halts = Halts(np.array([402.0]), np.array([30.0]), no_call(1))
    motion, arrive_s = move(line, (0.0, 1_000.0), line.limit_m_s, halts, np.random.default_rng(1))
    during_s = arrive_s[0] + np.array([0.0, 15.0, 30.0])
    assert np.interp(during_s, motion.time_s, motion.distance_m) == pytest.approx(402.0, abs=0.01)
    assert np.interp(arrive_s[0] + 35, motion.time_s, motion.distance_m) > 405


def test_acceleration_stays_humane():
    line = straight(2_000.0, 12.0)
    halts = Halts(np.array([300.0, 900.0, 903.0, 1_500.0]), np.array([5.0, 9.0, 2.0, 0.0]), no_call(4))
    motion, _ = move(line, (0.0, 2_000.0), line.limit_m_s, halts, np.random.default_rng(4))
    second_s = np.arange(0.0, motion.time_s[-1])
    speed = np.diff(np.interp(second_s, motion.time_s, motion.distance_m))
    assert speed.max() <= 12.0 + 1e-6
    change = np.diff(speed)
    assert change.max() <= FASTEST_GAIN_M_S2 + KNOT_M_S2
    assert change.min() >= -FASTEST_BRAKE_M_S2 - KNOT_M_S2


def test_dwells_have_the_measured_quantiles():
    dwell_s = draw_dwells_s((2.0, 5.0, 10.0, 20.0), 50_000, np.random.default_rng(1))
    assert np.percentile(dwell_s, [25, 50, 75, 90]) == pytest.approx([2, 5, 10, 20], rel=0.03)


def test_a_run_goes_forward_and_serves_who_is_known(city):
    true = city.patterns[0]
    run = run_vehicle(city, 0, (8 * 3600.0, 1.0), ({3, 7}, set()), np.random.default_rng(5))
    assert (np.diff(run.arrive_s) > 0).all()
    assert (run.depart_s >= run.arrive_s).all()
    assert run.is_served[[0, 3, 7, -1]].all()
    assert (run.chance[[0, 3, 7, -1]] == 1).all()
    assert run.arrive_s[0] == run.depart_s[0] == 0
    assert (run.depart_s - run.arrive_s)[~run.is_served].max(initial=0) == 0
    assert run.motion.distance_m[-1] == pytest.approx(true.call_m[-1])


def test_rush_hour_is_slower(city):
    def mean_s(hour: int) -> float:
        draws = (np.random.default_rng(k) for k in range(12))
        runs = [run_vehicle(city, 0, (hour * 3600.0, 1.0), (set(), set()), rng) for rng in draws]
        return float(np.mean([run.arrive_s[-1] for run in runs]))

    assert mean_s(8) > 1.2 * mean_s(21)


def test_queues_spread_back_from_the_lights(city):
    """At the peak vehicles stand further behind a light than late in the evening."""
    line = max((p.line for p in city.patterns), key=lambda found: len(found.signal_m))

    def back_m(hour: int) -> float:
        gaps = []
        for k in range(40):
            halts = street_halts(line, hour, city.config, np.random.default_rng(k))
            ahead_m = line.signal_m[:, None] - halts.at_m[None]
            gaps += ahead_m[(ahead_m > -3) & (ahead_m < 80)].tolist()
        return float(np.mean(gaps))

    assert back_m(8) > back_m(22) + 5


def test_vehicles_give_way_at_corners_only_where_that_is_done(city):
    line = max((p.line for p in city.patterns), key=lambda found: len(found.yield_m))
    assert not len(corner_halts(line, city.config, np.random.default_rng(1)).at_m)
    halts = corner_halts(line, replace(city.config, yield_share=1.0), np.random.default_rng(1))
    off_m = np.abs(halts.at_m[:, None] - line.yield_m[None]).min(axis=0)
    assert len(line.yield_m) and off_m.max() < 5, "at each of them"
    assert halts.wait_s.min() >= 1.0
