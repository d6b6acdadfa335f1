"""Official ids hold where they match: one to one, and never one of our numbers, now or later."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.small_city import small_city
from tests.gtfs.test_carry_ids import STOPS, grid_city
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.claim_ids import claim_ids
from transitmap.model import Claims, Ids, pattern_id_of, shape_id_of


def claims_of(stop, known=(), n=(0, 0)):
    """Claims on stops alone."""
    return Claims(
        tuple(stop), ("",) * n[0], ("",) * n[1], frozenset({*stop, *known} - {""}), frozenset(), frozenset()
    )


@pytest.fixture
def ids():
    return carry_ids(small_city(), None)


def claimed(ids, claims, **known):
    """The ids with some claims, by row; `known` are all ids of the official feed."""
    rows = {name: [""] * len(getattr(ids, name)) for name in ("stop_id", "route_id", "shape_id")}
    for name, row, official in claims:
        rows[name][row] = official
    every = {f"all_{name}s": frozenset({*rows[name], *known.get(name, ())} - {""}) for name in rows}
    return claim_ids(ids, Claims(**{name: tuple(one) for name, one in rows.items()}, **every))


def test_what_the_official_feed_knows_has_its_ids_and_the_rest_keeps_its_own(ids):
    found = claimed(ids, [("stop_id", 2, "K-7"), ("route_id", 1, "90"), ("shape_id", 3, "loop:1")])
    assert found.stop_id == tuple("K-7" if row == 2 else one for row, one in enumerate(ids.stop_id))
    assert found.route_id == ("R1", "90")
    assert found.pattern_id == ("P1", "P2", "P3", "loop:1")
    assert found.shape_id == ("P1-line", "P2-line", "P3-line", "loop:1")
    assert found.trip_id(3, 0) == "loop:1-WD"


def test_an_official_id_like_one_of_ours_goes_where_it_belongs(ids):
    """Official S2 is our S1: what was S2 gets a number that neither of us used."""
    found = claimed(ids, [("stop_id", 0, "S2")], stop_id=["S900"])
    assert found.stop_id[:3] == ("S2", "S901", "S3")
    assert found.next_stop == 902


def test_a_number_of_ours_that_is_another_place_officially_is_given_up(ids):
    found = claimed(ids, [], stop_id=["S3", "S12"], route_id=["R1"], shape_id=["P4-line"])
    assert "S3" not in found.stop_id and len(set(found.stop_id)) == len(ids.stop_id)
    assert found.route_id == ("R3", "R2")
    assert found.pattern_id == ("P1", "P2", "P3", "P5")
    assert found.shape_id == ("P1-line", "P2-line", "P3-line", "P5-line")


def test_our_own_feed_as_the_official_one_gives_its_ids_back(ids):
    turned = replace(
        ids, pattern_id=("P4", "P3", "P2", "P1"), shape_id=tuple(f"P{n}-line" for n in (4, 3, 2, 1))
    )
    found = claimed(turned, [("shape_id", row, f"P{row + 1}-line") for row in range(4)])
    assert (found.pattern_id, found.shape_id) == (ids.pattern_id, ids.shape_id)


@pytest.mark.parametrize("official", ["a/b", "=1+1", "Estación", "with space", "-4", "<b>"])
def test_an_id_that_cannot_stand_everywhere_is_not_kept(ids, official):
    assert claimed(ids, [("stop_id", 0, official)]).stop_id == ids.stop_id


@pytest.mark.parametrize("shape", ["L1", "P7", "P7~", "P7-line", "P7-line-line", "7", "x~", "~"])
def test_a_shape_keeps_its_official_id_though_it_looks_like_one_of_ours(ids, shape):
    assert shape_id_of(pattern_id_of(shape)) == shape
    if shape != "~":
        found = claimed(ids, [("shape_id", 0, shape)])
        assert found.shape_id[0] == shape
        assert len({*found.shape_id, *found.pattern_id}) == 8 - (found.pattern_id[0] == shape)


def test_a_number_that_we_shall_never_reach_does_not_move_ours(ids):
    assert claimed(ids, [("stop_id", 0, "S20150101000000000")]).next_stop == ids.next_stop


def test_official_ids_stay_without_the_official_feed(ids):
    network = small_city()
    found = claimed(ids, [("stop_id", 2, "K-7"), ("route_id", 1, "90"), ("shape_id", 3, "loop:1")])
    later = carry_ids(network, Ids.from_json(found.to_json()))
    assert later.to_json() == found.to_json()


official_ids = st.sampled_from(
    [f"{prefix}{n}" for prefix in ("S", "K", "T") for n in range(1, 30)] + ["a b", "S7-x"]
)
history = st.lists(
    st.tuples(
        st.sets(st.sampled_from(STOPS), min_size=1, max_size=12),
        st.dictionaries(st.sampled_from(STOPS), official_ids, max_size=12),
        st.sets(official_ids, max_size=6),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@given(history)
def test_ids_are_one_to_one_and_no_new_number_was_ever_an_official_id(builds):
    """The city grows and shrinks, official feeds come, change and go: new numbers are new to everybody."""
    previous, ours, theirs = None, set(), set()
    for seed, (stops, official, known, is_there) in enumerate(builds):
        network, keys, *_ = grid_city(sorted(stops), seed)
        ids, taken = carry_ids(network, previous), [""] * len(keys)
        if is_there:
            taken = [official.get(key, "") for key in keys]
            taken = [one if taken.index(one) == row else "" for row, one in enumerate(taken)]
            theirs |= {*known, *official.values()}
            every = {*known, *official.values()}
            ids = claim_ids(ids, claims_of(taken, every, (len(ids.route_id), len(ids.pattern_id))))
        assert len({*ids.stop_id, *ids.gone_stop_id}) == len(keys) + len(ids.gone_stop_id)
        for one, claim in zip(ids.stop_id, taken, strict=True):
            assert one == claim or not claim or " " in claim
            assert one == claim or one in ours or one not in theirs
        ours |= set(ids.stop_id)
        assert f"S{ids.next_stop}" not in ours | theirs
        previous = Ids.from_json(ids.to_json())


def test_a_station_is_called_otherwise_than_any_stop():
    from transitmap.gtfs.feed.stations import find_stations

    network = small_city()
    ends = np.flatnonzero(network.is_terminal()).tolist()
    ids = carry_ids(network, None)
    (station,) = find_stations(network, ids, ends)[:1]
    taken = replace(
        ids, stop_id=tuple(station.station_id if n == 1 else one for n, one in enumerate(ids.stop_id))
    )
    assert not {one.station_id for one in find_stations(network, taken, ends)} & set(taken.stop_id)
