"""Files, folders and archives: every file once, by name; nothing too big; one bad file ends no other."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.collect.fit_bytes import ride_file
from tests.collect.made_up import START_S, gpx, point
from transitmap.collect.intake import NOTICES, Item, for_files, open_inputs, unpack
from transitmap.collect.parse import parse
from transitmap.config import CollectConfig
from transitmap.model import Refusal

BODY = gpx().encode()
OTHER = gpx(point(0) + point(1)).encode()
LITTLE_BYTES = 8_000_000


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


def opened(items: Iterable[Item]) -> list[tuple[str, str | int]]:
    """Names with the reason of a refusal or the length of a body."""
    return [_row(item) for item in items]


def _row(item: Item) -> tuple[str, str | int]:
    return (item.ride_id, item.reason) if isinstance(item, Refusal) else (item[0], len(item[1]))


def upload(body: bytes, config: CollectConfig | None = None) -> list[tuple[str, str | int]]:
    return opened(unpack("subida", body, config or CollectConfig()))


def test_an_upload_is_itself() -> None:
    assert list(unpack("ride.gpx", BODY, CollectConfig())) == [("ride.gpx", BODY)]


def test_an_upload_over_the_limit_is_too_large() -> None:
    assert upload(BODY, CollectConfig(max_upload_bytes=len(BODY) - 1)) == [("subida", "too_large")]
    assert upload(BODY, CollectConfig(max_upload_bytes=len(BODY))) == [("subida", len(BODY))]


def test_a_zip_gives_its_members_by_name() -> None:
    body = zip_of({"b.gpx": BODY, "a/c.gpx": OTHER, "empty/": b"", "notes.txt": b"hi"})
    assert upload(body) == [
        ("subida/a/c.gpx", len(OTHER)),
        ("subida/b.gpx", len(BODY)),
        ("subida/notes.txt", 2),
    ]


def test_hidden_members_and_those_of_macos_are_skipped() -> None:
    body = zip_of({".DS_Store": b"x", "__MACOSX/._a.gpx": b"x", "d/.hidden/a.gpx": b"x", "a.gpx": BODY})
    assert upload(body) == [("subida/a.gpx", len(BODY))]


@pytest.mark.parametrize("name", ["../../etc/x.gpx", "/etc/x.gpx", "..\\..\\etc\\x.gpx", "./etc//x.gpx"])
def test_a_path_out_of_the_archive_is_only_a_name(name: str) -> None:
    assert upload(zip_of({name: BODY})) == [("subida/etc/x.gpx", len(BODY))]


def test_a_name_that_comes_twice_is_told_apart() -> None:
    body = zip_of({"a.gpx": BODY, "./a.gpx": OTHER})
    assert [name for name, _ in upload(body)] == ["subida/a.gpx", "subida/a.gpx~2"]


def test_a_member_without_a_name_is_read() -> None:
    body = zip_of({"QQ": BODY, "b.gpx": OTHER}).replace(b"QQ", b"\0Q")  # a name ends where NUL is
    assert upload(body) == [("subida/unnamed", len(BODY)), ("subida/b.gpx", len(OTHER))]


def test_unprintable_and_endless_names_are_tamed() -> None:
    ((name, _),) = upload(zip_of({"a\n\x1b\u202e" + "b" * 400: BODY}))
    assert name.isprintable()
    assert len(name) <= 208


def test_an_empty_zip_is_an_empty_archive() -> None:
    assert upload(zip_of({})) == [("subida", "empty_archive")]
    assert upload(zip_of({"folder/": b""})) == [("subida", "empty_archive")]


def test_more_members_than_allowed_are_too_many_files() -> None:
    body = zip_of({f"{i}.gpx": BODY for i in range(51)})
    assert upload(body) == [("subida", "too_many_files")]
    assert len(upload(body, for_files(CollectConfig()))) == 51


@pytest.mark.parametrize("inner", [zip_of({"a.gpx": BODY}), gzip.compress(gzip.compress(BODY))])
def test_an_archive_in_an_archive_is_nested(inner: bytes) -> None:
    body = zip_of({"a.gpx": BODY, "b": inner, "c.gpx": OTHER})
    assert upload(body) == [
        ("subida/a.gpx", len(BODY)),
        ("subida/b", "nested_archive"),
        ("subida/c.gpx", len(OTHER)),
    ]
    assert upload(gzip.compress(inner)) == [("subida", "nested_archive")]


def test_one_level_of_gzip_in_a_zip_is_read() -> None:
    assert upload(zip_of({"a.gpx.gz": gzip.compress(BODY)})) == [("subida/a.gpx.gz", len(BODY))]


def test_an_encrypted_member_is_told_and_ends_no_other() -> None:
    body = bytearray(zip_of({"a.gpx": BODY, "b.gpx": OTHER}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + offset] |= 1
    assert upload(bytes(body)) == [("subida/a.gpx", "encrypted"), ("subida/b.gpx", len(OTHER))]


def test_a_symbolic_link_in_a_zip_is_no_trace() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link.gpx")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert upload(file.getvalue()) == [("subida/link.gpx", "not_a_trace")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bounds_are_not_read(method: int) -> None:
    assert upload(zip_of({"a.gpx": BODY}, method)) == [("subida/a.gpx", "archive_damaged")]


def test_a_damaged_member_is_told_and_ends_no_other() -> None:
    body = bytearray(zip_of({"a.gpx": BODY, "b.gpx": OTHER}))
    body[60] ^= 0xFF
    assert upload(bytes(body)) == [("subida/a.gpx", "archive_damaged"), ("subida/b.gpx", len(OTHER))]


def test_a_cut_zip_is_damaged() -> None:
    assert upload(zip_of({"a.gpx": BODY})[:-30]) == [("subida", "archive_damaged")]


def peak_bytes(body: bytes) -> tuple[list[tuple[str, str | int]], int]:
    tracemalloc.start()
    try:
        return upload(body), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros(n_megabytes: int) -> bytes:
    """A gzip of zeros, made without holding them."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="w", compresslevel=1) as writer:
        for _ in range(n_megabytes):
            writer.write(bytes(1_000_000))
    return file.getvalue()


