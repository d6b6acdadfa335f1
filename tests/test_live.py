"""Messages become uploads where a ride ends; whatever stops that, nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.points.hand import bus_ride
from transitmap import erase, live, publish, store, work
from transitmap.archive import Archive, unpack_message, unpack_ride
from transitmap.collect.bundle import read_bundle
from transitmap.config import Config, LiveConfig
from transitmap.contribute import accept, understand
from transitmap.errors import RidesWithdrawn
from transitmap.late import with_late
from transitmap.model import Message
from transitmap.points.rules import load_rules
from transitmap.receipt import receipt_of
from transitmap.store import Heading
from transitmap.work import work_once

CONFIG = Config()
NOW_S = 1_790_000_000.0
SILENT_S = NOW_S + 3600
STEP_S = 5.0
HANGS_S = 300.0


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def device(engine) -> store.Device:
    return add_device(engine)


def add_device(engine, name: str = "ana") -> store.Device:
    with store.session(engine) as session:
        user = store.user_by_name(session, name) or store.add_user(session, name, "h", NOW_S)
        user.trim_m = 0.0
        _, plain = store.add_token(session, user, f"phone of {name}", NOW_S)
    return store.device_of_token(engine, plain)


def point(n: int, start_s: float = NOW_S) -> dict:
    """The nth fix of a bus along a street, 40 m and 5 s further each."""
    return {
        "_type": "location",
        "lat": round(19.4 + n * 0.00036, 7),
        "lon": -99.1,
        "tst": start_s + n * STEP_S,
        "acc": 5,
    }


def message(*points: dict, received_s: float | None = None, dialect: str = "owntracks") -> Message:
    body = json.dumps(points[0] if len(points) == 1 else list(points)).encode()
    came_s = points[-1]["tst"] + 1 if received_s is None else received_s
    return Message(dialect, came_s, "POST", "", "", {"content-type": "application/json"}, body)


def take(engine, device, said: Message) -> live.Taken:
    return live.take(engine, device, said, CONFIG)


def ride(engine, device, n: int = 20, start_s: float = NOW_S) -> None:
    for k in range(n):
        assert take(engine, device, message(point(k, start_s))).refusal == ""


def seal(engine, archive, now_s: float = SILENT_S, config: Config = CONFIG) -> list[str]:
    with store.session(engine) as session:
        return live.seal(session, archive, config, now_s)


def fixes(engine, archive, upload_ids=None) -> list[tuple[float, float]]:
    """(time, lat) of all fixes in all live uploads, in order; known ones left out as `read_bundle` does."""
    found = []
    with store.session(engine, write=False) as session:
        uploads = session.scalars(sa.select(store.Upload).order_by(store.Upload.received_s)).all()
    for upload in uploads:
        if upload_ids is None or upload.id in upload_ids:
            for one in read_bundle(upload.name, archive.get(upload.sha256), CONFIG):
                found += zip(one.fixes.time_s.tolist(), one.fixes.lat_deg.tolist(), strict=True)
    return found


def expected(n: int = 20, start_s: float = NOW_S) -> list[tuple[float, float]]:
    return [(point(k, start_s)["tst"], point(k, start_s)["lat"]) for k in range(n)]


def counts(engine) -> tuple[int, int, int]:
    """Uploads, messages, and those that wait."""
    with store.session(engine, write=False) as session:
        waiting = sum(len(store.waiting_headings(session, one)) for one in store.waiting_devices(session))
        return (
            session.scalar(sa.select(sa.func.count()).select_from(store.Upload)),
            session.scalar(sa.select(sa.func.count()).select_from(store.MessageRow)),
            waiting,
        )


# --- when a ride has ended -----------------------------------------------------------------------


def heading(id: int, received_s: float, first_s: float | None, last_s: float | None = None) -> Heading:
    return Heading(id, received_s, 100, first_s, first_s if last_s is None else last_s)


def test_a_device_that_talks_on_waits():
    said = [heading(k, k * 60, k * 60) for k in range(30)]
    assert live.ended(said, CONFIG.live, 30 * 60) == []
    assert live.ended(said, CONFIG.live, 29 * 60 + 899) == []
    assert live.ended(said, CONFIG.live, 29 * 60 + 901) == [list(range(30))]


def test_a_clock_set_back_makes_nobody_wait():
    said = [heading(k, k * 60, k * 60) for k in range(3)]
    assert live.ended(said, CONFIG.live, -10_000) == [[0, 1, 2]]


def test_what_waits_too_long_or_is_too_much_goes():
    said = [heading(k, k * 60, k * 60) for k in range(361)]
    assert live.ended(said, CONFIG.live, 21_600) == []
    assert live.ended(said, CONFIG.live, 21_601) == [list(range(361))]
    tight = LiveConfig(max_waiting_bytes=1000)
    assert live.ended(said[:10], tight, 600) == []
    assert live.ended(said[:25], tight, 1500) == [list(range(10)), list(range(10, 20)), list(range(20, 25))]


def test_no_bundle_is_more_than_its_reader_can_read(monkeypatch):
    monkeypatch.setattr(live, "MAX_MESSAGES", 4)
    headings = [heading(id, NOW_S + id, NOW_S + id) for id in range(1, 11)]
    assert live.ended(headings, CONFIG.live, SILENT_S) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_signs_of_life_alone_are_no_ride_and_go_with_the_next_one():
    signs = [heading(k, k * 60, None) for k in range(3)]
    assert live.ended(signs, CONFIG.live, 90_000) == []
    assert live.ended([*signs, heading(3, 90_000, 90_000)], CONFIG.live, 91_000) == [[0, 1, 2, 3]]
    assert live.ended(signs, CONFIG.live, CONFIG.live.known_s + 1) == [[0, 1, 2]], "kept like all that came"


def test_who_moved_on_leaves_a_ride_behind():
    first = [heading(k, k * 60, k * 60) for k in range(10)]
    second = [heading(10 + k, 3600 + k * 60, 3600 + k * 60) for k in range(5)]
    sign = heading(15, 600, None)
    assert live.ended([*first, sign, *second], CONFIG.live, 3900) == [list(range(10))]


def test_a_backlog_in_any_order_is_not_taken_for_moving_on():
    """Late messages fill the gap: none of what came within the last quarter of an hour goes."""
    now_s = 100_000.0
    said = [heading(k, now_s - 5, t) for k, t in enumerate((0.0, 7200.0, 3600.0))]
    assert live.ended(said, CONFIG.live, now_s) == []


def test_a_message_over_the_gap_closes_it():
    said = [heading(0, 0, 0, 100), heading(1, 5000, 0, 5000), heading(2, 5010, 5010)]
    assert live.ended(said, CONFIG.live, 5020) == []


# --- take ----------------------------------------------------------------------------------------


def test_a_message_is_on_the_disk_when_it_is_answered(engine, device):
    said = message(point(0))
    taken = take(engine, device, said)
    assert (taken.is_new, taken.refusal, len(taken.heard.fixes)) == (True, "", 1)
    with store.session(engine, write=False) as session:
        row = session.scalars(sa.select(store.MessageRow)).one()
        token = session.scalars(sa.select(store.Token)).one()
        used = session.scalars(sa.select(store.Usage)).one()
    assert unpack_message(row.packed) == said
    assert (token.n_messages, token.n_fixes, token.heard_s) == (1, 1, said.received_s)
    assert (used.n_messages, used.n_fixes, used.n_bytes) == (1, 1, len(said.body))


def test_fifty_at_once_are_one_message(engine, device):
    said, results = message(point(0)), []
    threads = [
        threading.Thread(target=lambda: results.append(take(engine, device, said).is_new)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 11 + [True]
    with store.session(engine, write=False) as session:
        token = session.scalars(sa.select(store.Token)).one()
    assert (counts(engine)[1], token.n_messages, token.n_fixes) == (1, 1, 1)


def test_what_was_dropped_is_counted_by_reason(engine, device):
    for n, body in enumerate((b"not json", b"{", b'{"_type":"lwt","tst":1}')):
        assert take(engine, device, Message("owntracks", NOW_S + n, "POST", "", "", {}, body)).refusal == ""
    with store.session(engine, write=False) as session:
        token = session.scalars(sa.select(store.Token)).one()
    assert (token.n_messages, sum(token.dropped.values()), token.dropped["bad_json"]) == (3, 3, 2)


def test_times_no_ride_can_have_move_no_span(engine, device):
    strange = [{**point(0), "tst": t} for t in (1_300_000_000, NOW_S + 10, NOW_S + 40 * 86_400)]
    take(engine, device, message(*strange, received_s=NOW_S))
    with store.session(engine, write=False) as session:
        (one,) = store.waiting_headings(session, device.token_id)
    assert (one.first_fix_s, one.last_fix_s) == (NOW_S + 10, NOW_S + 10)


# --- seal ----------------------------------------------------------------------------------------


def test_a_silent_device_gives_one_upload_with_all_it_said(engine, archive, device):
    ride(engine, device)
    assert seal(engine, archive, NOW_S + 400) == [], "it may ride on"
    (upload_id,) = seal(engine, archive)
    assert fixes(engine, archive) == expected()
    assert counts(engine) == (1, 20, 0)
    with store.session(engine, write=False) as session:
        upload = session.scalars(sa.select(store.Upload)).one()
        assert {row for (row,) in session.execute(sa.select(store.MessageRow.packed))} == {b""}
    assert (upload.kind, upload.token_id, upload.state) == ("live", device.token_id, store.RECEIVED)
    assert (upload.trim_m, upload.consent, upload.name) == (0.0, "", "phone of ana")
    assert upload.received_s == NOW_S + 19 * STEP_S + 1, "when its last message came"
    assert seal(engine, archive) == []


def test_a_repetition_of_what_is_sealed_is_known(engine, archive, device):
    ride(engine, device)
    seal(engine, archive)
    assert not take(engine, device, message(point(3), received_s=SILENT_S)).is_new
    assert seal(engine, archive, SILENT_S + 10_000) == []


def test_a_sealed_fix_in_other_words_is_known(engine, archive, device):
    """GPSLogger sends its whole file again; another app rounds; the fix was there."""
    ride(engine, device)
    seal(engine, archive)
    again = [{**point(k), "batt": 50} for k in range(30)]
    take(engine, device, message(*again, received_s=SILENT_S))
    (second,) = seal(engine, archive, SILENT_S + 10_000)
    assert fixes(engine, archive, [second]) == expected(30)[20:], "only what is new"


def test_what_was_swept_is_known_by_its_rides(engine, archive, device):
    ride(engine, device)
    (upload_id,) = seal(engine, archive)
    with store.session(engine) as session:
        understand(
            session, archive, store.upload_by_id(session, upload_id, None), CONFIG, load_rules(), SILENT_S
        )
    later_s = SILENT_S + CONFIG.live.known_s + 1
    seal(engine, archive, later_s)
    assert counts(engine) == (1, 0, 0), "the messages are forgotten"
    take(engine, device, message(*(point(k) for k in range(30)), received_s=later_s))
    (second,) = seal(engine, archive, later_s + 10_000)
    assert fixes(engine, archive, [second]) == expected(30)[20:]


def test_an_always_on_device_gives_bundles_that_make_one_whole(engine, archive, device):
    config = Config(live=LiveConfig(max_wait_s=100))
    for k in range(60):
        take(engine, device, message(point(k)))
        if k % 5 == 0:
            seal(engine, archive, point(k)["tst"] + 1, config)
    seal(engine, archive)
    assert counts(engine)[0] >= 3
    assert fixes(engine, archive) == expected(60)


def test_devices_do_not_mix(engine, archive, device):
    other = add_device(engine, "beto")
    for k in range(10):
        take(engine, device, message(point(k)))
        take(engine, other, message(point(k)))
    assert len(seal(engine, archive)) == 2
    assert fixes(engine, archive) == expected(10) * 2


def test_a_revoked_devices_last_words_are_still_a_ride(engine, archive, device):
    ride(engine, device, 10)
    with store.session(engine) as session:
        store.revoke_token(session, device.token_id, device.user_id, NOW_S)
    assert len(seal(engine, archive)) == 1


def test_old_lines_again_change_nothing(sqlite_engine, archive):
    """GPSLogger replays its file, a request a line; `benchmarks/overland_batches.py` measures 10,000."""
    device = add_device(sqlite_engine)
    ride(sqlite_engine, device, 50)
    seal(sqlite_engine, archive, NOW_S + 10_000)
    device = store.Device(device.token_id, device.user_id, device.name, NOW_S + 10_000)
    for _ in range(4):
        for k in range(50):
            said = message(point(k), received_s=NOW_S + 10_001)
            assert not take(sqlite_engine, device, said).is_new
    with store.session(sqlite_engine, write=False) as session:
        token = session.scalars(sa.select(store.Token)).one()
    assert (token.n_messages, token.n_fixes) == (50, 50)
    assert counts(sqlite_engine) == (1, 50, 0)


# --- faults --------------------------------------------------------------------------------------

STEPS = ("packed_messages", "overlapping_uploads", "add_upload", "seal_messages", "sweep_messages")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [*STEPS, "put", "pack_bundle"])
def test_stopped_at_any_step_nothing_is_lost_and_nothing_doubled(
    engine, archive, device, monkeypatch, step, when
):
    ride(engine, device, 12)
    owner = {"put": archive, "pack_bundle": live.bundle}.get(step, store)
    real = getattr(owner, step)

    def stopped(*args, **kwargs):
        if when == "after":
            real(*args, **kwargs)
        raise MemoryError(step)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, stopped)
        with pytest.raises(MemoryError):
            seal(engine, archive)
    ride(engine, device, 5)
    seal(engine, archive)
    assert fixes(engine, archive) == expected(12)
    assert counts(engine) == (1, 12, 0)


@pytest.mark.parametrize("error", [OSError("disk full"), TypeError("a fault of ours")], ids=["disk", "fault"])
def test_a_device_that_cannot_be_sealed_costs_no_other(engine, archive, device, monkeypatch, error):
    other = add_device(engine, "beto")
    ride(engine, device, 10)
    ride(engine, other, 10)
    real = live.bundle.pack_bundle

    def fails_for_ana(name, *rest):
        if "ana" in name:
            raise error
        return real(name, *rest)

    monkeypatch.setattr(live.bundle, "pack_bundle", fails_for_ana)
    assert len(seal(engine, archive)) == 1
    monkeypatch.undo()
    assert len(seal(engine, archive)) == 1
    assert counts(engine) == (2, 20, 0)


def test_two_workers_seal_once(engine, archive, device):
    ride(engine, device)
    sealed: list[str] = []
    threads = [threading.Thread(target=lambda: sealed.extend(seal(engine, archive))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sealed) == 1
    assert fixes(engine, archive) == expected()
    assert counts(engine) == (1, 20, 0)


SEALER = """
import sys
from transitmap import erase, live, publish, store, work
from transitmap.archive import Archive
from transitmap.config import Config
engine, left, put = store.open_engine(sys.argv[1]), int(sys.argv[4]), Archive.put

