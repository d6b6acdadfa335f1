"""Whatever comes, a reader of XML gives rides or a refusal, in bounded time, and never anything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.formats.test_kml import HEAD as KML_HEAD
from tests.collect.formats.test_kml import OPENTRACKS, PATH, TAIL, colota, placemark, track
from tests.collect.formats.test_tcx import HEAD as TCX_HEAD
from tests.collect.formats.test_tcx import TAIL as TCX_TAIL
from tests.collect.formats.test_tcx import activity, lap
from tests.collect.formats.test_tcx import point as tcx_point
from tests.collect.made_up import CONFIG, NOW_S, gpx, point
from transitmap import pipeline
from transitmap.collect.formats.gpx import read_gpx
from transitmap.collect.formats.kml import read_kml
from transitmap.collect.formats.tcx import read_tcx
from transitmap.config import CollectConfig, Config
from transitmap.errors import UploadRefused
from transitmap.model import Ride

FEW = CollectConfig(max_fixes=50, max_depth=8, max_attributes=4)
READERS = {"gpx": read_gpx, "kml": read_kml, "tcx": read_tcx}
VALID = {
    "gpx": (
        gpx(),
        gpx("".join(point(k) for k in range(9)), root='version="1.0" creator="OSMTracker for Android"'),
        gpx(inside='<metadata><name>ñ</name></metadata><wpt lat="19.4" lon="-99.1"><name>a</name></wpt>'),
        gpx(
            point(0).replace(
                "</trkpt>", "<extensions><accuracy>5</accuracy><note>x</note></extensions></trkpt>"
            )
        ),
    ),
    "kml": (
        f"{KML_HEAD}{OPENTRACKS}{TAIL}",
        f"{KML_HEAD}{placemark(track(), 'a')}{PATH}{TAIL}",
        f"{KML_HEAD}{''.join(map(colota, range(5)))}{PATH}{TAIL}",
    ),
    "tcx": (
        f"{TCX_HEAD}{activity(lap(*map(tcx_point, range(4))), lap(tcx_point(5, 'none')))}{TCX_TAIL}",
        f"{TCX_HEAD}<Courses><Course>{tcx_point(1)}</Course></Courses>{activity(lap(tcx_point(2)))}{TCX_TAIL}",
    ),
}
PIECES = (
    *(
        b"<",
        b">",
        b"</",
        b"/>",
        b"&",
        b"&#0;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?points 9?>",
        b"<?x?>",
    ),
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xc3",
        b"\x80" * 9,
        b"NaN",
        b"1e999",
        b"9" * 99,
        b'"',
        b"'",
        b"=",
    ),
    *(b"<trkpt", b"</trkpt>", b"<trk>", b"<trkseg/>", b"<Track>", b"<when/>", b"<coord/>", b"<Placemark>"),
    *(
        b"<Trackpoint>",
        b"</Trackpoint>",
        b"<Position>",
        b"<name>",
        b"<note>x</note>",
        b"<Folder>",
        b"<Point>",
    ),
    *(
        b'<?xml version="1.0" encoding="utf-16"?>',
        b'<?xml version="1.0" encoding="latin-1"?>',
        b"<!DOCTYPE a>",
    ),
)


@st.composite
def mutations(draw: st.DrawFn, form: str) -> bytes:
    """A valid file with some pieces cut out, doubled, or put in where they do not belong."""
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1"]))
    body = draw(st.sampled_from(VALID[form])).encode(encoding, "replace")
    for _ in range(draw(st.integers(1, 6))):
        first, last = sorted(draw(st.lists(st.integers(0, len(body)), min_size=2, max_size=2)))
        kind = draw(st.sampled_from(["cut", "double", "insert", "byte"]))
        piece = {
            "cut": b"",
            "double": body[first:last] * 2,
            "insert": draw(st.sampled_from(PIECES)) + body[first:last],
            "byte": draw(st.binary(min_size=1, max_size=3)) + body[first:last],
        }[kind]
        body = body[:first] + piece + body[last:]
    return body


def check(form: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides, if there are any: columns of one length, ids of their own, counts above 0."""
    try:
        rides = READERS[form]("x", body, config)
    except UploadRefused as refusal:
        assert refusal.reason
        assert refusal.detail
        return []
    assert rides
    assert len({ride.ride_id for ride in rides}) == len(rides)
    for ride in rides:
        fixes = ride.fixes
        assert len(fixes.time_s) == len(fixes.lat_deg) == len(fixes.lon_deg) == len(fixes.accuracy_m)
        assert len(fixes) <= config.max_fixes
        assert all(n > 0 for n in ride.dropped.values())
        assert not (fixes.accuracy_m <= 0).any()
    return rides


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_spoilt_file_gives_rides_or_a_refusal(form: str, data: st.DataObject) -> None:
    body = data.draw(mutations(form))
    for config in (CONFIG, FEW):
        check(form, body, config)
    try:
        found = pipeline.collect_file("x", body, Config(), NOW_S)
    except UploadRefused:
        return
    for ride in found:
        if isinstance(ride, Ride):
            assert np.all(np.diff(ride.fixes.time_s) > 0)
            assert np.isfinite(ride.fixes.lat_deg).all()


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=100)
@given(body=st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)))
def test_any_bytes_give_rides_or_a_refusal(form: str, body: bytes) -> None:
    root = {"gpx": b"<gpx>", "kml": b"<kml>", "tcx": b"<TrainingCenterDatabase>"}[form]
    for one in (body, root + body, root + body + root.replace(b"<", b"</")):
        check(form, one, FEW)
