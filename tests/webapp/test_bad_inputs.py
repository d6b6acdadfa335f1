"""The table of bad inputs through HTTP: the exact answer to each, against the server that will serve it.

What happens inside a file is the readers' table (tests/collect); here are requests, archives and the queue.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.machine import needs_proc, small_disk
from tests.webapp.conftest import serving
from tests.webapp.sending import (
    TRACES,
    chunk,
    digest,
    exchange,
    gzipped,
    head,
    n_uploads,
    problem,
    stream,
    zipped,
)
from tests.webapp.traces import gpx, point, ride
from transitmap import store, work
from transitmap.config import CollectConfig, Config, QuotaConfig
from transitmap.points.rules import load_rules
from webapp import create_app, receipts
from webapp.settings import Settings

MB = 1_000_000


def blobs(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.archive_url).rglob("*") if path.is_file()]


def told(answer: bytes) -> tuple[int, dict]:
    """Status and problem of a raw answer."""
    top, _, body = answer.partition(b"\r\n\r\n")
    status = int(top.split()[1])
    is_problem = b"application/problem+json" in top
    return status, json.loads(body) if is_problem else {}


def form(*parts: str, end: str = "--b--\r\n") -> bytes:
    return (
        "".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n" for part in parts).encode()
        + end.encode()
    )


FILE = 'name="file"; filename="a.gpx"\r\n\r\n<gpx'
FORM = "Content-Type: multipart/form-data; boundary=b"


def sent(device, body: bytes, *lines: str) -> bytes:
    return head(device, f"Content-Length: {len(body)}", *lines) + body


NO_TOKEN = f"POST {TRACES} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n<gpx".encode()
PARTS = {
    "6 no file": (form('name="note"\r\n\r\nhi\r\n'), 400, "no_file"),
    "6 cut": (form(FILE, end=""), 400, "incomplete_body"),
    "6 too many parts": (form(*[FILE + "\r\n"] * 21), 413, "too_many_parts"),
    "6 a long field": (
        form('name="note"\r\n\r\n' + "x" * 70_000 + "\r\n", FILE + "\r\n"),
        413,
        "field_too_large",
    ),
}
OTHER = digest(b"other")
REQUESTS = {
    "1 no token": (lambda device: NO_TOKEN, 401, "auth_required"),
    "1 wrong token": (lambda device: sent(device, b"<").replace(b" tm_", b" tm_x"), 401, "auth_required"),
    "2 too large by length": (lambda device: head(device, "Content-Length: 26000000"), 413, "too_large"),
    "5 digest": (lambda device: sent(device, ride(), f"Content-Digest: {OTHER}"), 400, "digest_mismatch"),
    "7 nothing": (lambda device: sent(device, b""), 422, "empty_file"),
} | {
    row: (lambda device, body=body: sent(device, body, FORM), status, code)
    for row, (body, status, code) in PARTS.items()
}


@pytest.mark.parametrize("row", REQUESTS)
def test_a_bad_request_gets_its_answer(app, settings, device, row):
    request, status, code = REQUESTS[row]
    with serving(app) as port:
        answer = exchange(port, request(device))
    assert told(answer)[0] == status, answer[:200]
    assert told(answer)[1]["code"] == code
    if code != "empty_file":  # kept: an empty file is an upload like any other
        assert (n_uploads(app), blobs(settings)) == (0, [])


def test_a_chunked_body_beyond_the_limit_is_refused_whole(app, settings, device):
    """Row 3."""
    with serving(app, max_upload_bytes=2 * MB) as port:
        pieces = (chunk(b"x" * 100_000) for _ in range(1000))
        answer, n_bytes = stream(port, head(device, "Transfer-Encoding: chunked"), pieces)
    assert told(answer)[0] == 413
    assert told(answer)[1]["code"] == "too_large"
    assert n_bytes < 30 * MB
    assert (n_uploads(app), blobs(settings)) == (0, [])


@pytest.mark.parametrize("framing", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_a_cut_body_is_kept_nowhere(app, settings, device, framing):
    """Row 4. Waitress drops who goes away in the middle; whoever buffers for us tells us the length."""
    body = b"<gpx" * 75
    with serving(app) as port:
        answer = exchange(
            port, head(device, framing) + (chunk(body) if "chunked" in framing else body), end=True
        )
    assert not answer or told(answer)[0] == 400
    short = {"CONTENT_LENGTH": "5000", "wsgi.input": io.BytesIO(body)}
    members = problem(device(environ_overrides=short), 400, "incomplete_body")
    assert (members["expected"], members["received"]) == (5000, 300)
    assert (n_uploads(app), blobs(settings)) == (0, [])


SMUGGLED = {
    "length and chunks": ("Content-Length: 4", "Transfer-Encoding: chunked"),
    "chunks and length": ("Transfer-Encoding: chunked", "Content-Length: 4"),
    "two lengths": ("Content-Length: 4", "Content-Length: 400"),
    "a list of lengths": ("Content-Length: 4, 400",),
    "a signed length": ("Content-Length: +4",),
    "a length in hexadecimal": ("Content-Length: 0x4",),
    "an unknown coding": ("Transfer-Encoding: xchunked",),
    "a coding twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "a space before the colon": ("Content-Length : 4",),
}


@pytest.mark.parametrize("lines", SMUGGLED.values(), ids=SMUGGLED)
def test_a_body_of_two_lengths_is_refused(app, device, lines):
    with serving(app) as port:
        answer = exchange(
            port, head(device, *lines) + b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n", end=True
        )
    assert answer.split(b"\r\n")[0].split()[1] in (b"400", b"501"), answer[:100]
    assert answer.count(b"HTTP/1.1 ") + answer.count(b"HTTP/1.0 ") == 1, "the rest was taken for a request"
    assert n_uploads(app) == 0


def many(n, start=0):
    return "".join(point(round(19.53 + i * 1e-4, 6), -96.92, start + i * 10) for i in range(n))


ONLY_WAYPOINTS = b'<gpx version="1.1"><wpt lat="1" lon="1"/><rte><rtept lat="1" lon="1"/></rte></gpx>'
LAUGHS = '<!DOCTYPE gpx [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
A_FILE = '<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def deep(levels: int) -> str:
    return f"<extensions>{'<a>' * levels}{'</a>' * levels}</extensions>"


CONTENTS = {
    "8 HTML": (b"<html><body>hola</body></html>", 415, "not_a_trace"),
    "8 PDF": (b"%PDF-1.7 whatever", 415, "not_a_trace"),
    "8 JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", 415, "not_a_trace"),
    "8 text": (b"manzanas y peras\n" * 9, 415, "not_a_trace"),
    "9 only waypoints": (ONLY_WAYPOINTS, 422, "no_track_points"),
    "11 cut": (gpx(many(60))[:-30], 422, "xml_syntax"),
    "14 billion laughs": (gpx(many(9), LAUGHS), 422, "doctype_forbidden"),
    "14 a file": (gpx(many(9), A_FILE), 422, "doctype_forbidden"),
    "14 a harmless one": (gpx(many(9), "<!DOCTYPE gpx>"), 422, "doctype_forbidden"),
    "15 2,000 levels": (gpx(many(9) + deep(2_000)), 422, "too_deep"),
    "15 200,000 levels": (gzipped(gpx(many(9) + deep(200_000))), 422, "too_deep"),
    "35 no times": (gpx('<trkpt lat="19.5" lon="-96.9"/>' * 9), 422, "no_timestamps"),
    "53 gz cut": (gzipped(ride())[:-9], 422, "gzip_truncated"),
    "53 gz of another sum": (gzipped(ride())[:-8] + b"\0\0\0\0" + gzipped(ride())[-4:], 422, "gzip_crc"),
    "54 a bomb in a zip": (zipped([("a.gpx", b"\0" * 210 * MB)]), 422, "archive_too_big"),
    "54 a bomb in a gz": (gzipped(b"\0" * 210 * MB), 422, "archive_too_big"),
    "54 a zip in a zip": (zipped([("a.zip", zipped([("a.gpx", ride())]))]), 422, "nested_archive"),
    "54 51 files": (zipped([(f"{k}.gpx", b"") for k in range(51)]), 422, "too_many_files"),
    "54 1,000 files": (zipped([(f"{k}.gpx", b"<gpx/>") for k in range(1000)]), 422, "too_many_files"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code"), CONTENTS.values(), ids=CONTENTS)
def test_a_bad_file_gets_its_answer_and_costs_no_other(app, device, body, status, code):
    members = problem(device(body), status, code)
    if code == "xml_syntax":
        assert members["line"]
    assert device(ride()).status_code == 201


def encrypted() -> bytes:
    body = bytearray(zipped([("a.gpx", ride())]))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(magic) + at] |= 1
    return bytes(body)


def linked() -> bytes:
    body = bytearray(zipped([("a.gpx", b"/etc/passwd")]))
    at = body.index(b"PK\x01\x02")
    body[at + 38 : at + 42] = (0o120777 << 16).to_bytes(4, "little")
    return bytes(body)


def test_more_of_row_54(app, device, settings):
    problem(device(encrypted()), 422, "encrypted")
    problem(device(linked()), 415, "not_a_trace")
    odd = device(zipped([("../../../../x.gpx", ride(1)), ("C:\\con\\..\\nul.gpx", ride(2))]))
    assert odd.status_code == 201
    assert [one["name"] for one in odd.json["members"]] == ["x.gpx", "nul.gpx"]
    assert {path.parent.parent for path in blobs(settings)} == {Path(settings.archive_url)}


def test_bad_points_are_dropped_by_reason(device):
    """Row 30."""
    odd = point("NaN", 1, 900) + point("inf", 1, 901) + point("1e400", 1, 902)
    answer = device(gpx(many(60) + odd))
    assert answer.status_code == 201
    assert answer.json["points_dropped"]["not_finite"] == 3


def test_a_point_too_many_ends_the_reading(app, device, settings):
    """Row 50, with another number."""
    few = app.extensions["transitmap_settings"]
    few = Settings(
        few.database_url, few.archive_url, few.secret_key, Config(collect=CollectConfig(max_fixes=100))
    )
    made = create_app(few)
    answer = made.test_client().post(TRACES, data=gpx(many(101)), headers=device.headers)
    problem(answer, 422, "too_many_points")
    made.extensions["transitmap_engine"].dispose()


def test_a_gz_of_one_trace_or_two(app, device):
    """Row 52."""
    first = device(gzipped(ride(1)), headers={"X-Filename": "a.gpx.gz"})
    assert (first.status_code, len(first.json["rides"]), len(first.json["members"])) == (201, 1, 1)
    second = device(gzipped(ride(2, days=1)) + gzipped(ride(3, days=2)))
    assert (second.status_code, len(second.json["rides"])) == (201, 2)
    assert all(ride["awards"] for ride in second.json["rides"])
    again = device(gzipped(ride(1)))
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])


def test_what_is_in_an_archive_may_be_larger_than_an_upload(device):
    body = gpx(many(60) + " " * 26 * MB)
    answer = device(gzipped(body))
    assert (answer.status_code, len(answer.json["rides"])) == (201, 1)


def test_the_same_file_again_and_from_another_rider(app, device, add_rider, token_of):
    """Row 57, for files and for what is in archives."""
    first = device(ride())
    assert [device(ride()).json["id"] for _ in range(3)] == [first.json["id"]] * 3
    assert device(ride()).status_code == 200
    other = {"Authorization": f"Bearer {token_of(add_rider('Otra'))}"}
    answer = app.test_client().post(TRACES, data=ride(), headers=other)
    assert "Coyote" not in answer.text
    problem(answer, 409, "already_contributed")
    problem(app.test_client().post(TRACES, data=gzipped(ride()), headers=other), 409, "already_contributed")
    mixed = app.test_client().post(TRACES, data=zipped([("a", ride()), ("b", ride(5))]), headers=other)
    assert mixed.status_code == 201
    assert [one["code"] for one in mixed.json["left_out"]] == ["already_contributed"]
    assert [one["state"] for one in mixed.json["members"]] == ["understood"]
    mine = device(zipped([("again.gpx", ride())]))
    assert (mine.status_code, mine.json["left_out"][0]["id"]) == (201, first.json["id"])
    assert mine.json["rides"] == []
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.counts(session)["rides"] == 2


def test_a_refused_trace_beside_a_good_one_is_named(device):
    body = gpx(many(60) + "</trkseg></trk><trk><trkseg>" + point(19.5, -96.9, 5000))
    answer = device(body, headers={"X-Filename": "dos.gpx"})
    assert (answer.status_code, len(answer.json["rides"])) == (201, 1)
    (left,) = answer.json["left_out"]
    assert (left["name"], left["code"]) == ("dos.gpx#2", "too_short")
    assert device(body).json["left_out"] == [left]


# --- large ones wait ------------------------------------------------------------------------------


def settled(app, settings: Settings) -> None:
    """One round of the worker."""
    with store.session(app.extensions["transitmap_engine"]) as session:
        archive = app.extensions["transitmap_archive"]
        work.understand_waiting(session, archive, settings.config, load_rules())


def test_who_prefers_not_to_wait_is_told_where_to_look(app, device, settings, log_in):
    answer = device(ride(), headers={"Prefer": "return=minimal, Respond-Async; wait=10"})
    assert (answer.status_code, answer.json["state"]) == (202, "received")
    assert answer.headers["Preference-Applied"] == "respond-async"
    page = log_in("Coyote").get(answer.headers["Location"]).text
    assert re.search(r'hx-get="[^"]+" hx-trigger="load', page)
    again = device(ride(), headers={"Prefer": "respond-async"})
    assert (again.status_code, again.json["state"], again.json["id"]) == (200, "received", answer.json["id"])
    settled(app, settings)
    assert device(ride()).json["state"] == "understood"
    assert "hx-trigger" not in log_in("Coyote").get(answer.headers["Location"]).text


def test_that_a_waiting_file_has_been_read_is_spoken_once(app, device, settings, log_in):
    coyote, part = log_in("Coyote"), {"HX-Request": "true"}
    answers = [
        device(body, headers={"Prefer": "respond-async"}) for body in (ride(2, days=1), ride(2)[:4000])
    ]
    places = [answer.headers["Location"] for answer in answers]
    for place in places:
        waiting = coyote.get(place, headers=part).text
        assert "hx-swap-oob" not in waiting and 'role="status"' not in waiting
    settled(app, settings)
    told = [
        re.search('<p id="spoken" hx-swap-oob="innerHTML">(.+)</p>', coyote.get(place, headers=part).text)[1]
        for place in places
    ]
    assert re.fullmatch(r"[0-9.]+ puntos", told[0])
    assert told[1].startswith("El archivo está dañado o cortado.")
    page = coyote.get(places[1]).text
    assert 'role="status" id="spoken"></p>' in page and "hx-swap-oob" not in page
    assert re.search(r"Línea [0-9]+ del archivo", page)
    assert '<p class="code" lang="en">' in page


def test_a_body_above_the_limit_waits_and_then_has_its_code(app, device, settings):
    padding = " " * 6 * MB
    good, bad = gpx(many(60) + padding), gpx(padding + point(19.5, -96.9, 0))
    for body in (good, bad):
        answer = device(body)
        assert (answer.status_code, answer.json["state"]) == (202, "received")
        assert answer.headers["Location"].endswith(answer.json["id"])
    settled(app, settings)
    assert device(good).json["state"] == "understood"
    problem(device(bad), 422, "too_short")


def test_an_archive_is_kept_as_it_came_with_its_members(app, device, settings, log_in):
    body = zipped([("a.gpx", ride(1)), ("b.txt", b"nada"), ("c.gpx", ride(2, days=3)), ("d.gpx", b"")])
    answer = device(body, headers={"X-Filename": "todo.zip"})
    assert answer.status_code == 201
    states = {one["name"]: (one["state"], one.get("code")) for one in answer.json["members"]}
    assert states == {
        "a.gpx": ("understood", None), "b.txt": ("refused", "not_a_trace"),
        "c.gpx": ("understood", None), "d.gpx": ("refused", "empty_file"),
    }  # fmt: skip
    assert answer.json["awarded"] == sum(ride["awarded"] for ride in answer.json["rides"]) > 0
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        sent, *_ = store.uploads_of_user(session, 1)
        assert (sent.name, len(store.members_of_upload(session, sent.id))) == ("todo.zip", 4)
        assert app.extensions["transitmap_archive"].get(sent.sha256) == body
    page = log_in("Coyote").get(f"/traces/{answer.json['id']}").text
    assert all(name in page for name in ("todo.zip", "a.gpx", "b.txt", "c.gpx", "d.gpx", "Archivos dentro"))
    assert device(body).json["id"] == answer.json["id"]


def test_who_sent_enough_for_today_is_told_until_when(app, device, settings):
    limited = Settings(
        settings.database_url,
        settings.archive_url,
        settings.secret_key,
        Config(quota=QuotaConfig(max_uploads=2)),
    )
    made = create_app(limited)
    answers = [made.test_client().post(TRACES, data=ride(k, k), headers=device.headers) for k in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    problem(answers[2], 429, "too_many_requests")
    assert 0 < int(answers[2].headers["Retry-After"]) <= 86_400
    made.extensions["transitmap_engine"].dispose()


def test_the_same_at_once_is_one_upload_and_one_award(app, device):
    answers = []
    phones = [threading.Thread(target=lambda: answers.append(device(ride()))) for _ in range(12)]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers)[-1] in (201, 202)
    assert sum(answer.status_code in (201, 202) for answer in answers) == 1
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.counts(session)["uploads"] == store.counts(session)["rides"] == 1


def test_who_reads_files_leaves_threads_to_phones(device, monkeypatch):
    monkeypatch.setattr(receipts, "TURN_S", 0.01)
    with receipts.READERS, receipts.READERS:
        kept = device(ride())
    assert (kept.status_code, kept.json["state"]) == (202, "received")
    again = device(ride())
    assert (again.status_code, again.json["id"], again.json["state"]) == (200, kept.json["id"], "understood")
    assert device(ride(2)).status_code == 201


def test_many_files_are_read_for_no_longer_than_one(device, settings):
    config = Config(collect=CollectConfig(max_inline_s=1e-6))
    made = create_app(Settings(settings.database_url, settings.archive_url, settings.secret_key, config))
    files = [(io.BytesIO(ride(k, k)), f"{k}.gpx") for k in (1, 2)]
    answer = made.test_client().post(TRACES, data={"file": files}, headers=device.headers)
    assert [one["state"] for one in answer.json["uploads"]] == ["received", "received"]
    made.extensions["transitmap_engine"].dispose()


# --- no room, no writing --------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path):
    with small_disk(tmp_path, size_mb=3) as place:
        yield place


@pytest.mark.parametrize("what", ["the archive", "the database"])
def test_a_full_or_read_only_disk_refuses_and_recovers(app, device, settings, disk, what):
    is_archive = what == "the archive"
    database, archive = Path(settings.database_url.removeprefix("sqlite:///")), disk / "archive"
    if not is_archive:
        app.extensions["transitmap_engine"].dispose()
        shutil.copy(database, disk / "db.sqlite")
    url = settings.database_url if is_archive else f"sqlite:///{disk / 'db.sqlite'}"
    made = create_app(
        Settings(url, str(archive) if is_archive else settings.archive_url, "k" * 40, settings.config)
    )

    def send(seed: int):
        return made.test_client().post(TRACES, data=ride(seed, seed), headers=device.headers)

    assert send(1).status_code == 201
    ballast = disk / "ballast"
    with pytest.raises(OSError), ballast.open("wb") as file:
        for _ in range(4 * MB):
            file.write(b"x" * 512)
            file.flush()
    answers = [send(seed) for seed in (2, 3, 4)]
    for answer in answers:
        problem(answer, 507, "storage_full")
        assert answer.headers["Retry-After"] == "30"
    assert not list(archive.rglob(".part-*"))
    ballast.unlink()
    assert send(2).status_code == 201
    if is_archive:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        problem(send(5), 503, "busy")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert send(5).status_code == 201
    made.extensions["transitmap_engine"].dispose()


# --- what a giant costs ---------------------------------------------------------------------------


@pytest.fixture
def server(settings: Settings, tmp_path: Path):
    """The service as a process of its own: its number and port."""
    command = [sys.executable, "-m", "transitmap.cli", "serve", "--no-work", "--port", "0"]
    command += ["--database-url", settings.database_url, "--archive-url", settings.archive_url]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=here)
    assert process.stdout
    port = int(process.stdout.readline().strip().rpartition(":")[2])
    yield process.pid, port
    process.terminate()
    process.wait(600)
    process.stdout.close()


def rss_bytes(pid: int, peak: bool = True) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB" if peak else r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@needs_proc
def test_two_gigabytes_in_chunks_fill_neither_memory_nor_disk(app, settings, device, server):
    pid, port = server
    exchange(port, sent(device, b"<gpx"))
    before = rss_bytes(pid)
    piece = chunk(b"x" * MB)
    answer, n_bytes = stream(port, head(device, "Transfer-Encoding: chunked"), (piece for _ in range(2000)))
    assert told(answer)[0] == 413
    assert n_bytes < 60 * MB, "the server went on reading"
    assert rss_bytes(pid) - before < 70 * MB
    assert len(blobs(settings)) == 1


@needs_proc
def test_a_bomb_costs_little(app, settings, device, server):
    pid, port = server
    exchange(port, sent(device, gzipped(ride())))  # the reader has started and imported what it needs
    (reader,) = (child.pid for child in psutil.Process(pid).children())
    for bomb, most_s in ((zipped([("a.gpx", b"\0" * 210 * MB)]), 0.1), (gzipped(b"\0" * 210 * MB), 2.0)):
        before, began_s = rss_bytes(reader), cpu_s(reader)
        assert told(exchange(port, sent(device, bomb)))[1]["code"] == "archive_too_big"
        assert rss_bytes(reader) - before < 70 * MB
        assert cpu_s(reader) - began_s <= most_s
