"""What is kept no longer, what stays, and what a replay says of it."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from tests.test_publish import CONFIG, EAST, NOW_S, RULES, send
from transitmap import retention, store
from transitmap.archive import Archive
from transitmap.cli import main
from transitmap.config import RetentionConfig
from transitmap.keys import segment_key
from transitmap.replay import replay

pytestmark = pytest.mark.usefixtures("own_rules_only")
DAY_S = 86_400.0
KEEP = RetentionConfig(ballast_bytes=0)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def refused(session: Session, archive: Archive, who: str, body: bytes, received_s: float) -> store.Upload:
    user = store.user_by_name(session, who) or store.add_user(session, who, "hash", NOW_S)
    upload, _ = store.add_upload(session, user.id, archive.put(body), "a.txt", len(body), received_s)
    store.settle_upload(session, upload, store.REFUSED, "not_a_trace")
    session.commit()
    return upload


def test_raw_bytes_go_and_points_are_proved_from_the_clean_ones(session: Session, archive: Archive) -> None:
    for number in range(4):
        send(session, archive, f"rider {number}", EAST, number, number)
    uploads = [upload for number in range(1, 5) for upload in store.uploads_of_user(session, number)]
    assert retention.sweep(session, archive, KEEP, NOW_S + 1000 * DAY_S) == 0, "for ever, by default"
    keep = dataclasses.replace(KEEP, raw_days=30.0)
    assert retention.sweep(session, archive, keep, NOW_S + 29 * DAY_S) == 0
    assert retention.sweep(session, archive, keep, NOW_S + 31 * DAY_S) == 4
    assert not any(archive.has(upload.sha256) for upload in uploads)
    assert store.expired_uploads(session) == sorted(upload.id for upload in uploads)
    assert replay(session, archive, CONFIG, RULES) == []
    archive.delete(store.rides_after(session)[0].packed_sha256)
    assert replay(session, archive, CONFIG, RULES) != [], "what was lost otherwise is told as before"


def test_refused_bytes_go_after_a_week_unless_somebody_else_needs_them(
    session: Session, archive: Archive
) -> None:
    old = refused(session, archive, "ana", b"no trace", NOW_S)
    shared = refused(session, archive, "ana", b"", NOW_S)
    refused(session, archive, "beto", b"", NOW_S + 6 * DAY_S)
    assert retention.sweep(session, archive, KEEP, NOW_S + 6.9 * DAY_S) == 0
    assert retention.sweep(session, archive, KEEP, NOW_S + 7.1 * DAY_S) == 1
    assert (archive.has(old.sha256), archive.has(shared.sha256)) == (False, True)
    assert retention.sweep(session, archive, KEEP, NOW_S + 14 * DAY_S) == 1
    assert not archive.has(shared.sha256)


def test_blobs_without_a_row_go_after_a_day_and_no_others(
    session: Session, archive: Archive, tmp_path: Path
) -> None:
    send(session, archive, "ana", EAST, 1, 1)
    segment_key(session, archive)
    named = {sha for sha, _ in archive.names()}
    lost, again, fresh = archive.put(b"lost"), archive.put(b"again"), archive.put(b"fresh")
    archive.add_note("erasures", b"{}")
    for path in (tmp_path / "archive").glob("*/*"):
        if path.parent.name + path.name != fresh:
            os.utime(path, (NOW_S, NOW_S))
    archive.put(b"again")  # on its way in once more, its row not there yet
    now_s = next(put_s for sha, put_s in archive.names() if sha == fresh)
    assert retention.sweep(session, archive, KEEP, now_s) == 1
    assert {sha for sha, _ in archive.names()} == {*named, fresh, again}
    assert not archive.has(lost)
    assert archive.notes("erasures") == [b"{}"]


def test_a_sweep_is_daily(session: Session, archive: Archive) -> None:
    refused(session, archive, "ana", b"no trace", NOW_S)
    assert retention.sweep_daily(session, archive, KEEP, NOW_S) == 0
    refused(session, archive, "ana", b"none either", NOW_S - 8 * DAY_S)
    assert retention.sweep_daily(session, archive, KEEP, NOW_S + 0.9 * DAY_S) == 0
    assert retention.sweep_daily(session, archive, KEEP, NOW_S + 1.1 * DAY_S) == 1


def test_a_replay_on_the_command_line_says_what_is_past(
    sqlite_engine: sa.Engine, archive: Archive, tmp_path: Path
) -> None:
    config = tmp_path / "campaign.toml"
    config.write_text('[collect]\ntrim_m = 0\n[feed]\nmin_riders = 1\ntimezone = "America/Mexico_City"\n')
    with store.session(sqlite_engine) as session:
        send(session, archive, "ana", EAST, 1, 1)
        retention.sweep(session, archive, dataclasses.replace(KEEP, raw_days=1.0), NOW_S + 2 * DAY_S)
        upload_id = store.uploads_of_user(session, 1)[0].id
    where = ["--database-url", str(sqlite_engine.url), "--archive-url", str(tmp_path / "archive")]
    where += ["--config", str(config)]
    done = CliRunner().invoke(main, ["points", "replay", *where])
    assert (done.exit_code, f"{upload_id} past retention" in done.output) == (0, True), done.output
    done = CliRunner().invoke(main, ["points", "replay", "--json", *where])
    told = json.loads(done.output)
    assert (told["past_retention"], told["erased_lines"], told["differences"]) == ([upload_id], 0, [])
