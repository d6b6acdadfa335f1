"""A backup taken while everybody writes, restored elsewhere, on either database; the erased stay erased."""

from __future__ import annotations

import json
import random
import shutil
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.test_erase import points, rub_out
from tests.test_publish import CONFIG, EAST, NOW_S, RULES, make, ride_the_city, send
from transitmap import backup, store
from transitmap.archive import Archive
from transitmap.cli import main
from transitmap.errors import BackupDamaged, ConfigError
from transitmap.replay import replay

pytestmark = pytest.mark.usefixtures("own_rules_only")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def all_rows(url: str) -> list[str]:
    return list(store.dump_rows(url))


def test_a_restored_installation_is_the_same(database_url: str, tmp_path: Path, archive: Archive) -> None:
    """From either database to either: the rows are told alike, and the points can be proved from them."""
    engine = store.open_engine(database_url)
    with store.session(engine) as session:
        ride_the_city(session, archive, range(2), 1000)
        make(session, archive)
        ride_the_city(session, archive, range(2, 3), 2000)
        token, _ = store.add_token(session, store.users(session)[0], "phone", NOW_S)
        message = {"token_id": token.id, "sha256": "0" * 64, "received_s": 1.5, "dialect": "owntracks"}
        session.add(store.MessageRow(**message, n_fixes=1, packed=bytes(range(256))))
    folder, other = tmp_path / "backup", f"sqlite:///{tmp_path / 'other' / 'city.db'}"
    first = backup.back_up(database_url, str(tmp_path / "archive"), folder, NOW_S)
    again = backup.back_up(database_url, str(tmp_path / "archive"), folder, NOW_S + 60)
    assert (first.n_new_blobs, again.n_new_blobs) == (first.n_blobs, 0)
    done = backup.restore(folder, other, str(tmp_path / "other" / "archive"), NOW_S)
    assert (done.name, done.n_rows, done.n_erased) == (again.name, again.n_rows, 0)
    assert all_rows(other) == all_rows(database_url)
    elsewhere = Archive(tmp_path / "other" / "archive")
    assert {sha for sha, _ in elsewhere.names()} == {sha for sha, _ in archive.names()}
    opened = store.open_engine(other)
    with store.session(opened) as session:
        assert replay(session, elsewhere, CONFIG, RULES) == []
        send(session, elsewhere, "somebody new", EAST, 9, 99)
    opened.dispose()
    with pytest.raises(ConfigError, match="must be empty"):
        backup.restore(folder, other, str(tmp_path / "other" / "archive"), NOW_S)
    engine.dispose()


def test_a_restore_into_the_kind_it_came_from_counts_on(database_url: str, tmp_path: Path) -> None:
    """The next rider of a restored PostgreSQL gets a number nobody has."""
    source = f"sqlite:///{tmp_path / 'one.db'}"
    store.upgrade(source)
    engine = store.open_engine(source)
    with store.session(engine) as session:
        for name in ("ana", "beto", "carla"):
            store.add_user(session, name, "hash", NOW_S)
    engine.dispose()
    backup.back_up(source, str(tmp_path / "archive"), tmp_path / "backup", NOW_S)
    backup.restore(tmp_path / "backup", database_url, str(tmp_path / "archive"), NOW_S)
    opened = store.open_engine(database_url)
    with store.session(opened) as session:
        assert store.add_user(session, "dora", "hash", NOW_S).id == 4
    opened.dispose()


def test_backups_at_random_moments_under_writes(database_url: str, tmp_path: Path, archive: Archive) -> None:
    """Each copy is one moment: every blob its rows name is there, and its sums are those of its lines."""
    stop, failed = threading.Event(), list[BaseException]()

    def write() -> None:
        engine = store.open_engine(database_url)
        try:
            number = 0
            while not stop.is_set():
                number += 1
                with store.session(engine) as session:
                    send(session, archive, f"rider {number % 3}", EAST, number, number)
                    if number % 4 == 0:
                        rub_out(session, archive, f"rider {number % 3}")
        except BaseException as error:
            failed.append(error)
        finally:
            engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    choose, names = random.Random(7), []
    for number in range(5):
        stop.wait(choose.uniform(0.1, 0.8))
        folder = tmp_path / f"backup {number}"
        names.append(backup.back_up(database_url, str(tmp_path / "archive"), folder, NOW_S + number).name)
    stop.set()
    writer.join()
    assert failed == []
    for number, name in enumerate(names):
        url, folder = f"sqlite:///{tmp_path / f'{number}.db'}", tmp_path / f"backup {number}"
        elsewhere = tmp_path / f"archive {number}"
        assert backup.restore(folder, url, str(elsewhere), NOW_S).name == name
        engine = store.open_engine(url)
        with store.session(engine) as session:
            assert replay(session, Archive(elsewhere), CONFIG, RULES) == []
        engine.dispose()


