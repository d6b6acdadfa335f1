"""evidence.csv says what every published thing rests on, and runs nothing in a spreadsheet."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pyogrio
import pytest

from tests.gtfs.small_city import small_city
from transitmap.geo import Plane, along_m
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import COLUMNS, describe, evidence_geojson, evidence_table, read_held_back
from transitmap.gtfs.evidence.held_back import KINDS, REASONS
from transitmap.model import Fares, HailStretches, HeldBack, StepFree, segment_ids


def features_of(network, held_back=()):
    body = evidence_geojson(network, carry_ids(network, None), held_back, {"license": "https://example.org"})
    collection = json.loads(body)
    return collection, {one["id"]: one for one in collection["features"]}


def rows_of(network):
    return list(csv.DictReader(io.StringIO(evidence_table(network, carry_ids(network, None)), newline="")))


def test_a_row_for_every_stop_pattern_and_window():
    city = small_city()
    rows = rows_of(city)
    assert tuple(rows[0]) == COLUMNS
    kinds = [row["kind"] for row in rows]
    assert kinds == ["stop"] * 14 + ["pattern"] * 4 + ["segment"] * 14 + ["headway"] * 7


def test_the_numbers_are_the_networks():
    rows = {row["id"]: row for row in rows_of(small_city())}
    stop = rows["S3"]
    assert (stop["n_rides"], stop["n_riders"], stop["n_days"], stop["confidence"]) == ("6", "4", "3", "0.90")
    assert (stop["low"], stop["high"]) == ("0", "6.5")
    pattern = rows["P2"]
    assert (pattern["n_rides"], pattern["n_riders"], pattern["n_days"]) == ("12", "5", "6")
    assert (pattern["low"], pattern["high"]) == ("480", "540")  # 3060 m at 6 m/s, give or take 30 s
    headway = rows["P1-WD 06:00-09:00"]
    assert (headway["n_rides"], headway["low"], headway["high"]) == ("18", "420", "560")
    assert (headway["n_riders"], headway["n_days"], headway["last_seen"]) == ("4", "3", "2026-11-20")
    assert (stop["last_seen"], pattern["last_seen"]) == ("2026-11-19", "2026-11-19")
    segment = rows["P1 S3 S4"]
    assert (segment["n_rides"], segment["n_riders"], segment["n_days"]) == ("9", "7", "3")
    assert (segment["low"], segment["high"], segment["last_seen"]) == ("1480", "2985", "2026-11-20")
    assert segment["confidence"] == "0.80"  # seven vehicles: (7 + 1) / (7 + 3)


def test_bounds_and_unknowns_are_said():
    rows = {row["id"]: row for row in rows_of(small_city())}
    assert "unknown, at most an hour by convention" in rows["P1-SA 07:00-20:00"]["note"]
    assert "unknown, at most an hour by convention" not in rows["P1-WD 06:00-09:00"]["note"]
    assert rows["P3-SU 08:00-18:00"]["low"] == ""
    assert "P3-WD 06:00-24:30" in rows


def test_a_branch_seen_once_and_a_pattern_without_headway_say_so():
    city = small_city()
    keep = city.headways.pattern_index != 1
    columns = city.headways.__dataclass_fields__
    headways = replace(city.headways, **{name: getattr(city.headways, name)[keep] for name in columns})
    once = replace(city.patterns, n_rides=np.array([40, 1, 30, 9]))
    rows = {row["id"]: row for row in rows_of(small_city(headways=headways, patterns=once))}
    assert "seen once" in rows["P2"]["note"]
    assert "not in the feed" in rows["P2"]["note"]
    assert "seen once" not in rows["P1"]["note"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula(name):
    city = small_city()
    named = small_city(stops=replace(city.stops, name=(name, *city.stops.name[1:])))
    assert rows_of(named)[0]["note"] == "'" + name.replace("\r", " "), "nor the end of a row"


def test_a_stretch_where_people_hail_is_a_row_of_its_pattern():
    one = (np.array([value]) for value in (2, 650.4, 1890.0, 7, 5, 0.912))
    row = rows_of(small_city(hails=HailStretches(*one)))[-1]
    assert (row["kind"], row["id"], row["low"], row["high"]) == ("hail", "P3", "650", "1890")
    assert (row["n_rides"], row["n_riders"], row["n_days"], row["confidence"]) == ("7", "5", "", "0.91")


def said():
    """The small city with two fares, on one of which riders agree, and two stops of which steps are told."""
    f, i = (lambda *v: np.array(v, dtype=float)), (lambda *v: np.array(v))
    fares = Fares(i(0, 1), f(8.5, np.nan), f(8.5, 5), f(8.5, 12), i(10, 4), f(1.0, 0.5))
    return small_city(fares=fares, step_free=StepFree(i(2, 5), np.array([True, False]), i(3, 4)))


def test_what_riders_said_and_whether_they_agree():
    rows = [row for row in rows_of(said()) if row["kind"] in ("fare", "step_free")]
    told = [(row["id"], row["n_riders"], row["low"], row["high"], row["note"]) for row in rows]
    assert told == [
        ("R1", "10", "8.5", "8.5", "tarifa / fare 8.5; 10 de / of 10 lo dicen / say so"),
        ("R2", "4", "5", "12", "no hay acuerdo / no agreement"),
        ("S3", "3", "", "", "sin escalón / step-free"),
        ("S6", "4", "", "", "con escalón / not step-free"),
    ]


def test_a_way_run_twice_by_one_pattern_has_two_ids():
    assert segment_ids("P1", ["A", "B", "C", "A", "B"]) == ["P1 A B", "P1 B C", "P1 C A", "P1 A B 2"]
    assert segment_ids("P1", []) == []


def test_a_network_of_before_days_were_counted_has_empty_cells():
    city, unknown = small_city(), np.zeros(0, dtype=np.int64)
    old = replace(city, stops=replace(city.stops, last_day=unknown))
    assert {row["last_seen"] for row in rows_of(old) if row["kind"] == "stop"} == {""}


# --- on a map ----------------------------------------------------------------------------------------


def test_everything_that_has_a_place_is_on_the_map_once():
    collection, features = features_of(said())
    rows = {f"{row['kind']}/{row['id']}": row for row in rows_of(said())}
    assert features.keys() == rows.keys()
    assert len(collection["features"]) == len(features)
    assert collection["license"] == "https://example.org"
    for name, feature in features.items():
        told = {key: "" if value is None else value for key, value in feature["properties"].items()}
        assert told.keys() == set(COLUMNS)
        assert {key: float(told[key]) for key in ("n_riders", "low") if told[key] != ""} == {
            key: float(rows[name][key]) for key in ("n_riders", "low") if rows[name][key]
        }


def test_a_segment_is_the_line_between_its_calls():
    city = small_city()
    _, features = features_of(city)
    lon, lat = np.array(features["segment/P1 S3 S4"]["geometry"]["coordinates"]).T
    assert along_m(Plane(19.53, -96.92).to_metres(lat, lon))[-1] == pytest.approx(2985 - 1480, abs=0.5)
    lon, lat = np.array(features["pattern/P2"]["geometry"]["coordinates"]).T
    assert along_m(Plane(19.53, -96.92).to_metres(lat, lon))[-1] == pytest.approx(3100, abs=0.5)
    first = features["headway/P1-WD 06:00-09:00"]["geometry"]
    assert first == features["stop/S1"]["geometry"]
    assert features_of(said())[1]["fare/R1"]["geometry"]["type"] == "MultiLineString"


def test_gdal_reads_the_map(tmp_path):
    path = tmp_path / "evidence.geojson"
    path.write_bytes(evidence_geojson(said(), carry_ids(said(), None)))
    table = pyogrio.raw.read(path, read_geometry=False)
    kinds = table[3][table[0]["fields"].tolist().index("kind")].tolist()
    assert (kinds.count("segment"), kinds.count("headway"), kinds.count("fare")) == (14, 7, 2)


# --- held back ---------------------------------------------------------------------------------------


def few():
    """The small city with stops, patterns and ways of few riders, as admitted, and what was held back."""
    city = said()
    stop, pattern = city.stops.n_riders.copy(), city.patterns.n_riders.copy()
    stop[1], pattern[3] = 2, 2
    changed = {
        "stops": replace(city.stops, n_riders=stop),
        "patterns": replace(city.patterns, n_riders=pattern),
    }
    return admit(replace(city, **changed), 3)


def test_the_table_says_what_was_held_back_and_reads_it_again():
    network, held = few()
    table = evidence_table(network, carry_ids(network, None), held)
    assert read_held_back(table) == held
    notes = [
        row["note"] for row in csv.DictReader(io.StringIO(table, newline="")) if row["kind"] == "held_back"
    ]
    assert notes[0] == (
        "Se retienen 1 de 14 paradas: menos de 3 viajeros / 1 of 14 stops held back: fewer than 3 riders"
    )
    assert {one.kind for one in held} == {"stops", "patterns", "routes", "segments"}
    assert read_held_back("kind,id,n_rides\r\nstop,S1,3\r\n") == read_held_back("") == []


def test_what_was_held_back_is_told_without_a_place():
    network, held = few()
    collection, features = features_of(network, held)
    assert [one["n"] for one in collection["held_back"]] == [one.n for one in held]
    for one in collection["held_back"]:
        assert set(one) == {"kind", "reason", "n", "n_all", "min_riders", "text_es", "text_en"}
    published = {f"stop/{name}" for name in carry_ids(network, None).stop_id}
    assert {name for name in features if name.startswith("stop/")} == published
    counts = [one["properties"]["n_riders"] for one in features.values()]
    assert min(count for count in counts if count is not None) >= 3


@pytest.mark.parametrize("lang", ["es", "en"])
def test_there_are_words_for_all_that_may_be_held_back(lang):
    for kind in KINDS:
        for reason in REASONS:
            assert describe(HeldBack(kind, reason, 1, 9, 3), lang).count("9") == 1
