"""KML as phones write it: tracks in pairs or two lists, points with times, and shapes that are no rides."""

from __future__ import annotations

import numpy as np
import pytest

from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.kml import read_kml
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2" '
    'xmlns:gx="http://www.google.com/kml/ext/2.2"><Document><name>2026-03-02T10:00:00Z</name>\n'
)
TAIL = "</Document></kml>"


def when(second: int) -> str:
    return f"<when>2026-03-02T10:00:{second:02}Z</when>"


def coord(second: int) -> str:
    return f"<gx:coord>-99.1 {19.4 + second * 1e-4:.4f} 2240.0</gx:coord>"


def track(first: int = 0, n: int = 3) -> str:
    pairs = "\n".join(f"{when(second)}\n{coord(second)}" for second in range(first, first + n))
    return f"<gx:Track>\n{pairs}\n</gx:Track>"


def placemark(inside: str, name: str = "") -> str:
    return f"<Placemark>{f'<name>{name}</name>' if name else ''}{inside}</Placemark>"


def read(inside: str, config: CollectConfig = CONFIG) -> list[Ride]:
    return read_kml("ride.kml", f"{HEAD}{inside}{TAIL}".encode(), config)


def refusal_of(inside: str, config: CollectConfig = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(inside, config)
    return caught.value


def test_times_and_places_in_pairs_as_gpslogger_writes_them() -> None:
    (ride,) = read(
        placemark("<Point><coordinates>-99.1,19.4001,2240.0</coordinates></Point>", "parada")
        + placemark(track())
    )
    assert ride.ride_id == "ride.kml"
    assert ride.fixes.time_s.tolist() == [START_S, START_S + 1, START_S + 2]
    np.testing.assert_allclose(ride.fixes.lat_deg, [19.4, 19.4001, 19.4002], rtol=0, atol=1e-9)
    assert ride.fixes.lon_deg.tolist() == [-99.1] * 3
    assert (ride.taps.name, ride.taps.lat_deg.tolist()) == (("parada",), [19.4001])
    assert np.isnan(ride.taps.time_s).all()
    assert (ride.label, ride.dropped, ride.warnings) == ("", {}, ())


def test_two_lists_in_either_order_are_the_same() -> None:
    whens, coords = "".join(map(when, range(3))), "".join(map(coord, range(3)))
    for inside in (whens + coords, coords + whens):
        (ride,) = read(placemark(f"<gx:Track>{inside}</gx:Track>"))
        assert ride.fixes.time_s.tolist() == [START_S, START_S + 1, START_S + 2]
        np.testing.assert_allclose(ride.fixes.lat_deg, [19.4, 19.4001, 19.4002], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "inside", [when(0) + coord(0) + when(1), when(0) + coord(0) + coord(1), "".join(map(coord, range(3)))]
)
def test_a_track_with_other_counts_is_refused(inside: str) -> None:
    refusal = refusal_of(placemark(track()) + placemark(f"<gx:Track>{inside}</gx:Track>"))
    assert refusal.reason == "no_timestamps"
    assert f"{inside.count('when>') // 2} times and {inside.count('coord>') // 2} positions" in refusal.detail


OPENTRACKS = """<Folder><name>Markers</name><open>1</open>
<Placemark><name><![CDATA[Parada]]></name><description></description>
<TimeStamp><when>2026-03-02T04:00:02-06:00</when></TimeStamp>
<Point><coordinates>-99.1,19.4002,2240</coordinates></Point></Placemark></Folder>
<Folder id="tracks"><Placemark><name><![CDATA[Ruta 12]]></name><description><![CDATA[]]></description>
<opentracks:trackid>e6dc4fa2-0f06-4a36-9cbf-07f6a1ab8cd8</opentracks:trackid>
<ExtendedData><Data name="type"><value><![CDATA[bus]]></value></Data></ExtendedData>
<MultiTrack><altitudeMode>absolute</altitudeMode><interpolate>1</interpolate>
<Track><when>2026-03-02T04:00:00.123-06:00</when><coord/>
<when>2026-03-02T04:00:01-06:00</when><coord>-99.1 19.4001 2240</coord>
<when>2026-03-02T04:00:02-06:00</when><coord>-99.1 19.4002</coord>
<ExtendedData><SchemaData schemaUrl="#schema">
<SimpleArrayData name="trackpoint_type"><value>SEGMENT_START_MANUAL</value><value>TRACKPOINT</value>
<value>TRACKPOINT</value></SimpleArrayData>
<SimpleArrayData name="accuracy_horizontal"><value /><value>5.5</value><value>0</value></SimpleArrayData>
</SchemaData></ExtendedData></Track>
<Track><when>2026-03-02T04:00:05-06:00</when><coord>-99.1 19.4005 2240</coord></Track>
</MultiTrack></Placemark>
<Placemark><name>Ruta 13</name><MultiTrack>
<Track><when>2026-03-02T05:00:00-06:00</when><coord>-99.2 19.4 2240</coord></Track></MultiTrack></Placemark>
</Folder>"""


def test_opentracks_writes_segments_of_one_ride_and_markers_with_times() -> None:
    first, second = read(OPENTRACKS)
    assert first.fixes.time_s.tolist() == [START_S + 1, START_S + 2, START_S + 5]
    assert first.fixes.accuracy_m.tolist()[0] == 5.5
    assert np.isnan(first.fixes.accuracy_m[1:]).all()
    assert (first.label, first.declared_mode, first.dropped) == ("Ruta 12", "bus", {"no_position": 1})
    assert (first.taps.name, first.taps.time_s.tolist()) == (("Parada",), [START_S + 2])
    assert (second.ride_id, second.label, len(second.fixes)) == ("ride.kml#2", "Ruta 13", 1)


def colota(second: int, note: str = "", accuracy: int = 12) -> str:
    return f"""<Placemark><TimeStamp>{when(second)}</TimeStamp>
<description>Accuracy: {accuracy}m, Speed: 0m/s</description><ExtendedData>
<Data name="accuracy"><value>{accuracy}</value></Data><Data name="note"><value>{note}</value></Data>
</ExtendedData><Point><coordinates>-99.1,{19.4 + second * 1e-4:.4f},0</coordinates></Point></Placemark>"""


PATH = placemark(
    "<LineString><coordinates>-99.1,19.4,0 -99.1,19.5,0</coordinates></LineString>", "Track Path"
)


def test_points_with_times_are_fixes_and_the_line_again_is_none() -> None:
    (ride,) = read(colota(0, accuracy=0) + colota(1, "parada") + colota(2) + PATH)
    assert ride.fixes.time_s.tolist() == [START_S, START_S + 1, START_S + 2]
    np.testing.assert_array_equal(ride.fixes.accuracy_m, [np.nan, 12.0, 12.0])
    assert (ride.taps.name, ride.taps.time_s.tolist()) == (("parada",), [START_S + 1])
    assert ride.label == ""


def test_a_folder_of_points_is_a_ride() -> None:
    folders = "".join(f"<Folder><name>Trip {k}</name>{colota(k)}{colota(k + 1)}</Folder>" for k in (0, 10))
    assert [(ride.ride_id, len(ride.fixes), ride.label) for ride in read(folders)] == [
        ("ride.kml", 2, ""),
        ("ride.kml#2", 2, ""),
    ]


def test_lines_are_shapes_and_no_rides() -> None:
    refusal = refusal_of(PATH)
    assert refusal.reason == "no_timestamps"
    assert "1 lines" in refusal.detail


def test_places_alone_are_no_ride() -> None:
    refusal = refusal_of(placemark("<Point><coordinates>-99.1,19.4</coordinates></Point>", "Casa"))
    assert refusal.reason == "no_track_points"
    assert refusal_of("").reason == "no_track_points"


@pytest.mark.parametrize("bad", ["-99.1,19.4 0", "x y 0", "19.4", ""])
def test_a_place_that_is_none_is_dropped_alone(bad: str) -> None:
    inside = f"<gx:Track>{when(0)}{coord(0)}{when(1)}<gx:coord>{bad}</gx:coord></gx:Track>"
    (ride,) = read(placemark(inside))
    assert len(ride.fixes) == 1
    assert sum(ride.dropped.values()) == 1


def test_an_elevation_that_makes_no_sense_is_told() -> None:
    inside = f"<gx:Track>{when(0)}<gx:coord>-99.1 19.4 NaN</gx:coord></gx:Track>"
    (ride,) = read(placemark(inside))
    assert (len(ride.fixes), ride.warnings) == (1, ("bad_elevation",))


def test_limits_hold_here_too() -> None:
    few = CollectConfig(max_fixes=3)
    assert len(read(placemark(track(n=3)), few)[0].fixes) == 3
    assert refusal_of(placemark(track(n=4)), few).reason == "too_many_points"
    assert refusal_of("".join(colota(k) for k in range(4)), few).reason == "too_many_points"
    assert refusal_of("<a>" * 40 + "</a>" * 40).reason == "too_deep"
    assert refusal_of(placemark(track()) + "<").reason == "xml_syntax"
    with pytest.raises(UploadRefused) as caught:
        read_kml("r", b"<!DOCTYPE kml><kml/>", CONFIG)
    assert caught.value.reason == "doctype_forbidden"
    with pytest.raises(UploadRefused) as caught:
        read_kml("r", b"<gpx/>", CONFIG)
    assert caught.value.reason == "not_a_trace"
