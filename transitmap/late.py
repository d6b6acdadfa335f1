"""Marks that came after their ride was understood: kept beside it for the map, and told to their rider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from transitmap import store
from transitmap.archive import Archive, pack_ride, unpack_ride
from transitmap.collect.gather import PLACED_WITHIN_S
from transitmap.model import Ride, Taps

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LATE, LONE, AGAIN = "late_mark", "lone_mark", "sent_before"
MAX_NAMES_CHARS = 200

Said = tuple[float, str]
"""When a mark was made, and what it says."""


def attach(
    session: Session, archive: Archive, upload: store.Upload, marks: Sequence[Said]
) -> list[dict[str, str]]:
    """Keeps marks beside the rides of their rider that were under way then; what became of them, in groups.

    A mark is put where the ride has a fix near in time, wherever the phone says that it was: so it tells
    nothing of the ends that were cut. Call it under `lock_ledger`.
    """
    if not marks:
        return []
    times_s = [time_s for time_s, _ in marks]
    rows = store.rides_between(session, upload.user_id, min(times_s), max(times_s))
    left = list(marks)
    told = []
    for row in rows:
        ride = unpack_ride(archive.get(row.packed_sha256))
        inside = [one for one in left if _fix_at(ride, one[0]) >= 0]
        new = [one for one in inside if one not in _known(with_late(archive, row, ride))]
        left = [one for one in left if one not in inside]
        if new:
            _keep(archive, row, ride, new)
        told += _told(new, LATE, row.upload_id) + _told(
            [m for m in inside if m not in new], AGAIN, row.upload_id
        )
    session.flush()
    return told + _told(left, LONE)


def with_late(archive: Archive, row: store.RideRow, ride: Ride) -> Ride:
    """The ride with the marks that came late among its own.

    Raises:
        KeyError: they are gone.
    """
    if not row.late_sha256:
        return ride
    own, more = ride.taps, unpack_ride(archive.get(row.late_sha256)).taps
    joined = Taps(
        np.concatenate([own.time_s, more.time_s]),
        np.concatenate([own.lat_deg, more.lat_deg]),
        np.concatenate([own.lon_deg, more.lon_deg]),
        (*own.name, *more.name),
    )
    return replace(ride, taps=joined.take(np.argsort(joined.time_s, kind="stable")))


def _keep(archive: Archive, row: store.RideRow, ride: Ride, new: Sequence[Said]) -> None:
    """A blob of all late marks of a ride: its own stays what it was, and so does what was paid for it."""
    at = np.array([_fix_at(ride, time_s) for time_s, _ in new], dtype=np.int64)
    taps = Taps(
        np.array([time_s for time_s, _ in new]),
        ride.fixes.lat_deg[at],
        ride.fixes.lon_deg[at],
        tuple(name for _, name in new),
    )
    none = np.zeros(0, dtype=np.int64)
    bare = Ride(ride.ride_id, ride.fixes.take(none), taps, rider_id=ride.rider_id)
    row.late_sha256 = archive.put(pack_ride(with_late(archive, row, bare)))


def _fix_at(ride: Ride, time_s: float) -> int:
    """The fix nearest in time; -1 before the first one, after the last, and in a silence."""
    fixes_s = ride.fixes.time_s
    if not fixes_s[0] <= time_s <= fixes_s[-1]:
        return -1
    at = int(np.argmin(np.abs(fixes_s - time_s)))
    return at if abs(fixes_s[at] - time_s) <= PLACED_WITHIN_S else -1


def _known(ride: Ride) -> set[Said]:
    return {
        (round(time_s, 3), name)
        for time_s, name in zip(ride.taps.time_s.tolist(), ride.taps.name, strict=True)
    }


def _told(marks: Sequence[Said], reason: str, upload_id: str = "") -> list[dict[str, str]]:
    """A line of the receipt; none without a mark."""
    names = ", ".join(name for _, name in marks)[:MAX_NAMES_CHARS]
    told = {"name": names, "reason": reason, "detail": "", "upload_id": upload_id}
    return [told] if marks else []
