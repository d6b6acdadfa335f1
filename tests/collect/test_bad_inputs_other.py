"""Bad inputs that are no XML, and archives: what each gives, row by row, and what random bytes never give."""

from __future__ import annotations

import gzip
import io
import json
import random
import stat
import time
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.fit_bytes import RECORD, data, fit_file, message, record, ride_file, session
from tests.collect.formats.test_csv import COLOTA, GPSLOGGER, OPENTRACKS
from tests.collect.formats.test_geojson import PLACES, TIMES, collection, feature, point
from tests.collect.formats.test_lines import GGA, REC, RMC, sentence
from tests.collect.formats.test_timeline import android, iphone, takeout
from tests.collect.made_up import NOW_S, START_S, gpx
from transitmap.collect.intake import NOTICES, unpack
from transitmap.collect.parse import parse
from transitmap.config import CollectConfig, Config
from transitmap.errors import UploadRefused
from transitmap.model import Refusal, Ride
from transitmap.pipeline import collect_upload

CONFIG = CollectConfig()
KEPT = "kept"


def gives(body: bytes, config: CollectConfig = CONFIG) -> list[str]:
    """What one upload gives: a reason for each thing in it that gave no ride, `kept` for each ride."""
    told = []
    for item in unpack("subida", body, config):
        if isinstance(item, Refusal):
            told.append(item.reason)
            continue
        try:
            told += [KEPT] * len(collect_upload(*item, Config(collect=config), NOW_S))
        except UploadRefused as refused:
            told.append(refused.reason)
    return told


def ride_in(body: bytes) -> Ride:
    (ride,) = collect_upload("subida", body, Config(), NOW_S)
    return ride


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return file.getvalue()


def locked(body: bytes) -> bytes:
    """The zip with its first member marked as encrypted."""
    marked = bytearray(body)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        marked[marked.index(signature) + offset] |= 1
    return bytes(marked)


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


GPX = gpx().encode()
FIT = ride_file(START_S)
LINE = feature("LineString", PLACES, coordTimes=TIMES)
UTM = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32614"}}
BOMB = gzip.compress(bytes(250_000_000), compresslevel=1)
SWAPPED = [[19.4, -99.1], [19.4, -98.1]]
UNSORTED = b"time,lat,lon\n" + b"".join(b"%d,19.4,-99.1\n" % (1772445600 + k) for k in (9, 5, 7, 3, 1))
IN_3D, IN_4D = [[*place, 2240] for place in PLACES], [[*place, 2240, 1] for place in PLACES]
STAMP = "2026-03-02T10:00:00Z"

