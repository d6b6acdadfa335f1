"""Files of lines: OwnTracks recorder's and NMEA's."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest

from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.nmea import is_nmea, read_nmea
from transitmap.collect.formats.rec import is_rec, read_rec
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused


def said(second: int, what: str, kind: str = "*") -> str:
    """A line as the recorder writes it."""
    return f"2026-03-02T10:00:{second:02}Z\t{kind:<18}\t{{{what}}}\n"


PLACE = '"_type":"location","lat":19.4,"lon":-99.1,"tst":17724456'
REC = (
    said(0, PLACE + '00,"acc":5')
    + said(5, PLACE.replace("19.4", "19.4001") + '05,"poi":"parada","vel":61')
    + said(6, '"_type":"lwt","tst":1772445606', "lwt")
    + said(7, PLACE + '07,"t":"p"')
    + said(8, PLACE + '08,"t":"c"')
    + said(9, "broken")
    + "\n"
)


def test_a_recorder_s_day() -> None:
    assert is_rec(REC.encode())
    (ride,) = read_rec("2026-03.rec", REC.encode(), CONFIG)
    assert ride.fixes.time_s.tolist() == [START_S, START_S + 5]
    assert ride.fixes.lat_deg.tolist() == [19.4, 19.4001]
    assert str(ride.fixes.accuracy_m.tolist()) == "[5.0, nan]"
    assert ride.taps.name == ("parada",)
    assert ride.dropped == {"bad_row": 1, "ping": 1, "region": 1}


def test_a_recorder_s_day_may_be_spaced_by_blanks() -> None:
    (ride,) = read_rec("2026-03.rec", REC.replace("\t", "  ").encode(), CONFIG)
    assert len(ride.fixes) == 2


def test_a_recorder_s_day_without_a_location_is_refused() -> None:
    with pytest.raises(UploadRefused) as caught:
        read_rec("2026-03.rec", REC.split("\n")[2].encode(), CONFIG)
    assert caught.value.reason == "no_track_points"


@pytest.mark.parametrize("head", [b"", b"2026-03-02", b"2026-03-02T10:00:00Z,19.4,-99.1", b"hello {}"])
def test_other_lines_are_no_recorder_s(head: bytes) -> None:
    assert not is_rec(head)


def sentence(text: str) -> str:
    return f"${text}*{reduce(xor, text.encode()):02X}\r\n"


RMC = "GPRMC,181530.00,A,1925.98880,N,09907.99200,W,16.5,270.0,221126,,"
GGA = "GPGGA,181530.00,1925.98880,N,09907.99200,W,1,08,1.5,545.4,M,46.9,M,,"


def read(*lines: str, config: CollectConfig = CONFIG):
    text = "".join(lines).encode()
    return read_nmea("log.nmea", text, config)


@pytest.mark.parametrize("lines", [(RMC, GGA), (GGA, RMC)])
def test_a_fix_is_an_rmc_with_the_accuracy_of_its_gga(lines: tuple[str, str]) -> None:
    assert is_nmea(sentence(lines[0]).encode())
    (ride,) = read(*map(sentence, lines))
    assert ride.fixes.time_s.tolist() == [1795371330.0]
    assert ride.fixes.lat_deg == pytest.approx([19.4331467], abs=1e-7)
    assert ride.fixes.lon_deg == pytest.approx([-99.1332], abs=1e-7)
    assert ride.fixes.accuracy_m.tolist() == [6.0]


@pytest.mark.parametrize(
    "line",
    [
        RMC.replace("09907", "9907"),  # GPSLogger writes no zero before
        RMC.replace("GPRMC", "GNRMC") + ",A",
        RMC.replace("181530.00", "181530"),
    ],
)
def test_other_ways_to_write_it(line: str) -> None:
    (ride,) = read(sentence(line))
    assert ride.fixes.time_s.tolist() == [1795371330.0]
    assert ride.fixes.lon_deg == pytest.approx([-99.1332], abs=1e-7)


def test_a_line_without_a_sum_is_read_and_one_with_a_wrong_sum_is_not() -> None:
    (ride,) = read(f"${RMC}\n", f"${RMC}*00\n", "noise\n", "$GPGSV,3,1,11\n")
    assert (len(ride.fixes), ride.dropped) == (1, {"bad_row": 1})


def test_what_the_receiver_itself_holds_for_void_is_no_fix() -> None:
    with pytest.raises(UploadRefused) as caught:
        read(sentence(RMC.replace(",A,", ",V,")))
    assert caught.value.reason == "no_track_points"


def test_positions_without_a_day_are_refused() -> None:
    with pytest.raises(UploadRefused) as caught:
        read(sentence(GGA))
    assert caught.value.reason == "no_timestamps"


@pytest.mark.parametrize("change", [("221126", "321126"), ("181530.00", "995959.00"), ("221126", "")])
def test_impossible_times_are_no_times(change: tuple[str, str]) -> None:
    (ride,) = read(sentence(RMC.replace(*change)))
    assert ride.dropped == {"bad_time": 1} or str(ride.fixes.time_s[0]) == "nan"


def test_too_many_end_the_reading() -> None:
    later = RMC.replace("181530", "191530")
    with pytest.raises(UploadRefused) as caught:
        read(sentence(RMC), sentence(later), sentence(later), config=CollectConfig(max_fixes=2))
    assert caught.value.reason == "too_many_points"
