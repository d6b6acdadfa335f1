from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap import chain, store
from transitmap.errors import ConfigError, NameTaken, UploadRefused

NOW_S = 1_750_000_000.0
SHA = "a" * 64


def add_ride(session: Session, user: store.User, sha256: str = SHA, **columns: Any) -> store.RideRow:
    upload, _ = store.add_upload(session, user.id, sha256, "a.gpx", 10, NOW_S)
    sequence = store.next_ride_sequence(session)
    values: dict[str, Any] = {
        "sequence": sequence,
        "id": f"{upload.id}.1",
        "upload_id": upload.id,
        "user_id": user.id,
        "ordinal": 1,
        "name": "a.gpx",
        "n_fixes": 2,
        "dropped": {},
        "warnings": [],
        "mode": "bus",
        "stretch": {},
        "started_s": NOW_S,
        "distance_m": 100.0,
        "packed_sha256": SHA,
    }
    ride = store.RideRow(**(values | columns))
    store.add_rides(session, [ride])
    return ride


def award(ride: store.RideRow, millipoints: int = 1_500, rule: str = "new", **columns: Any) -> dict[str, Any]:
    values = {
        "ride_id": ride.id,
        "user_id": ride.user_id,
        "rule": rule,
        "millipoints": millipoints,
        "rules_version": "1",
        "network_version": "",
        "evidence": {"metres": 10},
        "text_es": "Diez metros.",
        "text_en": "Ten metres.",
        "created_s": NOW_S,
    }
    return values | columns


def test_migrations_go_up_and_down_and_match_the_tables(empty_database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    store.upgrade(empty_database_url)
    store.upgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), store.Base.metadata) == []
        assert "ledger" in sa.inspect(connection).get_table_names()
    engine.dispose()
    store.downgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    store.upgrade(empty_database_url)


def test_rides_survive_the_way_down_and_up(empty_database_url: str) -> None:
    store.upgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    with store.session(engine) as session:
        add_ride(session, store.add_user(session, "Ana", "hash", NOW_S))
    engine.dispose()
    store.downgrade(empty_database_url, "0002")
    store.upgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    with store.session(engine) as session:
        assert [ride.flagged for ride in store.rides_after(session)] == [{}]
        assert store.uploads_in_state(session, store.RECEIVED)[0].kind == "file"
    engine.dispose()


def test_feeds_of_an_older_program_survive_the_way_up_and_down(empty_database_url: str) -> None:
    store.upgrade(empty_database_url, "0001")
    engine = store.open_engine(empty_database_url)
    old = "SELECT number, id, notices, n_rides FROM feed_versions"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO feed_versions VALUES (1, 'v1', 1.5, 'a', 'b', 'c', 'd', '{}', '1', 7, '[]')"
        )
        before = connection.exec_driver_sql(old).all()
    store.upgrade(empty_database_url)
    with store.session(engine) as session:
        feed = store.latest_feed(session)
        assert feed is not None
        assert (feed.change_counts, feed.changes_sha256, feed.restores, feed.note) == ({}, "", "", "")
        store.add_refusal(session, "1", 7, [], NOW_S)
    store.downgrade(empty_database_url, "0001")
    with engine.begin() as connection:
        assert connection.exec_driver_sql(old).all() == before
        assert "note" not in {one["name"] for one in sa.inspect(connection).get_columns("feed_versions")}
        assert "feed_refusals" not in sa.inspect(connection).get_table_names()
    engine.dispose()


