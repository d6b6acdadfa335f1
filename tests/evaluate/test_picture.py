"""The map of an evaluation: what it shows, in which words, always the same."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.evaluate.feeds import Trip, write_feed
from transitmap.evaluate import draw_evaluation, draw_feed, evaluate, read_feed_map

EVERY = list(range(100, 3900, 300))
KEPT = Trip("kept", "a", [(0, 0), (4000, 0)], EVERY)
MISSED = Trip("missed", "b", [(0, 1000), (4000, 1000)], EVERY)
INVENTED = Trip("invented", "c <&>", [(0, 2000), (4000, 2000)], EVERY[:5])
LOST = Trip("lost", "d", [(0, 0), (1000, 0), (1000, 900)], EVERY[:3])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feeds")
    feed = write_feed(folder / "feed", [KEPT, INVENTED])
    return evaluate(feed, write_feed(folder / "true", [KEPT, MISSED, LOST]))


def count(svg, name):
    """Marks of a class, less the one in the legend."""
    return len(re.findall(f'class="s-{name}"', svg)) - 1


def test_every_stop_is_drawn_as_what_it_is(found):
    svg = draw_evaluation(found, "es")
    assert count(svg, "found") == 2 * 13  # on both maps
    assert (count(svg, "missed"), count(svg, "invented")) == (13 + 3, 5)


def test_the_legend_counts_in_the_language_of_the_feed(found):
    spanish, english = draw_evaluation(found, "es"), draw_evaluation(found, "en")
    for words in ("13 paradas encontradas", "16 paradas faltantes", "1 recorridos inventados", "Referencia"):
        assert words in spanish and words not in english
    for words in ("13 stops found", "16 stops missed", "1 patterns invented", "Reference<", "500 m"):
        assert words in english
    assert draw_evaluation(found, "fr") == spanish  # the first of the two


def test_a_street_that_is_known_is_told_from_one_that_is_missing(found):
    svg = draw_evaluation(found, "es")
    kinds = re.findall(r'class="line l-(\w+)" d="([^"]*)"', svg)
    drawn = {kind: path for kind, path in kinds if not path.endswith("h48")}
    assert set(drawn) == {"found", "known", "missed", "invented"}
    assert drawn["missed"].count("M") == 2  # one whole line, one branch off a known street


def test_it_is_one_svg_that_any_reader_takes(found):
    for svg in (draw_evaluation(found, "es"), draw_feed(found.feed, "en")):
        assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        numbers = re.findall(r"-?\d+\.\d+|nan|inf", " ".join(re.findall(r'(?:d|cx|cy)="([^"]*)"', svg)))
        assert numbers and all(number not in ("nan", "inf") for number in numbers)


def test_the_same_feeds_give_the_same_bytes(found, tmp_path):
    again = evaluate(
        write_feed(tmp_path / "feed", [KEPT, INVENTED]), write_feed(tmp_path / "true", [KEPT, MISSED, LOST])
    )
    assert draw_evaluation(again, "es") == draw_evaluation(found, "es")


def test_a_feed_alone_has_a_colour_a_route(tmp_path):
    feed, _ = read_feed_map(write_feed(tmp_path / "feed", [KEPT, MISSED]))
    svg = draw_feed(feed, "es")
    assert "26 paradas, 2 recorridos, 2 rutas" in svg
    assert len(set(re.findall(r'<path class="line" stroke="(#\w+)"', svg))) == 2
