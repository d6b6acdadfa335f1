"""FIT, the files of Garmin and other watches, to rides; fitdecode reads them, guarded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from transitmap.collect.formats.traces import Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

MAGIC = b".FIT"
MAGIC_AT = 8
DEGREES = 180.0 / 2**31
"""A semicircle in degrees."""
FIT_EPOCH_S = 631_065_600
"""1989-12-31 in Unix seconds."""
LEAST_CLOCK_S = 0x10000000
"""A smaller time counts seconds since the watch was switched on."""
_RECORD, _SESSION = 20, 18
_LAT, _LON, _ACCURACY, _TIMESTAMP = 0, 1, 31, 253
_START, _SPORT = 2, 5


def is_fit(body: bytes) -> bool:
    """Whether the bytes begin with a FIT header."""
    return body[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC


def read_fit(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of a FIT file: one an activity, and where an activity has several sessions one a session.

    Records without a position (a tunnel, a sensor alone) are dropped and counted.

    Raises:
        UploadRefused: `fit_crc`, `fit_damaged`, `no_track_points`, `too_many_points`.
    """
    import fitdecode

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            activities = list(_activities(body, config))
    except (UploadRefused, MemoryError):
        raise
    except fitdecode.FitCRCError as error:
        raise UploadRefused(
            "fit_crc", "the sums of the FIT file do not agree; copy it from the watch again"
        ) from error
    except (
        Exception
    ) as error:  # on odd bytes fitdecode fails by assertions and by whatever a wrong value meets
        raise UploadRefused("fit_damaged", f"the FIT file cannot be read: {type(error).__name__}") from error
    return rides_of(name, [trace for activity in activities for trace in _traces(activity)], config)


_Record = tuple[int | None, float | None, float | None, Any]
"""Time, latitude, longitude and accuracy."""


@dataclass
class _Activity:
    """One FIT file of a chain: its records, and when its sessions began with what sport."""

    records: list[_Record] = field(default_factory=list)
    sessions: list[tuple[int, str]] = field(default_factory=list)


def _activities(body: bytes, config: CollectConfig) -> Iterator[_Activity]:
    """The files of a chain."""
    from fitdecode import FIT_FRAME_DATA, FIT_FRAME_HEADER

    activity, n_records = None, 0
    for frame in _reader(body):
        if frame.frame_type == FIT_FRAME_HEADER:
            if activity is not None:
                yield activity
            activity = _Activity()
        elif frame.frame_type == FIT_FRAME_DATA and activity is not None:
            if frame.global_mesg_num == _RECORD:
                n_records += 1
                check_count(n_records, config)
                activity.records.append(_record(_raw(frame)))
            elif frame.global_mesg_num == _SESSION:
                _add_session(activity, frame)
    if activity is not None:
        yield activity


def _reader(body: bytes) -> Any:
    """Frames with raw values; a developer's field that is described wrongly stays bytes."""
    import fitdecode

    class Reader(fitdecode.FitReader):  # type: ignore[misc]  # fitdecode has no types
        def _add_dev_field_description(self, message: Any) -> None:
            with suppress(fitdecode.FitParseError, KeyError, TypeError, ValueError):
                super()._add_dev_field_description(message)

    strict, lenient = fitdecode.CrcCheck.RAISE, fitdecode.ErrorHandling.IGNORE
    return Reader(body, processor=None, check_crc=strict, error_handling=lenient)


def _raw(frame: Any) -> dict[int, Any]:
    """The raw values of a message by the number of their field, developers' fields left out."""
    return {
        one.field.def_num: one.raw_value
        for one in frame.fields
        if one.field is not None and (one.field_def is None or not one.field_def.is_dev)
    }


def _record(raw: dict[int, Any]) -> _Record:
    """One fix. An invalid number is None in raw values."""
    lat, lon, time = (raw.get(number) for number in (_LAT, _LON, _TIMESTAMP))
    return (
        FIT_EPOCH_S + time if isinstance(time, int) and time >= LEAST_CLOCK_S else None,
        lat * DEGREES if isinstance(lat, int) else None,
        lon * DEGREES if isinstance(lon, int) else None,
        raw.get(_ACCURACY),
    )


def _add_session(activity: _Activity, frame: Any) -> None:
    """When a session began, and its sport."""
    start = _raw(frame).get(_START)
    if isinstance(start, int):
        sport = frame.get_value(_SPORT, fallback="")
        activity.sessions.append((FIT_EPOCH_S + start, sport if isinstance(sport, str) else ""))


def _traces(activity: _Activity) -> Iterator[Trace]:
    """The records of an activity cut where its sessions begin; sessions stand behind the records."""
    sessions = sorted(activity.sessions) or [(0, "")]
    traces = [Trace(mode=sport) for _, sport in sessions]
    starts = [start for start, _ in sessions]
    row = 0
    for record in activity.records:
        while row + 1 < len(starts) and record[0] is not None and record[0] >= starts[row + 1]:
            row += 1
        traces[row].add(*record)
    yield from traces