def waits(*told):
    global left
    left -= 1
    found = put(*told)
    if not left:
        print("in the middle", flush=True)
        sys.stdin.read()
    return found

Archive.put = waits
print("ready", flush=True)
sys.stdin.readline()
with store.session(engine) as session:
    live.seal(session, Archive(sys.argv[2]), Config(), float(sys.argv[3]))
print("done", flush=True)
"""


def test_kill_minus_nine_while_sealing(sqlite_engine, tmp_path):
    """Killed after 4, 12 and 30 ms and in the middle, until one lives to its end: then all is there once."""
    archive = Archive(tmp_path / "archive")
    devices = [add_device(sqlite_engine, f"rider {n}") for n in range(8)]
    for device in devices:
        take(sqlite_engine, device, message(*(point(k) for k in range(20))))
    told = [str(sqlite_engine.url), str(tmp_path / "archive"), str(SILENT_S)]
    for after_s, waits_at in ((None, 3), (0.004, 0), (0.012, 0), (0.03, 0), (None, 0)):
        with subprocess.Popen(
            [sys.executable, "-c", SEALER, *told, str(waits_at)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as worker:  # fmt: skip
            assert worker.stdout.readline() == "ready\n"
            worker.stdin.write("go\n")
            worker.stdin.flush()
            if waits_at:
                assert worker.stdout.readline() == "in the middle\n"
                worker.kill()
            elif after_s:
                time.sleep(after_s)  # wherever it is by then
                worker.kill()
            else:
                assert worker.stdout.readline() == "done\n"
        if waits_at:
            assert counts(sqlite_engine)[0] == waits_at - 1
    assert counts(sqlite_engine) == (8, 8, 0)
    assert fixes(sqlite_engine, archive) == expected() * 8


# --- to the receipt ------------------------------------------------------------------------------


def test_a_live_ride_goes_the_way_of_a_file(engine, archive, device):
    """A bus that halts and hurries: one that glides evenly is taken for drawn, and earns nothing."""
    bus = bus_ride([(0.0, 0.0), (3_000.0, 0.0)], NOW_S).fixes
    for time_s, lat, lon in zip(bus.time_s.tolist(), bus.lat_deg.tolist(), bus.lon_deg.tolist(), strict=True):
        told = {"lat": round(lat, 7), "lon": round(lon, 7), "tst": int(time_s)}
        assert take(engine, device, message(point(0) | told)).refusal == ""
    (upload_id,) = seal(engine, archive)
    with store.session(engine) as session:
        understand(
            session, archive, store.upload_by_id(session, upload_id, None), CONFIG, load_rules(), SILENT_S
        )
        upload = store.upload_by_id(session, upload_id, device.user_id)
        receipt = receipt_of(session, upload)
        file, _ = accept(session, archive, device.user_id, "other.gpx", b"<gpx/>", CONFIG, NOW_S)
        assert file.kind == "file"
    assert (receipt.state, len(receipt.rides)) == (store.UNDERSTOOD, 1)
    assert receipt.rides[0].n_kept == len(bus)
    assert receipt.millipoints > 0


def test_the_same_batch_twice_and_reversed_is_the_same_ride_once(engine, archive, device):
    points = [point(k) for k in range(40)]
    for order in (points, points, points[::-1]):
        take(engine, device, message(*order, received_s=NOW_S + 500))
    assert counts(engine)[1] == 2, "the very same body is one message"
    seal(engine, archive)
    assert fixes(engine, archive) == expected(40)


def test_the_worker_seals_and_understands(sqlite_engine, tmp_path):
    """`transitmap work --once`: from what waits to a ride that is paid."""
    device = add_device(sqlite_engine)
    ride(sqlite_engine, device, 60)
    work_once(str(sqlite_engine.url), str(tmp_path / "archive"), CONFIG)  # of one rider: it is no feed
    with store.session(sqlite_engine, write=False) as session:
        (upload,) = store.uploads_of_user(session, device.user_id)
        (found,) = store.rides_of_upload(session, upload.id)
    assert (upload.kind, upload.state, found.n_fixes) == ("live", store.UNDERSTOOD, 60)


# --- rides that are said to be over ---------------------------------------------------------------


def recorded(n: int = 40, trip: str = "t1", start_s: float = NOW_S) -> list[dict]:
    """The rows of a ride as our recorder sends them, its end last."""
    rows = [
        {
            "k": f"{trip}:{k}",
            "trip": trip,
            "lat": at["lat"],
            "lon": at["lon"],
            "acc": 5,
            "t": at["tst"] * 1000,
        }
        for k, at in enumerate(point(k, start_s) for k in range(n))
    ]
    mark = {"kind": "stop", "text": "", "lat": None, "lon": None, "t": (start_s + 50) * 1000}
    end = {"kind": "finish", "text": str(n + 2), "lat": None, "lon": None, "t": (start_s + n * STEP_S) * 1000}
    return rows + [{"k": f"{trip}:{n + i}", "trip": trip, **one} for i, one in enumerate((mark, end))]


def batch(rows: list[dict], received_s: float = NOW_S + 600) -> Message:
    body = {
        name: [row for row in rows if ("kind" in row) == (name == "events")] for name in ("points", "events")
    }
    return Message("recorder", received_s, "POST", "", "", {}, json.dumps(body).encode())


def finish(engine, archive) -> list[str]:
    """What the worker does each second."""
    with store.session(engine) as session:
        devices = store.finished_devices(session, NOW_S)
        return [one for device in devices for one in live.seal_finished(session, archive, CONFIG, device)]


def test_a_finished_ride_waits_for_no_silence(engine, archive, device):
    rows = recorded()
    take(engine, device, batch(rows[:30]))
    assert finish(engine, archive) == [], "it goes on"
    take(engine, device, batch(rows[30:]))
    (upload_id,) = finish(engine, archive)
    assert fixes(engine, archive, [upload_id]) == expected(40)
    assert counts(engine)[2] == 0
    assert finish(engine, archive) == []


def test_the_end_waits_for_all_that_was_told_before_it(engine, archive, device):
    """Batches may come in any order, and twice: whichever is the last, the ride is whole or waits."""
    rows = recorded()
    parts = [rows[30:], rows[:10], rows[5:20], rows[:10], rows[20:30]]
    for part in parts[:-1]:
        take(engine, device, batch(part))
        assert finish(engine, archive) == []
    take(engine, device, batch(parts[-1]))
    assert len(finish(engine, archive)) == 1
    assert fixes(engine, archive) == expected(40)


def test_another_ride_of_the_device_goes_on(engine, archive, device):
    take(engine, device, batch(recorded(40, "t1")))
    take(engine, device, batch(recorded(40, "t2", NOW_S + 300)[:10]))
    assert len(finish(engine, archive)) == 1
    assert counts(engine)[2] == 1
    assert seal(engine, archive, NOW_S + 700) == []


def test_what_never_came_costs_only_the_silence(engine, archive, device):
    rows = recorded()
    take(engine, device, batch(rows[:10] + rows[20:]))
    assert finish(engine, archive) == seal(engine, archive, NOW_S + 700) == []
    assert len(seal(engine, archive)) == 1


def test_what_comes_after_the_end_is_not_lost(engine, archive, device):
    rows = recorded(60)
    rows[-1]["text"] = ""  # an end that does not say how much there was
    take(engine, device, batch(rows[:20] + rows[40:]))
    (first,) = finish(engine, archive)
    take(engine, device, batch(rows[:40]))
    assert finish(engine, archive) == []
    (second,) = seal(engine, archive)
    assert sorted(fixes(engine, archive, [first]) + fixes(engine, archive, [second])) == expected(60)


def test_a_rider_who_finished_knows_within_seconds(sqlite_engine, tmp_path):
    """From the last batch to points, with the worker as it runs, while a feed takes its time."""
    device, is_over = add_device(sqlite_engine), threading.Event()
    now_s = time.time() - 400
    take(sqlite_engine, device, batch(recorded(40, start_s=now_s), time.time()))
    told = str(sqlite_engine.url), str(tmp_path / "archive"), CONFIG, is_over
    worker = threading.Thread(target=work._read_on, args=told)
    begun_s = time.monotonic()
    worker.start()
    try:
        state = ""
        while state != store.UNDERSTOOD and time.monotonic() - begun_s < HANGS_S:
            time.sleep(0.1)
            with store.session(sqlite_engine, write=False) as session:
                state = "".join(one.state for one in store.uploads_of_user(session, device.user_id))
        assert state == store.UNDERSTOOD
    finally:
        is_over.set()
        worker.join()
    with store.session(sqlite_engine, write=False) as session:
        (line,) = store.ledger_rows(session, user_id=device.user_id)
        upload = store.upload_of_time(session, device.user_id, "", now_s, now_s + 200)
        assert upload is not None and upload.state == store.UNDERSTOOD
        assert store.upload_of_time(session, device.user_id, "", now_s - 200, now_s - 100) is None
        assert store.upload_of_time(session, device.user_id + 1, "", now_s, now_s + 200) is None
    assert line.ride_id


# --- marks that come late -------------------------------------------------------------------------


def marks(*told: tuple[float, str, str]) -> Message:
    """Marks alone, at so many seconds of the ride."""
    events = [
        {"k": f"t9:{at_s}", "kind": kind, "text": text, "lat": 19.0, "lon": -99.0, "t": (NOW_S + at_s) * 1000}
        for at_s, kind, text in told
    ]
    return batch(events, NOW_S + 2000)


def understand_all(engine, archive) -> None:
    with store.session(engine) as session:
        work.understand_waiting(session, archive, CONFIG, load_rules())


def reasons(engine, upload_id: str) -> list[tuple[str, str, str]]:
    with store.session(engine, write=False) as session:
        return [(one.name, one.reason, one.upload_id) for one in receipt_of_id(session, upload_id).left_out]


def receipt_of_id(session, upload_id: str):
    return receipt_of(session, store.upload_by_id(session, upload_id, None))


@pytest.fixture
def ridden(engine, archive, device) -> str:
    """The upload of a ride that is understood and paid."""
    take(engine, device, batch(recorded(60)))
    (upload_id,) = finish(engine, archive)
    understand_all(engine, archive)
    return upload_id


def test_marks_that_come_late_are_kept_with_their_ride(engine, archive, device, ridden):
    """For the map, where the ride was then, and without changing what was paid for."""
    with store.session(engine, write=False) as session:
        (before,) = store.rides_of_upload(session, ridden)
        paid = len(store.ledger_rows(session, ride_id=before.id))
    for _ in range(2):
        take(engine, device, marks((100, "fare", "8"), (50, "stop", ""), (9000, "crowding", "packed")))
        take(engine, device, marks((120, "step_free", "yes"), (100, "fare", "8")))
    (late_id,) = seal(engine, archive)
    understand_all(engine, archive)
    assert reasons(engine, late_id) == [
        ("tarifa 8, rampa", "late_mark", ridden),
        ("parada", "sent_before", ridden),
        ("aforo lleno", "lone_mark", ""),
    ]
    with store.session(engine, write=False) as session:
        assert receipt_of_id(session, late_id).state == store.UNDERSTOOD
        (row,) = store.rides_of_upload(session, ridden)
        assert row.packed_sha256 == before.packed_sha256
        assert len(store.ledger_rows(session, ride_id=row.id)) == paid
        ride = with_late(archive, row, unpack_ride(archive.get(row.packed_sha256)))
        assert row.late_sha256 in store.all_blobs(session)
    assert ride.taps.name == ("parada", "tarifa 8", "rampa")
    places = dict(zip(ride.fixes.time_s.tolist(), ride.fixes.lat_deg.tolist(), strict=True))
    assert ride.taps.lat_deg.tolist() == [places[NOW_S + at_s] for at_s in (50, 100, 120)]


def test_more_late_marks_join_those_before_and_the_feed_reads_all(engine, archive, device, ridden):
    for at_s in (100, 120):
        take(engine, device, marks((at_s, "fare", "8")))
        seal(engine, archive)
        understand_all(engine, archive)
    with store.session(engine, write=False) as session:
        rows = store.rides_of_upload(session, ridden)
    (ride,) = publish._with_late(archive, rows, publish._rides_of(archive, rows))
    assert ride.taps.name == ("parada", "tarifa 8", "tarifa 8")
    archive.delete(rows[0].late_sha256)
    with pytest.raises(RidesWithdrawn):
        publish._with_late(archive, rows, publish._rides_of(archive, rows))


def test_marks_without_a_ride_are_told_and_nobody_elses(engine, archive, device, ridden):
    """At the time of another rider's ride: it is none of hers."""
    beto = add_device(engine, "beto")
    take(engine, beto, marks((100, "stop", "Mercado")))
    (upload_id,) = seal(engine, archive)
    understand_all(engine, archive)
    assert reasons(engine, upload_id) == [("Mercado", "lone_mark", "")]
    with store.session(engine, write=False) as session:
        told = receipt_of_id(session, upload_id)
        (row,) = store.rides_of_upload(session, ridden)
    assert (told.state, told.reason, row.late_sha256) == (store.REFUSED, "lone_mark", "")


def test_who_is_erased_leaves_no_late_marks(engine, archive, device, ridden):
    take(engine, device, marks((100, "stop", "Mercado")))
    seal(engine, archive)
    understand_all(engine, archive)
    with store.session(engine) as session:
        (row,) = store.rides_of_upload(session, ridden)
        late_sha256 = row.late_sha256
        assert archive.has(late_sha256)
        erase.erase(session, archive, session.get_one(store.User, device.user_id), CONFIG, NOW_S + 9000)
    assert not archive.has(late_sha256)
