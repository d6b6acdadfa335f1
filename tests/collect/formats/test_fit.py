"""FIT: places in semicircles, sessions and chains as rides, developers' junk, sums, compressed times."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.fit_bytes import (
    BYTE,
    DEVELOPER_ID,
    FIELD_DESCRIPTION,
    RECORD,
    S32,
    U8,
    data,
    fit_file,
    message,
    record,
    ride_file,
    semicircles,
    session,
)
from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.fit import read_fit
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

RIDE = ride_file(START_S)


def read(body: bytes, config: CollectConfig = CONFIG) -> list[Ride]:
    return read_fit("ride.fit", body, config)


def reason_of(body: bytes, config: CollectConfig = CONFIG) -> str:
    with pytest.raises(UploadRefused) as caught:
        read(body, config)
    return caught.value.reason


def test_places_times_and_accuracy() -> None:
    (ride,) = read(RIDE)
    assert ride.fixes.time_s.tolist() == [START_S + k for k in range(5)]
    assert ride.fixes.lat_deg == pytest.approx([19.4 + k * 1e-4 for k in range(5)], abs=1e-7)
    assert ride.fixes.lon_deg == pytest.approx([-99.1] * 5, abs=1e-7)
    assert ride.fixes.accuracy_m.tolist() == [5.0] * 5
    assert (ride.ride_id, ride.dropped, ride.warnings) == ("ride.fit", {}, ())


def test_a_place_that_is_none_is_dropped_and_counted() -> None:
    rows = [record(START_S, 19.4, -99.1), record(START_S + 1, None, None), record(START_S + 2, 19.41, None)]
    (ride,) = read(fit_file(message(RECORD, rows[0]), *map(data, rows[1:])))
    assert len(ride.fixes) == 1
    assert ride.dropped == {"no_position": 2}


def test_an_accuracy_that_is_none_is_unknown() -> None:
    (ride,) = read(fit_file(message(RECORD, record(START_S, 19.4, -99.1, 0xFF))))
    assert str(ride.fixes.accuracy_m[0]) == "nan"


def test_a_clock_since_switched_on_is_no_time() -> None:
    fields = ((253, (4, 0x86), 1000), *record(START_S, 19.4, -99.1)[1:])
    (ride,) = read(fit_file(message(RECORD, fields)))
    assert str(ride.fixes.time_s[0]) == "nan"


def test_each_file_of_a_chain_is_a_ride() -> None:
    rides = read(RIDE + ride_file(START_S + 7200, 3))
    assert [(ride.ride_id, len(ride.fixes)) for ride in rides] == [("ride.fit", 5), ("ride.fit#2", 3)]


def test_each_session_of_an_activity_is_a_ride_of_its_sport() -> None:
    sessions = session(START_S + 5, START_S, 2) + session(START_S + 5, START_S + 3, 11)
    rides = read(ride_file(START_S, 5, sessions))
    assert [(len(ride.fixes), ride.declared_mode) for ride in rides] == [(3, "cycling"), (2, "walking")]


def test_one_session_cuts_nothing() -> None:
    (ride,) = read(ride_file(START_S, 5, session(START_S + 5, START_S + 3, 0)))
    assert (len(ride.fixes), ride.declared_mode) == (5, "")


def test_compressed_times_are_read() -> None:
    whole = record(START_S, 19.4, -99.1)
    place = ((0, S32, semicircles(19.41)), (1, S32, semicircles(-99.1)))
    definition = message(RECORD, place, local=1)[:-9]
    low = (whole[0][2] + 7) & 0x1F
    body = struct.pack("<B", 0x80 | 1 << 5 | low) + data(place)[1:]
    (ride,) = read(fit_file(message(RECORD, whole), definition, body))
    assert ride.fixes.time_s.tolist() == [START_S, START_S + 7]


def test_fields_of_a_developer_are_skipped() -> None:
    known = message(DEVELOPER_ID, ((3, U8, 0),), local=2)
    described = message(FIELD_DESCRIPTION, ((0, U8, 0), (1, U8, 0), (2, U8, 13)), local=3)
    (ride,) = read(fit_file(known, described, message(RECORD, record(START_S, 19.4, -99.1), b"\xff\x00\x7f")))
    assert len(ride.fixes) == 1


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        message(FIELD_DESCRIPTION, ((0, U8, 9), (1, U8, 0), (2, U8, 13)), local=3),
        message(DEVELOPER_ID, ((3, U8, 0),), local=2)
        + message(FIELD_DESCRIPTION, ((0, U8, 0), (1, U8, 0), (2, U8, 200)), local=3),
        message(FIELD_DESCRIPTION, ((2, BYTE, 200),), local=3),
    ],
    ids=["undescribed", "no such developer", "no such type", "nothing said"],
)
def test_junk_of_a_developer_costs_no_fix(junk: bytes) -> None:
    (ride,) = read(fit_file(junk, message(RECORD, record(START_S, 19.4, -99.1), b"\xff\x00\x7f")))
    assert len(ride.fixes) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (RIDE[:-1] + bytes([RIDE[-1] ^ 1]), "fit_crc"),
        (RIDE[:40] + bytes([RIDE[40] ^ 1]) + RIDE[41:], "fit_crc"),
        (RIDE[:12] + bytes([RIDE[12] ^ 1]) + RIDE[13:], "fit_crc"),
        (RIDE[:-5], "fit_damaged"),
        (RIDE[:10] + b"IT", "fit_damaged"),
        (RIDE + b"garbage behind", "fit_damaged"),
        (fit_file(b"\x07"), "fit_damaged"),
        (fit_file(), "no_track_points"),
        (fit_file(session(START_S, START_S, 2)), "no_track_points"),
    ],
)
def test_a_damaged_file_is_told(body: bytes, reason: str) -> None:
    assert reason_of(body) == reason


def test_the_first_fix_too_many_ends_the_reading() -> None:
    config = CollectConfig(max_fixes=5)
    assert len(read(RIDE, config)[0].fixes) == 5
    assert reason_of(RIDE + ride_file(START_S + 99, 1), config) == "too_many_points"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_give_rides_or_a_refusal(data: st.DataObject) -> None:
    messages = bytearray(ride_file(START_S, 3, session(START_S + 5, START_S + 1, 2))[14:-2])
    for _ in range(data.draw(st.integers(1, 6))):
        messages[data.draw(st.integers(0, len(messages) - 1))] = data.draw(st.integers(0, 255))
    body = fit_file(bytes(messages))  # its sums agree: what was changed is read
    try:
        rides = read(body[: data.draw(st.integers(len(body) - 3, len(body)))])
    except UploadRefused as refused:
        assert refused.reason in ("fit_crc", "fit_damaged", "no_track_points", "too_many_points")
    else:
        assert all(isinstance(ride, Ride) for ride in rides)
