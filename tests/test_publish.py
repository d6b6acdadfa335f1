from __future__ import annotations

import dataclasses
import datetime
import io
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, IN_NO_HURRY, NOON_S, bus_ride, gpx_of
from transitmap import decided, missions, pipeline, store
from transitmap import publish as publishing
from transitmap.archive import Archive, unpack_network
from transitmap.config import Config, FeedConfig, ReferenceConfig
from transitmap.contribute import contribute
from transitmap.errors import FeedInvalid, NothingToPublish
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables
from transitmap.model import Notice, Tables
from transitmap.points.rules import load_rules
from transitmap.publish import publish
from transitmap.replay import replay

CONFIG = Config(feed=FeedConfig(timezone="America/Mexico_City"), collect=IN_NO_HURRY)
RULES = load_rules()
NOW_S = NOON_S + 30 * DAY_S
TODAY = datetime.date(2025, 7, 15)
EAST = [(0.0, 0.0), (3000.0, 0.0)]
WEST = [(3000.0, 9.0), (0.0, 9.0)]
NORTH = [(500.0, 1000.0), (500.0, 4000.0)]


@pytest.fixture
def archive(tmp_path: Path, own_rules_only: None) -> Archive:
    return Archive(tmp_path / "archive")


def send(session: Session, archive: Archive, who: str, way, day: float, seed: int, **stops: int) -> int:
    user = store.user_by_name(session, who) or store.add_user(session, who, "hash", NOW_S)
    body = gpx_of(bus_ride(way, NOON_S + day * DAY_S, seed, **stops))
    return contribute(session, archive, user, f"{seed}.gpx", body, CONFIG, RULES, NOW_S + seed).millipoints


def ride_the_city(session: Session, archive: Archive, days: range, seed: int) -> None:
    """Four rides a day on two lines, some a part of the way, one of them now and then the same day."""
    choose = random.Random(seed + days.start)
    for day in days:
        for number in range(4):
            way = (EAST, WEST, NORTH, EAST)[number]
            first = choose.choice((0, 0, 2))
            send(
                session,
                archive,
                f"rider {choose.randrange(7)}",
                way,
                day + number / 10,
                seed + 100 * day + number,
                first=first,
                last=choose.choice((8, 8, first + 3)),
            )


def make(session: Session, archive: Archive, config: Config = CONFIG) -> store.FeedVersion:
    return publish(session, archive, config, TODAY, NOW_S, RULES)


def test_missions_made_by_hand_are_of_the_campaign_there(session: Session, archive: Archive) -> None:
    """As those of a publication, once these are over."""
    names = {"slug": "race", "name_es": "Carrera", "name_en": "Race", "state": "open"}
    race = store.Campaign(**names, made_s=0.0, opened_s=0.0)
    session.add(race)
    ride_the_city(session, archive, range(2), 1)
    make(session, archive)
    made = store.unfinished_missions(session)
    later = NOW_S + 15 * DAY_S
    told = missions.refresh_now(session, archive, CONFIG, RULES, later)
    assert told is not None
    assert told.n_closed == len(made) > 0
    again = store.open_missions(session, later)
    assert {one.campaign_id for one in made} == {one.campaign_id for one in again} == {race.id}


