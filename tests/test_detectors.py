"""What detectors found and what people said of it, counted on both databases."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from tests.conftest import on_sqlite
from transitmap import detectors, store
from transitmap.cli import main
from transitmap.detectors import DAY_S, ENOUGH, MIN_DAYS, NOTHING, TOO_EARLY, TOO_FEW, TOO_WRONG, Detector
from transitmap.examined import EXAMINED_FROM
from transitmap.model import DETECTORS
from transitmap.points.review import wilson
from transitmap.points.rules import load_rules, published_text

NOW_S = 1_790_000_000.0
RULES = load_rules()
AGES = (50, 40, 35, 31, 29, 20, 10, 5, 1, 0)
"""How many days ago the rides of these tests came, in the order in which they were understood."""


@pytest.fixture
def rides(session: Session) -> list[str]:
    """Rides of one rider, looked at from the second on."""
    user = store.add_user(session, "Ana", "hash", NOW_S)
    store.set_fact(session, EXAMINED_FROM, "2")
    names = []
    for number, age in enumerate(AGES, 1):
        upload, _ = store.add_upload(session, user.id, f"{number:064d}", "a.gpx", 5, NOW_S - age * DAY_S)
        row = store.RideRow(
            sequence=number, id=f"ride {number}", upload_id=upload.id, user_id=user.id, ordinal=1,
            name="a.gpx", n_fixes=9, dropped={}, warnings=[], mode="bus", stretch={}, started_s=1.0,
            distance_m=9.0, packed_sha256="0" * 64,
        )  # fmt: skip
        store.add_rides(session, [row])
        store.add_lines(session, [award(row)])
        names.append(row.id)
    return names


def award(row: store.RideRow) -> dict[str, object]:
    """A quarter of ten points at once."""
    told = {"rules_version": "1", "network_version": "", "text_es": "", "text_en": "", "created_s": NOW_S}
    return told | {
        "key": f"new_metres:{row.id}", "ride_id": row.id, "user_id": row.user_id, "rule": "new_metres",
        "millipoints": 2_500, "evidence": {"full_millipoints": 10_000},
    }  # fmt: skip


def find(session: Session, ride_id: str, code: str, tier: str, state: str = "open") -> None:
    columns = {"score": 0.9, "evidence": {}, "made_s": NOW_S, "state": state}
    session.add(store.FindingRow(ride_id=ride_id, code=code, tier=tier, **columns))
    session.flush()


def of(session: Session, code: str, rules=RULES) -> Detector:
    return next(one for one in detectors.tally(session, rules, NOW_S).detectors if one.code == code)


def test_each_is_counted_and_looked_at_rides_too(session: Session, rides: list[str]) -> None:
    for number, state in ((2, "upheld"), (3, "dismissed"), (5, "upheld"), (8, "open")):
        find(session, rides[number], "car", "soft", state)
    find(session, rides[7], "car", "shadow")
    find(session, rides[8], "claimed_check", "soft")
    told = detectors.tally(session, RULES, NOW_S)
    assert (told.n_looked, told.n_looked_lately) == (9, 6)
    assert [one.code for one in told.detectors] == list(DETECTORS)
    car = of(session, "car")
    assert (car.tier, car.n_found, car.n_found_lately, car.n_days) == ("soft", 5, 3, 35)
    assert (car.n_open, car.n_upheld, car.n_dismissed, car.n_looked) == (2, 2, 1, 8)
    assert car.right == (2 / 3, *wilson(2, 3))
    assert car.waiting_millipoints == 7_500  # of the one in shadow nothing waits
    assert of(session, "jump").verdict == NOTHING
    assert of(session, "jump").right is None


def test_how_it_works_now_is_told_by_the_rules(session: Session, rides: list[str]) -> None:
    assert of(session, "copy").tier == "hard"
    assert of(session, "copy", dataclasses.replace(RULES, shadow=("copy",))).tier == "shadow"
    toml = published_text().replace("shadow = []", 'shadow = ["copy"]')
    for slug, state in (("abierta", "open"), ("cerrada", "closed")):
        columns = {"name_es": "", "name_en": "", "locale": "es_MX", "rules_version": "x"}
        session.add(store.Campaign(slug=slug, state=state, rules_toml=toml, made_s=NOW_S, **columns))
    session.flush()
    assert (of(session, "copy").tier, of(session, "copy").shadow_in) == ("hard", ("abierta",))
    assert of(session, "jump").shadow_in == ()


def test_nothing_was_looked_at(session: Session) -> None:
    told = detectors.tally(session, RULES, NOW_S)
    assert (told.n_looked, told.n_looked_lately) == (0, 0)
    assert {one.verdict for one in told.detectors} == {NOTHING}


@pytest.mark.parametrize(
    ("n_days", "n_looked", "states", "verdict"),
    [
        (MIN_DAYS - 1, 10_000, (0, 5, 0), TOO_EARLY),
        (MIN_DAYS, 10_000, (0, 5, 0), ENOUGH),
        (MIN_DAYS, 3_837, (0, 5, 0), TOO_WRONG),
        (MIN_DAYS, 3_838, (0, 5, 0), ENOUGH),  # the least that says 1 in 1,000
        (MIN_DAYS, 12_000, (0, 50, 5), ENOUGH),
        (MIN_DAYS, 10_000, (0, 50, 5), TOO_WRONG),
        (MIN_DAYS, 10_000, (5, 50, 0), TOO_WRONG),  # that nobody looked does not speak for it
        (MIN_DAYS, 10_000, (0, 3, 0), TOO_FEW),
        (MIN_DAYS, 10_000, (2, 0, 0), TOO_FEW),
        (MIN_DAYS, 100_000, (0, 5, 5), TOO_FEW),
    ],
)
def test_when_it_is_enough(n_days: int, n_looked: int, states: tuple[int, int, int], verdict: str) -> None:
    """`states` are how many are open, upheld and dismissed."""
    one = Detector("car", "shadow", (), sum(states), 0, n_looked, n_days, *states, waiting_millipoints=0)
    assert one.verdict == verdict


@on_sqlite
def test_the_command_tells_the_same(session: Session, database_url: str, rides: list[str]) -> None:
    find(session, rides[1], "jump", "hard", "upheld")
    session.commit()
    told = CliRunner().invoke(main, ["points", "detectors", "--database-url", database_url])
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(told.output))}
    assert (rows["jump"]["n_upheld"], rows["car"]["verdict"]) == ("1", NOTHING)
    done = CliRunner().invoke(main, ["points", "detectors", "--database-url", database_url, "--json"])
    assert json.loads(done.output)["n_looked"] == 9
