"""CSV as the loggers write it: literal rows, delimiters, decimal commas, marks, pauses, trips."""

from __future__ import annotations

import pytest

from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.csv import is_csv, read_csv
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

GPSLOGGER = (
    "time,lat,lon,elevation,accuracy,bearing,speed,satellites,provider,hdop,vdop,pdop,geoidheight,ageofdgpsdata,"
    "dgpsid,activity,battery,annotation,timestamp_ms,time_offset,distance,starttimestamp_ms,profile_name,"
    "battery_charging\n"
    "2026-03-02T10:00:00.000Z,19.400000,-99.100000,2240.0,5.0,,0.0,9,gps,0.9,,,,,,,87,,1772445600250,"
    "2026-03-02T04:00:00.000-06:00,0.0,1772445600000,Default Profile,false\n"
    '2026-03-02T10:00:05.000Z,19.400100,-99.100000,2240.0,,180.0,8.5,9,gps,,,,,,,,87,"parada, ""la 1""",'
    "1772445605250,2026-03-02T04:00:05.000-06:00,11.1,1772445600000,Default Profile,false\n"
)
OLD_GPSLOGGER = (
    "time,lat,lon,elevation,accuracy,bearing,speed,satellites,provider,hdop,vdop,pdop,geoidheight,ageofdgpsdata,"
    "dgpsid,activity,battery,annotation\n"
    "2026-03-02T10:00:00.000Z,19.400000,-99.100000,2240.0,5.0,,0.0,9,gps,0.9,,,,,,,87,\n"
    "2026-03-02T10:00:05.000Z,19.400100,-99.100000,2240.0,,180.0,8.5,9,gps,,,,,,,,87,parada\n"
)
COLOTA = (
    "id,timestamp,iso_time,latitude,longitude,accuracy,altitude,speed,bearing,battery,battery_status,note\n"
    "0,1772445600,2026-03-02T10:00:00.000Z,19.4,-99.1,5,2240,0,0,87,Unplugged,\n"
    '1,1772445605,2026-03-02T10:00:05.000Z,19.4001,-99.1,0,0,0,0,0,,"parada"\n'
)
OPENTRACKS = (
    "#time,trackpoint_type,latitude,longitude,altitude,accuracy_horizontal,accuracy_vertical,speed,altitude_gain,"
    "altitude_loss,sensor_distance,heartrate,cadence,power\n"
    '"2026-03-02T04:00:00.000-06:00","SEGMENT_START_MANUAL",,,,,,,,,,,,\n'
    '"2026-03-02T04:00:00.000-06:00","TRACKPOINT",19.4,-99.1,2240,5,3,30.6,,,,,,\n'
    '"2026-03-02T04:00:02.000-06:00","IDLE",,,,,,,,,,,,\n'
    '"2026-03-02T04:00:05.000-06:00","TRACKPOINT",19.4001,-99.1,2240,,3,30.6,,,,,,\n'
    '"2026-03-02T04:00:09.000-06:00","SEGMENT_END_MANUAL",,,,,,,,,,,,\n'
)


def read(text: str | bytes, config: CollectConfig = CONFIG) -> list[Ride]:
    return read_csv("ride.csv", text.encode() if isinstance(text, str) else text, config)


def refusal(text: str | bytes, config: CollectConfig = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(text, config)
    return caught.value


def rows(ride: Ride) -> list[tuple[float, float, float]]:
    columns = (ride.fixes.time_s, ride.fixes.lat_deg, ride.fixes.lon_deg)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("text", "late_s", "tap"),
    [
        (GPSLOGGER, 0.25, 'parada, "la 1"'),  # its milliseconds are more exact than its ISO time
        (OLD_GPSLOGGER, 0.0, "parada"),
        (COLOTA, 0.0, "parada"),
        (OPENTRACKS, 0.0, ""),
    ],
    ids=["GPSLogger", "old GPSLogger", "Colota", "OpenTracks"],
)
def test_what_loggers_write(text: str, late_s: float, tap: str) -> None:
    (ride,) = read(text)
    assert rows(ride) == [(START_S + late_s, 19.4, -99.1), (START_S + 5 + late_s, 19.4001, -99.1)]
    assert str(ride.fixes.accuracy_m.tolist()) == "[5.0, nan]"
    assert ride.taps.name == ((tap,) if tap else ())
    assert (ride.dropped, ride.warnings) == ({}, ())
    if tap:
        assert ride.taps.time_s.tolist() == [START_S + 5 + late_s]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize("quoted", [False, True])
def test_any_delimiter_and_decimal_sign(delimiter: str, comma: bool, quoted: bool) -> None:
    if comma and delimiter == "," and not quoted:
        return  # the next test
    table = [["time", "lat", "lon"], ["2026-03-02T10:00:00Z", "19.4", "-99.1"]]
    lines = []
    for cells in table:
        cells = [cell.replace(".", ",") if comma else cell for cell in cells]
        lines.append(delimiter.join(f'"{cell}"' if quoted else cell for cell in cells))
    assert rows(read("\r\n".join(lines))[0]) == [(START_S, 19.4, -99.1)]


