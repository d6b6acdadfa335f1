"""A disk that is full, read-only, failing, or forgets: what is acknowledged is there, and it goes on."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask

from benchmarks import power_cut
from tests.faults.service import (
    Acknowledged,
    Site,
    ask,
    is_sound,
    lost_uploads,
    make_site,
    n_rows,
    opened,
    running,
    send_batch,
    send_file,
    trace,
)
from tests.machine import needs_fuse, small_disk
from transitmap.archive import Archive


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, size_mb=6) as place:
        yield place


@pytest.fixture
def site(disk: Path) -> Site:
    return make_site(disk)


def remount(app: Flask, disk: Path, how: str) -> None:
    """As after an error of the disk; files that are open for writing would keep it from us."""
    app.extensions["transitmap_engine"].dispose()
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_full_disk_is_said_and_passes(site: Site, disk: Path) -> None:
    told = Acknowledged()
    with opened(site) as app:
        assert send_file(app, site, 0).status_code == 201
        assert send_batch(app, site, 0).status_code == 200
        before, ballast = n_rows(site), fill(disk)
        for number in range(1, 20):
            for more in ({}, {"Prefer": "respond-async"}):
                answer = send_file(app, site, number, **more)
                assert (answer.status_code, answer.json["code"]) == (507, "storage_full")
                assert answer.headers["Retry-After"]
            phone = send_batch(app, site, number)
            assert (phone.status_code, phone.headers["Retry-After"]) == (503, "30")
            assert app.test_client().get("/health").status_code == 200
        ballast.unlink()
        assert n_rows(site) == before
        for number in range(1, 5):
            assert send_file(app, site, number).status_code == 201
            assert send_batch(app, site, number).status_code == 200
    assert is_sound(site)
    assert lost_uploads(site, told) == []
    assert not list(Path(site.archive_url).glob(".part-*"))


def test_a_read_only_disk_is_said_and_passes(site: Site, disk: Path) -> None:
    with opened(site) as app:
        assert send_file(app, site, 0).status_code == 201
        remount(app, disk, "ro")
        for number in (1, 2):
            for answer in (send_file(app, site, number), send_batch(app, site, number)):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        remount(app, disk, "rw")
        assert send_file(app, site, 1).status_code == 201
        assert send_batch(app, site, 1).status_code == 200


def test_an_archive_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file where its folder should be, which stops root too."""
    site = make_site(tmp_path)
    obstacle = Path(site.archive_url)
    with opened(site) as app:
        obstacle.write_bytes(b"")
        answer = send_file(app, site, 1)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert n_rows(site)["uploads"] == 0
        obstacle.unlink()
        assert send_file(app, site, 1).status_code == 201


def test_behind_a_failed_sync_nothing_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        monkeypatch.undo()
        raise OSError(errno.EIO, "Input/output error")

    site = make_site(tmp_path)
    with opened(site) as app:
        monkeypatch.setattr(os, "fsync", fail)
        answers = [send_file(app, site, 1), send_file(app, site, 1), send_batch(app, site, 1)]
        answers.append(app.test_client().get("/health"))
        assert [answer.status_code for answer in answers] == [503] * 4
    assert n_rows(site)["uploads"] == n_rows(site)["messages"] == 0


def test_what_was_left_half_written_is_swept(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    sha = archive.put(b"a")
    left, coming = tmp_path / ".part-left", tmp_path / ".part-coming"
    for part in (left, coming):
        part.write_bytes(b"half")
    os.utime(left, (1_000, 1_000))
    assert archive.clear_parts(2_000) == 1
    assert (left.exists(), coming.exists(), archive.get(sha)) == (False, True, b"a")


@needs_fuse
def test_nothing_is_lost_when_the_power_goes(tmp_path: Path) -> None:
    """One cut; ten under load are benchmarks/power_cut.py."""
    told = Acknowledged()
    with power_cut.mounted(tmp_path) as mounted:
        site = make_site(mounted, n_riders=1)
        headers = {"Authorization": f"Bearer {site.keys[0]}"}
        with running(site, more=("--no-work",)):
            for number in range(3):
                assert ask(site, "POST", "/api/v1/traces", trace(0, number), headers)[0] == 201
                told.uploads.add(power_cut.sha256_of(trace(0, number)))
            (mounted / "unsynced").write_bytes(b"a")
        power_cut.cut(mounted)
        seen = power_cut.beside(site, mounted)
        assert not (mounted / "unsynced").exists()
        assert lost_uploads(seen, told) == []