ROWS: dict[str, tuple[bytes, list[str]]] = {
    "7 nothing": (b"", ["empty_file"]),
    "8 a web page": (b"<!doctype html><p>hola</p>", ["not_a_trace"]),
    "8 a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", ["not_a_trace"]),
    "8 a JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", ["not_a_trace"]),
    "8 text": (b"dear bus company", ["not_a_trace"]),
    "8 empty JSON": (b"{}", ["not_a_trace"]),
    "11 JSON cut": (as_json(LINE)[:-9], ["not_a_trace"]),
    "13 NUL in JSON": (as_json(LINE).replace(b"Feature", b"Fea\0ture"), ["bad_json"]),
    "20 UTF-16": (as_json(LINE).decode().encode("utf-16"), [KEPT]),
    "28 words for numbers": (f"time,lat,lon\n{STAMP},north,west\n".encode(), ["bad_number"]),
    "29 digits of other scripts": (f"time,lat,lon\n{STAMP},٥٢,5_2.1\n".encode(), ["bad_number"]),
    "30 NaN in JSON": (as_json(LINE).replace(b"19.4,", b"NaN,").replace(b"19.4]", b"NaN]"), ["bad_json"]),
    "30 NaN in CSV": (f"time,lat,lon\n{STAMP},nan,inf\n".encode(), ["not_finite"]),
    "31 out of range": (f"time,lat,lon\n{STAMP},190,540\n".encode(), ["out_of_range"]),
    "32 null island": (f"time,lat,lon\n{STAMP},0,0\n".encode(), ["null_island"]),
    "33 swapped": (as_json(feature("LineString", SWAPPED, coordTimes=TIMES)), ["swapped_coordinates"]),
    "35 no times": (f"lat,lon,name\n19.4,-99.1,{STAMP}\n".encode(), ["no_timestamps"]),
    "38 unsorted": (UNSORTED, ["unsorted_time"]),
    "45 a stopwatch": (b"time,lat,lon\n0,19.4,-99.1\n1,19.4,-99.1\n", ["no_timestamps"]),
    "48 the future": (b"time,lat,lon\n2100-01-01T00:00:00Z,19.4,-99.1\n", ["future_date"]),
    "51 one point": (f"time,lat,lon\n{STAMP},19.4,-99.1\n".encode(), ["too_short"]),
    "52 gzip of CSV": (gzip.compress(COLOTA.encode()), [KEPT]),
    "52 two in a gzip": (gzip.compress(GPX) + gzip.compress(gpx().encode()), [KEPT, KEPT]),
    "53 gzip cut": (gzip.compress(FIT)[:-4], ["gzip_truncated"]),
    "53 gzip sum": (gzip.compress(FIT)[:-8] + bytes(8), ["gzip_crc"]),
    "54 bomb": (BOMB, ["archive_too_big"]),
    "54 bomb in a zip": (zip_of(("a.gz", BOMB), ("b.gpx", GPX)), ["archive_too_big", KEPT]),
    "54 nested zip": (zip_of(("a.zip", zip_of(("a.gpx", GPX))), ("b.gpx", GPX)), ["nested_archive", KEPT]),
    "54 nested gzip": (zip_of(("a.gz", gzip.compress(gzip.compress(GPX)))), ["nested_archive"]),
    "54 too many files": (zip_of(*((f"{k}.gpx", GPX) for k in range(51))), ["too_many_files"]),
    "54 a thousand files": (zip_of(*((f"{k}.gpx", GPX) for k in range(1000))), ["too_many_files"]),
    "54 encrypted": (locked(zip_of(("a.gpx", GPX), ("b.gpx", GPX))), ["encrypted", KEPT]),
    "54 a link": (zip_of((link("a.gpx"), b"/etc/passwd")), ["not_a_trace"]),
    "54 a way up": (zip_of(("../../x", GPX)), [KEPT]),
    "54 an empty zip": (zip_of(), ["empty_archive"]),
    "55 FIT sum": (FIT[:-1] + bytes([FIT[-1] ^ 1]), ["fit_crc"]),
    "55 FIT without a place": (fit_file(message(RECORD, record(START_S, None, None))), ["no_position"]),
    "55 FIT cut": (FIT[:-9], ["fit_damaged"]),
    "56 no times": (as_json(feature("LineString", PLACES)), ["no_timestamps"]),
    "56 too few times": (as_json(feature("LineString", PLACES, coordTimes=TIMES[:1])), ["no_timestamps"]),
    "56 three dimensions": (as_json(feature("LineString", IN_3D, coordTimes=TIMES)), [KEPT]),
    "56 four dimensions": (as_json(feature("LineString", IN_4D, coordTimes=TIMES)), [KEPT]),
    "56 another datum": (as_json(collection(LINE, crs=UTM)), ["unsupported_crs"]),
    "67 a hundred thousand brackets": (b"[" * 100_000, ["bad_json"]),
    "67 an endless number": (b'{"type":"FeatureCollection","x":' + b"9" * 1000 + b"}", ["bad_json"]),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_bad_input_gives_its_answer_quickly(row: str) -> None:
    body, expected = ROWS[row]
    started_s = time.process_time()
    assert gives(body) == expected
    assert time.process_time() - started_s < 2.0


def test_bad_fixes_cost_no_other_fix() -> None:
    ride = ride_in(
        (COLOTA + "2,1772445610,x,,-99.1,5\n3,1772445611,x,91,-99.1,5\n4,never,x,19.4,-99.1,5\n").encode()
    )
    assert len(ride.fixes) == 2
    assert ride.dropped == {"no_position": 1, "out_of_range": 1, "bad_time": 1}


def test_row_37_a_clock_set_back_once_is_told() -> None:
    seconds = [*range(100, 160), *range(50, 90)]
    text = "time,lat,lon\n" + "".join(f"{1772445600 + s},{19.4 + s * 1e-4},-99.1\n" for s in seconds)
    rides = collect_upload("subida", text.encode(), Config(), NOW_S)
    assert sum(len(ride.fixes) for ride in rides) == 100
    assert {warning for ride in rides for warning in ride.warnings} == {"time_jump"}


def test_row_39_of_one_time_the_first_place_stays() -> None:
    ride = ride_in((COLOTA + "2,1772445605,x,19.9,-99.1,5\n").encode())
    assert (len(ride.fixes), ride.dropped) == (2, {"duplicate_time": 1})


def test_row_50_the_first_point_too_many_ends_the_reading() -> None:
    """A million and one points of each format would take minutes: the limit is the same code at 100."""
    config = CollectConfig(max_fixes=100)
    bodies = {
        "CSV": ("time,lat,lon\n" + f"{STAMP},19.4,-99.1\n" * 101).encode(),
        "GeoJSON points": as_json(collection(*[point(1)] * 101)),
        "GeoJSON line": as_json(feature("LineString", PLACES[:1] * 101, coordTimes=TIMES[:1] * 101)),
        "FIT": ride_file(START_S, 101),
        "timeline": as_json({"locations": [{"latitudeE7": 1, "longitudeE7": 1}] * 101}),
        "recorder": REC.split("\n")[0].encode() + b"\n" + (REC.split("\n")[0] + "\n").encode() * 100,
        "NMEA": sentence(RMC).encode() * 101,
    }
    assert {name: gives(body, config) for name, body in bodies.items()} == dict.fromkeys(
        bodies, ["too_many_points"]
    )


