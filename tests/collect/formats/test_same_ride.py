"""One ride in every format that is read: the same columns, as exactly as the format can tell them."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest

from tests.collect.fit_bytes import RECORD, data, fit_file, message, record
from tests.collect.formats.test_lines import sentence
from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.parse import parse
from transitmap.model import FloatArray

N = 120
TIME_S = START_S + np.arange(N, dtype=float)
LAT_DEG = 19.4 + 1e-4 * np.sin(np.arange(N) / 9.0) + 5e-5 * np.arange(N)
LON_DEG = -99.1 + 3e-5 * np.arange(N)
ROWS = list(zip(TIME_S.tolist(), LAT_DEG.tolist(), LON_DEG.tolist(), strict=True))


def iso(time_s: float) -> str:
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gpx() -> str:
    points = "".join(f'<trkpt lat="{lat}" lon="{lon}"><time>{iso(t)}</time></trkpt>' for t, lat, lon in ROWS)
    return f'<gpx version="1.1" creator="x"><trk><trkseg>{points}</trkseg></trk></gpx>'


def tcx() -> str:
    points = "".join(
        f"<Trackpoint><Time>{iso(t)}</Time><Position><LatitudeDegrees>{lat}</LatitudeDegrees>"
        f"<LongitudeDegrees>{lon}</LongitudeDegrees></Position></Trackpoint>"
        for t, lat, lon in ROWS
    )
    activity = f'<Activity Sport="Other"><Lap><Track>{points}</Track></Lap></Activity>'
    return f"<TrainingCenterDatabase><Activities>{activity}</Activities></TrainingCenterDatabase>"


def kml() -> str:
    pairs = "".join(f"<when>{iso(t)}</when><gx:coord>{lon} {lat} 2240</gx:coord>" for t, lat, lon in ROWS)
    space = 'xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"'
    return f"<kml {space}><Placemark><gx:Track>{pairs}</gx:Track></Placemark></kml>"


def fit() -> bytes:
    rows = [record(*row) for row in ROWS]
    return fit_file(message(RECORD, rows[0]), *map(data, rows[1:]))


def csv() -> str:
    return "time;lat;lon\n" + "".join(f"{iso(t)};{lat};{lon}\n".replace(".", ",") for t, lat, lon in ROWS)


def line() -> str:
    geometry = {"type": "LineString", "coordinates": [[lon, lat] for _, lat, lon in ROWS]}
    return json.dumps(
        {"type": "Feature", "geometry": geometry, "properties": {"coordTimes": [iso(t) for t, *_ in ROWS]}}
    )


def points() -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"time_long": t * 1000},
        }
        for t, lat, lon in ROWS
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def records() -> str:
    rows = [
        {"latitudeE7": round(lat * 1e7), "longitudeE7": round(lon * 1e7), "timestampMs": str(round(t * 1000))}
        for t, lat, lon in ROWS
    ]
    return json.dumps({"locations": rows})


def rec() -> str:
    told = [json.dumps({"_type": "location", "tst": t, "lat": lat, "lon": lon}) for t, lat, lon in ROWS]
    return "".join(f"{iso(row[0])}\t*                 \t{one}\n" for row, one in zip(ROWS, told, strict=True))


def nmea() -> str:
    def minutes(degrees: float, digits: int) -> str:
        whole = int(abs(degrees))
        return f"{whole:0{digits}}{(abs(degrees) - whole) * 60:08.5f}"

    lines = []
    for t, lat, lon in ROWS:
        when = datetime.datetime.fromtimestamp(t, datetime.UTC)
        where = f"{minutes(lat, 2)},N,{minutes(lon, 3)},W"
        lines.append(sentence(f"GPRMC,{when:%H%M%S}.00,A,{where},16.5,270.0,{when:%d%m%y},,"))
    return "".join(lines)


def off_m(columns: FloatArray, truth: FloatArray) -> float:
    return float(np.abs(columns - truth).max()) * 111_195.0


@pytest.mark.parametrize("write", [gpx, tcx, kml, fit, csv, line, points, records, rec, nmea])
def test_a_ride_is_the_same_in_every_format(write) -> None:
    told = write()
    (ride,) = parse("ride", told if isinstance(told, bytes) else told.encode(), CONFIG)
    np.testing.assert_array_equal(ride.fixes.time_s, TIME_S)
    assert max(off_m(ride.fixes.lat_deg, LAT_DEG), off_m(ride.fixes.lon_deg, LON_DEG)) < 0.02
    assert ride.dropped == {}