def test_a_half_done_migration_leaves_nothing(empty_database_url: str) -> None:
    engine = store.open_engine(empty_database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ledger (x INTEGER)")  # in the way of the first migration
    engine.dispose()
    with pytest.raises(sa.exc.DBAPIError):
        store.upgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    assert sa.inspect(engine).get_table_names() == ["ledger"]
    engine.dispose()


def test_sqlite_survives_a_power_cut_and_waits_for_its_turn(sqlite_engine: sa.Engine) -> None:
    with sqlite_engine.connect() as connection:

        def ask(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert ask("journal_mode") == "wal"
        assert ask("synchronous") == 2  # FULL
        assert ask("foreign_keys") == 1
        assert ask("busy_timeout") == store.BUSY_TIMEOUT_MS


def test_a_writer_locks_at_its_start_and_a_reader_never(sqlite_engine: sa.Engine) -> None:
    path = sqlite_engine.url.database
    with store.session(sqlite_engine) as writing:
        store.counts(writing)  # a question alone begins the transaction
        other = sqlite3.connect(str(path), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        with store.session(sqlite_engine, write=False) as reading:
            assert store.counts(reading)["users"] == 0


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y"])
def test_other_databases_are_refused_without_showing_the_url(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        store.open_engine(url)
    assert "x/y" not in str(refused.value)


def test_a_name_is_one_persons_in_any_case_and_width(session: Session) -> None:
    ana = store.add_user(session, "  Ana   María ", "hash", NOW_S)
    assert ana.name == "Ana María"
    for same in ("ANA MARÍA", "ana maría", "ＡＮＡ ＭＡＲÍＡ"):
        assert store.user_by_name(session, same) is ana
        with pytest.raises(NameTaken):
            store.add_user(session, same, "hash", NOW_S)
    assert store.user_by_name(session, "Ana Mario") is None
    assert store.user_by_id(session, ana.id) is ana
    assert [user.id for user in store.users(session)] == [ana.id]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("", "rider"),
        (" ", "rider"),
        ("a" * 81, "rider"),
        ("a\x00b", "rider"),
        ("ﷺ" * 80, "rider"),
        ("ok", "king"),
    ],
)
def test_names_and_roles_that_make_no_sense(session: Session, name: str, role: str) -> None:
    with pytest.raises(ConfigError):
        store.add_user(session, name, "hash", NOW_S, role=role)
    assert store.counts(session)["users"] == 0


def test_a_token_opens_until_it_is_revoked_and_is_stored_hashed(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    beto = store.add_user(session, "beto", "hash", NOW_S)
    token, plain = store.add_token(session, ana, "phone", NOW_S)
    assert len(plain) >= 43
    assert plain not in str(vars(token))
    assert store.user_of_token(session, plain, NOW_S + 1) is ana
    assert store.user_of_token(session, plain, NOW_S + 60) is ana
    assert token.last_used_s == NOW_S + 1  # to the hour: no write for each request
    assert store.user_of_token(session, plain + "x", NOW_S) is None
    assert not store.revoke_token(session, token.id, beto.id, NOW_S + 2)
    assert store.user_of_token(session, plain, NOW_S + 3) is ana
    assert store.revoke_token(session, token.id, ana.id, NOW_S + 4)
    assert store.user_of_token(session, plain, NOW_S + 5) is None
    assert [row.id for row in store.tokens_of_user(session, ana.id)] == [token.id]


def test_a_device_is_its_riders_and_tells_what_waits_and_what_became_of_the_rest(session: Session) -> None:
    ana, beto = (store.add_user(session, name, "", NOW_S) for name in ("ana", "beto"))
    token, plain = store.add_token(session, ana, "phone", NOW_S, app="owntracks", plain="tm_given")
    other, _ = store.add_token(session, ana, "other", NOW_S)
    assert (plain, token.app, other.app) == ("tm_given", "owntracks", "")
    assert store.token_by_plain(session, "tm_given") is token
    assert store.token_by_id(session, token.id, ana.id) is token
    assert store.token_by_id(session, token.id, beto.id) is None
    assert store.waiting_of_tokens(session, []) == {}
    for number, (upload_id, first_s) in enumerate((("", 20.0), ("", 10.0), ("", None), ("sealed", 1.0))):
        session.add(
            store.MessageRow(
                token_id=token.id, sha256=f"{number:064}", received_s=NOW_S, dialect="owntracks", n_fixes=4,
                first_fix_s=first_s, packed=b"", upload_id=upload_id,
            )
        )  # fmt: skip
    session.flush()
    waiting = store.waiting_of_tokens(session, [token.id, other.id])
    assert waiting == {token.id: store.Waiting(3, 12, 10.0)}
    zipped, member, foreign = (
        store.add_upload(session, user.id, letter * 64, f"{letter}.gpx", 5, NOW_S + ord(letter))[0]
        for user, letter in ((ana, "a"), (ana, "b"), (beto, "c"))
    )
    zipped.token_id = member.token_id = foreign.token_id = token.id
    member.parent_id = zipped.id
    session.flush()
    assert [upload.id for upload in store.uploads_of_token(session, token)] == [member.id]
    store.revoke_token(session, token.id, ana.id, NOW_S)
    assert store.token_by_plain(session, "tm_given") is None


def test_same_bytes_are_one_upload_and_one_persons(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    beto = store.add_user(session, "beto", "hash", NOW_S)
    first, is_new = store.add_upload(session, ana.id, SHA, "../../etc/a\x07b.gpx", 10, NOW_S)
    assert is_new
    assert first.name == "ab.gpx"
    assert len(first.id) >= 22
    again, is_new = store.add_upload(session, ana.id, SHA, "other.gpx", 10, NOW_S + 9)
    assert (again.id, is_new) == (first.id, False)
    with pytest.raises(UploadRefused) as refused:
        store.add_upload(session, beto.id, SHA, "mine.gpx", 10, NOW_S)
    assert refused.value.reason == "already_contributed"
    assert "ana" not in str(refused.value)
    assert store.upload_by_id(session, first.id, ana.id) is first
    assert store.upload_by_id(session, first.id, beto.id) is None
    assert store.upload_by_id(session, first.id, None) is first


def test_bytes_of_no_use_are_nobodys(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    beto = store.add_user(session, "beto", "hash", NOW_S)
    first, _ = store.add_upload(session, ana.id, SHA, "empty.gpx", 0, NOW_S)
    store.settle_upload(session, first, store.REFUSED, "empty", "no bytes")
    second, is_new = store.add_upload(session, beto.id, SHA, "empty.gpx", 0, NOW_S)
    assert is_new
    assert second.id != first.id
    assert [upload.id for upload in store.uploads_in_state(session, store.RECEIVED)] == [second.id]
    assert [upload.id for upload in store.uploads_of_user(session, ana.id)] == [first.id]


def test_double_submits_make_one_upload(engine: sa.Engine) -> None:
    with store.session(engine) as session:
        people = [store.add_user(session, name, "hash", NOW_S).id for name in ("ana", "beto")]
    start = threading.Barrier(8)

    def submit(worker: int) -> str:
        start.wait()
        with store.session(engine) as session:
            try:
                return store.add_upload(session, people[worker % 2], SHA, "a.gpx", 10, NOW_S)[0].id
            except UploadRefused as refused:
                return refused.reason

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, range(8)))
    assert answers.count("already_contributed") == 4
    assert len(set(answers)) == 2
    with store.session(engine, write=False) as session:
        assert store.counts(session)["uploads"] == 1


def test_rides_come_back_to_their_owner_in_order(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    beto = store.add_user(session, "beto", "hash", NOW_S)
    add_ride(session, ana)
    add_ride(session, ana, "b" * 64)
    third = add_ride(session, beto, "c" * 64, dropped={"no_time": 3}, warnings=["clock"])
    assert [ride.sequence for ride in store.rides_after(session)] == [1, 2, 3]
    assert [ride.id for ride in store.rides_after(session, 2)] == [third.id]
    assert store.rides_of_upload(session, third.upload_id) == [third]
    session.commit()
    session.expire_all()
    assert (third.dropped, third.warnings) == ({"no_time": 3}, ["clock"])


def test_an_award_is_paid_once(session: Session) -> None:
    ride = add_ride(session, store.add_user(session, "ana", "hash", NOW_S))
    rows = [award(ride), award(ride, 500, "confirm"), award(ride, 9_999)]
    assert [row.sequence for row in store.add_lines(session, rows)] == [1, 2]
    assert store.add_lines(session, rows) == []
    assert store.add_lines(session, []) == []
    assert [row.millipoints for row in store.ledger_rows(session)] == [1_500, 500]


def test_every_line_seals_those_before_it(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    one, two = (add_ride(session, ana, sha * 64) for sha in "ab")
    store.add_lines(session, [award(one, evidence={"ñ": 0.1}), award(two)])
    store.add_lines(
        session, [award(one, -1_500, "reversal", key="reversal:1", kind="reversal", ride_id=None)]
    )
    before = chain.GENESIS
    for row in store.ledger_rows(session):
        line = {name: getattr(row, name) for name in chain.SEALED}
        assert row.sha256 == chain.seal(before, line)
        for name, other in (("millipoints", 7), ("text_es", ""), ("evidence", {}), ("user_id", 99)):
            assert chain.seal(before, line | {name: other}) != row.sha256
        before = row.sha256
    assert len({row.sha256 for row in store.ledger_rows(session)}) == 3


def test_sums_are_the_fold_of_the_ledger(session: Session) -> None:
    ana, beto = (store.add_user(session, name, "hash", NOW_S) for name in ("ana", "beto"))
    one, two, other = (add_ride(session, who, sha * 64) for who, sha in ((ana, "a"), (ana, "b"), (beto, "c")))
    days = [(one, "new", 4), (one, "more", 10), (two, "new", 11), (other, "new", 4), (one, "confirmed", 11)]
    for number, (ride, rule, day) in enumerate(days, 1):
        store.add_lines(session, [award(ride, 10**number, rule, day=day, verified_millipoints=number)])
    found = {
        (row.period, row.user_id): (row.millipoints, row.verified_millipoints, row.n_rides)
        for row in session.scalars(sa.select(store.Sum).where(store.Sum.campaign_id == 1))
    }
    assert found == {
        (0, ana.id): (101_110, 11, 2),
        (0, beto.id): (10_000, 4, 1),
        (4, ana.id): (110, 3, 1),  # 1970-01-05 was a Monday, the 11th is a Sunday
        (4, beto.id): (10_000, 4, 1),
        (11, ana.id): (101_000, 8, 2),
    }


def test_a_decision_gives_no_ride_and_no_place_on_a_board(session: Session) -> None:
    ana, beto = (store.add_user(session, name, "hash", NOW_S) for name in ("ana", "beto"))
    ride = add_ride(session, ana)
    store.add_lines(session, [award(ride, 100, day=4)])
    told = {"kind": "decision", "day": 11}
    store.add_lines(session, [award(ride, 0, "review", **told)])
    store.add_lines(session, [award(ride, 0, "state", user_id=beto.id, ride_id=None, **told)])
    kept = session.scalars(sa.select(store.Sum).where(store.Sum.period == 11)).all()
    assert [(row.millipoints, row.verified_millipoints, row.n_rides) for row in kept] == [(0, 0, 0)] * 2
    for scope in (store.BoardScope(1, 11), store.BoardScope(1), store.BoardScope(store.ALL_CAMPAIGNS)):
        part = store.board_page(session, scope, beto.id)
        assert [(row.name, row.n_rides) for row in part.rows] == ([] if scope.period else [("ana", 1)])
        assert part.n == len(part.rows)
        assert store.board_around(session, scope, beto.id) is None
    assert [row.name for row in store.standings_rows(session)] == ["ana"]
    assert [row[0] for row in store.sums_of_campaign(session, 1)] == [ana.id]


def test_old_lines_are_sealed_and_summed_by_the_migration(empty_database_url: str) -> None:
    store.upgrade(empty_database_url)
    engine = store.open_engine(empty_database_url)
    with store.session(engine) as session:
        rides = [add_ride(session, store.add_user(session, name, "hash", NOW_S), name * 64) for name in "ab"]
        store.add_lines(session, [award(ride) for ride in rides] + [award(rides[0], 500, "confirm")])
        store.add_lines(session, [award(rides[0], -500, "undo", kind="reversal", ride_id=None)])
        first = [row.sha256 for row in store.ledger_rows(session)][:3]
    store.downgrade(empty_database_url, "0003")
    store.upgrade(empty_database_url)
    with store.session(engine) as session:
        rows = store.ledger_rows(session)
        assert [row.sha256 for row in rows] == first
        for campaign_id in (1, store.ALL_CAMPAIGNS):
            own = store.Sum.campaign_id == campaign_id, store.Sum.period == 0
            sums = session.scalars(sa.select(store.Sum).where(*own)).all()
            assert sorted((row.millipoints, row.n_rides) for row in sums) == [(1_500, 1), (2_000, 1)]
        store.add_lines(session, [award(rides[0], 7, "more")])
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger")
    engine.dispose()


@pytest.mark.parametrize(
    "sql", ["UPDATE ledger SET millipoints = 1000000", "DELETE FROM ledger", "UPDATE ledger SET user_id = 2"]
)
def test_the_database_refuses_to_change_the_ledger(engine: sa.Engine, sql: str) -> None:
    with store.session(engine) as session:
        store.add_lines(session, [award(add_ride(session, store.add_user(session, "ana", "hash", NOW_S)))])
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(sql)
    with store.session(engine, write=False) as session:
        assert [row.millipoints for row in store.ledger_rows(session)] == [1_500]


def test_standings_sum_the_ledger_by_rider_and_period(session: Session) -> None:
    ana = store.add_user(session, "ana", "hash", NOW_S)
    beto = store.add_user(session, "beto", "hash", NOW_S)
    store.add_user(session, "carla", "hash", NOW_S)
    beto.is_hidden = True
    one, two, other = (add_ride(session, who, sha * 64) for who, sha in ((ana, "a"), (ana, "b"), (beto, "c")))
    store.add_lines(session, [award(one), award(one, 500, "confirm"), award(other, 7)])
    store.add_lines(session, [award(two, 100, created_s=NOW_S + 10)])
    assert store.standings_rows(session) == [
        store.Standing(ana.id, "ana", False, 2_100, 2),
        store.Standing(beto.id, "beto", True, 7, 1),
    ]
    assert [row.millipoints for row in store.standings_rows(session, since_s=NOW_S + 10)] == [100]
    assert [row.millipoints for row in store.ledger_rows(session, user_id=ana.id)] == [1_500, 500, 100]
    assert [row.ride_id for row in store.ledger_rows(session, ride_id=other.id)] == [other.id]


def test_observers_are_kept_by_network(session: Session) -> None:
    low, high = -(2**63), 2**63 - 1
    store.add_observations(session, "v1", [(low, 1, 20_000), (high, 1, 20_000), (high, 2, 20_001)])
    store.add_observations(session, "v2", [(high, 3, 20_000)])
    assert store.observers(session, "v1", [high, 5]) == {high: [(1, 20_000), (2, 20_001)]}
    assert store.observers(session, "v1", []) == {}
    assert store.all_observations(session, "v1") == [(low, 1, 20_000), (high, 1, 20_000), (high, 2, 20_001)]


def test_more_segments_than_one_question_may_name(session: Session) -> None:
    n = 2 * store.CHUNK + 1
    store.add_observations(session, "v1", [(segment, 1, 20_000) for segment in range(n)])
    assert len(store.observers(session, "v1", range(n))) == n


def feed_row(number: int) -> store.FeedVersion:
    return store.FeedVersion(
        number=number,
        id=f"v{number}",
        made_s=NOW_S + number,
        feed_sha256=SHA,
        network_sha256=SHA,
        evidence_sha256=SHA,
        ids={"stop_id": ["s1"]},
        rules_version="1",
        n_rides=3,
        notices=[],
    )


def test_the_latest_feed_holds(session: Session) -> None:
    assert store.latest_feed(session) is None
    for number in (1, 2):
        store.add_feed(session, feed_row(number))
    latest = store.latest_feed(session)
    assert latest is not None
    assert latest.id == "v2"
    first = store.feed_by_id(session, "v1")
    assert first is not None
    assert first.ids == {"stop_id": ["s1"]}
    assert store.feed_by_id(session, "v9") is None
    assert [feed.id for feed in store.feeds(session)] == ["v2", "v1"]


def test_a_feed_is_held_as_long_as_it_is_the_latest(session: Session) -> None:
    assert not store.is_held(session)
    store.add_feed(session, feed_row(1))
    assert not store.is_held(session)
    store.hold_feed(session, "v1")
    assert store.is_held(session)
    store.add_feed(session, feed_row(2))
    assert not store.is_held(session)
    store.hold_feed(session, "v2")
    store.hold_feed(session, "")
    assert not store.is_held(session)


def test_observers_are_copied_to_a_network_that_knows_the_same(session: Session) -> None:
    seen = [(-5, 1, 20_000), (7, 1, 20_000), (7, 2, 20_001)]
    store.add_observations(session, "v1", seen)
    store.add_observations(session, "v2", [(7, 3, 20_000)])
    store.copy_observations(session, "v1", "v3")
    assert [store.all_observations(session, one) for one in ("v1", "v3")] == [seen, seen]
    assert len(store.all_observations(session, "v2")) == 1


def test_what_was_refused_is_kept_newest_first(session: Session) -> None:
    for n_rides, rule, when_s in ((3, "a", 1.0), (4, "b", 2.0), (3, "c", 3.0)):
        store.add_refusal(session, "1", n_rides, [{"rule": rule}], NOW_S + when_s)
    found = [(one.n_rides, one.notices[0]["rule"]) for one in store.refusals(session)]
    assert found == [(3, "c"), (4, "b")]
    assert [one.n_rides for one in store.refusals(session, NOW_S + 2.5)] == [3]


def test_the_latest_ride_is_known(session: Session) -> None:
    assert store.last_ride_s(session) is None
    ana = store.add_user(session, "ana", "hash", NOW_S)
    add_ride(session, ana, started_s=NOW_S + 9)
    add_ride(session, ana, "b" * 64, started_s=NOW_S + 5)
    assert store.last_ride_s(session) == NOW_S + 9
    assert len(store.ride_ids(session)) == 2


def test_facts_are_set_and_changed(session: Session) -> None:
    assert store.fact(session, "salt") is None
    store.set_fact(session, "salt", "x")
    store.set_fact(session, "salt", "y")
    assert store.fact(session, "salt") == "y"


def test_the_ledger_lock_lets_one_writer_in(engine: sa.Engine) -> None:
    """Eight writers take the next number and hold it a while: with the lock, none is taken twice."""
    with store.session(engine) as session:
        user = store.add_user(session, "ana", "hash", NOW_S)

    def write(worker: int) -> int:
        with store.session(engine) as session:
            store.lock_ledger(session)
            return add_ride(session, user, f"{worker:064d}").sequence

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == list(range(1, 9))
