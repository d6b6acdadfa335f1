import numpy as np
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
    time_s = np.where(np.arange(len(time_s)) < 300, time_s, time_s + 900)
    legs = split_legs([ride_of(time_s, xy_m)], LegsConfig())
    assert modes(legs) == ["bus", "bus"]
    assert legs.last[0] == legs.first[1] == 300


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
