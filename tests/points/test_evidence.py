from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.points.hand import DAY_S, NONE, NOON_S, network_of, part_of, ride_along, trips_of
from transitmap.model import BUS, CAR, RAIL, WALK, Ride, Segments, Trips
from transitmap.points.evidence import gather, official_segments, survey
from transitmap.points.rules import load_rules

RULES = load_rules()
KEY = b"a key of this installation"
STREET = [(0.0, 0.0), (3000.0, 0.0)]
BACK = [(3000.0, 0.0), (0.0, 0.0)]
BRANCH = [(0.0, 6.0), (2000.0, 6.0), (2000.0, 1500.0)]
CITY = network_of((0, 0, STREET), (0, 0, BRANCH), (0, 1, BACK), (1, 0, STREET))
ALL = (0.0, 1e9)


def evidence(ride: Ride, trips: Trips, network=CITY, rules=RULES, key: bytes = KEY) -> Segments:
    return gather(survey(network, rules), trips, [ride], rules, key)


def km(segments: Segments) -> float:
    return float(segments.length_mm.sum()) / 1e6


def test_a_ride_covers_its_pattern_in_segments_of_100_m() -> None:
    rows = evidence(ride_along(STREET), trips_of((0, *ALL)))
    assert len(rows) == 30
    assert len(set(rows.segment.tolist())) == 30
    assert km(rows) == pytest.approx(3.0, abs=0.02)
    assert rows.length_mm.max() == 100_000
    assert set(rows.route_index.tolist()) == {0}
    assert set(rows.direction_id.tolist()) == {0}
    assert set(rows.day.tolist()) == {int((NOON_S - 6 * 3600) // DAY_S)}
    assert (rows.worth_mm == rows.length_mm).all()  # a fix every 5 s, 5 m accuracy: full quality


def test_only_the_stretch_that_was_ridden_counts() -> None:
    rows = evidence(ride_along(STREET), trips_of((0, 1000.0, 1500.0)))
    assert km(rows) == pytest.approx(0.5, abs=0.011)


def test_only_the_time_on_board_counts() -> None:
    trips = dataclasses.replace(
        trips_of((0, *ALL)), board_time_s=np.array([NOON_S + 100]), alight_time_s=np.array([NOON_S + 200])
    )
    assert km(evidence(ride_along(STREET), trips)) == pytest.approx(0.8, abs=0.03)


def test_the_common_street_of_two_patterns_counts_once() -> None:
    trunk = evidence(ride_along(STREET), trips_of((0, *ALL)))
    branch = evidence(ride_along(BRANCH), trips_of((1, *ALL)))
    common = set(trunk.segment.tolist()) & set(branch.segment.tolist())
    assert len(common) == 20
    assert len(branch) == 35


def test_direction_and_route_are_different_segments() -> None:
    there = set(evidence(ride_along(STREET), trips_of((0, *ALL))).segment.tolist())
    back = set(evidence(ride_along(BACK), trips_of((2, *ALL))).segment.tolist())
    other = set(evidence(ride_along(STREET), trips_of((3, *ALL))).segment.tolist())
    assert not there & back
    assert not there & other
    assert not back & other


def test_a_loop_that_passes_a_street_twice_is_paid_for_it_once() -> None:
    loop = [
        (0.0, 0.0),
        (1000.0, 0.0),
        (1000.0, 500.0),
        (0.0, 500.0),
        (0.0, 0.0),
        (1000.0, 0.0),
        (1000.0, -500.0),
    ]
    network = network_of((0, 0, loop))
    rows = evidence(ride_along(loop), trips_of((0, *ALL)), network)
    assert km(rows) == pytest.approx(3.5, abs=0.2)  # 4.5 km long


def test_a_ride_the_other_way_is_no_evidence() -> None:
    assert len(evidence(ride_along(BACK), trips_of((0, *ALL)))) == 0


def test_quality_follows_the_published_formula() -> None:
    def quality(**ride: float) -> float:
        rows = evidence(ride_along(STREET, **ride), trips_of((0, *ALL)))
        return rows.worth_mm.sum() / rows.length_mm.sum() if len(rows) else 0.0

    assert quality(interval_s=1.0) == 1.0
    assert quality(interval_s=20.0) == pytest.approx(0.5, abs=0.001)
    assert quality(accuracy_m=20.0) == pytest.approx(0.5, abs=0.001)
    assert quality(accuracy_m=101.0) == 0.0
    assert quality(accuracy_m=np.nan) == pytest.approx(0.8, abs=0.001)
    assert quality(interval_s=130.0, speed_m_s=3.0) == 0.0


def test_a_gap_is_not_paid() -> None:
    whole = ride_along(STREET)
    keep = np.ones(len(whole.fixes), dtype=bool)
    keep[20:50] = False  # 150 s without a fix, 1200 m
    fixes = dataclasses.replace(
        whole.fixes,
        **{name: getattr(whole.fixes, name)[keep] for name in ("time_s", "lat_deg", "lon_deg", "accuracy_m")},
    )
    rows = evidence(dataclasses.replace(whole, fixes=fixes), trips_of((0, *ALL)))
    assert km(rows) == pytest.approx(1.8, abs=0.05)


def test_noise_of_some_metres_loses_nothing_and_adds_nothing() -> None:
    rows = evidence(ride_along(STREET, noise_m=4.0, interval_s=1.0), trips_of((0, *ALL)))
    assert km(rows) == pytest.approx(3.0, abs=0.02)


def test_waiting_adds_nothing() -> None:
    still = ride_along([(500.0, 0.0), (500.0, 0.1)], noise_m=4.0)
    many = np.random.default_rng(1).normal(0, 4e-5, (600, 2))
    fixes = dataclasses.replace(
        still.fixes,
        time_s=NOON_S + np.arange(600.0),
        lat_deg=still.fixes.lat_deg[0] + many[:, 0],
        lon_deg=still.fixes.lon_deg[0] + many[:, 1],
        accuracy_m=np.full(600, 5.0),
    )
    assert km(evidence(dataclasses.replace(still, fixes=fixes), trips_of((0, *ALL)))) <= 0.1


def test_midnight_parts_the_days_of_a_ride() -> None:
    midnight_s = NOON_S + DAY_S / 2
    rows = evidence(ride_along(STREET, start_s=midnight_s - 187.5), trips_of((0, *ALL)))
    assert len(set(rows.day.tolist())) == 2
    assert km(rows) == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(("mode", "counts"), [(BUS, True), (RAIL, True), (CAR, False), (WALK, False)])
def test_new_ground_is_for_vehicles_of_a_line(mode: int, counts: bool) -> None:
    rows = evidence(ride_along([(0.0, 900.0), (0.0, 1900.0)]), trips_of(NONE, mode=mode))
    assert bool(len(rows)) == counts


def test_a_copy_of_a_ride_is_evidence_of_nothing() -> None:
    ride = ride_along([(0.0, 900.0), (0.0, 1900.0)])
    for reason, counts in (("copy", False), ("no_pattern", True)):
        trips = dataclasses.replace(trips_of(NONE), reason=(reason,))
        assert bool(len(evidence(ride, trips))) == counts


def test_new_ground_is_cells_and_the_ones_close_by_unpaid() -> None:
    rows = evidence(ride_along([(0.0, 900.0), (0.0, 1900.0)]), trips_of(NONE), network_of())
    assert set(rows.route_index.tolist()) == {-1}
    assert km(rows) == pytest.approx(1.0, abs=0.06)
    paid = rows.worth_mm > 0
    assert 10 <= paid.sum() <= 12
    assert (rows.length_mm[~paid] == 0).sum() > 0


def test_a_known_line_is_no_new_ground_in_its_direction() -> None:
    assert km(evidence(ride_along(STREET), trips_of(NONE))) == 0
    assert km(evidence(ride_along([(0.0, 800.0), (900.0, 800.0)]), trips_of(NONE))) > 0.8
    one_way = network_of((0, 0, STREET))
    assert km(evidence(ride_along(BACK), trips_of(NONE), one_way)) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_another_phone_on_the_same_street_finds_no_new_ground(seed: int) -> None:
    """Whatever cells the second phone's noise puts it in, the first one was in them or close by."""
    way = [(seed * 13.0, 500.0), (1500.0, 1300.0 + seed * 31.0)]
    first = evidence(ride_along(way, noise_m=3.0, seed=seed), trips_of(NONE), network_of())
    second = evidence(
        ride_along(way, noise_m=3.0, seed=seed + 50, start_s=NOON_S + 7), trips_of(NONE), network_of()
    )
    seen = set(first.segment.tolist())
    fresh = sum(
        mm
        for mm, key in zip(second.length_mm.tolist(), second.segment.tolist(), strict=True)
        if key not in seen
    )
    assert fresh / second.length_mm.sum() < 0.02


@pytest.mark.parametrize("network", [network_of(), CITY])
def test_what_an_official_line_runs_along_is_known_whatever_it_is_called(network) -> None:
    """As new ground or as a route, in its direction, also where it is ridden in part or with noise."""
    official = network_of((0, 0, STREET), (0, 0, BRANCH)).shapes
    known = set(official_segments(survey(network, RULES), official, RULES, KEY).tolist())
    pattern = (NONE, NONE, NONE) if network is not CITY else ((0, *ALL), (1, *ALL), (2, *ALL))
    for row, way, expected in ((0, STREET[:1] + [(1500.0, 0.0)], 1.0), (1, BRANCH, 1.0), (2, BACK, 0.0)):
        rows = evidence(ride_along(way, noise_m=3.0, seed=row), trips_of(pattern[row]), network)
        is_known = np.array([one in known for one in rows.segment.tolist()])
        assert rows.worth_mm.sum() > 0
        assert rows.worth_mm[is_known].sum() / rows.worth_mm.sum() == pytest.approx(expected, abs=0.05)


def test_no_official_lines_know_nothing() -> None:
    nothing = network_of().shapes
    assert len(official_segments(survey(CITY, RULES), nothing, RULES, KEY)) == 0


def test_going_round_in_circles_does_not_pay() -> None:
    yard = [(0.0, 500.0), (60.0, 500.0), (60.0, 560.0), (0.0, 560.0)] * 20
    assert km(evidence(ride_along(yard), trips_of(NONE), network_of())) <= 4 * 4 * 0.1


def test_another_key_gives_other_hashes_of_the_same_evidence() -> None:
    one = evidence(ride_along(STREET), trips_of((0, *ALL)))
    two = evidence(ride_along(STREET), trips_of((0, *ALL)), key=b"another")
    assert not set(one.segment.tolist()) & set(two.segment.tolist())
    assert (one.worth_mm == two.worth_mm).all()


def test_rides_are_told_apart_and_rides_of_nothing_give_no_rows() -> None:
    rides = [
        ride_along(STREET),
        ride_along(BACK),
        part_of(ride_along(STREET), 0, 1),
        part_of(ride_along(STREET), 0, 0),
    ]
    rows = gather(survey(CITY, RULES), trips_of((0, *ALL), (2, *ALL), (0, *ALL), NONE), rides, RULES, KEY)
    assert np.unique(rows.ride_index).tolist() == [0, 1]
    empty = gather(survey(CITY, RULES), trips_of(), [], RULES, KEY)
    assert len(empty) == 0


def test_across_the_antimeridian_the_way_is_the_short_one() -> None:
    ride = ride_along([(0.0, 0.0), (1000.0, 0.0)])
    shifted = (ride.fixes.lon_deg + 99.1 + 179.9975 + 180) % 360 - 180
    fixes = dataclasses.replace(ride.fixes, lon_deg=shifted)
    assert (np.diff(shifted) < 0).any()
    rows = evidence(dataclasses.replace(ride, fixes=fixes), trips_of(NONE), network_of(timezone="UTC"))
    assert km(rows) == pytest.approx(1.0, abs=0.06)


@given(
    cut=st.floats(0.02, 0.98),
    seed=st.integers(0, 1000),
    noise_m=st.floats(0, 12),
    interval_s=st.floats(1, 60),
    which=st.sampled_from([0, 1, 2, -1]),
    hours=st.floats(0, 24),
)
def test_two_parts_are_never_evidence_of_more_than_the_whole(
    cut: float, seed: int, noise_m: float, interval_s: float, which: int, hours: float
) -> None:
    """For each segment and day: the better of the parts is at most the whole, whatever the ride is like."""
    way = {0: STREET, 1: BRANCH, 2: BACK, -1: [(100.0, 700.0), (900.0, 1500.0), (900.0, 900.0)]}[which]
    whole = ride_along(way, NOON_S + hours * 3600, interval_s, noise_m=noise_m, seed=seed)
    at = max(1, int(cut * len(whole.fixes)))
    parts = [part_of(whole, 0, at + 1), part_of(whole, at, len(whole.fixes))]
    row = (which, *ALL) if which >= 0 else NONE
    for network in (CITY, network_of()) if which < 0 else (CITY,):
        rows = gather(survey(network, RULES), trips_of(row, row, row), [whole, *parts], RULES, KEY)
        table = {}
        for ride, segment, day, worth in zip(
            *(column.tolist() for column in (rows.ride_index, rows.segment, rows.day, rows.worth_mm)),
            strict=True,
        ):
            table[ride, segment, day] = worth
        for (ride, segment, day), worth in table.items():
            assert ride == 0 or worth <= table.get((0, segment, day), -1)


def test_an_hour_at_one_fix_a_second_takes_milliseconds() -> None:
    line = [(0.0, 0.0), (28_800.0, 0.0)]
    ground = survey(network_of((0, 0, line)), RULES)
    ride = ride_along(line, interval_s=1.0, noise_m=3.0)
    began_s = time.process_time()
    rows = gather(ground, trips_of((0, *ALL)), [ride], RULES, KEY)
    took_s = time.process_time() - began_s
    assert km(rows) == pytest.approx(28.8, abs=0.1)
    assert took_s < 0.5  # 20 ms
