"""Unix times -> the clock on the street: local days, their types and seconds."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from transitmap.model import FloatArray, IntArray

HOUR_S = 3600


def local_clock(time_s: FloatArray, timezone: str) -> tuple[IntArray, IntArray]:
    """Local day (days since 1970-01-01) and second of that day of Unix times."""
    zone = ZoneInfo(timezone)
    offset_s = {}
    for hour in np.unique(time_s // HOUR_S):
        shift = datetime.fromtimestamp(float(hour) * HOUR_S, zone).utcoffset()
        offset_s[hour] = shift.total_seconds() if shift else 0.0
    local_s = time_s + np.array([offset_s[hour] for hour in time_s // HOUR_S], dtype=float)
    return (local_s // 86_400).astype(np.int64), (local_s % 86_400).astype(np.int64)


def day_types(day: IntArray) -> IntArray:
    """0 weekday, 1 Saturday, 2 Sunday; 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    return np.where(weekday < 5, 0, weekday - 4).astype(np.int64)


def timezone_of(lat_deg: float, lon_deg: float) -> str:
    """The IANA time zone of a place, "UTC" at sea."""
    from tzfpy import get_tz

    name = get_tz(lon_deg, lat_deg)
    return name if name and not name.startswith("Etc/") else "UTC"