def test_whoever_was_erased_after_a_backup_stays_erased(
    database_url: str, tmp_path: Path, archive: Archive
) -> None:
    """Restored from the copy before, with what is left of the archive, or with a later copy's notes."""
    engine = store.open_engine(database_url)
    with store.session(engine) as session:
        ride_the_city(session, archive, range(2), 1000)
        make(session, archive)
        before = backup.back_up(database_url, str(tmp_path / "archive"), tmp_path / "backup", NOW_S)
        trail = rub_out(session, archive, "rider 1")
        rest = points(session)
    later = backup.back_up(database_url, str(tmp_path / "archive"), tmp_path / "backup", NOW_S + 1)
    blobs = Archive(tmp_path / "backup" / backup.BLOBS)
    assert trail.blobs and not any(map(blobs.has, trail.blobs))
    for name, n_again in ((before.name, 1), (later.name, 0)):
        url, elsewhere = f"sqlite:///{tmp_path / name}.db", tmp_path / name
        done = backup.restore(tmp_path / "backup", url, str(elsewhere), NOW_S, name)
        assert done.n_erased == n_again
        opened = store.open_engine(url)
        with store.session(opened) as session:
            assert store.user_by_name(session, "rider 1") is None
            assert points(session) == rest
            assert replay(session, Archive(elsewhere), CONFIG, RULES) == []
            assert "rider 1" not in "".join(store.dump_rows(url))
        opened.dispose()
    engine.dispose()


@pytest.mark.parametrize("what", ["rows", "manifest", "blob", "lost blob"])
def test_a_damaged_copy_is_refused_and_nothing_restored(tmp_path: Path, archive: Archive, what: str) -> None:
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("one.db", "two.db"))
    store.upgrade(source)
    archive.put(b"a body")
    folder = tmp_path / "backup"
    name = backup.back_up(source, str(tmp_path / "archive"), folder, NOW_S).name
    blob = next(path for path in (folder / backup.BLOBS).glob("*/*"))
    path = {"rows": folder / name / backup.ROWS, "manifest": folder / name / backup.MANIFEST}.get(what, blob)
    if what == "lost blob":
        path.unlink()
    elif what == "manifest":
        told = json.loads(path.read_text())
        path.write_text(json.dumps(told | {"blobs": []}))
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupDamaged):
        backup.restore(folder, target, str(tmp_path / "elsewhere"), NOW_S)
    assert not (tmp_path / "two.db").exists() or "users" not in "".join(_tables(target))


def _tables(url: str) -> list[str]:
    engine = store.open_engine(url)
    try:
        return sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def test_a_damaged_blob_is_told_and_stops_no_backup(tmp_path: Path, archive: Archive) -> None:
    source = f"sqlite:///{tmp_path / 'one.db'}"
    store.upgrade(source)
    good, bad = archive.put(b"good"), archive.put(b"bad")
    (tmp_path / "archive" / bad[:2] / bad[2:]).write_bytes(b"worse")
    where = ["--database-url", source, "--archive-url", str(tmp_path / "archive")]
    done = CliRunner().invoke(main, ["db", "backup", str(tmp_path / "backup"), *where])
    assert (done.exit_code, bad in done.output, good in done.output) == (1, True, False)


def test_backup_and_restore_on_the_command_line(tmp_path: Path, archive: Archive) -> None:
    source = f"sqlite:///{tmp_path / 'one.db'}"
    store.upgrade(source)
    archive.put(b"a body")
    folder = tmp_path / "backup"
    where = ["--database-url", source, "--archive-url", str(tmp_path / "archive")]
    done = CliRunner().invoke(main, ["db", "backup", str(folder), *where])
    assert (done.exit_code, "2 rows, 1 blobs, 1 of them new" in done.output) == (0, True)
    there = ["--database-url", f"sqlite:///{tmp_path / 'two.db'}", "--archive-url", str(tmp_path / "there")]
    done = CliRunner().invoke(main, ["db", "restore", str(folder), *there])
    assert (done.exit_code, "0 people erased again" in done.output) == (0, True)
    done = CliRunner().invoke(main, ["db", "restore", str(tmp_path / "archive"), *there])
    assert (done.exit_code, "backup none" in done.output) == (2, True)


def test_only_the_latest_copies_are_kept_where_asked(tmp_path: Path, archive: Archive) -> None:
    source, folder = f"sqlite:///{tmp_path / 'one.db'}", tmp_path / "backup"
    store.upgrade(source)
    names = [
        backup.back_up(source, str(tmp_path / "archive"), folder, NOW_S + n, keep=2).name for n in range(3)
    ]
    assert backup.copies(folder) == names[:0:-1]
    shutil.rmtree(folder)
    assert backup.copies(folder) == []