def test_a_zip_bomb_is_refused_in_little_memory() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    rows, peak = peak_bytes(file.getvalue())
    assert rows == [("subida", "archive_too_big")]
    assert peak < LITTLE_BYTES


def test_a_zip_bomb_that_lies_about_its_size_is_refused_in_little_memory() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    body = bytearray(file.getvalue())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.index(signature) + offset
        body[at : at + 4] = struct.pack("<I", 1000)
    rows, peak = peak_bytes(bytes(body))
    assert rows == [("subida/a", "archive_damaged")]
    assert peak < LITTLE_BYTES


def test_a_gzip_bomb_is_refused_in_little_memory() -> None:
    rows, peak = peak_bytes(zeros(300))
    assert rows == [("subida", "archive_too_big")]
    assert peak < LITTLE_BYTES


def test_a_gzip_in_a_zip_counts_unpacked() -> None:
    config = CollectConfig(max_unpacked_bytes=3 * len(BODY))
    body = zip_of({f"{i}.gz": gzip.compress(BODY) for i in range(4)})
    reasons = [value for _, value in upload(body, config)]
    assert reasons == [len(BODY), len(BODY), len(BODY), "archive_too_big"]


def test_a_long_standing_log_that_packs_well_is_no_bomb() -> None:
    standing = gpx("\n".join(point(0) for _ in range(20_000))).encode()
    packed = gzip.compress(standing)
    assert len(standing) > 100 * len(packed)
    assert upload(packed) == [("subida", len(standing))]


def test_a_gzip_gives_what_is_in_it() -> None:
    assert list(unpack("a.gpx.gz", gzip.compress(BODY), CollectConfig())) == [("a.gpx.gz", BODY)]


def test_two_gzip_members_give_the_points_of_both() -> None:
    config = CollectConfig()
    items = list(unpack("a.gz", gzip.compress(BODY) + gzip.compress(OTHER) + bytes(512), config))
    assert opened(items) == [("a.gz", len(BODY)), ("a.gz/2", len(OTHER))]
    assert [len(parse(*item, config)[0].fixes) for item in items if not isinstance(item, Refusal)] == [5, 2]


