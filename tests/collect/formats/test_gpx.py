"""GPX as it comes: what is read, what is dropped and why, what is refused, and that gpxpy agrees."""

from __future__ import annotations

import datetime
import mmap
import re
import time
from pathlib import Path

import gpxpy
import gpxpy.gpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.made_up import POINTS, START_S, gpx, point, read, read_one
from transitmap.collect.formats.gpx import METRES_PER_HDOP, _GpxFile, read_gpx
from transitmap.collect.formats.gpx_points import Lifter
from transitmap.collect.formats.sheet import cut_rides
from transitmap.collect.formats.xml_reader import XmlText
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused

REFUSED_AT_ONCE_S = 1.0  # of processor time, generous: each takes some ten milliseconds


def refusal_of(body: str | bytes, config: CollectConfig | None = None) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(body, config or CollectConfig())
    return caught.value


def test_columns_are_what_the_file_says() -> None:
    ride = read_one(gpx())
    assert ride.ride_id == "ride.gpx"
    assert ride.fixes.time_s.tolist() == [START_S + second for second in range(5)]
    np.testing.assert_allclose(
        ride.fixes.lat_deg, [19.4, 19.4001, 19.4002, 19.4003, 19.4004], rtol=0, atol=1e-9
    )
    assert ride.fixes.lon_deg.tolist() == [-99.1] * 5
    assert np.isnan(ride.fixes.accuracy_m).all()
    assert (ride.label, ride.declared_mode, ride.dropped, ride.warnings) == ("", "", {}, ())


def test_track_name_is_the_label_and_track_type_the_declared_mode() -> None:
    text = gpx().replace(
        "<trk>", "<metadata><name>M</name></metadata><trk><name> Ruta\n 262 </name><type>Bus</type>"
    )
    ride = read_one(text)
    assert (ride.label, ride.declared_mode) == ("Ruta 262", "bus")


def test_activity_numbers_are_no_mode() -> None:
    assert read_one(gpx().replace("<trk>", "<trk><type>9</type>")).declared_mode == ""


def test_each_track_is_a_ride_and_its_segments_are_one() -> None:
    track = f"<trk><name>%s</name><trkseg>{point(0)}{point(1)}</trkseg><trkseg>{point(2)}</trkseg></trk>"
    rides = read(gpx(inside=track % "a" + track % "b"))
    assert [(ride.ride_id, ride.label, len(ride.fixes)) for ride in rides] == [
        ("ride.gpx", "a", 3),
        ("ride.gpx#2", "b", 3),
        ("ride.gpx#3", "", 5),
    ]


def test_accuracy_in_metres_wins_over_hdop_and_nought_is_unknown() -> None:
    inside = [
        "<hdop>1.5</hdop>",
        "<hdop>9</hdop><extensions><accuracy>7.5</accuracy></extensions>",
        "<extensions><x:e><x:accuracy_horizontal>3</x:accuracy_horizontal></x:e></extensions>",
        "<hdop>0</hdop>",
        "<hdop>bad</hdop>",
    ]
    points = "".join(point(n).replace("</trkpt>", f"{text}</trkpt>") for n, text in enumerate(inside))
    accuracy_m = read_one(gpx(points)).fixes.accuracy_m
    np.testing.assert_array_equal(accuracy_m, [1.5 * METRES_PER_HDOP, 7.5, 3.0, np.nan, np.nan])


def test_waypoints_are_taps_of_the_ride_nearest_in_time() -> None:
    taps = (
        '<wpt lat="19.4" lon="-99.1"><time>2026-03-02T10:00:02Z</time><name>Mercado</name></wpt>'
        '<wpt lat="19.5" lon="-99.2"><name>sin hora</name></wpt>'
        '<wpt lat="19.6" lon="-99.3"><time>2026-03-02T10:10:00Z</time></wpt>'
    )
    second = f"<trk><trkseg>{point(590)}{point(591)}</trkseg></trk>"
    first_ride, second_ride = read(gpx(inside=taps).replace("</gpx>", second + "</gpx>"))
    assert first_ride.taps.name == ("Mercado", "sin hora")
    assert first_ride.taps.time_s[0] == START_S + 2
    assert np.isnan(first_ride.taps.time_s[1])
    assert second_ride.taps.lat_deg.tolist() == [19.6]


