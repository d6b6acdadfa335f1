"""What riders said becomes labels about routes and stops, and lines of the ledger that are paid once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy.orm import Session

from tests.points.hand import NO_TAPS, NOON_S, PLANE, network_of, ride_along
from tests.test_store import add_ride
from transitmap import labelling, store
from transitmap.errors import ConfigError
from transitmap.labelling import check_answer, gather, label_lines, subject_of
from transitmap.model import Taps
from transitmap.points.labels import Check
from transitmap.points.rules import load_rules

WAY = [(0.0, 0.0), (3_000.0, 0.0)]
NETWORK = network_of((0, 0, WAY))
STOP_IDS = ["first", "last"]
ZONE = "America/Mexico_City"


def ride(*taps: tuple[float, str], label: str = ""):
    """A ride along the way with taps at so many metres."""
    lat, lon = PLANE.to_degrees(np.array([(x_m, 0.0) for x_m, _ in taps]).reshape(-1, 2))
    told = Taps(np.full(len(taps), NOON_S), lat, lon, tuple(name for _, name in taps))
    return replace(ride_along(WAY), taps=told if taps else NO_TAPS, label=label)


def row(number: int, route_id: str = "R1"):
    return SimpleNamespace(
        id=f"r{number}", sequence=number, user_id=number, route_id=route_id, direction_id=1, started_s=NOON_S
    )


def told(*taps: tuple[float, str], label: str = "", route_id: str = "R1", voices=None):
    rows = [row(1, route_id)]
    found = gather(rows, [ride(*taps, label=label)], NETWORK.stops, STOP_IDS, ZONE, voices or {}, {"r1": 5.0})
    return [(one.kind, one.subject, one.value) for one in found]


@pytest.mark.parametrize(
    ("tap", "label"),
    [
        ((900.0, "tarifa 6.50"), ("fare", "R1|||", "650")),
        ((900.0, "aforo de pie"), ("crowding", "R1||1|12h", "de pie")),
        ((10.0, "rampa"), ("step_free", "|first||", "yes")),
        ((2_990.0, "sin rampa"), ("step_free", "|last||", "no")),
        ((10.0, "Metro Hidalgo"), ("stop_name", "|first||", "Metro Hidalgo")),
    ],
)
def test_a_tap_says_something_about_a_route_or_a_stop(tap, label) -> None:
    assert told(tap) == [label]


@pytest.mark.parametrize("tap", [(10.0, "parada"), (900.0, "Metro Hidalgo"), (900.0, "rampa"), (10.0, " ")])
def test_what_names_nothing_or_is_at_no_stop_is_no_label(tap) -> None:
    assert told(tap) == []


def test_the_label_of_a_ride_names_its_route() -> None:
    assert told(label="Línea 7") == [("route_name", "R1|||", "Línea 7")]
    assert told((900.0, "tarifa 7"), label="Línea 7", route_id="") == []


def test_stops_that_are_not_published_are_no_subject() -> None:
    found = gather([row(1)], [ride((10.0, "rampa"))], NETWORK.stops, ["", "last"], ZONE, {}, {"r1": 5.0})
    assert found == []


def test_accounts_of_one_voice_are_one() -> None:
    (one,) = gather([row(1)], [ride((9.0, "tarifa 7"))], NETWORK.stops, STOP_IDS, ZONE, {1: 8}, {"r1": 5.0})
    assert (one.voice_id, one.received_s, one.sequence) == (8, 5.0, 1)


def test_lines_count_on_the_board_and_never_for_money(engine) -> None:
    with store.session(engine) as session:
        rows = rides_of_three(session)
        labels = gather(
            rows,
            [ride((900.0, "tarifa 7"))] * 3,
            NETWORK.stops,
            STOP_IDS,
            ZONE,
            {},
            {one.id: 5.0 for one in rows},
        )
        found = label_lines(labels, (), load_rules(), {one.id: 1 for one in rows})
        assert [(one["user_id"], one["verified_millipoints"]) for one in found] == [(rows[0].user_id, 0)]
        when = {"network_version": "", "created_s": NOON_S}
        assert len(store.add_lines(session, [one | when for one in found])) == 1
        assert store.add_lines(session, [one | when for one in found]) == []
        assert label_lines(labels, (), load_rules(), {}) == []


def rides_of_three(session: Session) -> list[store.RideRow]:
    people = [store.add_user(session, name, "", NOON_S) for name in ("Ana", "Beto", "Caro")]
    return [
        add_ride(session, person, str(n) * 64, route_id="R1", direction_id=0)
        for n, person in enumerate(people)
    ]


def test_a_planted_check_speaks_of_the_same_subject() -> None:
    labels = gather([row(1)], [ride((9.0, "tarifa 7"))], NETWORK.stops, STOP_IDS, ZONE, {}, {"r1": 5.0})
    check = Check("fare", subject_of("R1"), "700", 0.0)
    (line,) = label_lines(labels, [check], load_rules(), {"r1": 1})
    assert line["millipoints"] == load_rules().label_millipoints
    assert labelling.subject_of(stop_id="first") == "|first||"


@pytest.mark.parametrize(
    ("kind", "about", "answer", "wanted"),
    [
        ("fare", "R1", "750", ("R1", "")),
        ("route_name", "R1", "27", ("R1", "")),
        ("stop_name", "S9", "Metro Hidalgo", ("", "S9")),
        ("step_free", "S9", "no", ("", "S9")),
    ],
)
def test_a_known_answer_is_about_a_route_or_a_stop(kind, about, answer, wanted) -> None:
    assert check_answer(kind, about, answer) == wanted


@pytest.mark.parametrize(
    ("kind", "about", "answer"),
    [
        ("crowding", "R1", "full"),
        ("fare", "R1", "7.50"),
        ("fare", "R1", "1" * 10),
        ("step_free", "S9", "maybe"),
        ("stop_name", "S9", ""),
        ("stop_name", "S9", "x" * 81),
        ("fare", "", "750"),
        ("fare", "R" * 65, "750"),
    ],
)
def test_what_nobody_can_know_is_no_check(kind, about, answer) -> None:
    with pytest.raises(ConfigError):
        check_answer(kind, about, answer)
