"""The worker: what it publishes, what it finishes for others, and what does not stop it."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.points.hand import DAY_S, IN_NO_HURRY, NOON_S, bus_ride, gpx_of
from transitmap import missions, publish, store, work
from transitmap.archive import Archive
from transitmap.config import Config, FeedConfig
from transitmap.contribute import accept, contribute
from transitmap.errors import FeedInvalid, NotEnoughData
from transitmap.model import Notice
from transitmap.points.rules import load_rules
from transitmap.terms import city_day

ZONE = "America/Mexico_City"
CONFIG = Config(feed=FeedConfig(timezone=ZONE), collect=IN_NO_HURRY)
RULES = load_rules()
EAST = [(0.0, 0.0), (3000.0, 0.0)]


class City:
    """A database, an archive and the riders of one line."""

    def __init__(self, folder: Path) -> None:
        self.url, self.folder = f"sqlite:///{folder / 'city.db'}", str(folder / "archive")
        self.archive = Archive(self.folder)
        self.engine = store.open_engine(self.url)

    def ride(
        self, number: int, understood: bool = True, age_s: float = 3600.0, held_s: float | None = None
    ) -> str:
        """One more ride of one more rider; the id of its upload, which somebody holds for `held_s` more."""
        body = gpx_of(bus_ride(EAST, NOON_S + number * DAY_S, seed=number))
        now_s = time.time() - age_s
        with store.session(self.engine) as session:
            user = store.add_user(session, f"rider {number}", "hash", now_s)
            if understood:
                return contribute(session, self.archive, user, "a.gpx", body, CONFIG, RULES, now_s).upload_id
            upload, _ = accept(session, self.archive, user.id, "a.gpx", body, CONFIG, now_s)
            upload.lease_until_s = None if held_s is None else time.time() + held_s
            return upload.id

    def crowd(self) -> None:
        """As many rides as make a line."""
        for number in range(3):
            self.ride(number)

    def once(self) -> str:
        return work.work_once(self.url, self.folder, CONFIG)

    def state(self, upload_id: str) -> str:
        with store.session(self.engine, write=False) as session:
            upload = store.upload_by_id(session, upload_id, None)
            assert upload is not None
            return upload.state

    def latest(self) -> store.FeedVersion | None:
        with store.session(self.engine, write=False) as session:
            return store.latest_feed(session)


@pytest.fixture
def city(sqlite_template: Path, tmp_path: Path, own_rules_only: None):
    shutil.copyfile(sqlite_template, tmp_path / "city.db")
    made = City(tmp_path)
    yield made
    made.engine.dispose()


def looks(monkeypatch: pytest.MonkeyPatch, city: City, n: int, between: Callable[[int], object]) -> None:
    """Runs the worker for `n` looks, with something happening after each."""
    seen: list[int] = []

    def sleep(every_s: float) -> None:
        assert every_s == 7.0
        seen.append(1)
        between(len(seen))
        if len(seen) == n:
            raise KeyboardInterrupt

    monkeypatch.setattr(work, "time", types.SimpleNamespace(sleep=sleep, time=time.time))
    with pytest.raises(KeyboardInterrupt):
        work.work_forever(city.url, city.folder, CONFIG, 7.0)
    assert len(seen) == n


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    """Makes every inference fail; the list grows with each."""
    calls: list[int] = []

    def infer(*told: object) -> None:
        calls.append(1)
        raise error

    monkeypatch.setattr(publish.pipeline, "infer_network", infer)
    return calls


def test_new_rides_are_published_once(city: City) -> None:
    assert city.once() == ""
    city.crowd()
    version = city.once()
    latest = city.latest()
    assert latest is not None
    assert (latest.id, latest.n_rides) == (version, 3)
    assert city.once() == ""


@pytest.mark.parametrize("is_over", [True, False])
def test_missions_go_on_where_nobody_rides_any_more(city: City, is_over: bool) -> None:
    """Their time is over, or it is a new day of the city: freshness lacks most where no new feed is made."""
    city.crowd()
    city.once()
    with store.session(city.engine) as session:
        before = store.open_missions(session, time.time())
        numbers = {one.id for one in before}
        known = missions.coverage(session)
        assert numbers
        assert (known["timezone"], known["day"]) == (ZONE, city_day(time.time(), ZONE))
        if is_over:
            for one in before:
                one.closes_s = time.time() - 1.0
        else:
            store.set_fact(session, missions.COVERAGE, json.dumps(known | {"day": known["day"] - 1}))
    assert city.once() == "", "no new feed"
    with store.session(city.engine, write=False) as session:
        now = {one.id for one in store.open_missions(session, time.time())}
        assert len(now) == len(numbers)
        assert (now == numbers) is not is_over, "what goes on is not made anew"
        assert missions.coverage(session)["day"] == known["day"]


def test_missions_are_looked_at_once_a_day(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.crowd()
    city.once()
    monkeypatch.setattr(missions, "refresh_now", lambda *told: pytest.fail("nothing is due"))
    assert city.once() == ""


def test_missions_are_left_where_a_feed_comes_out_meanwhile(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes its own; those of the feed before would ask for what is no longer so."""
    city.crowd()
    city.once()
    with store.session(city.engine) as session:
        first = store.latest_feed(session)
        assert first is not None
        newer = store.feed_like(first, id="2-newer", number=2)
        feeds = iter((first, newer))
        monkeypatch.setattr(store, "latest_feed", lambda _: next(feeds))
        before = len(store.all_missions(session))
        assert missions.refresh_now(session, city.archive, CONFIG, RULES, time.time() + 30 * DAY_S) is None
        assert len(store.all_missions(session)) == before