def test_a_waypoint_nowhere_is_left_out_with_a_warning() -> None:
    ride = read_one(
        gpx(inside='<wpt lat="95" lon="0"/><wpt lon="0"/><wpt lat="19" lon="-99"><name>A</name></wpt>')
    )
    assert ride.taps.name == ("A",)
    assert ride.warnings == ("bad_waypoint",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no namespace", gpx().replace(' xmlns="http://www.topografix.com/GPX/1/1"', "")),
        ("single quotes", gpx().replace('"', "'")),
        ("GPX 1.0", gpx(root='version="1.0" creator="GPSLogger"').replace("/1/1", "/1/0")),
        ("prefixed", re.sub(r"<(/?)([a-z])", r"<\1g:\2", gpx()).replace("xmlns=", "xmlns:g=")),
        ("another default namespace inside", gpx(inside='<extensions xmlns="urn:x"><a/></extensions>')),
        ("instruction", gpx(inside=f"<?xml-stylesheet href='a' {POINTS}?>")),
        ("comment", gpx(inside=f"<!-- {POINTS} -->")),
        ("XInclude", gpx(inside='<xi:include xmlns:xi="urn:xi" href="file:///etc/passwd"/>')),
        ("longitude first", re.sub(r"(lat=\S+) (lon=[^>]+)>", r"\2 \1>", gpx())),
        ("further attributes", gpx().replace("<trkpt ", '<trkpt id="7" ')),
        ("CDATA times", re.sub(r"<time>(.*?)</time>", r"<time><![CDATA[\1]]></time>", gpx())),
        ("character references", gpx().replace("2026-03-02T", "2026-03-02&#84;")),
        ("indented", gpx().replace("<time>", "\n      <time>").replace("</time>", "</time>\n    ")),
    ],
)  # fmt: skip
def test_other_ways_of_writing_the_same_are_the_same(name: str, text: str) -> None:
    plain, other = read_one(gpx()), read_one(text)
    np.testing.assert_array_equal(other.fixes.time_s, plain.fixes.time_s)
    np.testing.assert_array_equal(other.fixes.lat_deg, plain.fixes.lat_deg)
    np.testing.assert_array_equal(other.fixes.lon_deg, plain.fixes.lon_deg)
    assert other.warnings == (), name


NAMED = gpx().replace("<trk>", "<trk><name>Café</name>")
LATIN = NAMED.replace("UTF-8", "ISO-8859-1")


@pytest.mark.parametrize(
    ("body", "warnings"),
    [
        (b"\xef\xbb\xbf" + NAMED.encode(), ()),
        (NAMED.replace("UTF-8", "UTF-16").encode("utf-16"), ()),
        (NAMED.replace("UTF-8", "UTF-16").encode("utf-16-be").join([b"\xfe\xff", b""]), ()),
        (LATIN.encode("latin-1"), ()),
        (NAMED.replace("UTF-8", "windows-1252").encode("cp1252"), ()),
        (LATIN.encode(), ("encoding_mismatch",)),
        (NAMED.replace("UTF-8", "UTF-16").encode(), ("encoding_mismatch",)),
        (NAMED.split("\n", 1)[1].encode(), ()),
    ],
    ids=[
        "UTF-8 mark",
        "UTF-16",
        "UTF-16 big end",
        "Latin-1",
        "Windows",
        "not Latin-1",
        "not UTF-16",
        "undeclared",
    ],
)
def test_any_known_encoding_is_read(body: bytes, warnings: tuple[str, ...]) -> None:
    ride = read_one(body)
    assert (ride.label, len(ride.fixes), ride.warnings) == ("Café", 5, warnings)


@pytest.mark.parametrize(
    "body",
    [
        NAMED.encode("latin-1"),
        NAMED.replace("UTF-8", "x-unheard-of").encode("latin-1"),
        NAMED.replace("UTF-8", "zip").encode("latin-1"),
        NAMED.replace("UTF-8", "x-unheard-of").encode("utf-16"),
        NAMED.replace("UTF-8", "shift_jis").encode("utf-16"),
        NAMED.replace("Caf", "\x81").replace("UTF-8", "windows-1252").encode("latin-1"),
    ],
    ids=["invalid UTF-8", "unknown", "no encoding", "in UTF-16", "wide in UTF-16", "not what it declares"],
)
def test_text_in_no_known_encoding_is_refused(body: bytes) -> None:
    assert refusal_of(body).reason == "bad_encoding"


