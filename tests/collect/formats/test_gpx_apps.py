"""GPX as each app writes it: its fixes, its marks, and what it writes where nothing is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tests.collect.made_up import CONFIG, NOW_S, START_S
from transitmap import pipeline
from transitmap.collect.formats.gpx import METRES_PER_HDOP, read_gpx
from transitmap.collect.formats.gpx_points import Lifter
from transitmap.collect.formats.xml_reader import in_one_encoding
from transitmap.config import Config
from transitmap.model import Ride

DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>'
GARMIN = 'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2"'
NAN = float("nan")


class App(NamedTuple):
    """A file of two fixes, at START_S and a second later, and what it says; whether its points are lifted."""

    text: str
    accuracy_m: tuple[float, float] = (NAN, NAN)
    label: str = ""
    mode: str = ""
    taps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    in_bulk: bool = True


def when(second: int, millis: str = ".000", zone: str = "Z") -> str:
    hour = {"Z": "10", "-06:00": "04"}[zone]
    return f"<time>2026-03-02T{hour}:00:{second:02}{millis}{zone}</time>"


def place(second: int) -> str:
    return f'lat="{19.4 + second * 1e-4:.4f}" lon="-99.1"'


APPS = {
    "GPSLogger 1.0": App(
        f'{DECLARATION}<gpx version="1.0" creator="GPSLogger 136 - http://gpslogger.mendhak.com/" '
        'xmlns="http://www.topografix.com/GPX/1/0"><time>2026-03-02T10:00:00.000Z</time>'
        f"<wpt {place(0)}><ele>2240.0</ele>{when(0)}<name>parada</name></wpt>\n<trk><trkseg>"
        + "".join(
            f"<trkpt {place(k)}><ele>2240.0</ele>{when(k)}<course>91.8</course><speed>8.4</speed>"
            "<geoidheight>-5.2</geoidheight><src>gps</src><sat>9</sat><hdop>0.9</hdop><vdop>1.2</vdop>"
            "<pdop>1.5</pdop></trkpt>\n"
            for k in range(2)
        )
        + "</trkseg></trk></gpx>",
        (0.9 * METRES_PER_HDOP,) * 2,
        taps=("parada",),
    ),
    "GPSLogger 1.1": App(
        f'{DECLARATION}<gpx version="1.1" creator="GPSLogger 136 - http://gpslogger.mendhak.com/" '
        f'xmlns="http://www.topografix.com/GPX/1/1" {GARMIN}><metadata>{when(0)}</metadata><trk><trkseg>'
        + "".join(
            f"<trkpt {place(k)}><ele>2240.0</ele>{when(k, zone='-06:00')}<src>gps</src><extensions>"
            "<gpxtpx:TrackPointExtension><gpxtpx:bearing>91.88</gpxtpx:bearing>"
            "<gpxtpx:speed>8.44</gpxtpx:speed></gpxtpx:TrackPointExtension></extensions></trkpt>\n"
            for k in range(2)
        )
        + "</trkseg></trk></gpx>"
    ),
    "bare speed in 1.1": App(
        f'{DECLARATION}<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        + "".join(f"<trkpt {place(k)}>{when(k)}<speed>8.4</speed></trkpt>" for k in range(2))
        + "</trkseg></trk></gpx>"
    ),
    "OsmAnd": App(
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
        '<gpx version="1.1" creator="OsmAnd 5.1.7" xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:osmand="https://osmand.net/docs/technical/osmand-file-formats/osmand-gpx">\n'
        " <metadata><name>2026-03-02_10-00_Mon</name></metadata>\n <trk>\n  <trkseg>\n"
        + "".join(
            f"   <trkpt {place(k)}>\n    <ele>2240.5</ele>\n    {when(k, '')}\n    <hdop>7.5</hdop>\n"
            "    <extensions>\n     <osmand:speed>8.4</osmand:speed>\n"
            "     <osmand:heading>-91.8</osmand:heading>\n    </extensions>\n   </trkpt>\n"
            for k in range(2)
        )
        + "  </trkseg>\n </trk>\n</gpx>",
        (7.5, 7.5),
    ),
    "OpenTracks": App(
        f'{DECLARATION}\n<gpx version="1.1" creator="OpenTracks" xmlns="http://www.topografix.com/GPX/1/1" '
        f'{GARMIN} xmlns:opentracks="http://opentracksapp.com/xmlschemas/v1">\n'
        f"<wpt {place(1)}>\n{when(1, '', '-06:00')}\n<name>Parada Mercado</name>\n</wpt>\n<trk>\n"
        "<name>Ruta 12</name>\n<desc></desc>\n<type>bus</type>\n<extensions>\n"
        "<opentracks:trackid>e6dc4fa2-0f06-4a36-9cbf-07f6a1ab8cd8</opentracks:trackid>\n</extensions>\n<trkseg>\n"
        + "".join(
            f"<trkpt {place(k)}>\n<ele>2240.5</ele>\n{when(k, '.123' if k else '', '-06:00')}\n<extensions>"
            "<gpxtpx:TrackPointExtension>\n<gpxtpx:speed>8.4</gpxtpx:speed>\n<opentracks:gain>0.5"
            "</opentracks:gain>\n<opentracks:accuracy_horizontal>4.5</opentracks:accuracy_horizontal>"
            "<opentracks:accuracy_vertical>9</opentracks:accuracy_vertical></gpxtpx:TrackPointExtension>"
            "</extensions>\n</trkpt>\n"
            for k in range(2)
        )
        + "</trkseg>\n</trk>\n</gpx>",
        (4.5, 4.5),
        label="Ruta 12",
        mode="bus",
        taps=("Parada Mercado",),
        in_bulk=False,
    ),
    "OSMTracker": App(
        f'{DECLARATION}\n<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" '
        'creator="OSMTracker for Android™ - http://osmtracker-android.googlecode.com/">\n'
        "\t<metadata>\n\t\t<name>Ruta 5 & 6</name>\n\t\t<desc>a & b</desc>\n\t</metadata>\n".replace(
            "a < b", "a & b"
        )
        + f"\t<wpt {place(1)}>\n\t\t<ele>2240.5</ele>\n\t\t{when(1, '')}\n"
        "\t\t<name><![CDATA[Parada]]></name>\n"
        '\t\t<link href="x.jpg"><text>x.jpg</text></link>\n\t</wpt>\n\t<trk>\n'
        "\t\t<name><![CDATA[Tracked with OSMTracker for Android™]]></name>\n\t\t<trkseg>\n"
        + "".join(
            f"\t\t\t<trkpt {place(k)}>\n\t\t\t\t<ele>2240.5</ele>\n\t\t\t\t{when(k, '')}\n"
            "\t\t\t\t<hdop>1.25</hdop>\n"
            "\t\t\t\t<extensions>\n\t\t\t\t\t<speed>8.4</speed>\n\t\t\t\t\t<baro>780,1</baro>\n"
            "\t\t\t\t</extensions>\n\t\t\t</trkpt>\n"
            for k in range(2)
        )
        + "\t\t</trkseg>\n\t</trk>\n</gpx>",
        (5.0, 5.0),
        label="Ruta 5 & 6",
        taps=("Parada",),
        warnings=("repaired_ampersand",),
    ),
    "Colota": App(
        f'{DECLARATION}\n<gpx version="1.1" creator="Colota" xmlns="http://www.topografix.com/GPX/1/1">\n'
        "  <metadata>\n    <name>Colota Location Export</name>\n  </metadata>\n  <trk>\n"
        "    <name>Colota Track Export</name>\n    <trkseg>\n"
        + "".join(
            f"      <trkpt {place(k)}>\n        <ele>0</ele>\n        {when(k)}\n        <extensions>\n"
            f"          <accuracy>{12 * k}</accuracy>\n          <speed>0</speed>\n"
            "          <bearing>0</bearing>\n"
            "          <battery>85</battery>\n          <battery_status>unplugged</battery_status>\n"
            f"          <note></note>\n        </extensions>\n      </trkpt>\n"
            for k in range(2)
        )
        + "    </trkseg>\n  </trk>\n</gpx>",
        (NAN, 12.0),
    ),
    "Colota with a note": App(
        f'{DECLARATION}\n<gpx version="1.1" creator="Colota" xmlns="http://www.topografix.com/GPX/1/1">'
        "<trk><name>Trip 7"
        "</name><trkseg>"
        + "".join(
            f"<trkpt {place(k)}>{when(k)}<extensions><accuracy>12</accuracy><note>{'parada' * k}</note>"
            "</extensions></trkpt>"
            for k in range(2)
        )
        + "</trkseg></trk></gpx>",
        (12.0, 12.0),
        taps=("parada",),
        in_bulk=False,
    ),
    "Organic Maps": App(
        f'{DECLARATION}\n<gpx version="1.1" creator="Organic Maps" xmlns="http://www.topografix.com/GPX/1/1">\n'
        "<metadata>\n  <name>Ruta 12</name>\n</metadata>\n<trk>\n  <name>Ruta 12</name>\n<trkseg>\n"
        + "".join(f"<trkpt {place(k)}><ele>2240.5</ele>{when(k, '')}</trkpt>\n" for k in range(2))
        + "</trkseg>\n</trk>\n</gpx>",
        label="Ruta 12",
    ),
    "Strava": App(
        f'{DECLARATION}\n<gpx creator="StravaGPX Android" version="1.1" '
        f'xmlns="http://www.topografix.com/GPX/1/1" {GARMIN}>\n <trk>\n  <name>Al trabajo</name>\n'
        "  <type>cycling</type>\n  <trkseg>\n"
        + "".join(
            f"   <trkpt {place(k)}>\n    <ele>2240.5</ele>\n    {when(k, '')}\n    <extensions>\n"
            "     <gpxtpx:TrackPointExtension>\n      <gpxtpx:atemp>20</gpxtpx:atemp>\n"
            "      <gpxtpx:hr>90</gpxtpx:hr>\n      <gpxtpx:cad>80</gpxtpx:cad>\n"
            "     </gpxtpx:TrackPointExtension>\n    </extensions>\n   </trkpt>\n"
            for k in range(2)
        )
        + "  </trkseg>\n </trk>\n</gpx>",
        label="Al trabajo",
        mode="cycling",
    ),
    "Garmin Connect": App(
        f'{DECLARATION}\n<gpx creator="Garmin Connect" version="1.1" '
        'xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:ns3="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">\n  <trk>\n'
        "    <name>Ruta 12</name>\n"
        "    <type>uncategorized</type>\n    <trkseg>\n"
        + "".join(
            f"      <trkpt {place(k)}>\n        <ele>2240.59999847412109375</ele>\n        {when(k)}\n"
            "        <extensions>\n          <ns3:TrackPointExtension>\n            <ns3:hr>90</ns3:hr>\n"
            "          </ns3:TrackPointExtension>\n        </extensions>\n      </trkpt>\n"
            for k in range(2)
        )
        + "    </trkseg>\n  </trk>\n</gpx>",
        label="Ruta 12",
        mode="uncategorized",
    ),
}


@pytest.mark.parametrize("name", APPS)
def test_what_an_app_writes_is_read(name: str) -> None:
    app = APPS[name]
    (ride,) = read_gpx("ride.gpx", app.text.encode(), CONFIG)
    np.testing.assert_allclose(ride.fixes.time_s, [START_S, START_S + 1], rtol=0, atol=0.13)
    assert ride.fixes.lat_deg.tolist() == [19.4, 19.4001]
    np.testing.assert_array_equal(ride.fixes.accuracy_m, app.accuracy_m)
    assert (ride.label, ride.declared_mode, ride.dropped) == (app.label, app.mode, {})
    assert (ride.taps.name, ride.warnings) == (app.taps, app.warnings)


@pytest.mark.parametrize("name", APPS)
def test_the_points_of_most_apps_are_read_in_bulk(name: str) -> None:
    lifter = Lifter.of(in_one_encoding(APPS[name].text.encode()))
    assert lifter is not None
    assert (b"<trkpt" not in b"".join(lifter.rest())) == APPS[name].in_bulk


def test_a_history_in_one_segment_is_the_trips_that_it_holds() -> None:
    """Colota writes all it has into one segment."""
    first, last = APPS["Colota"].text.split("    </trkseg>")
    points = first[first.index("      <trkpt") :]
    text = (
        first + points.replace("T10:", "T18:") + points.replace("03-02T", "03-03T") + f"    </trkseg>{last}"
    )
    found = pipeline.collect_file("colota.gpx", text.encode(), Config(), NOW_S)
    assert [one.ride_id for one in found] == ["colota.gpx", "colota.gpx#2", "colota.gpx#3"]
    assert [len(one.fixes) for one in found if isinstance(one, Ride)] == [2, 2, 2]
