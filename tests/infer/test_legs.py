import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.roads import MORNING_S, after, drive, ride_of
from transitmap.config import LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.model import BUS, CAR, MODES, STILL, WALK

NEAR_S = 25.0  # two and a half windows of speed


def stand(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return MORNING_S + np.arange(0.0, seconds), rng.normal(0, 0.2, (int(seconds), 2)).cumsum(axis=0) * 0.05


def walk(metres, seed=0):
    return drive([(0, 0), (metres, 0)], speed_m_s=1.35, noise_m=0.3, seed=seed)


def ride_bus(metres, halts=()):
    return drive([(0, 0), (metres, 0)], speed_m_s=9.0, halts=halts, noise_m=1.0)


def modes(legs):
    return [MODES[mode] for mode in legs.mode]


def test_a_day_is_cut_into_walk_wait_ride_walk():
    parts = walk(300), stand(240), ride_bus(4000, [(900, 15), (2100, 30)]), walk(250)
    ride = ride_of(*after(*parts))
    legs = split_legs([ride], LegsConfig())
    assert modes(legs) == ["walk", "still", "bus", "walk"]
    ends_s = ride.fixes.time_s[legs.last - 1] - MORNING_S
    lengths_s = np.cumsum([len(part[0]) for part in parts])
    assert np.abs(ends_s - lengths_s).max() <= NEAR_S


def test_a_long_red_light_does_not_end_a_ride():
    legs = split_legs([ride_of(*ride_bus(4000, [(1500, 100)]))], LegsConfig())
    assert modes(legs) == ["bus"]


def test_two_rides_with_a_wait_between_are_two_legs():
    legs = split_legs([ride_of(*after(ride_bus(3000), stand(600), ride_bus(3000)))], LegsConfig())
    assert modes(legs) == ["bus", "still", "bus"]


def test_a_gap_cuts():
    time_s, xy_m = ride_bus(6000)
    time_s = np.where(np.arange(len(time_s)) < 300, time_s, time_s + 2000)
    legs = split_legs([ride_of(time_s, xy_m)], LegsConfig())
    assert modes(legs) == ["bus", "bus"]
    assert legs.last[0] == legs.first[1] == 300


def test_a_phone_that_writes_only_when_it_moves_is_silent_while_it_stands():
    time_s, xy_m = after(walk(300), stand(600), ride_bus(4000), walk(250))
    far = np.concatenate([[True], np.diff(np.floor(np.hypot(*(xy_m - xy_m[0]).T) / 25.0)) > 0])
    far[-1] = True
    legs = split_legs([ride_of(time_s[far], xy_m[far])], LegsConfig())
    assert modes(legs) == ["walk", "still", "bus", "walk"]


def test_what_a_vehicle_crossed_unseen_is_a_ride_nobody_saw():
    time_s, xy_m = after(walk(300), ride_bus(4000), walk(300))
    seen = (xy_m[:, 0] < 290) | (xy_m[:, 0] > 4310)
    legs = split_legs([ride_of(time_s[seen], xy_m[seen])], LegsConfig())
    assert modes(legs) == ["walk", "bus", "walk"]
    assert legs.confidence[1] == 0.5
    assert legs.last[1] - legs.first[1] == 2


def test_leaps_of_a_phone_on_foot_are_no_ride():
    time_s, xy_m = walk(900)
    xy_m = xy_m.copy()
    for k in (100, 230, 231, 400):
        xy_m[k] += (0.0, 300.0)
    xy_m[500:530] += (140.0, 0.0)  # a burst of errors, out and back
    assert modes(split_legs([ride_of(time_s, xy_m)], LegsConfig())) == ["walk"]


@pytest.mark.parametrize("every_s", [1, 3, 7])
def test_whole_seconds_and_repeated_clocks_do_not_matter(every_s):
    time_s, xy_m = after(walk(400), ride_bus(5000, [(2000, 20)]), walk(300))
    time_s, xy_m = time_s[::every_s], xy_m[::every_s]
    jitter = np.round(time_s + np.random.default_rng(1).uniform(-0.5, 0.5, len(time_s)))
    kept = np.concatenate([[True], np.diff(np.maximum.accumulate(jitter)) > 0])
    assert modes(split_legs([ride_of(jitter[kept], xy_m[kept])], LegsConfig())) == ["walk", "bus", "walk"]


def test_a_clock_set_an_hour_on_cuts_the_ride_and_nothing_else():
    time_s, xy_m = ride_bus(6000)
    legs = split_legs([ride_of(time_s + np.where(xy_m[:, 0] > 3000, 3600, 0), xy_m)], LegsConfig())
    assert modes(legs) == ["bus", "bus"]


def test_a_short_quick_ride_is_a_ride_and_a_crawl_is_none():
    quick = after(walk(200), drive([(0, 0), (230, 0)], speed_m_s=6.0), walk(200))
    assert modes(split_legs([ride_of(*quick)], LegsConfig())) == ["walk", "bus", "walk"]
    crawl = after(walk(200), drive([(0, 0), (500, 0)], speed_m_s=2.3), walk(200))
    assert modes(split_legs([ride_of(*crawl)], LegsConfig())) == ["walk"]


def test_legs_do_not_depend_on_the_others():
    rides = [
        ride_of(*after(walk(300, seed), ride_bus(3000 + 500 * seed, [(900, 20)]), walk(200, seed)))
        for seed in range(4)
    ]
    together = split_legs(rides, LegsConfig())
    for k, ride in enumerate(rides):
        alone = split_legs([ride], LegsConfig())
        own = together.ride_index == k
        assert together.first[own].tolist() == alone.first.tolist()
        assert together.last[own].tolist() == alone.last.tolist()
        assert together.mode[own].tolist() == alone.mode.tolist()


def test_the_rider_may_say_it_was_a_car():
    legs = split_legs([ride_of(*ride_bus(4000), mode="car"), ride_of(*ride_bus(4000))], LegsConfig())
    assert legs.mode.tolist() == [CAR, BUS]


def test_sparse_phones_are_cut_too():
    time_s, xy_m = after(walk(400), ride_bus(6000))
    legs = split_legs([ride_of(time_s[::15], xy_m[::15])], LegsConfig())
    assert modes(legs) == ["walk", "bus"]


def test_nothing_to_cut_gives_no_legs():
    empty, one = ride_of([], np.zeros((0, 2))), ride_of([MORNING_S], np.zeros((1, 2)))
    assert len(split_legs([empty, one], LegsConfig())) == 0
    assert len(split_legs([], LegsConfig())) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.5, 400), st.floats(-300, 300), st.floats(-300, 300)), min_size=0, max_size=80
    )
)
def test_legs_are_in_order_inside_the_ride_and_do_not_overlap(steps):
    steps = np.array(steps, dtype=float).reshape(-1, 3)
    ride = ride_of(MORNING_S + steps[:, 0].cumsum(), steps[:, 1:].cumsum(axis=0))
    legs = split_legs([ride], LegsConfig())
    assert (legs.last - legs.first >= 2).all()
    assert legs.last.max(initial=0) <= len(ride.fixes)
    # Legs may share the fix at which one ends and the next begins, nothing more.
    assert (legs.first[1:] - legs.last[:-1] >= -2).all()
    assert set(legs.mode.tolist()) <= {WALK, STILL, BUS}
    assert ((legs.confidence >= 0) & (legs.confidence <= 1)).all()
