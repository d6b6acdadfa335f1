"""No cell that a spreadsheet runs (S8): no name of a feed begins like one, tables for people quote."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tests.gtfs.small_city import TODAY, small_city
from transitmap.cells import FORMULA_STARTS, plain_cell
from transitmap.config import FeedConfig
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.gtfs.export import export_feed
from transitmap.gtfs.feed import build_tables
from transitmap.gtfs.pack import pack
from transitmap.model import Fixes, Legs, Refusal, Ride, Taps, Trips
from transitmap.report import legs_table, report_table

FORMULAS = (
    "=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\0=1", " =1", "'=1", "=HYPERLINK(\"http://x\")",
    "=cmd|'/c x'!A1", "<b>=1</b>", "\u200b=1", "＝1+1", "＠SUM(1)", "-=1", "@@=1",
)  # fmt: skip
"""Each a name that a rider may give; the last but two are those of wide keyboards."""
NUMBER = re.compile(r"-?[0-9.]+")
WIDE = ("＝", "＋", "－", "＠")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run it: numbers are numbers."""
    return cell.startswith((*FORMULA_STARTS, "\n", *WIDE)) and not NUMBER.fullmatch(cell)


@pytest.fixture(scope="module")
def city():
    """A network in which every route and stop is called like a formula."""
    made = small_city()
    names = FORMULAS * 3
    stops = replace(made.stops, name=names[: len(made.stops.name)])
    n_routes = len(made.routes.short_name)
    routes = replace(made.routes, short_name=names[:n_routes], long_name=names[n_routes : 2 * n_routes])
    return replace(made, stops=stops, routes=routes)


@pytest.mark.parametrize("name", FORMULAS)
def test_no_name_of_a_feed_begins_like_a_formula(name):
    made = small_city()
    n_stops, n_routes = len(made.stops.name), len(made.routes.short_name)
    stops = replace(made.stops, name=(name,) * n_stops)
    routes = replace(made.routes, short_name=(name,) * n_routes, long_name=(name,) * n_routes)
    made = replace(made, stops=stops, routes=routes)
    feed = pack(build_tables(made, carry_ids(made, None), FeedConfig(), TODAY))
    with zipfile.ZipFile(io.BytesIO(feed)) as archive:
        for file in archive.namelist():
            assert formulas_in(archive.read(file).decode()) == [], f"{name!r} in {file}"


def test_no_table_for_people_has_one(city):
    ids = carry_ids(city, None)
    evidence = evidence_table(city, ids)
    made = {"evidence.csv": evidence}
    tables = export_feed(build_tables(city, ids, FeedConfig(), TODAY), "csv", evidence)
    with zipfile.ZipFile(io.BytesIO(tables)) as archive:
        made |= {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv")}
    rides = [a_ride(name) for name in FORMULAS]
    refusals = [Refusal(name, "too_short", "1 fix, need 2") for name in FORMULAS]
    made["rides.csv"] = report_table(rides, refusals, no_trips(len(rides)), city, city, ids, 1)
    n = np.arange(len(rides))
    made["legs.csv"] = legs_table(rides, Legs(n, n * 0, n * 0 + 2, n * 0, n * 1.0))
    for name, text in made.items():
        assert formulas_in(text) == [], name
    assert made["rides.csv"].count("'=1+1") == 2, "they are there, quoted"


def formulas_in(text: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) > 1
    return [cell for row in rows for cell in row if is_formula(cell)]


def a_ride(name: str) -> Ride:
    columns = np.array([0.0, 10.0]), np.array([19.5, 19.51]), np.array([-96.9, -96.9]), np.array([5.0, 5.0])
    none = np.array([])
    return Ride(name, Fixes(*columns), Taps(none, none, none, ()), label=name)


def no_trips(n: int) -> Trips:
    unknown, nan, none = np.full(n, -1), np.full(n, np.nan), np.zeros(n, dtype=int)
    return Trips(unknown, none, nan, nan, unknown, unknown, nan, nan, none * 0.5, ("no_pattern",) * n)


@pytest.mark.parametrize("cell", FORMULAS[:5])
def test_a_quoted_cell_is_read_back_whole(cell):
    assert plain_cell(cell) == f"'{cell}"
    assert plain_cell(plain_cell(cell)) == plain_cell(cell), "a text already, and stays one"


@pytest.mark.parametrize("text", ["\r=1", "\n=1", "a\r=1", "a\r\n=1", "a\0=1"])
def test_no_text_begins_a_row_of_its_own(text):
    """A writer that ends rows by a line feed leaves a carriage return as it is."""
    cell = plain_cell(text)
    assert not is_formula(cell)
    assert not set(cell) & set("\r\n\0")


@pytest.mark.parametrize("cell", ["Ruta 57", "", "a=1", "10:00-11:00", "’=1"])
def test_other_cells_stay_as_they_are(cell):
    assert plain_cell(cell) == cell