def test_an_unknown_version_is_read_with_a_warning() -> None:
    assert read_one(gpx(root='version="2.0"')).warnings == ("unknown_version",)


def test_empty_segments_are_told_and_cost_nothing() -> None:
    ride = read_one(gpx().replace("<trkseg>", "<trkseg/><trkseg>"))
    assert (len(ride.fixes), ride.warnings) == (5, ("empty_segments",))


def test_a_track_without_points_is_no_ride() -> None:
    assert len(read(gpx(inside="<trk><name>leer</name><trkseg/></trk>"))) == 1


def test_a_point_without_position_is_dropped_alone() -> None:
    ride = read_one(gpx(POINTS + '<trkpt lat="19"><time>2026-03-02T10:00:09Z</time></trkpt><trkpt/>'))
    assert (len(ride.fixes), ride.dropped) == (5, {"no_position": 2})


@pytest.mark.parametrize("lat", ["52,1", "", "abc", "0x1p3", "5_2.1", "٥٢", "9" * 100_000])
def test_a_position_that_is_no_number_is_dropped_alone(lat: str) -> None:
    ride = read_one(gpx(point(0) + point(1, lat=lat) + point(2, lon=lat) + point(3)))
    assert (len(ride.fixes), ride.dropped) == (2, {"bad_number": 2})


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00A05", "2026-02-30T00:00:00Z"]
)
def test_a_time_that_is_none_is_dropped_alone(time: str) -> None:
    ride = read_one(gpx(point(0) + point(1, time=time) + point(3)))
    assert (len(ride.fixes), ride.dropped) == (2, {"bad_time": 1})


def test_points_without_time_come_through_for_the_screen_to_count() -> None:
    ride = read_one(gpx(point(0) + '<trkpt lat="1" lon="2"/>' + point(2, time="") + point(3)))
    assert np.isnan(ride.fixes.time_s).tolist() == [False, True, True, False]


def test_times_without_zone_are_utc_with_a_warning() -> None:
    ride = read_one(gpx(point(0, time="2026-03-02T10:00:00")))
    assert (ride.fixes.time_s.tolist(), ride.warnings) == ([START_S], ("assumed_utc",))


@pytest.mark.parametrize(("body", "words"), [
    (gpx().split("<trk>")[0] + '<wpt lat="1" lon="2"/><rte/><rte/></gpx>', "1 waypoints, 2 routes"),
    (gpx(""), "0 waypoints, 0 routes"),
])  # fmt: skip
def test_a_file_without_track_points_says_what_it_has(body: str, words: str) -> None:
    refusal = refusal_of(body)
    assert refusal.reason == "no_track_points"
    assert words in refusal.detail


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (gpx()[: gpx().index("</trkseg>")], 9),
        (gpx() + "garbage", 10),
        (gpx().replace("</time>", "\0</time>", 1), 4),
        (gpx().replace("</time>", "\x1b</time>", 1), 4),
        (gpx().replace("<time>", "<tim>", 1), 4),
        (gpx().replace("<trk>", "<trk><name>A & B</name>"), 3),
        (gpx().replace('lat="19.4001000"', 'lat="19.4001000" lat="1"'), 5),
        ("\n" + gpx(), 2),
    ],
    ids=[
        "cut",
        "trailing",
        "NUL",
        "control",
        "tags",
        "ampersand",
        "attribute twice",
        "line before the declaration",
    ],
)
def test_malformed_xml_is_refused_with_its_place(body: str, line: int) -> None:
    refusal = refusal_of(body)
    assert refusal.reason == "xml_syntax"
    assert refusal.line == line
    assert refusal.column is not None
    assert f"line {line}, column {refusal.column}" in refusal.detail


def test_osmtracker_metadata_is_mended() -> None:
    names = "<metadata>\n<name>Ruta 5 & 6</name><desc>a &amp; b &#38; c &nbsp</desc></metadata>"
    ride = read_one(gpx(inside=names, root='version="1.1" creator="OSMTracker for Android - 2026"'))
    assert (len(ride.fixes), ride.warnings) == (5, ("repaired_ampersand",))


def test_osmtracker_metadata_is_mended_in_another_encoding_too() -> None:
    text = gpx(
        inside="<metadata><name>Café & pan</name></metadata>", root='version="1.1" creator="OSMTracker"'
    )
    ride = read_one(text.replace("UTF-8", "ISO-8859-1").encode("latin-1"))
    assert (ride.label, len(ride.fixes), ride.warnings) == ("Café & pan", 5, ("repaired_ampersand",))


