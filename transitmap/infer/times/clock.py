"""Unix times -> the clock on the street: local days, their types and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from transitmap.model import FloatArray, IntArray, Ride

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


def days_of(rides: Sequence[Ride], timezone: str) -> IntArray:
    """The local day on which each ride began, as `local_clock` counts them; -1 for a ride without a fix."""
    has = [k for k, ride in enumerate(rides) if len(ride.fixes)]
    day = np.full(len(rides), -1, dtype=np.int64)
    day[has] = local_clock(np.array([rides[k].fixes.time_s[0] for k in has], dtype=float), timezone)[0]
    return day


def first_and_last(day: IntArray) -> tuple[str, str]:
    """First and last of the days of rides as ISO dates; empty strings without any."""
    known = day[day >= 0]
    if not len(known):
        return "", ""
    first, last = (str(date(1970, 1, 1) + timedelta(days=int(d))) for d in (known.min(), known.max()))
    return first, last


def day_types(day: IntArray) -> IntArray:
    """0 weekday, 1 Saturday, 2 Sunday; 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    return np.where(weekday < 5, 0, weekday - 4).astype(np.int64)


def timezone_of(lat_deg: float, lon_deg: float) -> str:
    """The IANA time zone of a place, "UTC" at sea."""
    from tzfpy import get_tz

    name = get_tz(lon_deg, lat_deg)
    return name if name and not name.startswith("Etc/") else "UTC"
