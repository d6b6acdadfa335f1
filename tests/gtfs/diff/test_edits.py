"""Whatever is edited in a feed is what the diff tells: no more, no less, whichever way it is read."""

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.diff.test_diff import drop_pattern, renumbered
from tests.gtfs.small_city import CENTRE, small_feed
from transitmap.config import DiffConfig
from transitmap.gtfs.diff import as_json, diff, from_json, sentence

FEED = small_feed()
STOPS = [one for one in FEED["stops.txt"]["stop_id"] if one in FEED["stop_times.txt"]["stop_id"]]
SHAPES = sorted(set(FEED["trips.txt"]["shape_id"]))
CONFIG = DiffConfig()


def edited(renamed, moved, dropped, every_s):
    """The feed with some stops renamed, some moved east, some patterns gone, some headways another."""
    feed = copy.deepcopy(FEED)
    stops = feed["stops.txt"]
    for row in renamed:
        stops["stop_name"][row] += " Nuevo"
    for row, metres in moved.items():
        lat, lon = (np.array([float(stops[name][row])]) for name in ("stop_lat", "stop_lon"))
        (lat,), (lon,) = CENTRE.to_degrees(CENTRE.to_metres(lat, lon) + (float(metres), 0.0))
        stops["stop_lat"][row], stops["stop_lon"][row] = f"{lat:.6f}", f"{lon:.6f}"
    for row, headway_s in every_s.items():
        feed["frequencies.txt"]["headway_secs"][row] = str(headway_s)
    for shape in dropped:
        feed = drop_pattern(feed, shape)
    return feed


rows = st.integers(0, len(STOPS) - 1)
edits = st.tuples(
    st.sets(rows, max_size=4),
    st.dictionaries(rows, st.integers(6, 20), max_size=4),
    st.sets(st.sampled_from(SHAPES), max_size=2),
    st.dictionaries(st.integers(0, len(FEED["frequencies.txt"]["trip_id"]) - 1), st.just(5000), max_size=3),
)


@given(edits)
def test_the_diff_tells_exactly_the_edits(edit):
    renamed, moved, dropped, every_s = edit
    new = edited(*edit)
    found = diff(FEED, new, CONFIG)
    told = {(one.kind, one.what, one.old_id) for one in found.changes}
    shape_of = dict(zip(FEED["trips.txt"]["trip_id"], FEED["trips.txt"]["shape_id"], strict=True))
    retimed = {shape_of[FEED["frequencies.txt"]["trip_id"][row]] for row in every_s} - dropped
    assert told == {
        *(("stop", "renamed", STOPS[row]) for row in renamed),
        *(("stop", "moved", STOPS[row]) for row in moved),
        *(("pattern", "removed", shape) for shape in dropped),
        *(("pattern", "retimed", shape) for shape in retimed),
    }
    for one in found.changes:
        if one.what == "moved":
            assert abs(one.values["moved_m"] - moved[STOPS.index(one.old_id)]) < 0.5
        assert sentence(one, "es") != sentence(one, "en")
    assert from_json(as_json(found, with_lines=True)) == found


@given(edits)
def test_read_backwards_what_was_removed_is_added_and_the_rest_the_same(edit):
    new = edited(*edit)
    forth, back = diff(FEED, new, CONFIG), diff(new, FEED, CONFIG)
    turned = {"added": "removed", "removed": "added"}
    there = sorted(
        (one.kind, turned.get(one.what, one.what), one.old_id or one.new_id) for one in forth.changes
    )
    assert there == sorted((one.kind, one.what, one.old_id or one.new_id) for one in back.changes)


@given(edits)
def test_under_other_ids_the_same_edits_are_found(edit):
    """By place: no stop is moved so far that it could be taken for its neighbour."""
    new = edited(*edit)
    by_ids, by_place = diff(FEED, new, CONFIG).counts(), diff(FEED, renumbered(new), CONFIG).counts()
    assert by_place == by_ids