def test_a_file_mapped_from_disk_is_read_as_one_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "ride.gpx"
    path.write_bytes(gpx("".join(point(second % 3000) for second in range(9_000))).encode())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        (mapped,) = read_gpx("ride.gpx", body, CollectConfig())
    held = read_one(path.read_bytes())
    np.testing.assert_array_equal(mapped.fixes.time_s, held.fixes.time_s)
    np.testing.assert_array_equal(mapped.fixes.lat_deg, held.fixes.lat_deg)


def test_only_the_metadata_of_osmtracker_is_mended() -> None:
    osmtracker = 'version="1.1" creator="OSMTracker"'
    names = "<metadata><name>Ruta 5 & 6</name></metadata>"
    assert refusal_of(gpx(inside=names)).reason == "xml_syntax"
    assert refusal_of(gpx(inside="<metadata/><name>5 & 6</name>", root=osmtracker)).reason == "xml_syntax"
    assert refusal_of(gpx(inside=names, root=osmtracker) + "x").reason == "xml_syntax"


DOCTYPES = {
    "billion laughs": '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
    "quadratic": f'<!DOCTYPE gpx [<!ENTITY a "{"x" * 50_000}">]>',
    "file": '<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "http": '<!DOCTYPE gpx [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>',
    "parameter entity": '<!DOCTYPE gpx [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>',
    "external": '<!DOCTYPE gpx SYSTEM "http://127.0.0.1:9/gpx.dtd">',
    "harmless": "<!DOCTYPE gpx>",
}


@pytest.mark.parametrize("name", DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_any_doctype_is_refused_in_any_encoding(name: str, encoding: str) -> None:
    head, rest = gpx().replace("UTF-8", encoding).split("\n", 1)
    text = f"{head}{DOCTYPES[name]}{rest.replace('made up', '&a;' if 'ENTITY a' in DOCTYPES[name] else '')}"
    begin_s = time.process_time()
    assert refusal_of(text.encode(encoding)).reason == "doctype_forbidden"
    assert time.process_time() - begin_s < REFUSED_AT_ONCE_S


@pytest.mark.parametrize("depth", [33, 2_000, 200_000])
def test_deep_nesting_is_refused_at_once(depth: int) -> None:
    nest = "<a>" * depth + "</a>" * depth
    text = gpx(POINTS.replace("</trkpt>", f"<extensions>{nest}</extensions></trkpt>", 1))
    begin_s = time.process_time()
    assert refusal_of(text).reason == "too_deep"
    assert time.process_time() - begin_s < REFUSED_AT_ONCE_S


def test_the_last_level_allowed_is_read() -> None:
    levels = CollectConfig().max_depth - 5  # gpx, trk, trkseg, trkpt, extensions
    for more, reason in ((0, ""), (1, "too_deep")):
        nest = "<a>" * (levels + more) + "</a>" * (levels + more)
        text = gpx(POINTS.replace("</trkpt>", f"<extensions>{nest}</extensions></trkpt>", 1))
        assert (refusal_of(text).reason if reason else "") == reason
        assert reason or len(read_one(text).fixes) == 5


@pytest.mark.parametrize(
    "attributes",
    [
        " ".join(f'xmlns:p{i}="urn:{i}"' for i in range(20_000)),
        " ".join(f'a{i}=""' for i in range(100_000)),
        " ".join(f'a{i}=""' for i in range(65)),
    ],
    ids=["20,000 namespaces", "100,000 attributes", "one more than allowed"],
)
def test_too_many_attributes_are_refused(attributes: str) -> None:
    assert refusal_of(gpx(inside=f"<extensions {attributes}/>")).reason == "too_many_attributes"


def test_a_name_of_a_megabyte_that_hangs_others_is_cut() -> None:
    name = "x" + " xmlns" * 160_000
    begin_s = time.process_time()
    ride = read_one(gpx().replace("<trk>", f"<trk><name>{name}</name>"))
    assert time.process_time() - begin_s < REFUSED_AT_ONCE_S
    assert (len(ride.label), len(ride.fixes), ride.warnings) == (200, 5, ("name_truncated",))


def test_one_endless_token_is_refused_before_it_is_read_again_and_again() -> None:
    begin_s = time.process_time()
    assert refusal_of(gpx(inside="<!--" + "x" * 50_000_000)).reason == "xml_syntax"
    assert time.process_time() - begin_s < 2 * REFUSED_AT_ONCE_S


@pytest.mark.parametrize("points", [POINTS, POINTS.replace('"', "'")], ids=["ordinary", "other"])
def test_one_point_more_than_allowed_is_refused(points: str) -> None:
    assert len(read_one(gpx(points), CollectConfig(max_fixes=5)).fixes) == 5
    assert refusal_of(gpx(points), CollectConfig(max_fixes=4)).reason == "too_many_points"
    waypoints = '<wpt lat="1" lon="2"/>' * 6
    assert refusal_of(gpx(points, inside=waypoints), CollectConfig(max_fixes=5)).reason == "too_many_points"


def test_another_root_is_no_trace() -> None:
    assert refusal_of("<html><gpx></gpx></html>").reason == "not_a_trace"


def test_files_larger_than_a_piece_are_read_whole() -> None:
    points = "\n    ".join(point(second % 3000) for second in range(30_000))
    for text in (gpx(points), gpx(points.replace('"', "'"))):
        ride = read_one(text)
        assert len(text) > 2 << 20
        assert (len(ride.fixes), ride.dropped) == (30_000, {})


# --- the bulk of points is read in another way than the rest: both must be one ---

whole_parts = st.sampled_from(
    [
        *(
            point(0),
            point(1),
            point(2).replace("</trkpt>", "<hdop>1.1</hdop></trkpt>"),
            " \n",
            "text",
            "&amp;",
        ),
        *(
            "<time>2026-01-01T00:00:00Z</time>",
            "<hdop>2</hdop>",
            "<accuracy>5</accuracy>",
            "<speed>1</speed>",
        ),
        *(
            '<trkpt lon="1" lat="2"/>',
            '<trkpt lat="x" lon="2"></trkpt>',
            "<wpt/>",
            "<type>bus</type>",
            "<rte/>",
        ),
        point(3).replace("<time>", "<ele>5.5</ele><time>").replace("</trkpt>", "<speed>1</speed></trkpt>"),
        point(4).replace("</trkpt>", "<extensions><osmand:speed>1</osmand:speed></extensions></trkpt>"),
    ]
)
hidden_parts = st.sampled_from(
    [f"<!-- {POINTS} -->", f"<![CDATA[{POINTS}]]>", f"<?points 1?>{POINTS}<?x {POINTS}?>"]
)
broken_parts = st.sampled_from(
    ['<a b="', '">', "<time>", "</trkpt>", "<!--", "]]>", '<trkpt lat="1" lon="2">']
)
containers = [
    "trk",
    "trkseg",
    'trkpt lat="1" lon="2"',
    "extensions",
    "name",
    "time",
    "wpt",
    "hdop",
    "x:accuracy",
]
well_formed = st.recursive(
    whole_parts,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag.split()[0]}>",
        st.sampled_from(containers),
        st.lists(inner, max_size=5),
    ),
    max_leaves=15,
)


