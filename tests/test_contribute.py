from __future__ import annotations

import dataclasses
import datetime
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, IN_NO_HURRY, NOON_S, bus_ride, gpx_of
from transitmap import store
from transitmap.archive import Archive
from transitmap.config import CollectConfig, Config, FeedConfig
from transitmap.contribute import contribute, understand
from transitmap.errors import ConfigError, UploadRefused
from transitmap.points.rules import load_rules
from transitmap.publish import publish
from transitmap.receipt import Receipt

CONFIG = Config(feed=FeedConfig(timezone="America/Mexico_City"), collect=IN_NO_HURRY)
RULES = load_rules()
NOW_S = NOON_S + 30 * DAY_S
TODAY = datetime.date(2025, 7, 15)
EAST = [(0.0, 0.0), (3000.0, 0.0)]
NORTH = [(500.0, 1000.0), (500.0, 4000.0)]

Send = Callable[..., Receipt]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def send(session: Session, archive: Archive) -> Send:
    """Contributes as a rider, who joins with the first file."""

    def as_rider(who: str, body: bytes, name: str = "ride.gpx", **settings) -> Receipt:
        user = store.user_by_name(session, who) or store.add_user(session, who, "hash", NOW_S)
        return contribute(session, archive, user, name, body, CONFIG, RULES, NOW_S, **settings)

    return as_rider


def day(number: int, hour: float = 0.0) -> float:
    return NOON_S + number * DAY_S + hour * 3600


def mapped(session: Session, archive: Archive, send: Send, n: int = 4) -> store.FeedVersion:
    """A city in which `n` riders rode one line, one a day."""
    for number in range(n):
        send(f"rider {number}", gpx_of(bus_ride(EAST, day(number), seed=number)))
    return publish(session, archive, CONFIG, TODAY, NOW_S, RULES)


def test_a_receipt_tells_what_was_kept_and_what_it_was_worth(
    send: Send, session: Session, archive: Archive
) -> None:
    body = gpx_of(bus_ride(EAST))
    receipt = send("ana", body, "../mi viaje.gpx", consent="2026-11")
    assert (receipt.state, receipt.is_new, receipt.reason) == ("understood", True, "")
    (ride,) = receipt.rides
    assert ride.n_kept == len(bus_ride(EAST).fixes)
    assert ride.name == "mi viaje.gpx"
    assert ride.mode == "bus"
    (line,) = ride.lines
    assert line.rule == "new_metres"
    assert "km nuevos" in line.text_es
    assert receipt.millipoints == ride.millipoints == line.millipoints
    assert 5_000 < receipt.millipoints <= 6_000  # a quarter of 3 km at 0.8: the file names no accuracy
    upload = store.upload_by_id(session, receipt.upload_id, None)
    assert upload is not None
    assert archive.get(upload.sha256) == body
    assert upload.consent == "2026-11"


def test_the_same_file_again_is_the_same_upload_and_pays_once(send: Send, session: Session) -> None:
    body = gpx_of(bus_ride(EAST))
    first = send("ana", body)
    again = send("ana", body, "renamed.gpx")
    assert not again.is_new
    assert again == dataclasses.replace(first, is_new=False)
    with pytest.raises(UploadRefused) as refused:
        send("beto", body)
    assert refused.value.reason == "already_contributed"
    assert store.counts(session) == {"users": 2, "uploads": 1, "rides": 1, "feed_versions": 0, "ledger": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_file"),
        (b"no trace \x00 at all", "not_a_trace"),
        (b'<gpx version="1.1"><trk><trkseg><trkpt lat="1"', "xml_syntax"),
        (gpx_of(bus_ride(EAST, NOW_S + 9 * DAY_S)), "future_date"),
    ],
)
def test_a_refused_file_is_kept_with_its_reason(
    send: Send, session: Session, archive: Archive, body: bytes, reason: str
) -> None:
    receipt = send("ana", body)
    assert (receipt.state, receipt.rides, receipt.millipoints) == ("refused", (), 0)
    assert reason in receipt.reason
    assert receipt.detail
    upload = store.upload_by_id(session, receipt.upload_id, None)
    assert upload is not None
    assert archive.get(upload.sha256) == body
    assert send("ana", body).upload_id == receipt.upload_id
    assert send("beto", body).upload_id != receipt.upload_id  # nobody owns a file of no use


def test_a_file_over_the_limit_is_not_kept(session: Session, archive: Archive) -> None:
    user = store.add_user(session, "ana", "hash", NOW_S)
    small = dataclasses.replace(CONFIG, collect=CollectConfig(max_upload_bytes=100))
    with pytest.raises(UploadRefused) as refused:
        contribute(session, archive, user, "a.gpx", b"x" * 101, small, RULES, NOW_S)
    assert refused.value.reason == "too_large"
    assert store.counts(session)["uploads"] == 0


