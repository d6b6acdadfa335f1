"""What riders say in passing, and when it is enough to be told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.small_city import CENTRE, small_city
from transitmap.infer.sayings import Sayings, agree_fares, agree_step_free, hear
from transitmap.model import Fixes, Ride, Taps, Trips

FIXES = Fixes(np.arange(3.0), np.full(3, 19.5), np.full(3, -96.9), np.full(3, 5.0))


def ride(*names):
    n = len(names)
    return Ride("a.gpx", FIXES, Taps(np.arange(float(n)), np.full(n, 19.5), np.full(n, -96.9), names))


def trips(*patterns):
    n, nothing = len(patterns), np.full(len(patterns), np.nan)
    index = np.array(patterns, dtype=np.int64)
    return Trips(index, index, nothing, nothing, index, index, nothing, nothing, nothing, ("",) * n)


def fares(*said):
    """One ride for each (rider, fare), all on pattern 0."""
    n = len(said)
    sayings = Sayings(
        np.arange(n),
        np.zeros(n),
        np.zeros(n),
        np.array([fare for _, fare in said], dtype=float),
        np.full(n, -1),
    )
    return sayings, trips(*[0] * n), np.array([0]), np.array([who for who, _ in said], dtype=np.int64)


@pytest.mark.parametrize(
    ("text", "fare", "step_free"),
    [
        ("Tarifa 7.50", 7.5, -1),
        ("pasaje: 12 pesos", 12.0, -1),
        ("Fare 8", 8.0, -1),
        ("fare=2,50 GHS", 2.5, -1),
        ("step-free", None, 1),
        ("Rampa", None, 1),
        ("sin escalones", None, 1),
        ("con escalones", None, 0),
        ("not step free", None, 0),
    ],
)
def test_a_tap_may_state_a_fare_or_a_step(text, fare, step_free):
    (kept,), said = hear([ride("Mercado", text)])
    assert kept.taps.name == ("Mercado",)
    assert said.ride_index.tolist() == [0]
    assert said.step_free.tolist() == [step_free]
    assert np.isnan(said.fare[0]) if fare is None else said.fare[0] == fare


@pytest.mark.parametrize(
    "text", ["Mercado", "", "Tarifario", "Parada 5", "Rampa del puerto", "Fare zone", "12.50"]
)
def test_other_taps_are_places(text):
    (kept,), said = hear([ride(text)])
    assert kept.taps.name == (text,)
    assert not len(said.ride_index)


def test_rides_without_statements_are_the_same_rides():
    rides = [ride("Mercado"), ride()]
    assert [one is other for one, other in zip(hear(rides)[0], rides, strict=True)] == [True, True]


def test_one_slip_among_fives_does_not_win():
    (price,) = agree_fares(*fares((1, 5), (2, 5), (3, 5), (4, 5), (5, 800)), 3).price
    assert price == 5.0


def test_what_riders_said_is_told_even_where_they_do_not_agree():
    told = agree_fares(*fares((1, 5), (2, 7), (3, 9)), 2)
    assert np.isnan(told.price[0])
    assert (told.low[0], told.high[0], told.n_riders[0]) == (5.0, 9.0, 3)


def test_one_voice_is_no_consensus_however_often_it_speaks():
    assert np.isnan(agree_fares(*fares(*[(1, 5)] * 9), 1).price[0])
    # Five times one rider's 800 is one vote against two.
    assert agree_fares(*fares(*[(1, 800)] * 5, (2, 5), (3, 5)), 1).price[0] == 5.0


def test_a_campaign_asks_for_as_many_as_it_says():
    said = fares((1, 5), (2, 5))
    assert agree_fares(*said, 2).price[0] == 5.0
    assert np.isnan(agree_fares(*said, 3).price[0])


def test_a_ride_on_no_route_has_no_fare():
    said, _, route, who = fares((1, 5), (2, 5))
    assert not len(agree_fares(said, trips(-1, -1), route, who, 1))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 900)), min_size=1, max_size=30), st.integers(1, 4)
)
def test_a_price_has_the_majority_behind_it(said, min_riders):
    told = agree_fares(*fares(*said), min_riders)
    n = len({who for who, _ in said})
    assert told.n_riders[0] == n
    assert told.low[0] <= told.high[0]
    if np.isfinite(told.price[0]):
        assert told.share_agreeing[0] > 0.5
        assert told.share_agreeing[0] * n >= max(2, min_riders) - 1e-9
        assert told.low[0] <= told.price[0] <= told.high[0]


def test_steps_belong_to_the_stop_where_they_are_said():
    stops = small_city().stops
    lat_deg, lon_deg = stops.lat_deg[[0, 0, 0, 4, 4]], stops.lon_deg[[0, 0, 0, 4, 4]]
    said = Sayings(np.arange(5), lat_deg, lon_deg, np.full(5, np.nan), np.array([1, 1, 0, 0, 0]))
    told = agree_step_free(said, stops, np.arange(5), CENTRE, 2)
    assert told.stop_index.tolist() == [0, 4]
    assert told.is_step_free.tolist() == [True, False]
    assert told.n_riders.tolist() == [3, 2]


def test_what_is_said_far_from_any_stop_tells_nothing():
    stops = small_city().stops
    said = Sayings(
        np.arange(3), stops.lat_deg[:3] + 0.01, stops.lon_deg[:3], np.full(3, np.nan), np.ones(3, dtype=int)
    )
    assert not len(agree_step_free(said, stops, np.arange(3), CENTRE, 1))


def test_one_riders_word_about_a_step_is_not_enough():
    stops = small_city().stops
    said = Sayings(
        np.arange(2), stops.lat_deg[[0, 0]], stops.lon_deg[[0, 0]], np.full(2, np.nan), np.array([1, 1])
    )
    assert not len(agree_step_free(said, stops, np.array([7, 7]), CENTRE, 1))