def columns_of(body: bytes, in_bulk: bool) -> object:
    """What is read, or the reason why nothing is; nothing at all where points in bulk could not be placed."""
    text = XmlText(body, None, frozenset())
    lifter = Lifter.of(text) if in_bulk else None
    file = _GpxFile(CollectConfig(), lifter)
    try:
        file.reader.read(text, None if lifter is None else lifter.rest())
    except UploadRefused as refusal:
        return refusal.reason
    if lifter is not None and not lifter.is_placed():
        return columns_of(body, in_bulk=False)
    rides = cut_rides("r", file.finished(), 200)
    return [
        (
            *(column.tobytes() for column in (ride.fixes.time_s, ride.fixes.lat_deg, ride.fixes.lon_deg)),
            ride.fixes.accuracy_m.tobytes(),
            (ride.label, ride.declared_mode, ride.dropped, ride.warnings),
            (ride.taps.name, ride.taps.time_s.tobytes(), ride.taps.lat_deg.tobytes()),
        )
        for ride in rides
    ]


@settings(max_examples=200)
@given(st.lists(well_formed, max_size=6).map("".join))
def test_points_in_bulk_and_points_one_by_one_are_the_same(inside: str) -> None:
    body = gpx(POINTS + inside + POINTS, inside=inside).encode()
    assert columns_of(body, in_bulk=True) == columns_of(body, in_bulk=False) != "xml_syntax"


