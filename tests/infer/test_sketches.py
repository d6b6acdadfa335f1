"""Rides out of a timeline: fixes minutes apart draw nothing, earn nothing and sway nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.infer.roads import MORNING_S, bus
from transitmap.archive import pack_ride, unpack_ride
from transitmap.config import Config
from transitmap.model import BUS, OTHER, RAIL, SPARSE, Ride
from transitmap.pipeline import infer_network, recognise
from transitmap.points.evidence import gather, survey
from transitmap.points.rules import load_rules

ROAD = np.array([(0, 0), (3000, 0), (3000, 3000), (6000, 3000)], dtype=float)
CONFIG, RULES, KEY = Config(), load_rules(), b"a key"


def fleet(n: int, every_s: float = 1.0, first: int = 0) -> list[Ride]:
    return [
        bus(
            ROAD,
            f"{k}",
            rider_id=f"r{k % 3}",
            noise_m=3,
            seed=k,
            every_s=every_s,
            start_s=MORNING_S + 600.0 * k,
        )
        for k in range(first, first + n)
    ]


def sketch(ride: Ride, mode: str = "bus") -> Ride:
    return replace(ride, declared_mode=mode, flagged={SPARSE: len(ride.fixes)})


@pytest.fixture(scope="module")
def drawn():
    return infer_network(fleet(6), CONFIG)


def test_sketches_change_nothing_in_the_network(drawn) -> None:
    network, trips = drawn
    far_away = [
        sketch(replace(ride, fixes=replace(ride.fixes, lat_deg=ride.fixes.lat_deg + 5.0)))
        for ride in fleet(20, every_s=60.0, first=50)
    ]
    rides = [*far_away, *fleet(3), sketch(fleet(1, 1.0, 90)[0]), *fleet(3, first=3)]
    same, found = infer_network(rides, CONFIG)
    np.testing.assert_array_equal(same.stops.lat_deg, network.stops.lat_deg)
    np.testing.assert_array_equal(same.shapes.lon_deg, network.shapes.lon_deg)
    assert found.reason == (*[SPARSE] * 20, *trips.reason[:3], SPARSE, *trips.reason[3:])
    kept = np.array([reason != SPARSE for reason in found.reason])
    np.testing.assert_array_equal(found.pattern_index[kept], trips.pattern_index)
    assert (found.pattern_index[~kept] == -1).all()
    assert np.isnan(found.board_time_s[~kept]).all()


@pytest.mark.parametrize("every_s", [5.0, 60.0, 120.0])
def test_sketches_earn_nothing_on_a_known_line_or_on_new_ground(drawn, every_s: float) -> None:
    network, _ = drawn
    empty, _ = infer_network([], CONFIG)
    rides = fleet(3, every_s, first=10)
    for known in (network, empty):
        paid = gather(survey(known, RULES), recognise(known, rides, CONFIG), rides, RULES, KEY)
        assert paid.worth_mm.sum() > 0, "the same fixes of a logger are worth something"
        sketches = [sketch(ride) for ride in rides]
        trips = recognise(known, sketches, CONFIG)
        assert trips.reason == (SPARSE,) * 3
        assert len(gather(survey(known, RULES), trips, sketches, RULES, KEY)) == 0


def test_a_campaign_of_sketches_alone_maps_nothing() -> None:
    network, trips = infer_network([sketch(ride) for ride in fleet(6, 20.0)], CONFIG)
    assert len(network.patterns) == len(network.stops) == 0
    assert trips.reason == (SPARSE,) * 6


def test_a_sketch_goes_by_what_its_phone_thought_of_it(drawn) -> None:
    rides = [sketch(fleet(1)[0], mode) for mode in ("bus", "metro", "train", "tram", "ferry", "")]
    assert recognise(drawn[0], rides, CONFIG).mode.tolist() == [BUS, RAIL, RAIL, RAIL, OTHER, OTHER]


def test_the_archive_keeps_that_a_ride_is_a_sketch() -> None:
    assert unpack_ride(pack_ride(sketch(fleet(1, 60.0)[0]))).flagged[SPARSE] > 0
