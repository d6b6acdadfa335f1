"""The command line on files as people really have them: good, odd, broken and hostile."""

import csv
import dataclasses
import io
import json
import os
import pty
import socket
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.gtfs.small_city import small_feed
from tests.infer.roads import bus
from transitmap import build as build_module
from transitmap import store
from transitmap.cli import main
from transitmap.errors import DiskFailed
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables
from transitmap.model import Notice
from transitmap.passwords import check_password

ROAD = np.array([(0, 0), (3000, 0), (3000, 3000), (6000, 3000)], dtype=float)
HEAD = '<?xml version="1.0"?><gpx version="1.1" creator="hand" xmlns="http://www.topografix.com/GPX/1/1">'


def run(*words, **more):
    return CliRunner().invoke(main, [str(word) for word in words], **more)


def gpx(ride, label="12"):
    stamp = np.round(ride.fixes.time_s * 1000).astype("datetime64[ms]").astype(str)
    points = "".join(
        f'<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><time>{when}Z</time></trkpt>'
        for lat, lon, when in zip(ride.fixes.lat_deg, ride.fixes.lon_deg, stamp, strict=True)
    )
    return f"{HEAD}<trk><name>{label}</name><trkseg>{points}</trkseg></trk></gpx>"


@pytest.fixture(scope="module")
def good():
    return {
        f"ride-{k}.gpx": gpx(bus(ROAD, noise_m=3, seed=k, start_s=1_772_526_600.0 + 900 * k))
        for k in range(6)
    }


BAD = {
    "page.gpx": ("<html><body>not found</body></html>", "not_a_trace"),
    "empty.gpx": ("", "empty_file"),
    "cut.gpx": (HEAD + "<trk><trkseg><trkpt lat=", "xml_syntax"),
    "doctype.gpx": ('<!DOCTYPE gpx [<!ENTITY a "b">]>' + HEAD[21:] + "<trk/></gpx>", "doctype_forbidden"),
    "deep.gpx": (HEAD + "<extensions>" * 200_000 + "</extensions>" * 200_000 + "</gpx>", "too_deep"),
    "untimed.gpx": (
        HEAD
        + '<trk><trkseg><trkpt lat="19.4" lon="-99.1"/><trkpt lat="19.5" lon="-99.1"/></trkseg></trk></gpx>',
        "no_timestamps",
    ),
    "point.gpx": (
        HEAD
        + '<trk><trkseg><trkpt lat="19.4" lon="-99.1"><time>2026-03-03T08:00:00Z</time></trkpt>'
        + "</trkseg></trk></gpx>",
        "too_short",
    ),
    "impossible.gpx": (
        HEAD
        + "<trk><trkseg>"
        + '<trkpt lat="NaN" lon="-99.1"><time>2026-03-03T08:00:00Z</time></trkpt>'
        + '<trkpt lat="91" lon="-99.1"><time>2026-03-03T08:00:01Z</time></trkpt>'
        + "</trkseg></trk></gpx>",
        "",
    ),
    "waypoints.gpx": (HEAD + '<wpt lat="19.4" lon="-99.1"/></gpx>', "no_track_points"),
}


def read_rows(path):
    return {row["ride"]: row for row in csv.DictReader(io.StringIO(path.read_text()))}