@settings(max_examples=200)
@given(st.lists(st.one_of(well_formed, hidden_parts, broken_parts), max_size=6).map("".join))
def test_a_fault_is_a_fault_in_bulk_too(inside: str) -> None:
    body = gpx(POINTS + inside + POINTS).encode()
    assert columns_of(body, in_bulk=True) == columns_of(body, in_bulk=False)


@pytest.mark.parametrize("head", ["<?points 3?>", f"<?x {POINTS}?>", "\ufeff<?points 3?>"])
def test_a_mark_of_the_file_itself_is_none(head: str) -> None:
    body = (head + gpx().split("\n", 1)[1]).encode()
    assert columns_of(body, in_bulk=True) == columns_of(body, in_bulk=False)
    assert len(read_one(body).fixes) == 5


START = '<trkpt lat="1" lon="2">'


@pytest.mark.parametrize(
    "part",
    [
        START,
        START + " " * 60_000,
        START + "<ele>1</ele>\n" * 5_000,
        START + "<time>" + "2" * 60_000,
        f"{START}<time>2026-01-01T00:00:00Z</time><extensions>" + "<speed>1</speed>" * 4_000,
    ],
    ids=["only starts", "spaces", "leaves", "digits", "extensions"],
)
def test_what_is_almost_a_point_is_passed_in_linear_time(part: str) -> None:
    text = gpx(part * (4_000_000 // len(part))).encode()
    begin_s = time.process_time()
    lifter = Lifter(text)
    assert b"".join(lifter.rest()) == text
    assert time.process_time() - begin_s < 2 * REFUSED_AT_ONCE_S


def test_ordinary_points_are_indeed_read_in_bulk() -> None:
    lifter = Lifter(gpx().encode())
    assert b"trkpt" not in b"".join(lifter.rest())
    assert lifter.next_points(5).lon == ["-99.1000000"] * 5


# --- a second opinion ---

degrees = st.integers(-89_999_999, 89_999_999).map(lambda n: n / 1_000_000)
moments = st.integers(631_152_000_000, 3_786_912_000_000).map(
    lambda millis: datetime.datetime.fromtimestamp(millis / 1000, datetime.UTC)
)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cn")), max_size=12
)
gpx_points = st.builds(
    gpxpy.gpx.GPXTrackPoint,
    latitude=degrees,
    longitude=degrees,
    elevation=st.one_of(st.none(), st.integers(-100, 9000)),
    time=st.one_of(moments, moments.map(lambda moment: moment.replace(microsecond=0))),
    horizontal_dilution=st.one_of(st.none(), st.integers(1, 99).map(lambda tenths: tenths / 10)),
)
gpx_tracks = st.tuples(names, st.lists(st.lists(gpx_points, max_size=4), max_size=3))


@given(st.lists(gpx_tracks, min_size=1, max_size=3), st.sampled_from(["1.0", "1.1"]))
def test_gpxpy_reads_the_same(
    tracks: list[tuple[str, list[list[gpxpy.gpx.GPXTrackPoint]]]], version: str
) -> None:
    written = gpxpy.gpx.GPX()
    for name, segments in tracks:
        track = gpxpy.gpx.GPXTrack(name=name)
        track.segments = [gpxpy.gpx.GPXTrackSegment(points) for points in segments]
        written.tracks.append(track)
    text = written.to_xml(version=version)
    theirs = [
        track for track in gpxpy.parse(text).tracks if any(segment.points for segment in track.segments)
    ]
    if not theirs:
        assert refusal_of(text).reason == "no_track_points"
        return
    ours = read(text)
    assert [ride.label for ride in ours] == [track.name or "" for track in theirs]
    for ride, track in zip(ours, theirs, strict=True):
        points = [point for segment in track.segments for point in segment.points]
        assert ride.fixes.lat_deg.tolist() == [point.latitude for point in points]
        assert ride.fixes.lon_deg.tolist() == [point.longitude for point in points]
        times_s = [point.time.replace(tzinfo=datetime.UTC).timestamp() for point in points]
        np.testing.assert_allclose(ride.fixes.time_s, times_s, rtol=0, atol=0.00051)
        hdop = [
            np.nan if point.horizontal_dilution is None else point.horizontal_dilution for point in points
        ]
        np.testing.assert_allclose(ride.fixes.accuracy_m, np.array(hdop) * METRES_PER_HDOP)
