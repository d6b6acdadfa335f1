"""evidence.csv says what every published thing rests on, and runs nothing in a spreadsheet."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from tests.gtfs.small_city import small_city
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import COLUMNS, evidence_table
from transitmap.model import HailStretches


def rows_of(network):
    return list(csv.DictReader(io.StringIO(evidence_table(network, carry_ids(network, None)), newline="")))


def test_a_row_for_every_stop_pattern_and_window():
    city = small_city()
    rows = rows_of(city)
    assert tuple(rows[0]) == COLUMNS
    kinds = [row["kind"] for row in rows]
    assert kinds == ["stop"] * 14 + ["pattern"] * 4 + ["headway"] * 7


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
    assert rows_of(named)[0]["note"] == "'" + name


def test_a_stretch_where_people_hail_is_a_row_of_its_pattern():
    one = (np.array([value]) for value in (2, 650.4, 1890.0, 7, 5, 0.912))
    row = rows_of(small_city(hails=HailStretches(*one)))[-1]
    assert (row["kind"], row["id"], row["low"], row["high"]) == ("hail", "P3", "650", "1890")
    assert (row["n_rides"], row["n_riders"], row["n_days"], row["confidence"]) == ("7", "5", "", "0.91")
