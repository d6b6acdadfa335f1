"""Equity grids: read strictly, never below 1 nor above 1.5, the mean over a ride in whole thousandths."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.errors import ConfigError
from transitmap.model import Fixes
from transitmap.points.equity import as_geojson, parse_csv, parse_geojson, read_grid, weight_permille, weights

CSV = "lat,lon,weight\n19.40,-99.10,1.5\n19.40,-99.09,1.2\n19.41,-99.10,1\n19.41,-99.09,1.1\n"


def fixes_of(*places):
    lat, lon = np.array(places, dtype=float).reshape(-1, 2).T
    return Fixes(np.arange(len(lat)), lat, lon, np.full(len(lat), np.nan))


def square(west, south, side, **properties):
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_a_place_has_the_weight_of_its_square():
    grid = parse_csv(CSV)
    lat, lon = np.array([19.4004, 19.404, 19.41, 19.6]), np.array([-99.1004, -99.091, -99.1, -99.1])
    assert weights(grid, lat, lon).tolist() == [1_500, 1_200, 1_000, 1_000]


def test_a_ride_has_the_mean_of_its_fixes_rounded_down():
    grid = parse_csv(CSV)
    way = [(19.40, -99.10), (19.40, -99.09), (19.40, -99.08)]
    assert weight_permille(grid, fixes_of(*way)) == 1_350
    assert weight_permille(grid, fixes_of(*way), most_permille=1_300) == 1_300
    assert weight_permille(grid, fixes_of()) == weight_permille(grid, fixes_of(way[0], way[0])) == 1_000


def test_who_waits_with_the_recorder_on_gains_nothing():
    way = [(19.40, -99.10)] * 500 + [(19.40, -99.09), (19.40, -99.08)]
    assert weight_permille(parse_csv(CSV), fixes_of(*way)) == 1_350


def test_the_grid_is_published_as_it_counts():
    grid = parse_geojson(collection(square(0, 0, 1, weight=1.3), square(5, 5, 1, weight=1)))
    again = parse_geojson(as_geojson(grid))
    assert again.permille.tolist() == [1_300, 1_000]
    assert weights(again, np.array([0.5]), np.array([0.5])).tolist() == [1_300]
    points = json.loads(as_geojson(parse_csv(CSV)))["features"]
    assert points[0]["geometry"] == {"type": "Point", "coordinates": [-99.10, 19.40]}
    assert [one["properties"]["weight"] for one in points] == [1.5, 1.2, 1.0, 1.1]


def test_need_becomes_a_weight_by_its_rank():
    text = "lat,lon,poverty\n19.4,-99.1,3\n19.4,-99.2,80\n19.4,-99.3,80\n19.4,-99.4,9\n"
    assert parse_csv(text).permille.tolist() == [1_000, 1_500, 1_500, 1_250]
    assert parse_csv("lat,lon,population\n19.4,-99.1,7\n").permille.tolist() == [1_000]


def test_polygons_with_holes_and_parts():
    holed = square(0, 0, 10, weight=1.5)
    holed["geometry"]["coordinates"].append([[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]])
    parts = square(20, 0, 1, weight=1.2)
    parts["geometry"] = {
        "type": "MultiPolygon",
        "coordinates": [parts["geometry"]["coordinates"], square(30, 0, 1)["geometry"]["coordinates"]],
    }
    grid = parse_geojson(collection(holed, parts))
    lat, lon = np.array([1.0, 5.0, 0.5, 0.5, 50.0]), np.array([1.0, 5.0, 20.5, 30.5, 1.0])
    assert weights(grid, lat, lon).tolist() == [1_500, 1_000, 1_200, 1_200, 1_000]


def test_where_cells_lie_over_each_other_the_higher_counts():
    grid = parse_geojson(collection(square(0, 0, 2, weight=1.4), square(1, 1, 2, weight=1.1)))
    assert weights(grid, np.array([1.5]), np.array([1.5])).tolist() == [1_400]


@given(
    st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=5, unique=True),
    st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=5),
)
def test_no_ride_is_worth_less_than_one_nor_more_than_one_and_a_half(cells, places):
    rows = "".join(f"{lat},{lon},{nth}\n" for nth, (lat, lon) in enumerate(cells))
    grid = parse_csv(f"lat,lon,population\n{rows}")
    assert 1_000 <= weight_permille(grid, fixes_of(*places)) <= 1_500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lat,lon,weight\n",
        "lat,weight\n1,1\n",
        "lat,lon\n1,1\n",
        "lat,lon,weight\n91,0,1\n",
        "lat,lon,weight\n1,2,1.6\n",
        "lat,lon,weight\n1,2,0.9\n",
        "lat,lon,weight\n1,2,nan\n",
        "lat,lon,weight\n1,2\n",
        "lat,lon,poverty\n1,2,-1\n",
        "lat,lon,poverty\n1,2,inf\n",
    ],
)
def test_a_table_that_says_something_else_is_refused(text):
    with pytest.raises(ConfigError):
        parse_csv(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        collection(),
        collection(square(0, 0, 1)),
        collection(square(0, 0, 1, weight=2)),
        collection(square(179.5, 0, 1, weight=1)),
        collection({"properties": {"weight": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}),
        collection({"properties": {"weight": 1}, "geometry": None}),
        collection({"properties": None, "geometry": {"type": "Polygon", "coordinates": []}}),
        '{"features": [{"properties": {"weight": 1}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0],'
        " [1, NaN], [1, 1], [0, 0]]]}}]}",
    ],
)
def test_polygons_that_say_something_else_are_refused(text):
    with pytest.raises(ConfigError):
        parse_geojson(text)


def test_the_suffix_tells_which_it_is(tmp_path):
    (tmp_path / "need.csv").write_text(CSV, encoding="utf-8-sig")
    (tmp_path / "need.geojson").write_text(collection(square(0, 0, 1, weight=1.3)), encoding="utf-8")
    assert len(read_grid(tmp_path / "need.csv").permille) == 4
    assert read_grid(tmp_path / "need.geojson").permille.tolist() == [1_300]
    with pytest.raises(ConfigError):
        read_grid(tmp_path / "nothing.csv")
