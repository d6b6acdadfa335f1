"""What comes in and must not harm: each input with its exact answer, as a server reads it."""

from __future__ import annotations

import datetime
import gzip
import io
import stat
import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.collect.made_up import NOW_S
from transitmap import pipeline
from transitmap.collect.intake import unpack
from transitmap.config import Config, override, server_defaults
from transitmap.errors import UploadRefused
from transitmap.model import Refusal, Ride

SERVER = override(server_defaults(), {"collect": {"trim_m": 0.0}})  # so that every fix can be counted
N = 40
START = datetime.datetime(2026, 3, 2, 10, tzinfo=datetime.UTC)
AT_ONCE_S = 0.05


class Kept(NamedTuple):
    """What an input gives that is taken: fixes in all its rides, and what is told of the others."""

    n_fixes: int = N
    dropped: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    n_rides: int = 1
    flagged: dict[str, int] = {}


def answer(body: bytes, config: Config = SERVER) -> Kept | str:
    """What a server says to a file: what it keeps, or the code of the first refusal."""
    found: list[Ride | Refusal] = []
    for item in unpack("ride", body, config.collect):
        try:
            found += [item] if isinstance(item, Refusal) else pipeline.collect_file(*item, config, NOW_S)
        except UploadRefused as refusal:
            found.append(Refusal(item[0], refusal.reason, refusal.detail))
    rides = [one for one in found if isinstance(one, Ride)]
    if not rides:
        return next(one.reason for one in found if isinstance(one, Refusal))
    dropped, flagged = Counter[str](), Counter[str]()
    for ride in rides:
        dropped.update(ride.dropped)
        flagged.update(ride.flagged)
    warnings = tuple(sorted({warning for ride in rides for warning in ride.warnings}))
    n_fixes = sum(len(ride.fixes) for ride in rides)
    return Kept(n_fixes, dict(dropped), warnings, len(rides), dict(flagged))


def moment(number: float, year: int = 2026) -> str:
    return f"{START.replace(year=year) + datetime.timedelta(seconds=5 * number):%Y-%m-%dT%H:%M:%SZ}"


def point(number: int, lat: str = "", lon: str = "", when: str | None = None, inside: str = "") -> str:
    """A point of a bus that runs north at 11 m/s, every 5 s; the odd ones come after the 100th."""
    lat, lon = lat or f"{19.4 + number * 5e-4:.4f}", lon or "-99.1"
    told = f"<time>{moment(number) if when is None else when}</time>" if when != "none" else ""
    return f'<trkpt lat="{lat}" lon="{lon}">{inside}{told}</trkpt>'


def gpx(*odd: str, n: int = N, points: str = "", root: str = "", inside: str = "") -> str:
    """A file of `n` good points, then the odd ones."""
    points = points or "\n".join([*map(point, range(n)), *odd])
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<gpx {root or VERSION} {SPACE}>\n'
        f"{inside}<trk><trkseg>{points}</trkseg></trk></gpx>"
    )


VERSION, SPACE = 'version="1.1" creator="x"', 'xmlns="http://www.topografix.com/GPX/1/1"'
GOOD = gpx()
CAFE = gpx(inside="<metadata/>").replace("<trk>", "<trk><name>Café</name>")
LATIN = CAFE.replace("UTF-8", "ISO-8859-1")


def nested(depth: int) -> str:
    return gpx(point(N, inside=f"<extensions>{'<a>' * depth}{'</a>' * depth}</extensions>"))


def all_points(**changes: str) -> str:
    return gpx(points="".join(point(number, **changes) for number in range(N)))


def at_places(*places: tuple[str, str]) -> str:
    """A ride along the places."""
    return gpx(points="".join(point(number, lat, lon) for number, (lat, lon) in enumerate(places)))


def at_numbers(numbers: list[int]) -> str:
    """A ride through places one after the other, at the times of the numbers."""
    return gpx(points="".join(point(k, when=moment(number)) for k, number in enumerate(numbers)))


def in_years(year: int) -> str:
    return gpx(points="".join(point(k, when=moment(k, year)) for k in range(N)))


def ahead(seconds: float) -> str:
    begin = datetime.datetime.fromtimestamp(NOW_S + seconds, datetime.UTC)
    whens = [f"{begin + datetime.timedelta(seconds=k):%Y-%m-%dT%H:%M:%SZ}" for k in range(N)]
    return gpx(points="".join(point(k, when=when) for k, when in enumerate(whens)))


