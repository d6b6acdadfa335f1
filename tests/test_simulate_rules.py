from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from tests.conftest import BACKENDS, add_database
from tests.test_publish import CONFIG, RULES, make, ride_the_city
from transitmap import store
from transitmap.archive import Archive
from transitmap.cli import main
from transitmap.simulate_rules import preview


@pytest.fixture(scope="module", params=BACKENDS)
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A database and an archive of two feeds, and rides before, between and after them. Nobody changes it."""
    folder = tmp_path_factory.mktemp("lived")
    url = f"sqlite:///{folder / 'lived.db'}"
    if request.param == "postgresql":
        server, template = (request.getfixturevalue(name) for name in ("postgres", "postgres_template"))
        url = add_database(server, template).render_as_string(hide_password=False)
    else:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "lived.db")
    engine, archive = store.open_engine(url), Archive(folder / "archive")
    with store.session(engine) as session:
        for number in range(2):
            ride_the_city(session, archive, range(2 * number, 2 * number + 2), 1)
            make(session, archive)
        ride_the_city(session, archive, range(4, 6), 1)
    engine.dispose()
    return url, folder / "archive"


@pytest.fixture
def archive(lived: tuple[str, Path]) -> Archive:
    return Archive(lived[1])


@pytest.fixture
def history(lived: tuple[str, Path]) -> Iterator[Session]:
    engine = store.open_engine(lived[0])
    with store.session(engine) as session:
        yield session
        session.rollback()
    engine.dispose()


def test_the_same_rules_change_nothing(history: Session, archive: Archive) -> None:
    changes = preview(history, archive, CONFIG, RULES)
    assert changes
    assert all((one.before, one.before_verified) == (one.after, one.after_verified) for one in changes)
    assert sum(one.before for one in changes) == sum(row.millipoints for row in store.ledger_rows(history))


def test_twice_the_pay_is_twice_the_points(history: Session, archive: Archive) -> None:
    n_lines = len(store.ledger_rows(history))
    double = replace(RULES, version="x", millipoints_per_km=2 * RULES.millipoints_per_km)
    changes = preview(history, archive, CONFIG, double)
    for one in changes:
        assert one.after == pytest.approx(2 * one.before, abs=20)
    assert [one.before - one.after for one in changes] == sorted(one.before - one.after for one in changes)
    assert len(store.ledger_rows(history)) == n_lines


def test_without_later_observers_pay_only_the_first_gain(history: Session, archive: Archive) -> None:
    only_first = replace(RULES, observer_weights=(1000, 1, 1), provisional_permille=1000)
    changes = preview(history, archive, CONFIG, only_first)
    assert {one.after > one.before for one in changes} == {True, False}


def test_the_command_tells_who_gains(lived: tuple[str, Path], tmp_path: Path) -> None:
    where = ["--database-url", lived[0], "--archive-url", str(lived[1])]
    text = resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")
    (tmp_path / "campaign.toml").write_text('[feed]\ntimezone = "America/Mexico_City"\n')
    where += ["--config", str(tmp_path / "campaign.toml")]
    other = tmp_path / "new.toml"
    other.write_text(text.replace("points_per_km = 10.0", "points_per_km = 20.0"), encoding="utf-8")
    done = CliRunner().invoke(main, ["points", "simulate", "--rules", str(other), *where, "--json"])
    assert done.exit_code == 0, done.output
    riders = json.loads(done.output)["riders"]
    assert [one for one in riders if one["after"] <= one["before"]] == []
    (tmp_path / "bad.toml").write_text("version = 1")
    bad = CliRunner().invoke(main, ["points", "simulate", "--rules", str(tmp_path / "bad.toml"), *where])
    assert bad.exit_code == 2
