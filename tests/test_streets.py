import osmium
import pytest

from transitmap.errors import TransitmapError
from transitmap.streets import read_streets

NODES = "".join(f'<node id="{k}" version="1" lat="19.{k:03d}" lon="-99.1"/>' for k in range(1, 9))


def extract(tmp_path, *ways):
    """An extract with a way for each (node ids, tags)."""
    body = "".join(
        f'<way id="{k}" version="1">'
        + "".join(f'<nd ref="{ref}"/>' for ref in refs)
        + "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        + "</way>"
        for k, (refs, tags) in enumerate(ways, 1)
    )
    path = tmp_path / "town.osm"
    path.write_text(f'<osm version="0.6">{NODES}{body}</osm>', encoding="utf-8")
    return path


def directions(streets):
    """(from, to) by the thousandths of a degree that number the nodes."""
    number = [round((lat - 19.0) * 1000) for lat in streets.lat_deg]
    return {(number[a], number[b]) for a, b in zip(streets.piece_from, streets.piece_to, strict=True)}


def test_a_street_runs_both_ways_and_is_split_at_its_nodes(tmp_path):
    streets = read_streets(extract(tmp_path, ([1, 2, 3], {"highway": "residential"})))
    assert directions(streets) == {(1, 2), (2, 1), (2, 3), (3, 2)}
    assert len(streets) == 4
    assert set(streets.lon_deg) == {-99.1}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"oneway": "yes"}, {(1, 2)}),
        ({"oneway": "-1"}, {(2, 1)}),
        ({"junction": "roundabout"}, {(1, 2)}),
        ({"oneway": "yes", "oneway:bus": "no"}, {(1, 2), (2, 1)}),
        ({"oneway": "no"}, {(1, 2), (2, 1)}),
        ({"highway": "motorway"}, {(1, 2)}),
        ({"highway": "motorway_link", "oneway": "no"}, {(1, 2), (2, 1)}),
    ],
)
def test_one_way_streets_are_one_way(tmp_path, tags, expected):
    assert directions(read_streets(extract(tmp_path, ([1, 2], {"highway": "primary"} | tags)))) == expected


def test_no_street_runs_across_a_node_that_is_missing(tmp_path):
    streets = read_streets(extract(tmp_path, ([1, 2, 99, 7, 8], {"highway": "primary", "oneway": "yes"})))
    assert directions(streets) == {(1, 2), (7, 8)}


def test_a_piece_of_two_ways_is_there_once(tmp_path):
    ways = ([1, 2, 3], {"highway": "primary"}), ([2, 3, 4], {"highway": "tertiary"})
    assert len(read_streets(extract(tmp_path, *ways))) == len({1, 2, 3}) * 2


@pytest.mark.parametrize(
    ("tags", "n_pieces"),
    [
        ({"access": "private"}, 2),
        ({"motor_vehicle": "no"}, 2),
        ({"access": "no", "bus": "yes"}, 4),
        ({"access": "private", "psv": "designated"}, 4),
        ({"access": "permissive"}, 4),
    ],
)
def test_a_street_closed_to_buses_is_left_out(tmp_path, tags, n_pieces):
    ways = ([1, 2], {"highway": "primary"}), ([3, 4], {"highway": "service"} | tags)
    assert len(read_streets(extract(tmp_path, *ways))) == n_pieces


def test_what_no_bus_drives_is_left_out(tmp_path):
    path = extract(
        tmp_path,
        ([1, 2], {"highway": "footway"}),
        ([3, 4], {"waterway": "river"}),
        ([5, 6], {"highway": "trunk_link", "oneway": "yes"}),
    )
    assert directions(read_streets(path)) == {(5, 6)}


def test_a_packed_extract_is_the_same(tmp_path):
    path = extract(tmp_path, ([1, 2, 3], {"highway": "tertiary"}))
    packed = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(packed)) as writer:
        for thing in osmium.FileProcessor(str(path)):
            writer.add(thing)
    assert directions(read_streets(packed)) == directions(read_streets(path))


def test_an_extract_without_streets_is_refused(tmp_path):
    with pytest.raises(TransitmapError, match="no street"):
        read_streets(extract(tmp_path, ([1, 2], {"highway": "steps"})))


def test_what_is_no_extract_is_refused(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text("not a map", encoding="utf-8")
    with pytest.raises(TransitmapError, match="town.osm"):
        read_streets(path)