def test_one_file_over_two_gzip_members_is_one() -> None:
    halves = gzip.compress(BODY[:300]) + gzip.compress(BODY[300:])
    assert list(unpack("a.gz", halves, CollectConfig())) == [("a.gz", BODY)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(BODY)[:-8], "gzip_truncated"),
        (gzip.compress(BODY)[:40], "gzip_truncated"),
        (gzip.compress(BODY)[:-8] + b"\1\2\3\4" + gzip.compress(BODY)[-4:], "gzip_crc"),
        (gzip.compress(BODY) + b"garbage", "gzip_crc"),
    ],
    ids=["no trailer", "cut", "wrong sum", "garbage behind"],
)
def test_a_broken_gzip_is_told(body: bytes, reason: str) -> None:
    assert upload(body) == [("subida", reason)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    root = tmp_path / "rides"
    (root / "monday").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "b.gpx").write_bytes(BODY)
    (root / "monday" / "a.gpx").write_bytes(OTHER)
    (root / "monday" / ".hidden.gpx").write_bytes(BODY)
    (root / ".git" / "x.gpx").write_bytes(BODY)
    (root / "z.zip").write_bytes(zip_of({"ride-00001.gpx": BODY}))
    return root


def test_a_folder_gives_its_files_by_their_paths_in_it(folder: Path) -> None:
    assert opened(open_inputs([folder], CollectConfig())) == [
        ("b.gpx", len(BODY)),
        ("z.zip/ride-00001.gpx", len(BODY)),
        ("monday/a.gpx", len(OTHER)),
    ]


def test_files_and_zips_are_named_by_their_own_names(folder: Path) -> None:
    paths = [folder / "z.zip", str(folder / "b.gpx"), folder / "b.gpx"]
    assert [name for name, _ in opened(open_inputs(paths, CollectConfig()))] == [
        "z.zip/ride-00001.gpx",
        "b.gpx",
        "b.gpx~2",
    ]


def test_what_cannot_be_opened_is_a_row_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "a.gpx").write_bytes(BODY)
    (tmp_path / "big.gpx").write_bytes(BODY * 2)
    (tmp_path / "gone.gpx").symlink_to(tmp_path / "nowhere")
    (tmp_path / "e.zip").write_bytes(zip_of({}))
    config = replace(for_files(CollectConfig()), max_member_bytes=len(BODY))
    names = ("missing.gpx", "void", "gone.gpx", "big.gpx", "e.zip", "a.gpx")
    assert opened(open_inputs([tmp_path / name for name in names], config)) == [
        ("missing.gpx", "unreadable"),
        ("void", "empty_folder"),
        ("gone.gpx", "unreadable"),
        ("big.gpx", "too_large"),
        ("e.zip", "empty_archive"),
        ("a.gpx", len(BODY)),
    ]


def test_a_pipe_in_a_folder_blocks_nothing(folder: Path) -> None:
    os.mkfifo(folder / "a-pipe.gpx")
    assert len(list(open_inputs([folder], CollectConfig()))) == 3


def test_files_of_ones_own_have_no_limit_but_that_of_one_file() -> None:
    config = for_files(CollectConfig(trim_m=50.0))
    assert (config.max_upload_bytes, config.max_unpacked_bytes, config.max_members) == (0, 0, 0)
    assert (config.max_past_years, config.trim_m) == (0.0, 50.0)
    assert config.max_member_bytes == CollectConfig().max_member_bytes


KML = b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'
CSV = b"time,lat,lon\n2026-03-02T10:00:00Z,19.4,-99.1\n"
GEOJSON = b'{"type":"FeatureCollection","features":[]}'
FIT = ride_file(START_S)


def test_a_kmz_gives_its_document_and_not_its_pictures() -> None:
    body = zip_of({"doc.kml": KML, "files/a.png": b"\x89PNG", "images/photo.JPG": b"\xff\xd8\xff"})
    assert upload(body) == [("subida/doc.kml", len(KML))]
    body = zip_of({"Ruta 1.kml": KML, **{f"icons/{number}.png": b"\x89PNG" for number in range(60)}})
    assert upload(body) == [("subida/Ruta 1.kml", len(KML))]


