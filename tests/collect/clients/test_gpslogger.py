"""GPSLogger's URL and OpenGTS, by their literal requests."""

from __future__ import annotations

import math

import pytest

from tests.collect.clients.messages import FORM, dropped, get, one, post, reply
from transitmap.collect.hear import hear

URL = (
    "lat=19.4326&lon=-99.1332&timestamp=1795371330&acc=5.0&spd=8.5&dir=270.0&alt=2240.0&sat=9&hdop=0.9&prov=gps"
    "&batt=87.0&starttimestamp=1795371000&filename=20261122&profile=Default%20Profile&desc=&aid=x&dist=1520"
)
ALL = (
    "lat=19.4326&lon=-99.1332&desc=parada&sat=9&alt=2240.0&acc=5.0&dir=270.0&prov=gps&spd_kph=30.6&spd=8.5"
    "&timestamp=1795371330&timeoffset=2026-11-22T12:15:30.000-06:00&time=2026-11-22T18:15:30.000Z"
    "&starttimestamp=1795371000&date=2026-11-22&batt=87.0&ischarging=false&aid=x&ser=x&act=&filename=f&profile=p"
    "&hdop=0.9&vdop=1.1&pdop=1.4&dist=1520&"
)
SENTENCE = "$GPRMC,181530,A,1925.98880,N,9907.99200,W,16.500000,270.000000,221126,,*09"
OPENGTS = f"id=dev1&dev=dev1&acct=me&batt=87&code=0xF020&alt=2240.0&gprmc={SENTENCE}"


@pytest.mark.parametrize(
    "said", [URL, ALL, URL.upper().replace("DEFAULT%20PROFILE", "x")], ids=["words", "all", "upper"]
)
def test_a_line_says_where_and_when(said: str) -> None:
    for message in (get("gpslogger", said), post("gpslogger", said, FORM)):
        assert one(message) == (1795371330, 19.4326, -99.1332, 5, 8.5)
        assert hear(message).trip == ("1795371000",)
        assert reply(message) == b""


def test_what_the_rider_writes_is_a_tap() -> None:
    assert hear(get("gpslogger", ALL)).taps.name == ("parada",)
    assert hear(get("gpslogger", URL)).taps.name == ()
    assert hear(get("gpslogger", f"{URL}&annotation=x".replace("desc=&", ""))).taps.name == ("x",)


def test_zero_is_what_is_missing() -> None:
    assert math.isnan(one(get("gpslogger", "lat=1.5&lon=2.5&timestamp=1795371330&acc=0.0&spd=0.0"))[3])


@pytest.mark.parametrize(
    ("said", "time_s"),
    [
        ("time=2026-11-22T18:15:30.000Z", 1795371330),
        ("timeoffset=2026-11-22T12:15:30.000-06:00", 1795371330),
        ("timeoffset=2026-11-22T20:15:30.000+02:00", 1795371330),
    ],
)
def test_times_may_be_written_out(said: str, time_s: float) -> None:
    assert one(get("gpslogger", f"lat=1&lon=2&spd_kph=36&{said}"))[::4] == (time_s, 10)


def test_a_body_may_be_json() -> None:
    said = {"Lat": "19.4326", "Lon": "-99.1332", "Timestamp": 1795371330, "starttimestamp": 1795371000}
    assert one(post("gpslogger", said))[:3] == (1795371330, 19.4326, -99.1332)
    assert hear(post("gpslogger", said)).trip == ("1795371000",)


def test_an_nmea_sentence_is_read_with_degrees_that_are_not_padded() -> None:
    message = get("gpslogger", OPENGTS)
    time_s, lat_deg, lon_deg, accuracy_m, claimed_m_s = one(message)
    assert (time_s, round(lat_deg, 6), round(lon_deg, 6)) == (1795371330, 19.433147, -99.1332)
    assert math.isnan(accuracy_m)
    assert claimed_m_s == pytest.approx(16.5 * 1852 / 3600)
    assert reply(message) == b""
    south = "gprmc=$GPRMC,181530,A,0525.98880,S,07.99200,E,1,2,221126,,"
    assert [round(value, 6) for value in one(get("gpslogger", south))[1:3]] == [-5.433147, 0.1332]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        (SENTENCE.replace("*09", "*08"), "bad_checksum"),
        (SENTENCE.replace("9907", "9908"), "bad_checksum"),
        ("$GPRMC,181530,V,1925.98880,N,9907.99200,W,0,0,221126,,", "no_fix"),
        ("$GPGGA,181530,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,", "bad_sentence"),
        ("", "bad_sentence"),
        ("$GPRMC,181530,A,x,N,9907.99200,W,0,0,221126,,", "no_position"),
        ("$GPRMC,181530,A,1925.98880,X,9907.99200,W,0,0,221126,,", "no_position"),
        ("$GPRMC,251530,A,1925.98880,N,9907.99200,W,0,0,221126,,", "bad_time"),
        ("$GPRMC,181530,A,1925.98880,N,9907.99200,W,0,0,311126,,", "bad_time"),
        ("$GPRMC,,A,1925.98880,N,9907.99200,W,0,0,,,", "bad_time"),
        ("$GPRMC,181530,A,1925.98880,N,9907.99200,W,0,0,\ud800,,*00", "bad_checksum"),
    ],
)
def test_a_sentence_that_says_no_position_is_counted(sentence: str, reason: str) -> None:
    assert dropped(get("gpslogger", f"gprmc={sentence}")) == {reason: 1}