def test_what_cannot_be_kept_is_not_acknowledged(session: Session, tmp_path: Path) -> None:
    user = store.add_user(session, "ana", "hash", NOW_S)
    (tmp_path / "full").write_text("a file where the archive's folder should be")
    with pytest.raises(OSError, match="full"):
        contribute(
            session, Archive(tmp_path / "full"), user, "a.gpx", gpx_of(bus_ride(EAST)), CONFIG, RULES, NOW_S
        )
    assert store.counts(session)["uploads"] == 0


def test_an_upload_left_half_done_is_finished_later(send: Send, session: Session, archive: Archive) -> None:
    """As after a crash between the receipt of the bytes and their reading."""
    user = store.add_user(session, "ana", "hash", NOW_S)
    body = gpx_of(bus_ride(EAST))
    upload, _ = store.add_upload(session, user.id, archive.put(body), "a.gpx", len(body), NOW_S)
    session.commit()
    for waiting in store.uploads_in_state(session, store.RECEIVED):
        understand(session, archive, waiting, CONFIG, RULES, NOW_S)
    assert upload.state == store.UNDERSTOOD
    understand(session, archive, upload, CONFIG, RULES, NOW_S)
    assert store.counts(session)["ledger"] == 1
    assert send("ana", body).millipoints > 0


def test_later_observers_of_new_ground_are_paid_less(send: Send) -> None:
    worth = [
        send(who, gpx_of(bus_ride(EAST, start_s, seed=seed))).millipoints
        for seed, (who, start_s) in enumerate(
            [
                ("ana", day(0)),
                ("ana", day(0, 3)),
                ("ana", day(1)),
                ("beto", day(0, 5)),
                ("beto", day(2)),
                ("eva", day(3)),
            ]
        )
    ]
    assert worth[1:4] == [0, 0, 0]  # ana again, ana another day, beto on ana's day
    assert worth[4] == pytest.approx(0.8 * worth[0], rel=0.03)
    assert worth[5] == pytest.approx(0.4 * worth[0], rel=0.03)


def test_a_ride_is_recognised_in_the_feed_that_holds(send: Send, session: Session, archive: Archive) -> None:
    feed = mapped(session, archive, send)
    receipt = send("eva", gpx_of(bus_ride(EAST, day(9), seed=99, first=2, last=6), label="7"))
    (ride,) = receipt.rides
    assert ride.route_id == feed.ids["route_id"][0]
    assert ride.route_id
    assert ride.confidence > 0.5
    assert ride.stretch["last_m"] - ride.stretch["first_m"] == pytest.approx(1500, abs=60)
    assert ride.stretch["board_stop_id"] in feed.ids["stop_id"]
    assert ride.stretch["alight_stop_id"] in feed.ids["stop_id"]
    new, more = ride.lines  # four observers came before: the fifth gets a tenth
    assert new.millipoints == 0
    assert more.millipoints == pytest.approx(1.5 * 10_000 * 0.8 * 0.1 / 4, rel=0.1)


def test_who_was_paid_for_new_ground_is_not_paid_again_as_its_route(
    send: Send, session: Session, archive: Archive
) -> None:
    mapped(session, archive, send)
    assert send("rider 1", gpx_of(bus_ride(EAST, day(20), seed=50))).millipoints == 0


def test_a_route_held_back_is_not_named(send: Send, session: Session, archive: Archive) -> None:
    careful = dataclasses.replace(CONFIG, feed=dataclasses.replace(CONFIG.feed, min_riders=3))
    for number in range(4):
        send(f"rider {number}", gpx_of(bus_ride(EAST, day(number), seed=number)))
    for number in range(4):
        send("rider 0", gpx_of(bus_ride(NORTH, day(number, 5), seed=60 + number), label="Secreta"))
    feed = publish(session, archive, careful, TODAY, NOW_S, RULES)
    assert len(feed.ids["route_id"]) == 1
    (ride,) = send("eva", gpx_of(bus_ride(NORTH, day(9), seed=99), label="Secreta")).rides
    assert (ride.route_id, ride.route_name) == ("", "")
    (line,) = (line for line in ride.lines if line.millipoints)
    assert re.fullmatch(
        r"[\d.]+ km (nuevos|confirmados), .+; calidad \d+ %: [\d.]+ puntos ya y [\d.]+ más al confirmarse\.",
        line.text_es,
    ), line.text_es
    assert re.fullmatch(r"[\d.]+ km( that| confirmed,) .+; quality \d+ %: [\d.]+ points .+", line.text_en)
    assert all("Secreta" not in row.text_es + row.text_en for row in store.ledger_rows(session))
    assert ride.stretch["last_m"] > 2000
    assert ride.stretch["board_stop_id"] == ""
    assert ride.millipoints == pytest.approx(24_000 * 0.8 / 4, rel=0.05)  # and it is paid as any other


