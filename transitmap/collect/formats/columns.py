"""What apps call the columns of a trace, in CSV and in the properties of GeoJSON and other JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable

TIME = (
    *(
        "timestamp_ms",
        "timestampms",
        "time_long",
        "epoch_ms",
        "timestamp",
        "tst",
        "time",
        "iso_time",
        "datetime",
    ),
    *("date_time", "time_utc", "utc_time", "utc_datetime", "gps_time", "fix_time", "fixtime", "device_time"),
    *("devicetime", "recorded_at", "epoch", "unixtime", "unix_time", "fecha_hora", "fechahora"),
)
LAT = ("lat", "latitude", "lat_deg", "latitud", "gps_lat", "gps_latitude", "y")
LON = ("lon", "lng", "long", "longitude", "lon_deg", "longitud", "gps_lon", "gps_longitude", "x")
ACCURACY = (
    *("accuracy", "acc", "accuracy_m", "accuracy_horizontal", "horizontal_accuracy", "haccuracy", "hacc"),
    *("gps_accuracy", "precision", "precision_m"),
)
NOTE = ("annotation", "note", "description", "desc", "comment", "poi")
TRIP = ("trip", "trip_id", "track_id", "trackid", "track_fid")
DATE = ("date", "fecha")
CLOCK = ("time", "hora")
_UNIT = re.compile(r"[\[(].{0,20}[\])]")


def plain(name: str) -> str:
    """A column's name without case, unit and ornament: `#Latitude [deg]` is `latitude`."""
    return re.sub(r"[\s.-]+", "_", _UNIT.sub("", name[:80]).strip(" \t\r\n\"'#\ufeff").lower())


def first_of(names: Iterable[str], there: Iterable[str]) -> str:
    """The first of the names that is there, empty where none is."""
    there = set(there)
    return next((name for name in names if name in there), "")