def test_bad_rides_among_good_ones_are_rows_of_the_report(good, tmp_path):
    folder = tmp_path / "rides"
    folder.mkdir()
    for name, text in good.items():
        (folder / name).write_text(text)
    for name, (text, _) in BAD.items():
        (folder / name).write_text(text)
    (folder / "again.gpx").write_text(good["ride-0.gpx"])
    done = run("build", folder, "--out", tmp_path / "feed.zip", "--report", tmp_path / "r.csv", "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert (summary["used"], summary["patterns"], summary["errors"]) == (6, 1, 0)
    rows = read_rows(tmp_path / "r.csv")
    assert len(rows) == len(good) + len(BAD) + 1
    for name, (_, reason) in BAD.items():
        assert rows[name]["status"] == "ignored"
        assert rows[name]["reason"] == reason or (not reason and rows[name]["reason"]), rows[name]
    # Of two equal files the first by name is the ride, the other the copy.
    assert [rows["again.gpx"]["reason"], rows["ride-0.gpx"]["reason"]] == ["", "copy"]
    with zipfile.ZipFile(tmp_path / "feed.zip") as feed:
        assert "stop_times.txt" in feed.namelist()


@pytest.mark.parametrize("name", sorted(BAD))
def test_nothing_usable_is_a_sentence_and_no_feed(name, tmp_path):
    (tmp_path / name).write_text(BAD[name][0])
    done = run("build", tmp_path / name, "--out", tmp_path / "feed.zip", "--report", tmp_path / "r.csv")
    assert done.exit_code == 1
    assert "no feed written" in done.output and "Traceback" not in done.output
    assert not (tmp_path / "feed.zip").exists()
    assert len(read_rows(tmp_path / "r.csv")) == 1
    # There is no feed, so no rule was asked: no count of errors, and no word of an earlier file.
    assert "errors" not in done.output and "earlier" not in done.output


def test_without_a_feed_the_one_before_is_left_and_said_to_be_old(tmp_path):
    (tmp_path / "page.gpx").write_text(BAD["page.gpx"][0])
    out = tmp_path / "feed.zip"
    out.write_bytes(b"of yesterday")
    done = run("build", tmp_path / "page.gpx", "--out", out)
    assert done.exit_code == 1
    assert f"{out} is left as it was (from an earlier build)" in done.output
    assert out.read_bytes() == b"of yesterday"


@pytest.mark.parametrize("option", ["--out", "--report", "--evidence"])
def test_a_folder_that_is_not_there_is_said_before_the_work(option, tmp_path, good, monkeypatch):
    monkeypatch.setattr(build_module, "build_feed", None)
    (tmp_path / "r.gpx").write_text(good["ride-0.gpx"])
    where = {"--out": tmp_path / "f.zip", option: tmp_path / "nowhere" / "f"}
    done = run("build", tmp_path / "r.gpx", *(word for pair in where.items() for word in pair))
    assert done.exit_code == 2, done.output
    assert f"there is no folder {tmp_path / 'nowhere'}" in done.output.replace("\n", " ")
    assert not (tmp_path / "f.zip").exists()


def test_a_feed_that_breaks_off_leaves_the_one_before(tmp_path, good, monkeypatch):
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    out = tmp_path / "feed.zip"
    out.write_bytes(b"of yesterday")

    def half(path, body):
        with path.open("wb") as file:
            file.write(body[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", half)
        done = run("build", tmp_path / "rides.zip", "--out", out)
    assert done.exit_code == 2 and "No space left" in done.output
    assert out.read_bytes() == b"of yesterday"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["feed.zip", "rides.zip"]
    assert run("build", tmp_path / "rides.zip", "--out", out).exit_code == 0
    assert zipfile.is_zipfile(out)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["feed.zip", "rides.zip"]


def test_a_pipe_named_as_the_feed_stays_a_pipe(tmp_path, good):
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("build", tmp_path / "rides.zip", "--out", tmp_path / "pipe").exit_code == 0
        assert os.read(reader, 2) == b"PK"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_feed_with_errors_is_said_not_to_be_for_publishing(words, tmp_path, good, monkeypatch):
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    honest = build_module.build_feed

    def faulty(*given):
        built = honest(*given)
        rules = ["first", "first", "second", "third", "fourth"]
        errors = tuple(Notice(rule, "error", "stops.txt", 2, "made up") for rule in rules)
        return dataclasses.replace(built, feed=dataclasses.replace(built.feed, notices=errors))

    monkeypatch.setattr(build_module, "build_feed", faulty)
    done = run("build", tmp_path / "rides.zip", "--out", tmp_path / "feed.zip", *words)
    assert done.exit_code == 1
    said = done.stderr if words else done.stdout
    assert "5 errors, 0 warnings; it must not be published: first, second, third\n" in said
    assert zipfile.is_zipfile(tmp_path / "feed.zip")
    if words:
        assert json.loads(done.stdout)["errors"] == 5


@pytest.fixture
def official(tmp_path, good):
    """The city's own feed of the same road: the feed of the rides with a T before every id."""
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    assert run("build", tmp_path / "rides.zip", "--out", tmp_path / "own.zip").exit_code == 0
    tables = read_tables(tmp_path / "own.zip")
    for table in tables.values():
        for name in {"stop_id", "route_id", "shape_id", "parent_station"} & set(table):
            table[name] = [value and f"T{value}" for value in table[name]]
    (tmp_path / "official.zip").write_bytes(pack(tables))
    return tmp_path / "official.zip"


def test_a_build_with_a_reference_keeps_its_ids_and_tells_the_rest(tmp_path, official):
    told = {}
    for suffix in ("txt", "json", "csv"):
        words = ["--reference", official, "--reference-report", tmp_path / f"seen.{suffix}"]
        done = run("build", tmp_path / "rides.zip", "--out", tmp_path / "feed.zip", *words)
        assert done.exit_code == 0, done.output
        told[suffix] = (tmp_path / f"seen.{suffix}").read_text(encoding="utf-8")
    assert "; 1 of 1 official routes; 1 of 1 official patterns; " in done.stdout
    feed, city = read_tables(tmp_path / "feed.zip"), read_tables(official)
    for file, name in (("stops.txt", "stop_id"), ("routes.txt", "route_id"), ("shapes.txt", "shape_id")):
        assert feed[file][name] == city[file][name]
    assert told["txt"].startswith("Rutas: 1 en los viajes, 1 en el feed oficial, 1 en ambos\n")
    assert json.loads(told["json"])["findings"] == []
    assert told["csv"] == "what,kind,id,official_id,name,lat,lon,n_rides,seen,low,high,official,es,en\n"


def test_settings_may_name_the_official_feed(tmp_path, official):
    (tmp_path / "c.toml").write_text(f"[reference]\nfeed = '{official}'\n")
    words = ["--config", tmp_path / "c.toml", "--json"]
    done = run("build", tmp_path / "rides.zip", "--out", tmp_path / "feed.zip", *words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["official"]["route"] == [1, 1, 1]
    assert read_tables(tmp_path / "feed.zip")["routes.txt"]["route_id"] == ["TR1"]


def test_a_reference_that_is_none_ends_before_the_work(tmp_path, official):
    (tmp_path / "page.html").write_text("<html>")
    words = ["build", tmp_path / "rides.zip", "--out", tmp_path / "feed.zip"]
    for more in (["--reference-report", tmp_path / "seen.txt"], ["--reference", tmp_path / "page.html"]):
        done = run(*words, *more)
        assert done.exit_code == 2 and "Traceback" not in done.output, done.output
        assert not (tmp_path / "feed.zip").exists()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def test_empty_and_broken_archives_are_refused(tmp_path, good):
    bodies = {
        "empty.zip": zipped({}),
        "cut.zip": zipped(good)[:5000],
        "nested.zip": zipped({"a.zip": zipped(good)}),
    }
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
        done = run("build", tmp_path / name, "--out", tmp_path / "feed.zip")
        assert done.exit_code == 1, name
        assert "Traceback" not in done.output


def test_a_zip_bomb_among_good_rides_is_a_row(tmp_path, good):
    (tmp_path / "rides.zip").write_bytes(zipped({**good, "bomb.gpx": b"<gpx>" + b" " * 300_000_000}))
    done = run("build", tmp_path / "rides.zip", "--out", tmp_path / "f.zip", "--report", tmp_path / "r.csv")
    assert done.exit_code == 0, done.output
    rows = read_rows(tmp_path / "r.csv")
    assert rows["rides.zip/bomb.gpx"]["status"] == "ignored"
    assert sum(row["status"] == "used" for row in rows.values()) == 6


@pytest.mark.parametrize(
    "words",
    [
        ["build"],
        ["build", "missing.zip", "--out", "x"],
        ["build", "--nonsense"],
        ["nonsense"],
        ["simulate"],
        ["work", "--every", "0"],
    ],
)
def test_bad_usage_is_exit_2(words):
    assert run(*words).exit_code == 2


def test_settings_that_make_no_sense_are_a_sentence_and_exit_2(tmp_path, good):
    (tmp_path / "r.gpx").write_text(good["ride-0.gpx"])
    (tmp_path / "c.toml").write_text("[stops]\nbin_metres = 4\n")
    done = run("build", tmp_path / "r.gpx", "--out", tmp_path / "f.zip", "--config", tmp_path / "c.toml")
    assert done.exit_code == 2
    assert "stops.bin_metres" in done.output and "bin_m" in done.output


def test_legs_are_a_table(tmp_path, good):
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    assert run("legs", tmp_path / "rides.zip", "--out", tmp_path / "legs.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "legs.csv").read_text())))
    assert list(rows[0]) == ["ride", "start", "end", "mode"]
    assert {row["mode"] for row in rows} == {"bus"} and len(rows) == 6


def test_simulate_then_build_then_validate(tmp_path):
    town = tmp_path / "town"
    done = run("simulate", town, "--rides", 60, "--riders", 15, "--routes", 2, "--seed", 3)
    assert done.exit_code == 0, done.output
    feed = tmp_path / "feed.zip"
    assert run("build", town / "rides.zip", "--out", feed, "--today", "2026-03-20").exit_code == 0
    assert run("validate", feed, "--today", "2026-03-20").exit_code == 0
    expired = run("validate", feed, "--today", "2031-01-01", "--json")
    assert expired.exit_code == 1 and json.loads(expired.output)


@pytest.mark.parametrize(
    "body",
    [b"", f"{HEAD}</gpx>".encode(), zipped({"stops.txt": 'stop_id,stop_name\nS1,"half'}), zipped({})[:9]],
    ids=["empty", "gpx", "no csv", "cut"],
)
def test_validating_what_is_no_feed_is_a_sentence_and_exit_2(body, tmp_path):
    (tmp_path / "notafeed.gpx").write_bytes(body)
    done = run("validate", tmp_path / "notafeed.gpx")
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("transitmap: notafeed.gpx: no readable feed: ")


def test_findings_in_words(tmp_path):
    tables = small_feed()
    tables["trips.txt"]["trip_headsign"][0] = "Hacia Norte"
    (tmp_path / "feed.zip").write_bytes(pack(tables))
    found = run("validate", tmp_path / "feed.zip", "--today", "2026-11-22", "--lang", "es")
    assert found.exit_code == 1
    assert "headsign_to: El letrero de un viaje no nombra un destino" in found.stdout
    assert "El letrero" not in run("validate", tmp_path / "feed.zip", "--today", "2026-11-22").stdout


def test_what_changed_between_two_feeds(tmp_path):
    old, new, where = (tmp_path / name for name in ("old.zip", "new.zip", "changes.geojson"))
    tables = small_feed()
    old.write_bytes(pack(tables))
    tables["stops.txt"]["stop_name"][0] = "Otro"
    new.write_bytes(pack(tables))
    same = run("diff", old, old)
    assert (same.exit_code, same.stdout) == (0, "Nada cambió para quien viaja.\n")
    other = run("diff", old, new, "--lang", "en", "--geojson", where)
    assert other.exit_code == 1
    assert other.stdout.startswith("Stops: renamed 1\nStop Otro (S1): was called")
    assert [one["properties"]["new_id"] for one in json.loads(where.read_text())["features"]] == ["S1"]
    found = json.loads(run("diff", old, new, "--json").stdout)
    assert (found["counts"]["stop"], found["by_ids"]) == ({"renamed": 1}, True)


def test_a_diff_with_what_is_no_feed_is_a_sentence_and_exit_2(tmp_path):
    (tmp_path / "feed.zip").write_bytes(pack(small_feed()))
    (tmp_path / "folder").mkdir()
    found = run("diff", tmp_path / "feed.zip", tmp_path / "folder")
    assert (found.exit_code, "new feed" in found.stderr) == (2, True)


def test_points_of_a_new_database_are_0_lines(tmp_path):
    for name, words in {"a": ["replay"], "b": ["standings"], "c": ["standings", "--json"]}.items():
        url = f"sqlite:///{tmp_path / name}.sqlite"
        assert run("db", "upgrade", "--database-url", url).exit_code == 0
        done = run("points", *words, "--database-url", url)
        assert done.exit_code == 0, done.output
        assert "0 lines" in done.stderr or done.stdout in ("[]\n", "0 ledger lines, 0 differences\n")


LOOKS = (
    "points standings",
    "points replay",
    "points missions",
    "points detectors",
    "points export b.zip",
    "campaigns list",
    "feeds list",
    "prizes",
    "db backup copies",
    "users export ana --out a.zip",
    "users list",
    "work --once",
)


@pytest.mark.parametrize("words", LOOKS)
def test_whoever_only_looks_at_a_database_makes_none(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*words.split(), "--database-url", "sqlite:///there/t.sqlite")
    assert (done.exit_code, "`transitmap db upgrade`" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["users add ana", *LOOKS])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///some.txt", "file is not a database"),
        ("postgresql://nobody@127.0.0.1:1/none", "Connection refused"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence_and_exit_2(words, url, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("some.txt").write_text("No database, but long enough to be looked at as one.\n" * 20)
    done = run(*words.split(), "--database-url", url)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("transitmap: the database cannot be used: ") and why in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_fault_of_ours_is_no_sentence_about_the_database(monkeypatch, tmp_path):
    def upgrade(url):
        raise KeyError("ours")

    monkeypatch.setattr(store, "upgrade", upgrade)
    done = run("db", "upgrade", "--database-url", f"sqlite:///{tmp_path / 't.sqlite'}")
    assert isinstance(done.exception, KeyError)


def test_a_failed_disk_ends_a_verb_as_it_ends_the_service(monkeypatch, tmp_path):
    def upgrade(url):
        raise DiskFailed("database")

    monkeypatch.setattr(store, "upgrade", upgrade)
    done = run("db", "upgrade", "--database-url", f"sqlite:///{tmp_path / 't.sqlite'}")
    assert (done.exit_code, done.stderr) == (74, "transitmap: a sync of the database failed\n")


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path):
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--demo", "--port", port, "--database-url", url)
    assert done.exit_code == 2 and f"port {port}" in done.stderr and "PORT=9000" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_settings_that_are_no_text_are_a_sentence_and_exit_2(tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    done = run("campaigns", "new", tmp_path / "c.toml", "--database-url", url)
    assert (done.exit_code, "is no text in UTF-8" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "8 to 200 characters"),
        ("ninguno", "8 to 200 characters"),
        ("x" * 201, "8 to 200 characters"),
        ("organiser1", "easy to guess"),
    ],
)
def test_a_password_is_held_to_what_the_page_asks(password, why, tmp_path):
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    done = run("users", "add", "Organiser", "--password-stdin", "--database-url", url, input=f"{password}\n")
    assert (done.exit_code, why in done.stderr) == (2, True)
    assert not (tmp_path / "t.sqlite").exists()


def test_at_a_terminal_a_password_is_asked_for_and_not_shown(tmp_path):
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    command = [sys.executable, "-m", "transitmap.cli", "users", "add", "Ana", "--password-stdin"]
    process, terminal = pty.fork()
    if not process:
        os.execve(sys.executable, command, os.environ | {"TRANSITMAP_DATABASE_URL": url})
    told = read_until(terminal, b"Password: ")
    os.write(terminal, b"tres palabras y una\n")
    told += read_until(terminal, b"rider\r\n")
    status = os.waitpid(process, 0)[1]
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"palabras" not in told
    with store.session(store.open_engine(url)) as session:
        assert check_password(store.user_by_name(session, "Ana").password_hash, "tres palabras y una")


def read_until(terminal, end):
    told = b""
    while not told.endswith(end):
        told += os.read(terminal, 1000)
    return told


def test_users_and_tokens_for_scripts(tmp_path):
    url = f"sqlite:///{tmp_path / 't.sqlite'}"
    add = ["users", "add", "Ana", "--role", "organiser", "--password-stdin", "--database-url", url]
    assert run(*add, input="a long enough password\n").exit_code == 0
    assert run(*add, input="again\n").exit_code == 2
    done = run("tokens", "new", "Ana", "--database-url", url)
    token = done.output.removesuffix("\n")
    assert done.exit_code == 0 and len(token) > 20 and "\n" not in token
    with store.session(store.open_engine(url)) as session:
        user = store.user_of_token(session, token, 0.0)
        assert user is not None and (user.name, user.role) == ("Ana", "organiser")
    role = "users", "role", "--database-url", url
    assert run(*role, "ana", "king").exit_code == 2
    done = run(*role, "ana", "reviewer")
    assert (done.exit_code, "an organiser must say so" in done.stderr) == (2, True)
    assert run("users", "add", "Beto", "--database-url", url).exit_code == 0
    met = "users", "met", "ana", "--by", "beto", "--database-url", url
    assert run(*met).exit_code == 2, "Beto is a rider"
    assert run(*role, "beto", "reviewer", "--by", "beto").exit_code == 2, "nor does he give himself a role"
    done = run(*role, "beto", "reviewer", "--by", "ana")
    assert (done.exit_code, done.output) == (0, "Beto: reviewer\n")
    assert run(*met).output == "Ana: known\n"
    assert run("users", "met", "beto", "--by", "beto", "--database-url", url).exit_code == 2
    there = "users", "list", "--database-url", url
    assert run(*there).output.splitlines() == ["Ana,organiser,known", "Beto,reviewer,"]
    assert run(*there, "--role", "planner").stderr == "0 lines: nobody is there\n"
    with store.session(store.open_engine(url)) as session:
        assert store.people_met(session) == [1]
        assert store.people_decided(session)["staff"] == [1, 2]
    assert run(*met, "--not").output == "Ana: not known\n"
    assert run(*role, "ana", "rider", "--by", "ana").exit_code == 0
    with store.session(store.open_engine(url)) as session:
        assert store.people_met(session) == []
        assert store.people_decided(session)["staff"] == [2]
        told = [(line.rule, line.user_id, line.evidence["by"]) for line in store.ledger_rows(session)]
    assert told == [("role", 1, 1), ("role", 2, 1), ("met", 1, 2), ("met", 1, 2), ("role", 1, 1)]
    where = "--database-url", url, "--archive-url", tmp_path / "archive"
    assert run("points", "replay", *where).output == "5 ledger lines, 0 differences\n"
    assert run("tokens", "new", "Nobody", "--database-url", url).exit_code == 2
    assert run("db", "upgrade", "--database-url", url).exit_code == 0


def test_nothing_to_publish_is_said(tmp_path):
    where = ["--database-url", f"sqlite:///{tmp_path / 't.sqlite'}", "--archive-url", tmp_path / "archive"]
    assert run("db", "upgrade", *where[:2]).exit_code == 0
    done = run("work", "--once", *where)
    assert (done.exit_code, done.output) == (0, "nothing new\n")
    done = run("points", "replay", *where)
    assert (done.exit_code, done.output) == (0, "0 ledger lines, 0 differences\n")


def test_build_says_what_was_held_back_and_draws_the_evidence(tmp_path, good):
    (tmp_path / "rides.zip").write_bytes(zipped(good))
    words = ("build", tmp_path / "rides.zip", "--out", tmp_path / "feed.zip")
    done = run(*words, "--json", "--evidence", tmp_path / "e.geojson")
    assert done.exit_code == 0, done.output
    on_map = json.loads((tmp_path / "e.geojson").read_text())
    assert {"stop", "pattern", "segment"} <= {one["properties"]["kind"] for one in on_map["features"]}
    assert json.loads(done.stdout)["held_back"] == on_map["held_back"]
    (tmp_path / "many.toml").write_text("[feed]\nmin_riders = 1000\n")
    for name in ("e.csv", "e.geojson"):
        none = run(*words, "--config", tmp_path / "many.toml", "--evidence", tmp_path / name)
        assert none.exit_code == 1 and "stops held back: fewer than 1000 riders" in none.output
        told = (tmp_path / name).read_text()
        assert "stops held back: fewer than 1000 riders" in told
        assert "\nstop," not in told and '"Feature"' not in told