def test_rules_may_not_change_under_a_feed(send: Send, session: Session, archive: Archive) -> None:
    """The file is kept and waits for a feed of the new rules; it is not scored under the old one."""
    mapped(session, archive, send)
    user = store.user_by_name(session, "rider 0")
    assert user is not None
    newer, body = dataclasses.replace(RULES, version="other"), gpx_of(bus_ride(NORTH))
    receipt = contribute(session, archive, user, "a.gpx", body, CONFIG, newer, NOW_S)
    assert (receipt.state, receipt.is_new, receipt.rides) == (store.RECEIVED, True, ())
    upload = store.upload_by_id(session, receipt.upload_id, None)
    assert upload is not None
    with pytest.raises(ConfigError, match="publish first"):
        understand(session, archive, upload, CONFIG, newer, NOW_S)
    session.rollback()
    publish(session, archive, CONFIG, TODAY, NOW_S, newer)
    again = contribute(session, archive, user, "a.gpx", body, CONFIG, newer, NOW_S)
    assert (again.state, again.upload_id) == (store.UNDERSTOOD, receipt.upload_id)


@pytest.mark.parametrize(
    "error", [OSError("disk full"), store.TRY_AGAIN[1]("busy")], ids=["a full disk", "a busy database"]
)
def test_what_is_kept_and_cannot_be_read_now_waits(
    send: Send, session: Session, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    body = gpx_of(bus_ride(EAST))

    def fail(*told: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr("transitmap.contribute.recognise_each", fail)
        receipt = send("ana", body)
    assert (receipt.state, receipt.is_new, receipt.millipoints) == (store.RECEIVED, True, 0)
    assert [upload.id for upload in store.uploads_in_state(session, store.RECEIVED)] == [receipt.upload_id]
    again = send("ana", body)
    assert (again.upload_id, again.state) == (receipt.upload_id, store.UNDERSTOOD)


def test_many_at_once_are_scored_one_after_the_other(engine: sa.Engine, archive: Archive) -> None:
    """Eight riders, one line, eight days, one moment: the weights 1, 0.8, 0.4 are paid once each."""
    with store.session(engine) as session:
        people = [store.add_user(session, f"rider {number}", "hash", NOW_S) for number in range(8)]
    start = threading.Barrier(8)

    def ride(number: int) -> int:
        start.wait()
        body = gpx_of(bus_ride(EAST, day(number), seed=number))
        with store.session(engine) as session:
            return contribute(
                session, archive, people[number], "a.gpx", body, CONFIG, RULES, NOW_S
            ).millipoints

    with ThreadPoolExecutor(8) as pool:
        worth = sorted(pool.map(ride, range(8)), reverse=True)
    shares = [millipoints / worth[0] for millipoints in worth]
    assert shares == pytest.approx([1, 0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.012], abs=0.02)
    with store.session(engine, write=False) as session:
        assert [row.sequence for row in store.rides_after(session)] == list(range(1, 9))


def test_a_ride_in_two_files_is_worth_no_more_than_in_one(send: Send) -> None:
    ride = bus_ride(EAST)
    whole = send("ana", gpx_of(ride)).millipoints
    halves = 0
    for part in (slice(0, 120), slice(119, len(ride.fixes))):
        fixes = dataclasses.replace(
            ride.fixes,
            **{
                name: getattr(ride.fixes, name)[part]
                for name in ("time_s", "lat_deg", "lon_deg", "accuracy_m")
            },
        )
        # another place on earth, so that the first rider is in nobody's way
        moved = dataclasses.replace(fixes, lat_deg=fixes.lat_deg + 0.5)
        halves += send("beto", gpx_of(dataclasses.replace(ride, fixes=moved))).millipoints
    assert 0 < halves <= whole * 1.001


def test_an_award_is_quick_among_thousands_of_rides(sqlite_engine: sa.Engine, archive: Archive) -> None:
    """3,000 earlier riders of one line: their observers are looked up, not counted again."""
    with store.session(sqlite_engine) as session:
        people = [store.add_user(session, f"rider {number}", "hash", NOW_S) for number in range(3)]
        for number in range(2):
            body = gpx_of(bus_ride(EAST, day(number), seed=number))
            contribute(session, archive, people[number], "a.gpx", body, CONFIG, RULES, NOW_S)
        crowd = [(segment, user, user) for segment in range(3_000) for user in range(11)]
        store.add_observations(session, store.NO_NETWORK, crowd)
        session.commit()
        body = gpx_of(bus_ride(EAST, day(2), seed=2))
        began_s = time.process_time()
        receipt = contribute(session, archive, people[2], "a.gpx", body, CONFIG, RULES, NOW_S)
        took_s = time.process_time() - began_s
    assert receipt.millipoints > 0
    assert took_s < 2.0  # reading, recognising, archive and commits included
