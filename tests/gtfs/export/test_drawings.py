"""The map draws routes of one street side by side, a strip its stops in order; both say whose they are."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tests.gtfs.small_city import small_feed
from transitmap.gtfs.export import export_feed
from transitmap.gtfs.export.bundles import bundle
from transitmap.gtfs.export.colours import PALETTE, text_on
from transitmap.gtfs.export.patterns import FeedIncomplete

SVG = "{http://www.w3.org/2000/svg}"
EAST = np.array([(0.0, 0.0), (2000.0, 0.0)])


def placed(pieces, width=10.0):
    return np.concatenate([piece.xy_m + piece.aside * width for piece in pieces])


def test_a_route_alone_is_drawn_where_it_runs():
    (only,) = bundle([EAST], [0], 10.0, 30.0)
    assert len(only) == 1
    assert placed(only) == pytest.approx(np.column_stack([np.arange(0, 2001, 10), np.zeros(201)]), abs=6)


def test_routes_of_a_street_lie_side_by_side_in_their_order():
    lines = [EAST, EAST + [0, 5], (EAST + [0, -4])[::-1]]  # the third comes the other way
    first, second, third = (placed(one) for one in bundle(lines, [0, 1, 2], 10.0, 30.0))
    assert np.median(first[:, 1]) == pytest.approx(-10)  # rank 0 of 3, seen along the first line
    assert np.median(second[:, 1]) == pytest.approx(0)
    assert np.median(third[:, 1]) == pytest.approx(10)


def test_both_ways_of_a_route_are_one_line():
    there, back = bundle([EAST, EAST[::-1] + [0, 8]], [0, 0], 10.0, 30.0)
    assert len(there) == 1 and back == []


def test_a_branch_is_drawn_from_where_it_leaves():
    turn = np.array([(0.0, 0.0), (1000.0, 0.0), (1000.0, 900.0)])
    _, branch = bundle([EAST, turn], [0, 0], 10.0, 30.0)
    (piece,) = branch
    assert piece.xy_m[0] == pytest.approx([1000, 0], abs=45) and piece.xy_m[-1] == pytest.approx(
        [1000, 900], abs=6
    )


def test_crossing_streets_and_far_parallels_keep_to_themselves():
    north = np.array([(1000.0, -900.0), (1000.0, 900.0)])
    for other in (north, EAST + [0, 80]):
        one, two = bundle([EAST, other], [0, 1], 10.0, 30.0)
        assert all(np.abs(piece.aside).max() == 0 for piece in (*one, *two))


def test_bundles_do_not_jump():
    """Where a route joins, the others move aside over some way, never from one point to the next."""
    joins = np.array([(1000.0, 900.0), (1000.0, 0.0), (2000.0, 0.0)])
    one, two = bundle([EAST, joins], [0, 1], 10.0, 30.0)
    for piece in (*one, *two):
        assert np.hypot(*np.diff(piece.aside, axis=0).T).max() < 0.15


def test_the_map_has_every_route_stop_and_credit(tables, evidence):
    root = ET.fromstring(export_feed(tables, "map", evidence))
    lines = root.findall(f"{SVG}path[@class='line']")
    assert [line.get("stroke") for line in lines] == [f"#{PALETTE[0]}", f"#{PALETTE[1]}"]
    assert len(root.findall(f"{SVG}circle[@class='stop']")) == 14
    said = " ".join(root.itertext())
    assert "https://opendatacommons.org/licenses/odbl/1-0/" in said and "Mercado Jáuregui" in said
    numbers = re.findall(r"-?\d+\.\d", " ".join(line.get("d") for line in lines))
    assert numbers and all(0 <= float(one) <= 2000 for one in numbers)


def test_an_own_colour_is_kept(tables):
    feed = small_feed()
    feed["routes.txt"]["route_color"] = ["ffcc00", "not-a-colour"]
    text = export_feed(feed, "map").decode()
    assert 'stroke="#FFCC00"' in text and "not-a-colour" not in text
    assert text_on("FFCC00") == "000000" and text_on("222222") == "FFFFFF"


def test_a_colour_that_routes_share_does_not_tell_them_apart():
    feed = small_feed()
    feed["routes.txt"]["route_color"] = ["7BC142", "7BC142"]
    assert "7BC142" not in export_feed(feed, "map").decode()
    assert "7BC142" in export_feed(feed, "timetable").decode()


def test_a_loop_has_one_badge_and_a_line_two(tables):
    root = ET.fromstring(export_feed(tables, "map"))
    badges = [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "badge"]
    assert badges.count("12") == 2 + 1 and len(badges) == 3 + 1 + 1  # the last of each is in the legend


def test_a_feed_without_a_trip_cannot_be_drawn():
    feed = small_feed()
    feed["stop_times.txt"] = {name: values[:1] for name, values in feed["stop_times.txt"].items()}
    with pytest.raises(FeedIncomplete, match="two calls"):
        export_feed(feed, "map")


def test_a_strip_a_pattern_with_its_stops_in_order(tables, evidence):
    with zipfile.ZipFile(io.BytesIO(export_feed(tables, "strips", evidence, lang="en"))) as archive:
        names = archive.namelist()
        strips = {name: ET.fromstring(archive.read(name)) for name in names}
    assert names[:3] == ["12-P1.svg", "12-P2.svg", "12-P3.svg"] and len(names) == 4
    strip = strips["12-P1.svg"]
    rings = strip.findall(f"{SVG}circle")
    assert len(rings) == 4 and [ring.get("cy") for ring in rings] == sorted(
        (r.get("cy") for r in rings), key=float
    )
    minutes = [one.text for one in strip.findall(f"{SVG}text[@class='minutes']")]
    assert minutes == ["0", "2", "4", "8"]
    assert "Licence" in " ".join(strip.itertext())


def test_a_doubtful_stop_is_drawn_as_one(tables, evidence):
    doubted = evidence.replace("stop,S1,4,4,3,2026-11-19,0.90", "stop,S1,4,4,3,2026-11-19,0.30")
    assert doubted != evidence
    with zipfile.ZipFile(io.BytesIO(export_feed(tables, "strips", doubted))) as archive:
        strip = archive.read("12-P1.svg").decode()
    assert strip.count('class="stop doubtful"') == 1 and "poco segura" in strip