def test_rides_too_few_for_a_line_are_no_failure(city: City, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    city.ride(0)
    assert city.once() == ""
    assert "nothing to publish yet: 1 rides" in caplog.text
    with store.session(city.engine, write=False) as session:
        assert store.refusals(session) == []
    city.ride(1)
    city.ride(2)
    assert city.once().startswith("1-")


def test_new_rules_are_published_before_what_waits_is_understood(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.crowd()
    first = city.once()
    waiting = city.ride(9, understood=False)
    newer = dataclasses.replace(RULES, version="newer")
    monkeypatch.setattr(work, "load_rules", lambda: newer)
    second = city.once()
    assert second not in ("", first)
    assert city.state(waiting) == store.UNDERSTOOD
    latest = city.latest()
    assert latest is not None
    assert (latest.id, latest.rules_version, latest.n_rides) == (second, "newer", 4)
    assert city.once() == ""
    with store.session(city.engine, write=False) as session:
        assert [row.rules_version for row in store.ledger_rows(session)][-1] == "newer"


def test_rides_of_phones_end_also_while_no_feed_can_be_made(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.crowd()
    city.once()
    sealed: list[int] = []
    monkeypatch.setattr(work.live, "seal", lambda *told: sealed.append(1))
    monkeypatch.setattr(work, "load_rules", lambda: dataclasses.replace(RULES, version="newer"))
    failing(monkeypatch, FeedInvalid([]))
    with pytest.raises(FeedInvalid):
        city.once()
    assert sealed == [1]


def test_new_rules_alone_are_a_new_feed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.crowd()
    first = city.once()
    monkeypatch.setattr(work, "load_rules", lambda: dataclasses.replace(RULES, version="newer"))
    assert city.once() not in ("", first)
    assert city.once() == ""


def test_an_upload_left_behind_is_finished_and_published_but_not_one_that_is_held(city: City) -> None:
    city.crowd()
    left, held = city.ride(5, understood=False, held_s=-1.0), city.ride(6, understood=False, held_s=3600.0)
    assert city.once()
    latest = city.latest()
    assert latest is not None
    assert latest.n_rides == 4
    assert (city.state(left), city.state(held)) == (store.UNDERSTOOD, store.RECEIVED)


@pytest.mark.parametrize("is_lost", [True, False])
def test_an_upload_that_cannot_be_read_costs_no_other(
    city: City, caplog: pytest.LogCaptureFixture, is_lost: bool
) -> None:
    city.crowd()
    broken, good = city.ride(5, understood=False, age_s=7200.0), city.ride(6, understood=False)
    with store.session(city.engine, write=False) as session:
        upload = store.upload_by_id(session, broken, None)
        assert upload is not None
        blob = next(path for path in Path(city.folder).rglob("*") if path.name == upload.sha256[2:])
    blob.unlink() if is_lost else blob.write_bytes(b"damaged")
    assert city.once()
    assert (city.state(broken), city.state(good)) == (store.RECEIVED, store.UNDERSTOOD)
    assert ("KeyError" if is_lost else "OSError") in caplog.text
    assert upload.sha256 not in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        *(kind("secret", {}, Exception("secret")) for kind in store.TRY_AGAIN[:1]),
        store.TRY_AGAIN[1]("secret"),
        OSError("secret"),
        KeyError("secret"),
        NotEnoughData("secret", 1, 2),
        FeedInvalid([]),
        FeedInvalid([Notice("fast_travel", "error", "stop_times.txt", 7, "secret", ())]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_is_named_and_does_not_end_the_worker(
    city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    city.crowd()
    with monkeypatch.context() as broken:
        failing(broken, error)
        looks(monkeypatch, city, 2, lambda n: None)
    assert "nothing published" in caplog.text
    assert "secret" not in caplog.text
    with caplog.at_level(logging.INFO):
        looks(monkeypatch, city, 1, lambda n: None)
    assert "published 1-" in caplog.text


def test_a_refused_feed_is_not_made_again_before_something_is_new(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = failing(monkeypatch, FeedInvalid([]))
    city.ride(1)
    at: list[int] = []

    def between(n: int) -> None:
        at.append(len(calls))
        if n == 3:
            city.ride(2)

    looks(monkeypatch, city, 5, between)
    assert at == [1, 1, 1, 2, 2]


def test_what_may_pass_is_tried_again_at_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = failing(monkeypatch, OSError("disk full"))
    city.ride(1)
    looks(monkeypatch, city, 3, lambda n: None)
    assert len(calls) == 3
