"""Files are told by content; what is no trace says what it seems to be."""

import pytest

from tests.collect.made_up import CONFIG, gpx
from transitmap.collect.parse import EXPECTED, HINTS, parse
from transitmap.errors import UploadRefused


@pytest.mark.parametrize("name", ["ride.gpx", "ride.txt", "", "ride.zip"])
def test_the_name_of_a_file_says_nothing(name: str) -> None:
    assert [ride.ride_id for ride in parse(name, gpx().encode(), CONFIG)] == [name]


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UploadRefused) as caught:
        parse("ride.gpx", b"", CONFIG)
    assert caught.value.reason == "empty_file"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"PK\x03\x04....", "zip"),
        (b"\x1f\x8b....", "gzip"),
        (b"%PDF-1.7 ...", "pdf"),
        (b"Rar!\x1a\x07\x01\0", "rar"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"<!DOCTYPE html><html><body>hola</body></html>", "web_page"),
        (b"<html><body>hola</body></html>", "web_page"),
        (b"<!doctype html><title>Google Takeout</title>", "takeout_page"),
        (b"<html><title>Mi actividad</title>", "my_activity"),
        (b'[{"header": "Maps", "title": "Buscaste tacos", "time": "2026-03-02T10:00:00Z"}]', "my_activity"),
        (b'{"createdTime": "2026-03-02T10:00:00Z", "deviceSettings": []}', "maps_settings"),
        (b'{"encryptedData": "AAAA"}', "encrypted_timeline"),
        (b'{"_type": "encrypted", "data": "AAAA"}', "encrypted_timeline"),
        (b"This file is end-to-end encrypted.", "encrypted_timeline"),
        (b"{}", "empty_json"),
        (b"[]", "empty_json"),
        (b"\xef\xbb\xbf {} ", "empty_json"),
        (b'{"type": "FeatureCollection", "featu', "cut_json"),
        (b'{"semanticSegments": [', "cut_json"),
        (b'{"name": "transitmap"}', "other_json"),
        (b"[1, 2]", "other_json"),
        (b"hello, this is my ride", "other"),
        (b"<svg/>", "other"),
        (bytes(1000), "other"),
    ],
)
def test_what_is_no_trace_says_what_it_is_and_which_file_to_pick(body: bytes, hint: str) -> None:
    refused = refusal(body)
    assert refused.reason == "not_a_trace"
    assert refused.detail == f"{HINTS[hint]}; {EXPECTED}"


def test_every_hint_is_said_for_something() -> None:
    (said,) = [
        mark.args[1] for mark in test_what_is_no_trace_says_what_it_is_and_which_file_to_pick.pytestmark
    ]
    assert {hint for _, hint in said} == set(HINTS)


@pytest.mark.parametrize("body", [b"<html><body><gpx></gpx></body></html>", b"<svg><gpx/></svg>"])
def test_xml_of_another_root_is_no_trace(body: bytes) -> None:
    assert refusal(body).reason == "not_a_trace"


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        (b'{"type": "FeatureCollection", "x": NaN}', "bad_json", (1, 36)),
        (b'{"type": "FeatureCollection", "x": -Infinity}', "bad_json", (1, 37)),
        (b'{"type": "FeatureCollection",\n"x": 1e999}', "bad_json", (2, 6)),
        (b'{"a": "\\ud800"}', "bad_json", (1, 8)),
        (b'{"a": "\0"}', "bad_json", (1, 8)),
        (b"[" * 100_000, "bad_json", (1, 1026)),
        (b"\xff\xfe{\0}", "bad_encoding", (None, None)),
    ],
    ids=["NaN", "infinity", "too big", "surrogate", "NUL", "deep", "half UTF-16"],
)
def test_odd_json_is_told_with_its_place(
    body: bytes, reason: str, place: tuple[int | None, int | None]
) -> None:
    refused = refusal(body)
    assert (refused.reason, refused.line, refused.column) == (reason, *place)


LINE = (
    '{"type": "LineString", "coordinates": [[-99.1, 19.4], [-99.1, 19.41]]}',
    '{"coordTimes": ["2026-03-02T10:00:00Z", "2026-03-02T10:01:00Z"]}',
)
FEATURE = f'{{"type": "Feature", "geometry": {LINE[0]}, "properties": {LINE[1]}}}'
CSV = "time,lat,lon\n2026-03-02T10:00:00Z,19.4,-99.1\n2026-03-02T10:01:00Z,19.41,-99.1\n"


@pytest.mark.parametrize("text", [FEATURE, CSV, gpx()], ids=["geojson", "csv", "gpx"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_of_encodings_hide_no_format(text: str, codec: str) -> None:
    text = text.replace('encoding="UTF-8"', "")
    (ride,) = parse("ride.gpx", text.encode(codec), CONFIG)
    assert len(ride.fixes) >= 2


def refusal(body: bytes) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        parse("ride.gpx", body, CONFIG)
    return caught.value
