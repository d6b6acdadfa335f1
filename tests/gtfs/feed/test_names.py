"""Names: what riders said, tidied; what is true of the place where they said nothing."""

from dataclasses import replace

import numpy as np
import pytest
from gtfs_validator.typing_checks import is_mixed_case
from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.small_city import small_city
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.feed.names import name_things, tidy
from transitmap.gtfs.validate.rules.people import TELEPHONE
from transitmap.model import Routes


def names_of(network, lang="es"):
    return name_things(network, carry_ids(network, None), lang)


def with_routes(short, long=("", "")):
    return small_city(routes=Routes(short, long, np.ones(2)))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("MERCADO JÁUREGUI", "Mercado Jáuregui"),
        ("avenida 20 de noviembre", "Avenida 20 de Noviembre"),
        ("METRO CU", "Metro CU"),
        ("IMSS", "IMSS"),
        ("12A", "12A"),
        ("R-12A", "R-12A"),
        ("33DP", "33Dp"),
        ("INSURGENTES", "Insurgentes"),
        ("centro", "Centro"),
        ("Los Berros", "Los Berros"),
        ("  a\t b\n ", "a b"),
        ("<b>Plaza</b> Crystal", "Plaza Crystal"),
        ("1 < 2 > 0", "1 2 0"),
        ("LÍNEA A", "Línea A"),
        ("CALLE DE LA PAZ", "Calle de la Paz"),
        ("=cmd|' /C calc'!A0", "Cmd|' /C Calc'!A0"),
        ("\u200bCentro", "Centro"),
        ("", ""),
    ],
)
def test_tidy(said, written):
    assert tidy(said) == written


@given(st.text("abdelnñáíABDELNÑÁÍ 0123-.,()'/<>\t", max_size=40))
def test_tidy_text_passes_the_canonical_case_rule(said):
    name = tidy(said)
    assert name == name.strip()
    assert not set(name) & set("<>\t\r\n")
    assert is_mixed_case(name)


def test_stops_keep_what_riders_said_and_places_name_the_rest():
    names = names_of(small_city()).stop
    assert names[0] == "Mercado Jáuregui"
    assert names[8] == '"El Árbol", esquina'
    assert names[1] == "Ruta 12 al este, km 0.7"
    assert names[5] == "Ruta 12 al norte, km 3.1"  # riders said "Parada 5": filler
    assert names[11] == "Ruta R2 al este, km 0.8"
    assert len(set(names)) == len(names)


def test_english_where_the_feed_is_english():
    names = names_of(small_city(), "en-GB")
    assert names.stop[1] == "Route 12 eastbound, km 0.7"
    assert names.route_long[1] == "Unnamed route R2"


def test_two_stops_that_round_to_one_place_are_told_apart():
    city = small_city()
    along_m = city.patterns.along_m.copy()
    along_m[1:3] = 700.0, 712.0
    names = names_of(small_city(patterns=replace(city.patterns, along_m=along_m))).stop
    assert names[1:3] == ("Ruta 12 al este, km 0.70", "Ruta 12 al este, km 0.71")
    along_m[2] = 701.0
    names = names_of(small_city(patterns=replace(city.patterns, along_m=along_m))).stop
    assert names[1:3] == ("Ruta 12 al este, km 0.70 (S2)", "Ruta 12 al este, km 0.70 (S3)")


@pytest.mark.parametrize(
    ("vote", "long", "short_name", "long_name"),
    [
        ("Ruta 12", "", "12", "Mercado Jáuregui - Central camionera"),
        ("12", "12", "12", "Mercado Jáuregui - Central camionera"),
        ("12", "12 - Centro", "12", "Centro"),
        ("12", "12 Centro", "12", "Centro"),
        ("12", "120 Aniversario", "12", "120 Aniversario"),
        ("Coatepec", "Coatepec (Directo)", "Coatepec", "Directo"),
        ("Circuito Presidentes", "", "", "Circuito Presidentes"),
        ("", "Centro - UV", "", "Centro - UV"),
        ("", "", "", "Mercado Jáuregui - Central camionera"),
    ],
)
def test_route_names(vote, long, short_name, long_name):
    names = names_of(with_routes((vote, "x"), (long, "")))
    assert (names.route_short[0], names.route_long[0]) == (short_name, long_name)


def test_routes_of_one_name_get_their_ids():
    names = names_of(with_routes(("5", "5"), ("Centro", "Centro")))
    assert names.route_long == ("Centro Recorrido R1", "Centro Recorrido R2")
    assert names.route_short == ("5", "5")


def test_headsigns_name_destinations():
    city = small_city()
    names = names_of(city)
    # The last stop's name; without "To" and the route; without "hacia"; a loop.
    assert names.headsign == ("Central camionera", "Norte", "Mercado", "Circuito")
    silent = small_city(patterns=replace(city.patterns, headsign=("", "", "12", "")))
    # The quarter in which the last stop lies.
    assert names_of(silent).headsign == ("Central camionera", "Noreste", "Oeste", "Circuito")


def test_long_official_ids_in_names_are_no_telephone_numbers():
    """Two stops of one pattern where kilometres round alike, and two routes of no name."""
    city = with_routes(("", ""))
    patterns = replace(city.patterns, along_m=city.patterns.along_m * 0.0)
    bare = replace(city, patterns=patterns, stops=replace(city.stops, name=("",) * len(city.stops)))
    stop_id = tuple(f"50474236{n:02d}" for n in range(len(city.stops)))
    ids = replace(carry_ids(bare, None), stop_id=stop_id, route_id=("5047423100", "5047423101"))
    names = name_things(bare, ids, "es")
    assert any("(23601)" in one or "(23602)" in one for one in names.stop)
    assert not [one for one in (*names.stop, *names.route_long) if TELEPHONE.search(one)]
    assert len(set(names.stop)) == len(names.stop) and len(set(names.route_long)) == 2