def dropping(n: int, reason: str, *odd: str) -> tuple[str, Kept]:
    return gpx(*odd), Kept(dropped={reason: n})


def with_doctype(doctype: str, use: str = "") -> str:
    head, rest = gpx(inside=f"<metadata><name>{use}</name></metadata>").split("\n", 1)
    return f"{head}\n{doctype}\n{rest}"


def bad_time(when: str) -> tuple[str, Kept]:
    return dropping(1, "bad_time", point(100, when=when))


def good_time(when: str) -> tuple[str, Kept]:
    """A ride up to five seconds before midnight, and one more point whose odd time is read."""
    last = (14 * 3600 - 5) // 5
    good = [point(k, when=moment(last - N + 1 + k)) for k in range(N)]
    return gpx(points="".join([*good, point(N, when=when)])), Kept(N + 1)


STANDING = "".join(
    point(0, when=f"{START + datetime.timedelta(minutes=k):%Y-%m-%dT%H:%M:%SZ}") for k in range(480)
)

ROWS: dict[str, tuple[str | bytes, Kept | str]] = {
    "7 0 bytes": ("", "empty_file"),
    "8 HTML": ("<!DOCTYPE html><html><body><p>gpx</p></body></html>", "not_a_trace"),
    "8 XHTML": ('<?xml version="1.0"?><html xmlns="x"><body><gpx/></body></html>', "not_a_trace"),
    "8 PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "not_a_trace"),
    "8 JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", "not_a_trace"),
    "8 text": ("my ride to work, it was fine", "not_a_trace"),
    "9 waypoints only": (f'<gpx {VERSION}><wpt lat="1" lon="2"/><rte/></gpx>', "no_track_points"),
    "9 empty track": (gpx(points=" "), "no_track_points"),
    "10 empty segments": (
        GOOD.replace("<trkseg>", "<trkseg/><trkseg>", 1),
        Kept(warnings=("empty_segments",)),
    ),
    "11 cut": (GOOD[: len(GOOD) // 2], "xml_syntax"),
    "11 wrong tags": (GOOD.replace("</trkseg>", "</trksegment>"), "xml_syntax"),
    "12 garbage after": (GOOD + "garbage", "xml_syntax"),
    "12 a point after": (GOOD + point(100), "xml_syntax"),
    "13 NUL": (GOOD.replace("<trk>", "<trk><name>\0</name>"), "xml_syntax"),
    "13 control character": (GOOD.replace("<trk>", "<trk><name>\x1b[0m</name>"), "xml_syntax"),
    "14 billion laughs": (
        with_doctype('<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>', "&c;"),
        "doctype_forbidden",
    ),
    "14 quadratic": (
        with_doctype(f'<!DOCTYPE g [<!ENTITY a "{"x" * 50_000}">]>', "&a;" * 99),
        "doctype_forbidden",
    ),
    "14 file": (
        with_doctype('<!DOCTYPE g [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
        "doctype_forbidden",
    ),
    "14 http": (
        with_doctype('<!DOCTYPE g [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>', "&a;"),
        "doctype_forbidden",
    ),
    "14 parameter": (
        with_doctype('<!DOCTYPE g [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>'),
        "doctype_forbidden",
    ),
    "14 external": (with_doctype('<!DOCTYPE gpx SYSTEM "http://127.0.0.1:9/gpx.dtd">'), "doctype_forbidden"),
    "14 harmless": (with_doctype('<!DOCTYPE gpx [<!ENTITY eacute "e">]>', "&eacute;"), "doctype_forbidden"),
    "15 33 levels": (nested(28), "too_deep"),
    "15 2,000 levels": (nested(2_000), "too_deep"),
    "15 200,000 levels": (nested(200_000), "too_deep"),
    "15 32 levels": (nested(27), Kept(N + 1)),
    "16 xmlns xmlns": (
        GOOD.replace("<trk>", f"<trk><name>{' xmlns' * 170_000}</name>"),
        Kept(warnings=("name_truncated",)),
    ),
    "17 namespaces": (
        gpx(root=VERSION + " ".join(f' xmlns:p{k}="urn:{k}"' for k in range(20_000))),
        "too_many_attributes",
    ),
    "17 attributes": (
        GOOD.replace("<trk>", "<trk " + " ".join(f"a{k}='1'" for k in range(100_000)) + ">"),
        "too_many_attributes",
    ),
    "18 XInclude": (
        gpx(inside='<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
        Kept(),
    ),
    "18 stylesheet": (GOOD.replace("<gpx", '<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><gpx'), Kept()),
    "19 UTF-8 mark": (b"\xef\xbb\xbf" + GOOD.encode(), Kept()),
    "20 UTF-16": (CAFE.replace("UTF-8", "UTF-16").encode("utf-16"), Kept()),
    "20 UTF-16, undeclared": (CAFE.split("\n", 1)[1].encode("utf-16"), Kept()),
    "21 Latin-1": (LATIN.encode("latin-1"), Kept()),
    "22 UTF-8 that says Latin-1": (LATIN.encode(), Kept(warnings=("encoding_mismatch",))),
    "23 invalid UTF-8": (CAFE.encode("latin-1"), "bad_encoding"),
    "23 unknown encoding": (CAFE.replace("UTF-8", "x-klingon").encode("latin-1"), "bad_encoding"),
    "24 no namespace": (GOOD.replace(SPACE, ""), Kept()),
    "24 GPX 1.0": (
        gpx(point(100, inside="<speed>8.5</speed>"), root='version="1.0" creator="x"').replace(
            "/1/1", "/1/0"
        ),
        Kept(N + 1),
    ),
    "24 single quotes": (GOOD.replace('"', "'"), Kept()),
    "25 prefixed": (GOOD.replace("</", "</g:").replace("<t", "<g:t").replace("<gpx", "<g:gpx"), Kept()),
    "25 another default inside": (gpx(inside='<extensions xmlns="urn:x"><y/></extensions>'), Kept()),
    "26 version 2.0": (gpx(root='version="2.0"'), Kept(warnings=("unknown_version",))),
    "27 no lat": dropping(1, "no_position", '<trkpt lon="-99.1"><time>2026-03-02T12:00:00Z</time></trkpt>'),
    "27 no lon": dropping(2, "no_position", '<trkpt lat="19.4"/>', "<trkpt/>"),
    "28 comma": dropping(1, "bad_number", point(100, lat="52,1")),
    "28 text": dropping(
        3, "bad_number", point(100, lat="abc"), point(101, lon="0x1p3"), '<trkpt lat="" lon="1"/>'
    ),
    "29 underscore": dropping(1, "bad_number", point(100, lat="5_2.1")),
    "29 other digits": dropping(1, "bad_number", point(100, lat="٥٢")),
    "29 100,000 digits": dropping(1, "bad_number", point(100, lat="9" * 100_000)),
    "29 33 characters": dropping(1, "bad_number", point(100, lat="19." + "0" * 30)),
    "30 NaN": dropping(2, "not_finite", point(100, lat="NaN"), point(101, lon="nan")),
    "30 inf": dropping(
        3, "not_finite", point(100, lat="inf"), point(101, lon="-INF"), point(102, lat="1e400")
    ),
    "31 out of range": dropping(
        3, "out_of_range", point(100, lat="91"), point(101, lon="181"), point(102, lon="540")
    ),
    "32 null island": dropping(3, "null_island", *(point(k, "0", "0.0") for k in (100, 101, 102))),
    "33 swapped": (
        at_places(*(("-99.1", f"{19.4 + k * 5e-4:.4f}") for k in range(N))),
        "swapped_coordinates",
    ),
    "34 antimeridian": (
        at_places(*(("-17.0", f"{(179.99 + k * 5e-4 + 180) % 360 - 180:.4f}") for k in range(N))),
        Kept(),
    ),
    "35 no time at all": (all_points(when="none"), "no_timestamps"),
    "36 no time on some": dropping(3, "no_time", *(point(k, when="none") for k in (100, 101, 102))),
    "37 clock set back": (
        at_numbers([*range(30), *range(10, 40)]),
        Kept(60, warnings=("time_jump",), n_rides=2),
    ),
    "38 unsorted": (at_numbers([k ^ 1 for k in range(N)]), "unsorted_time"),
    "38 newest first": (at_numbers(list(range(N))[::-1]), "unsorted_time"),
    "39 same time, same place": (gpx(point(N - 1)), Kept(dropped={"duplicate_time": 1})),
    "39 same time elsewhere": (
        gpx(point(100, when=moment(N - 1))),
        Kept(dropped={"duplicate_time": 1}, flagged={"duplicate_time": 1}),
    ),
    "40 no zone": (GOOD.replace("Z</time>", "</time>"), Kept(warnings=("assumed_utc",))),
    "40 no zone, so of tomorrow": (ahead(2 * 86_400).replace("Z</time>", "</time>"), "future_date"),
    "41 half an hour off": (gpx(point(100, when="2026-03-02T15:38:20+05:30")), Kept(N + 1)),
    "42 25 hours off": bad_time("2026-03-02T10:08:20+25:00"),
    "43 A05": bad_time("2026-03-02T10:08:20A05"),
    "43 005": bad_time("2026-03-02T10:08:20005"),
    "44 leap second": good_time("2026-03-02T23:59:60Z"),
    "45 24:00": good_time("2026-03-02T24:00:00Z"),
    "45 lower case": good_time("2026-03-02t23:59:59z"),
    "45 padding": good_time(" 2026-03-02T23:59:59Z\n"),
    "45 February 30": bad_time("2026-02-30T10:00:00Z"),
    "45 year 0000": bad_time("0000-03-02T10:00:00Z"),
    "45 epoch": bad_time("1772445600"),
    "45 week date": bad_time("2026-W10-1T10:08:20Z"),
    "46 nine digits": good_time("2026-03-02T23:59:59.123456789Z"),
    "46 comma": good_time("2026-03-02T23:59:59,5Z"),
    "47 1024 weeks": (in_years(2007), "implausible_date"),
    "48 two days ahead": (ahead(2 * 86_400), "future_date"),
    "48 an hour ahead": (ahead(3600), Kept(warnings=("future_time",), flagged={"future_time": N})),
    "48 eleven years ago": (in_years(2015), "too_old"),
    "49 elevation NaN": (gpx(point(100, inside="<ele>NaN</ele>")), Kept(N + 1, warnings=("bad_elevation",))),
    "49 elevation 1e300": (
        gpx(point(100, inside="<ele>1e300</ele>")),
        Kept(N + 1, warnings=("bad_elevation",)),
    ),
    "49 elevation text": (
        gpx(point(100, inside="<ele>high</ele>")),
        Kept(N + 1, warnings=("bad_elevation",)),
    ),
    "51 1 point": (gpx(n=1), "too_short"),
    "51 3 points": (gpx(n=3), "too_short"),
    "51 under 200 m": (at_places(*((f"{19.4 + k * 4e-5:.5f}", "-99.1") for k in range(N))), "too_short"),
    "51 stationary 8 h": (gpx(points=STANDING), "stationary"),
    "52 gz": (gzip.compress(GOOD.encode()), Kept()),
    "52 two gz members": (
        gzip.compress(GOOD[:500].encode()) + gzip.compress(GOOD[500:].encode()),
        Kept(),
    ),
    "52 two gz documents": (
        gzip.compress(GOOD.encode()) + gzip.compress(at_numbers(list(range(500, 500 + N))).encode()),
        Kept(2 * N, n_rides=2),
    ),
    "53 gz cut": (gzip.compress(GOOD.encode())[:-9], "gzip_truncated"),
    "53 gz without trailer": (gzip.compress(GOOD.encode())[:-8], "gzip_truncated"),
    "53 gz of a bad sum": (gzip.compress(GOOD.encode())[:-8] + b"\0" * 8, "gzip_crc"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_bad_input_gets_its_exact_answer(name: str) -> None:
    body, expected = ROWS[name]
    assert answer(body.encode() if isinstance(body, str) else body) == expected


def test_the_table_leaves_no_row_out() -> None:
    elsewhere = {50, 54, 55}  # 50 and 54 below, as is 56; 55 is FIT
    assert {int(name.split()[0]) for name in ROWS} | elsewhere == set(range(7, 56))


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("14")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "iso-8859-1", "windows-1252"])
def test_a_doctype_is_refused_at_once_in_any_encoding(name: str, encoding: str) -> None:
    """Also in a file of 20 MB, of which nothing but the beginning may be looked at."""
    text = str(ROWS[name][0]).replace("UTF-8", encoding.removesuffix("-be"))
    text = text.replace("</trkseg>", f"<!-- {'é' * 10_000_000} --></trkseg>")
    body = (b"\xfe\xff" if encoding.endswith("-be") else b"") + text.encode(encoding)
    taken_s = []
    for _ in range(3):
        begin_s = time.process_time()
        with pytest.raises(UploadRefused) as caught:
            pipeline.collect_file("ride", body, SERVER, NOW_S)
        taken_s.append(time.process_time() - begin_s)
        assert caught.value.reason == "doctype_forbidden"
    assert min(taken_s) < AT_ONCE_S


def test_the_point_after_the_last_allowed_is_refused() -> None:
    million = gpx(points=point(0) * 1_000_000)
    body = gzip.compress(million.encode(), 1)
    assert answer(body) != "too_many_points"
    one_more = gzip.compress(million.replace("</trkseg>", point(0) + "</trkseg>").encode(), 1)
    assert answer(one_more) == "too_many_points"


def zip_of(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return file.getvalue()


def symlink() -> bytes:
    info = zipfile.ZipInfo("ride.gpx")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def encrypted() -> bytes:
    body = bytearray(zip_of(("ride.gpx", GOOD.encode())))
    central = body.index(b"PK\x01\x02")
    struct.pack_into("<H", body, 6, struct.unpack_from("<H", body, 6)[0] | 1)
    struct.pack_into("<H", body, central + 8, struct.unpack_from("<H", body, central + 8)[0] | 1)
    return bytes(body)


def bomb() -> bytes:
    """A gzip of 256 MB of zeros, which is over the limit."""
    pack = zlib.compressobj(1, wbits=31)
    return b"".join(pack.compress(bytes(1 << 20)) for _ in range(256)) + pack.flush()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (bomb, "archive_too_big"),
        (lambda: zip_of(("a", zip_of(("b", GOOD.encode())))), "nested_archive"),
        (lambda: zip_of(("a", gzip.compress(gzip.compress(GOOD.encode())))), "nested_archive"),
        (lambda: zip_of(*((f"{k}.gpx", GOOD.encode()) for k in range(51))), "too_many_files"),
        (encrypted, "encrypted"),
        (symlink, "not_a_trace"),
        (lambda: zip_of(("../../etc/x", GOOD.encode())), Kept()),
        (lambda: zip_of(("activities/1.gpx.gz", gzip.compress(GOOD.encode()))), Kept()),
    ],
    ids=["bomb", "zip in zip", "gz in gz", "51 members", "encrypted", "symlink", "../../x", "gz in zip"],
)
def test_archives_get_their_exact_answer(make: Callable[[], bytes], expected: Kept | str) -> None:
    assert answer(make()) == expected


def test_nothing_of_an_archive_leaves_it() -> None:
    (item,) = unpack("x.zip", zip_of(("../../etc/x", GOOD.encode())), SERVER.collect)
    assert not isinstance(item, Refusal)
    assert item[0] == "x.zip/etc/x"


TRACK = "<kml><Placemark><Track>{}</Track></Placemark></kml>"
WHEN, COORD = "<when>2026-03-02T10:00:00Z</when>", "<coord>-99.1 19.4 2240</coord>"


TRACKPOINT = (
    "<Trackpoint><Time>{}</Time><Position><LatitudeDegrees>{:.4f}</LatitudeDegrees>"
    "<LongitudeDegrees>-99.1</LongitudeDegrees></Position></Trackpoint>"
)
TCX = "<TrainingCenterDatabase><Activities><Activity Sport='Other'><Lap><Track>{}</Track></Lap></Activity>"
TCX += "</Activities></TrainingCenterDatabase>"
PAIRS = "".join(f"<when>{moment(k)}</when><coord>-99.1 {19.4 + k * 5e-4:.4f} 2240</coord>" for k in range(N))
POINTS = "".join(TRACKPOINT.format(moment(k), 19.4 + k * 5e-4) for k in range(N))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TRACK.format(PAIRS), Kept()),
        (TRACK.format(PAIRS + WHEN), "no_timestamps"),
        (TRACK.format(PAIRS + COORD), "no_timestamps"),
        (TRACK.format(COORD * N), "no_timestamps"),
        (TRACK.format(PAIRS + WHEN + "<coord/>"), Kept(dropped={"no_position": 1})),
        (f"<!DOCTYPE kml [<!ENTITY a 'b'>]>{TRACK.format(PAIRS)}", "doctype_forbidden"),
        (TCX.format(POINTS), Kept()),
        (TCX.format(POINTS + "<Trackpoint><Time>x</Time></Trackpoint>"), Kept(dropped={"no_position": 1})),
        (
            f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>{TCX.format(POINTS + "&a;")}',
            "doctype_forbidden",
        ),
    ],
)
def test_kml_and_tcx_get_their_exact_answer(body: str, expected: Kept | str) -> None:
    assert answer(body.encode()) == expected