def test_a_ride_in_several_formats_costs_nothing() -> None:
    body = zip_of(("20260302.csv", GPSLOGGER.encode()), ("20260302.gpx", GPX), ("b.fit", FIT))
    told = gives(body)
    assert sorted(told) == [KEPT, KEPT, "same_ride_other_format"]
    assert set(told) - {KEPT} <= set(NOTICES)


SEEDS = {
    "GPSLogger": GPSLOGGER.encode(),
    "OpenTracks": OPENTRACKS.encode(),
    "UTF-16": COLOTA.encode("utf-16"),
    "recorder": REC.encode(),
    "NMEA": (sentence(RMC) + sentence(GGA)).encode(),
    "points": as_json(collection(point(0, description="parada"), point(5))),
    "line": as_json(LINE),
    "Android": as_json(android()),
    "iPhone": as_json(iphone()),
    "Takeout": as_json(takeout()),
    "Records": as_json(
        {"locations": [{"latitudeE7": 194300000, "longitudeE7": -991300000, "timestampMs": "1"}]}
    ),
    "FIT": ride_file(START_S, 3, session(START_S + 5, START_S, 2)) + data(record(START_S, 1.0, 2.0)),
    "zip": zip_of(("a.gpx", GPX), ("a.csv", COLOTA.encode()), ("b.fit.gz", gzip.compress(FIT))),
    "gzip": gzip.compress(GPX) + gzip.compress(GPX),
}
TOKENS = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"'",
        b"\n",
        b"\t",
        b";",
        b".",
        b"-",
        b"\0",
        b"\xff\xfe",
        b"<",
        b"$",
    ),
    *(
        b"null",
        b"NaN",
        b"1e999",
        b"9" * 40,
        b'"\\ud800"',
        b"[" * 2000,
        b"true",
        b'"type"',
        b"Feature",
        b"geo:",
    ),
    *(b"latitudeE7", b"\xef\xbb\xbf", b"PK\x03\x04", b"\x1f\x8b", b"<gpx>", b"<kml/>", b"\xc3", b"\xf0\x9f"),
)


def only_rides_or_refusals(body: bytes) -> None:
    """Whatever it is, it is refused in words or gives rides whose columns hold together."""
    for item in unpack("subida", body, CONFIG):
        if isinstance(item, Refusal):
            assert item.reason
            continue
        try:
            rides = parse(*item, CONFIG)
        except UploadRefused as refused:
            assert refused.reason.isidentifier()
            assert refused.detail
        else:
            assert rides
            assert all(len(ride.fixes.time_s) == len(ride.fixes.lat_deg) for ride in rides)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused_in_words(body: bytes) -> None:
    only_rides_or_refusals(body)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body with a few pieces changed, cut out, repeated, or of another kind of file."""
    for _ in range(chance.randint(1, 6)):
        first = chance.randint(0, len(body))
        last = min(len(body), first + chance.choice((0, 1, 2, 8, 40)))
        token = chance.choice(TOKENS) if chance.random() < 0.5 else bytes([chance.randint(0, 255)])
        piece = chance.choice((token, b"", body[first:last] * 3))
        body = body[:first] + piece + body[last:]
    return body[: chance.randint(0, len(body))] if chance.random() < 0.2 else body


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_files_are_refused_in_words_or_give_rides(seed: str) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        only_rides_or_refusals(mutated(SEEDS[seed], chance))


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.sampled_from([STAMP, "geo:19.4,-99.1", "19.4°, -99.1°", "Point", "LineString", "IN_BUS"])
KEYS = st.sampled_from(
    [
        *(
            "type",
            "coordinates",
            "geometry",
            "properties",
            "time",
            "activity",
            "start",
            "end",
            "crs",
            "point",
        ),
        *("latLng", "startTime", "endTime", "topCandidate", "timelinePath", "position", "duration"),
        "coordTimes",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=6) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
SHAPES: tuple[Callable[[object], object], ...] = (
    lambda value: {"type": "FeatureCollection", "features": [value, {"type": "Feature", "geometry": value}]},
    lambda value: {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": value},
        "properties": value,
    },
    lambda value: {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": value},
        "properties": value,
    },
    lambda value: {"type": "FeatureCollection", "crs": value, "features": value},
    lambda value: {
        "semanticSegments": [value, {"startTime": value, "activity": value, "timelinePath": [value]}]
    },
    lambda value: {"semanticSegments": value, "rawSignals": [{"position": value}, value]},
    lambda value: [
        {"startTime": value, "endTime": STAMP, "activity": {"topCandidate": {"type": "IN_BUS"}}},
        value,
    ],
    lambda value: {
        "timelineObjects": [{"activitySegment": {"activityType": "IN_BUS", "duration": value}}, value]
    },
    lambda value: {"locations": [{"latitudeE7": value, "longitudeE7": value, "timestampMs": value}, value]},
)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(SHAPES), VALUES)
def test_odd_json_of_every_shape_is_refused_in_words_or_gives_rides(
    shape: Callable[[object], object], value: object
) -> None:
    only_rides_or_refusals(json.dumps(shape(value)).encode("utf-8", "surrogatepass"))
