"""Layers hold what a planner asks for, counted by hand on the small city."""

import pytest

from transitmap.geo import Plane, along_m
from transitmap.gtfs.export.layers import layers_of
from transitmap.gtfs.export.patterns import read_published


@pytest.fixture(scope="module")
def layers(tables, evidence):
    return {layer.name: layer for layer in layers_of(read_published(tables, evidence))}


def row(layer, k):
    return {name: column.values[k] for name, column in layer.columns.items()}


def test_a_stop_says_who_calls_and_what_it_rests_on(layers):
    stop = row(layers["stops"], 0)
    assert (stop["stop_id"], stop["stop_name"]) == ("S1", "Mercado Jáuregui")
    assert (stop["routes"], stop["n_routes"], stop["n_patterns"]) == ("12", 1, 2)
    # P1: 3 h every 480 s, 13 h every 720 s; P2: 16 h every 1,500 s
    assert stop["departures_wednesday"] == round(22.5 + 65 + 38.4)
    assert (stop["n_rides"], stop["n_riders"], stop["n_days"], stop["confidence"]) == (4, 4, 3, 0.9)
    assert stop["spread_m"] == 6.5


def test_a_station_has_what_its_stops_have(with_station):
    stops = {layer.name: layer for layer in layers_of(read_published(with_station))}["stops"]
    station = row(stops, stops.columns["stop_id"].values.index("TS1"))
    assert (station["location_type"], station["n_patterns"], station["routes"]) == (1, 2, "12")


def test_a_pattern_says_how_far_how_fast_and_how_often(layers):
    pattern = row(layers["patterns"], 0)
    assert (pattern["pattern_id"], pattern["route_short_name"], pattern["n_stops"]) == ("P1", "12", 4)
    assert pattern["length_m"] == pytest.approx(3003.3, abs=1.0)
    assert pattern["run_s"] == 494
    assert pattern["speed_km_h"] == pytest.approx(3003.3 / 494 * 3.6, abs=0.1)
    assert (pattern["headway_min_s"], pattern["headway_max_s"]) == (480, 720)  # 1,200 is unknown
    assert (pattern["run_low_s"], pattern["run_high_s"], pattern["n_rides"]) == (464, 524, 40)


def test_a_route_holds_all_its_lines(layers):
    assert [len(parts) for parts in layers["routes"].parts] == [3, 1]
    assert layers["routes"].columns["n_rides"].values == [40 + 12 + 30, 9]
    assert layers["routes"].columns["n_stops"].values[1] == 4  # a loop: five calls, four stops


def test_unknown_headways_are_told_from_known_ones(layers):
    headways = layers["headways"].columns
    told = list(zip(headways["pattern_id"].values, headways["service_id"].values, strict=True))
    unknown = {one for one, what in zip(told, headways["headway_is"].values, strict=True) if what != "about"}
    assert unknown == {("P1", "SA"), ("P3", "SU")}
    assert len(told) == 7


def test_evidence_is_a_line_from_call_to_call(layers):
    evidence = layers["evidence"]
    way = row(evidence, 2)
    assert (way["segment_id"], way["pattern_id"], way["stop_sequence"]) == ("P1 S3 S4", "P1", 3)
    assert (way["from_stop_id"], way["to_stop_id"], way["to_stop_name"]) == ("S3", "S4", "Central camionera")
    assert (way["n_rides"], way["n_riders"], way["n_days"], way["confidence"]) == (9, 7, 3, 0.8)
    assert way["last_seen"] == "2026-11-20"
    ((line,),) = evidence.parts[2:3]
    metres = Plane(19.53, -96.92).to_metres(line[:, 1], line[:, 0])
    assert along_m(metres)[-1] == pytest.approx(2985 - 1480, abs=1.0)
    assert len(evidence.parts) == 14  # 3 + 4 + 3 + 4 ways


def test_a_way_nobody_rode_is_not_drawn(tables, evidence):
    kept = "".join(one for one in evidence.splitlines(True) if "P1 S3 S4" not in one)
    drawn = {layer.name: layer for layer in layers_of(read_published(tables, kept))}["evidence"]
    assert len(drawn.parts) == 13


def test_columns_are_as_long_as_their_geometry(layers):
    for layer in layers.values():
        lengths = {len(column.values) for column in layer.columns.values()}
        assert len(lengths) == 1
        assert not layer.geometry or lengths == {len(layer.parts)}
        for name, column in layer.columns.items():
            assert all(value is None or type(value) is column.type for value in column.values), name


def test_without_evidence_and_calendar_the_rest_is_there(tables):
    bare = {file: table for file, table in tables.items() if file != "calendar.txt"}
    stops = {layer.name: layer for layer in layers_of(read_published(bare))}["stops"]
    stop = row(stops, 0)
    assert stop["n_patterns"] == 2
    assert {stop[name] for name in ("n_rides", "confidence", "spread_m", "departures_wednesday")} == {None}
