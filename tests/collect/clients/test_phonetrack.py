"""PhoneTrack for Android and Locus Map, by their literal requests."""

from __future__ import annotations

import math

import pytest

from tests.collect.clients.messages import FORM, dropped, get, one, post, reply
from transitmap.collect.hear import hear

MANY = '{"points":[[19.4326,-99.1332,1795371330,2240.0,5.0,87,9,"Pixel",8.5,270.0]]}'
ONE = (
    "lat=19.4326&lon=-99.1332&alt=2240.0&timestamp=1795371330&acc=5.0&bat=87&sat=9&useragent=Pixel"
    "&speed=8.5&bearing=270.0"
)


def test_one_position_in_the_url_as_a_form_or_in_a_list() -> None:
    for message in (get("phonetrack", ONE), post("phonetrack", ONE, FORM), post("phonetrack", MANY)):
        assert one(message) == (1795371330, 19.4326, -99.1332, 5, 8.5)
        assert reply(message) == {"done": 1}


def test_empty_is_unknown() -> None:
    said = "lat=19.4326&lon=-99.1332&alt=&timestamp=1795371330&acc=&bat=&sat=&useragent=&speed=&bearing="
    assert all(math.isnan(value) for value in one(post("phonetrack", said, FORM))[3:])
    assert dropped(post("phonetrack", said.replace("1795371330", ""), FORM)) == {"no_time": 1}


def test_other_names_and_units_of_time() -> None:
    assert one(get("phonetrack", "lat=1&lon=2&datetime=2026-11-22T18:15:30Z"))[0] == 1795371330
    assert one(post("phonetrack", {"points": [[1, 2, 1795371330000]]}))[0] == 1795371330


def test_colotas_template() -> None:
    said = {
        "lat": 48.1, "lon": 11.5, "acc": 12, "alt": 519, "vel": 3.5, "batt": 85, "tst": 1704067200,
        "bearing": 180.5, "useragent": "Colota",
    }  # fmt: skip
    assert one(post("phonetrack", said)) == (1704067200, 48.1, 11.5, 12, 3.5)
    del said["vel"]
    assert dropped(post("phonetrack", {**said, "acc": 0})) == {"anchor": 1}


def test_an_odd_row_costs_only_itself() -> None:
    rows = [[19.4, -99.1, 1795371330], 7, [], ["x"], [91, 0, 1795371331], [1, 2, None], [1, 2, "x"]]
    heard = hear(post("phonetrack", {"points": rows}))
    assert len(heard.fixes) == 1
    assert heard.dropped == {
        "not_a_location": 1,
        "no_position": 2,
        "out_of_range": 1,
        "no_time": 1,
        "bad_time": 1,
    }
    assert reply(post("phonetrack", {"points": rows})) == {"done": 1}


@pytest.mark.parametrize("dialect", ["phonetrack", "locus"])
@pytest.mark.parametrize(("body", "reason"), [("", "empty"), ("{", "bad_json"), ("nothing", "no_position")])
def test_what_says_nothing_does_not_come_back(dialect: str, body: str, reason: str) -> None:
    message = post(dialect, body)
    assert (dropped(message), reply(message)) == ({reason: 1}, {"done": 1})


def test_locus_map() -> None:
    said = "lat=19.4326&lon=-99.1332&time=1795371330&battery=87&acc=5.0&alt=2240&speed=8.5&bearing=270"
    for message in (get("locus", said), post("locus", said, FORM)):
        assert one(message) == (1795371330, 19.4326, -99.1332, 5, 8.5)
        assert reply(message) == {"done": 1}