def test_decimal_commas_between_commas_are_no_positions() -> None:
    assert refusal("time,lat,lon\n2026-03-02T10:00:00Z,19,4,-99,1\n").reason == "bad_csv"


def test_rows_of_too_many_cells_are_dropped_and_counted() -> None:
    (ride,) = read("time,lat,lon\n2026-03-02T10:00:00Z,19,4,-99,1\n2026-03-02T10:00:00Z,19.4,-99.1,\n")
    assert (len(ride.fixes), ride.dropped) == (1, {"bad_row": 1})


@pytest.mark.parametrize(
    "header",
    [
        "Timestamp,Latitude,Longitude",
        "  TIME , Latitude (deg) , Longitude [°]",
        "sep=,\nutc_time,gps_latitude,gps_longitude",
        "\n\nfecha_hora,latitud,longitud",
        "\ufeffdate_time,y,x",
        "GPS Time,lat,lng",
    ],
)
def test_columns_by_their_other_names(header: str) -> None:
    (ride,) = read(f"{header}\n2026-03-02T10:00:00Z,19.4,-99.1\n")
    assert rows(ride) == [(START_S, 19.4, -99.1)]


def test_day_and_time_of_day_in_two_columns() -> None:
    (ride,) = read("Date,Time,Latitude,Longitude\n2026/03/02,10:00:00,19.4,-99.1\n")
    assert rows(ride) == [(START_S, 19.4, -99.1)]
    assert ride.warnings == ("assumed_utc",)


def test_faults_of_rows_are_counted() -> None:
    lines = [
        "1772445600,19.4\0,-99.1",
        "t,19.4,-99.1",
        ",19.4,-99.1",
        "1772445600,,-99.1",
        "1772445600,north,-99.1",
        "1772445600,19.4,-99.1",
    ]
    (ride,) = read("time,lat,lon\n" + "\n".join(lines))
    assert ride.dropped == {"no_position": 1, "bad_number": 2, "bad_time": 1}
    assert str(ride.fixes.time_s.tolist()) == f"[nan, {START_S}]"


def test_each_trip_is_a_ride() -> None:
    lines = [
        f"{START_S + second:.0f},19.4,-99.1,{trip}" for second, trip in ((0, 1), (5, 1), (9, 2), (99, 1))
    ]
    rides = read("timestamp,latitude,longitude,trip\n" + "\n".join(lines))
    assert [(ride.ride_id, len(ride.fixes)) for ride in rides] == [
        ("ride.csv", 2),
        ("ride.csv#2", 1),
        ("ride.csv#3", 1),
    ]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(codec: str) -> None:
    text = "time,lat,lon,note\n2026-03-02T10:00:00Z,19.4,-99.1,estación\n"
    body = b"\xff\xfe" * (codec == "utf-16-le") + text.encode(codec)
    (ride,) = read(body)
    assert ride.taps.name == ("estación",)
    assert ride.warnings == (("encoding_mismatch",) if codec == "latin-1" else ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,lat,lon\n", "no_track_points"),
        ("time,lat,name\n1,2,3\n", "no_track_points"),
        ("lat,lon,name\n19.4,-99.1,x\n", "no_timestamps"),
        ("time,lat,lon\n1772445600,19.4," + "9" * 200_000 + "\n", "bad_csv"),
        (b"\xff\xfe" + "time,lat,lon\n".encode("utf-16-le") + b"\0", "bad_encoding"),
    ],
    ids=["header alone", "no longitude", "no time", "endless cell", "half UTF-16"],
)
def test_what_cannot_be_used_says_why(text: str | bytes, reason: str) -> None:
    assert refusal(text).reason == reason


def test_the_first_fix_too_many_ends_the_reading() -> None:
    config = CollectConfig(max_fixes=2)
    assert len(read(COLOTA, config)[0].fixes) == 2
    assert refusal(COLOTA + COLOTA.split("\n")[1], config).reason == "too_many_points"


def test_a_large_table_is_read_in_blocks() -> None:
    n = 40_000
    text = "time,lat,lon\n" + "".join(f"{START_S + k:.0f},{19 + k * 1e-5:.5f},-99.1\n" for k in range(n))
    (ride,) = read(text)
    assert ride.fixes.time_s.tolist() == [START_S + k for k in range(n)]
    assert ride.fixes.lat_deg[-1] == pytest.approx(19 + (n - 1) * 1e-5)


@pytest.mark.parametrize(
    ("head", "known"),
    [
        ("time,lat,lon\n", True),
        ("lat;lon\n", True),
        ("Activity ID,Activity Date,Activity Name,Activity Type\n1,x,y,z\n", False),
        ("hello\n", False),
        ("", False),
    ],
)
def test_a_table_is_known_by_two_of_its_columns(head: str, known: bool) -> None:
    assert is_csv(head) is known


def test_control_characters_are_no_part_of_a_name() -> None:
    (ride,) = read("time,lat,lon,note\n1772445600,19.4,-99.1,pa\0ra\x1bda\n")
    assert ride.taps.name == ("pa ra da",)
