"""FIT files written by hand: definitions, records, sessions, developers' fields, compressed times."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FIT_EPOCH_S = 631_065_600
NO_PLACE = 0x7FFFFFFF
RECORD, SESSION, FILE_ID, DEVELOPER_ID, FIELD_DESCRIPTION = 20, 18, 0, 207, 206
U32, S32, ENUM, U8, BYTE = (4, 0x86), (4, 0x85), (1, 0x00), (1, 0x02), (1, 0x0D)
_FORMATS = {0x86: "I", 0x85: "i", 0x00: "B", 0x02: "B", 0x0D: "B"}
_CRC = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401) + (
    *(0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400),
)

Fields = Sequence[tuple[int, tuple[int, int], int]]
"""Number, size and type, value."""


def crc(body: bytes) -> int:
    """The sum of the FIT protocol, half a byte at a time."""
    total = 0
    for byte in body:
        for half in (byte & 0xF, byte >> 4):
            total = (total >> 4 & 0x0FFF) ^ _CRC[total & 0xF] ^ _CRC[half]
    return total


def fit_file(*messages: bytes) -> bytes:
    """One file of a chain."""
    body = b"".join(messages)
    header = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = header + struct.pack("<H", crc(header)) + body
    return whole + struct.pack("<H", crc(whole))


def message(number: int, fields: Fields, developer: bytes = b"", local: int = 0) -> bytes:
    """A definition and one message by it; `developer` is one field of bytes, number 0 of developer 0."""
    definition = struct.pack("<BBBHB", 0x40 | local | (0x20 if developer else 0), 0, 0, number, len(fields))
    definition += b"".join(struct.pack("<BBB", field, *kind) for field, kind, _ in fields)
    if developer:
        definition += struct.pack("<BBBB", 1, 0, len(developer), 0)
    return definition + data(fields, developer, local)


def data(fields: Fields, developer: bytes = b"", local: int = 0) -> bytes:
    """One message by a definition that stands before it."""
    values = b"".join(struct.pack("<" + _FORMATS[kind[1]], value) for _, kind, value in fields)
    return struct.pack("<B", local) + values + developer


def semicircles(degrees: float) -> int:
    return round(degrees * 2**31 / 180)


def record(time_s: float, lat_deg: float | None, lon_deg: float | None, accuracy_m: int = 5) -> Fields:
    """The fields of one fix; without a place these are the numbers that stand for none."""
    return (
        (253, U32, round(time_s) - FIT_EPOCH_S),
        (0, S32, NO_PLACE if lat_deg is None else semicircles(lat_deg)),
        (1, S32, NO_PLACE if lon_deg is None else semicircles(lon_deg)),
        (31, U8, accuracy_m),
    )


def session(time_s: float, start_s: float, sport: int) -> bytes:
    fields = (
        (253, U32, round(time_s) - FIT_EPOCH_S),
        (2, U32, round(start_s) - FIT_EPOCH_S),
        (5, ENUM, sport),
    )
    return message(SESSION, fields, local=1)


def ride_file(start_s: float, n: int = 5, more: bytes = b"") -> bytes:
    """A file of n fixes a second apart, running north."""
    rows = [record(start_s + k, 19.4 + k * 1e-4, -99.1) for k in range(n)]
    return fit_file(message(RECORD, rows[0]), *map(data, rows[1:]), more)