def test_a_zip_with_a_kml_among_traces_is_no_kmz() -> None:
    body = zip_of({"doc.kml": KML, "b.gpx": BODY, "c.png": b"\x89PNG"})
    assert [name for name, _ in upload(body)] == ["subida/b.gpx", "subida/c.png", "subida/doc.kml"]


def test_a_zip_of_pictures_alone_is_told_picture_by_picture() -> None:
    assert [name for name, _ in upload(zip_of({"a.png": b"\x89PNG"}))] == ["subida/a.png"]


SPARE = "same_ride_other_format"


@pytest.mark.parametrize(
    ("members", "read"),
    [
        (("gpx", "kml", "csv", "geojson"), "gpx"),
        (("kml", "csv", "geojson"), "kml"),
        (("csv", "geojson"), "geojson"),
        (("csv", "fit", "kml"), "fit"),
        (("gpx.gz", "csv.gz"), "gpx.gz"),
    ],
)
def test_one_ride_in_several_formats_is_read_once(members: tuple[str, ...], read: str) -> None:
    kinds = {"gpx": BODY, "kml": KML, "csv": CSV, "geojson": GEOJSON, "fit": FIT}
    bodies = {name: kinds[name.removesuffix(".gz")] for name in members}
    body = zip_of(
        {
            f"20260302.{name}": gzip.compress(one) if name[-3:] == ".gz" else one
            for name, one in bodies.items()
        }
    )
    told = dict(upload(body))
    assert told.pop(f"subida/20260302.{read}") == len(bodies[read])
    assert set(told.values()) <= {SPARE}
    assert len(told) == len(members) - 1
    assert SPARE in NOTICES


def test_which_format_it_is_the_content_says() -> None:
    body = zip_of({"ride.csv": BODY, "ride.gpx": CSV})
    assert upload(body) == [("subida/ride.csv", len(BODY)), ("subida/ride.gpx", SPARE)]


def test_rides_of_different_names_or_of_one_format_are_all_read() -> None:
    body = zip_of({"a.gpx": BODY, "b.csv": CSV, "A/a.csv": CSV, "a.GPX": OTHER, "a.txt": b"notes"})
    assert SPARE not in {value for _, value in upload(body)}
    assert len(upload(body)) == 5


def test_what_cannot_be_looked_into_replaces_nothing() -> None:
    body = bytearray(zip_of({"a.csv": CSV, "a.gpx": BODY}))
    at = body.rindex(b"PK\x01\x02") + 8
    body[at] |= 1  # the GPX has a password
    assert upload(bytes(body)) == [("subida/a.csv", len(CSV)), ("subida/a.gpx", "encrypted")]


@pytest.mark.parametrize("folder", ["", "export_123/"])
def test_strava_s_export_gives_its_activities_alone(folder: str) -> None:
    members = {
        "activities.csv": b"Activity ID,Activity Date,Activity Name\n1,x,y\n",
        "activities/1.fit.gz": gzip.compress(FIT),
        "activities/2.gpx": BODY,
        "activities/3.tcx.gz": gzip.compress(b"<TrainingCenterDatabase/>"),
        "media/photo.jpg": b"\xff\xd8\xff",
        "profile.csv": b"Athlete ID\n1\n",
    }
    body = zip_of({folder + name: one for name, one in members.items()})
    names = [name.removeprefix(f"subida/{folder}") for name, _ in upload(body)]
    assert names == ["activities/1.fit.gz", "activities/2.gpx", "activities/3.tcx.gz"]


def test_a_table_of_that_name_without_activities_is_read() -> None:
    assert upload(zip_of({"activities.csv": CSV})) == [("subida/activities.csv", len(CSV))]


def test_a_thousand_files_are_too_many_for_an_upload_and_none_too_many_for_ones_own() -> None:
    body = zip_of({f"{number}.gpx": OTHER for number in range(1000)}, zipfile.ZIP_STORED)
    assert upload(body) == [("subida", "too_many_files")]
    assert len(upload(body, for_files(CollectConfig()))) == 1000