def test_a_feed_of_all_rides_is_published_and_holds(
    session: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # by all validators, and not our own alone
    ride_the_city(session, archive, range(2), 1)
    feed = make(session, archive)
    assert store.latest_feed(session) is feed
    assert (feed.number, feed.n_rides, feed.rules_version) == (1, 8, RULES.version)
    with zipfile.ZipFile(io.BytesIO(archive.get(feed.feed_sha256))) as opened:
        assert "stop_times.txt" in opened.namelist()
    network = unpack_network(archive.get(feed.network_sha256))
    assert len(network.patterns) == len(feed.ids["pattern_id"]) > 0
    assert archive.get(feed.evidence_sha256).startswith(b"kind,id,")


def test_the_same_rides_give_the_same_feed_and_ids_carry_on(session: Session, archive: Archive) -> None:
    ride_the_city(session, archive, range(2), 1)
    first = make(session, archive)
    second = make(session, archive)
    assert second.number == 2
    assert second.id != first.id
    assert second.network_sha256 == first.network_sha256
    assert second.ids["route_id"] == first.ids["route_id"]
    assert second.ids["stop_id"] == first.ids["stop_id"]


def test_an_official_feed_gives_a_published_one_its_ids_for_good(
    session: Session, archive: Archive, tmp_path: Path
) -> None:
    ride_the_city(session, archive, range(2), 1)
    own = make(session, archive)
    (tmp_path / "own.zip").write_bytes(archive.get(own.feed_sha256))
    tables = read_tables(tmp_path / "own.zip")
    for table in tables.values():
        for name in {"stop_id", "route_id", "shape_id"} & set(table):
            table[name] = [f"city-{value}" for value in table[name]]
    (tmp_path / "official.zip").write_bytes(pack(tables))
    heeding = dataclasses.replace(CONFIG, reference=ReferenceConfig(feed=str(tmp_path / "official.zip")))
    heeded, later = make(session, archive, heeding), make(session, archive)
    assert {one[:6] for one in heeded.ids["route_id"] if one} == {"city-R"}
    assert set(tables["stops.txt"]["stop_id"]) <= {*heeded.ids["stop_id"], *stations_of(tables)}
    for name in ("stop_id", "route_id", "pattern_id", "shape_id"):
        assert later.ids[name] == heeded.ids[name]


def stations_of(tables: Tables) -> set[str]:
    """Ids of the stations, which are of other things than stops."""
    rows = zip(tables["stops.txt"]["stop_id"], tables["stops.txt"]["location_type"], strict=True)
    return {one for one, kind in rows if kind == "1"}


def test_nothing_is_published_that_too_few_people_support(session: Session, archive: Archive) -> None:
    for number in range(4):
        send(session, archive, f"rider {number}", EAST, number, number)
        send(session, archive, "rider 0", NORTH, number + 0.3, 50 + number)
    careful = dataclasses.replace(CONFIG, feed=dataclasses.replace(CONFIG.feed, min_riders=3))
    feed = make(session, archive, careful)
    shown = unpack_network(archive.get(feed.network_sha256))
    assert len(shown.patterns) == 1
    assert shown.patterns.n_riders.tolist() == [4]


def test_a_feed_with_errors_is_not_published(
    session: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ride_the_city(session, archive, range(2), 1)
    first = make(session, archive)
    flaw = Notice("stop_without_name", "error", "stops.txt", 2, "a stop without a name")
    made = pipeline.make_feed
    monkeypatch.setattr(
        publishing.pipeline, "make_feed", lambda *a: dataclasses.replace(made(*a), notices=(flaw,))
    )
    with pytest.raises(FeedInvalid) as refused:
        make(session, archive)
    assert refused.value.notices == [flaw]
    latest = store.latest_feed(session)
    assert latest is not None
    assert latest.id == first.id
    assert store.counts(session)["feed_versions"] == 1


def test_warnings_are_kept_and_publish(
    session: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ride_the_city(session, archive, range(2), 1)
    hint = Notice("odd", "warning", "stops.txt", 2, "odd", ("x",))
    made = pipeline.make_feed
    monkeypatch.setattr(
        publishing.pipeline, "make_feed", lambda *a: dataclasses.replace(made(*a), notices=(hint,))
    )
    assert [notice["rule"] for notice in make(session, archive).notices] == ["odd"]


def while_a_feed_is_made(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, act: Callable[[Session], object]
) -> None:
    """What happens in another transaction between a publication's beginning and its end."""
    made = pipeline.make_feed

    def slowly(*arguments):
        with store.session(engine) as other:
            act(other)
        return made(*arguments)

    monkeypatch.setattr(publishing.pipeline, "make_feed", slowly)


def test_a_ride_that_comes_while_a_feed_is_made_counts_under_it(
    engine: sa.Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(engine) as session:
        ride_the_city(session, archive, range(2), 1)
    while_a_feed_is_made(engine, monkeypatch, lambda other: send(other, archive, "late", EAST, 5, 900))
    with store.session(engine) as session:
        feed = make(session, archive)
        assert feed.n_rides == 8
        late = store.user_by_name(session, "late")
        assert late is not None
        observed = [row for row in store.all_observations(session, feed.id) if row[1] == late.id]
        assert len(observed) >= 25
        assert send(session, archive, "late", EAST, 9, 901) == 0
        assert replay(session, archive, CONFIG, RULES) == []


def test_a_doubtful_ride_that_comes_while_a_feed_is_made_waits(
    engine: sa.Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who knows when feeds are made could send what people should look at then: a share never falls."""
    with store.session(engine) as session:
        ride_the_city(session, archive, range(2), 1)

    def send_in_doubt(other: Session) -> None:
        send(other, archive, "late", EAST, 5, 900)
        doubt = {"code": "car", "tier": "soft", "score": 0.9, "evidence": {}, "made_s": NOW_S}
        other.add(store.FindingRow(ride_id=store.rides_after(other)[-1].id, **doubt))

    while_a_feed_is_made(engine, monkeypatch, send_in_doubt)
    with store.session(engine) as session:
        make(session, archive)
        ride = store.rides_after(session)[-1]
        assert ride.id in store.settlements(session)[-1].inputs["held"]
        assert ride.id not in store.confirmed_shares(session)


def test_of_two_publishers_the_first_wins(
    engine: sa.Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(engine) as session:
        ride_the_city(session, archive, range(2), 1)
    made, others = pipeline.make_feed, []

    def interrupted(*arguments):
        if not others:
            others.append(None)
            with store.session(engine) as other:
                others[0] = make(other, archive).id
        return made(*arguments)

    monkeypatch.setattr(publishing.pipeline, "make_feed", interrupted)
    with store.session(engine) as session:
        assert make(session, archive).id == others[0]
        assert store.counts(session)["feed_versions"] == 1


def test_a_city_without_rides_has_nothing_to_publish(session: Session, archive: Archive) -> None:
    with pytest.raises(NothingToPublish, match="0 rides"):
        make(session, archive)
    assert store.latest_feed(session) is None
    assert store.refusals(session) == []


def test_a_replay_gives_the_ledger_again(session: Session, archive: Archive) -> None:
    """Two feeds, rides before, between and after them: every line follows from the raw uploads."""
    for number in range(2):
        ride_the_city(session, archive, range(2 * number, 2 * number + 2), 1)
        make(session, archive)
    ride_the_city(session, archive, range(4, 6), 1)
    versions = {line.network_version for line in store.ledger_rows(session)}
    assert len(versions) == 3
    assert sum(line.millipoints > 0 for line in store.ledger_rows(session)) > 10
    confirmed = [line for line in store.ledger_rows(session) if line.kind == "confirmation"]
    assert {line.network_version for line in confirmed} == versions - {store.NO_NETWORK}
    assert replay(session, archive, CONFIG, RULES) == []


def test_what_others_confirm_is_paid_in_full_and_once(session: Session, archive: Archive) -> None:
    """Three riders on different days: two confirm each other's segments; who rode alone waits."""
    send(session, archive, "alone", NORTH, 1, 1)
    for number in range(3):
        send(session, archive, f"rider {number}", EAST, number, 10 + number)
    before = {row.name: row.millipoints for row in store.standings_rows(session)}
    make(session, archive)
    lines = store.ledger_rows(session)
    full, paid, verified = Counter[str](), Counter[str](), Counter[str]()
    for line in lines:
        name = store.user_by_id(session, line.user_id).name
        full[name] += line.evidence["full_millipoints"] if line.kind == "award" else 0
        paid[name] += line.millipoints
        verified[name] += line.verified_millipoints
    assert paid["alone"] == before["alone"] == full["alone"] // 4
    assert verified["alone"] == 0
    for number in range(3):
        assert full[f"rider {number}"] * 0.9 < verified[f"rider {number}"] <= full[f"rider {number}"]
        assert paid[f"rider {number}"] > 0.9 * full[f"rider {number}"]
    make(session, archive)
    again = store.ledger_rows(session)[len(lines) :]
    assert sum(line.verified_millipoints for line in again) <= sum(full.values()) - sum(verified.values())
    assert replay(session, archive, CONFIG, RULES) == []


def test_an_official_feed_confirms_on_trust_and_is_not_needed_for_a_replay(
    session: Session, archive: Archive, tmp_path: Path
) -> None:
    """Each rides alone: a line that riders know, new ground along an official one, and where it has none."""
    for number in range(3):
        send(session, archive, "of a line", EAST, number, 10 + number)
        send(session, archive, "of another", NORTH, number, 20 + number)
    (tmp_path / "official.zip").write_bytes(archive.get(make(session, archive).feed_sha256))
    send(session, archive, "elsewhere", WEST, 3, 30)
    feed = dataclasses.replace(CONFIG.feed, min_riders=1)
    config = dataclasses.replace(
        CONFIG, reference=ReferenceConfig(feed=str(tmp_path / "official.zip")), feed=feed
    )
    make(session, archive, config)
    assert set(verified_by_name(session).values()) == {0}, "nobody of the staff has met anybody"
    store.lock_ledger(session)
    for rider in store.users(session):
        decided.say_met(session, rider.id, True, rider.id, NOW_S, "")
    make(session, archive, config)
    (tmp_path / "official.zip").unlink()
    verified = verified_by_name(session)
    assert verified["elsewhere"] == 0
    assert 0 < verified["of a line"] <= RULES.trust_millipoints
    assert 0 < verified["of another"] <= RULES.trust_millipoints
    (lines,) = store.settlements(session)[-1].inputs["official"]
    assert lines in store.all_blobs(session)
    assert replay(session, archive, CONFIG, RULES) == []


def verified_by_name(session: Session) -> dict[str, int]:
    found = Counter[str]()
    for line in store.ledger_rows(session):
        found[store.user_by_id(session, line.user_id).name] += line.verified_millipoints
    return dict(found)


def test_a_replay_of_nothing_finds_nothing(session: Session, archive: Archive) -> None:
    assert replay(session, archive, CONFIG, RULES) == []


def test_a_replay_finds_what_somebody_added(session: Session, archive: Archive) -> None:
    ride_the_city(session, archive, range(2), 1)
    ride = store.rides_after(session)[0]
    forged = {
        "ride_id": ride.id,
        "user_id": ride.user_id,
        "rule": "gift",
        "millipoints": 10**6,
        "rules_version": "1",
        "network_version": "",
        "evidence": {},
        "text_es": "",
        "text_en": "",
        "created_s": NOW_S,
    }
    store.add_lines(session, [forged])
    (difference,) = replay(session, archive, CONFIG, RULES)
    assert (difference.ride_id, difference.what, difference.recomputed) == (ride.id, f"gift:{ride.id}", None)


def test_a_replay_finds_what_was_changed_behind_the_triggers(
    sqlite_engine: sa.Engine, archive: Archive
) -> None:
    with store.session(sqlite_engine) as session:
        ride_the_city(session, archive, range(2), 1)
        changed = next(line for line in store.ledger_rows(session) if line.millipoints > 0)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql(f"UPDATE ledger SET millipoints = 7 WHERE sequence = {changed.sequence}")
        connection.exec_driver_sql("UPDATE rides SET mode = 'rail', route_name = 'X' WHERE sequence = 2")
        connection.exec_driver_sql("DELETE FROM observations WHERE user_id = 1")
    with store.session(sqlite_engine) as session:
        found = [
            (difference.what, difference.recorded) for difference in replay(session, archive, CONFIG, RULES)
        ]
    assert ("route_name", "X") in found
    assert {"millipoints": 7} in [recorded for what, recorded in found if what == changed.key]
    assert any(what.startswith("observers") for what, _ in found)


def test_a_replay_finds_a_raw_upload_that_is_gone(session: Session, archive: Archive) -> None:
    ride_the_city(session, archive, range(1), 1)
    upload = store.uploads_in_state(session, store.UNDERSTOOD)[0]
    archive.delete(upload.sha256)
    differences = replay(session, archive, CONFIG, RULES)
    assert differences[0].what == "collected"
    assert differences[0].ride_id == f"{upload.id}.1"
