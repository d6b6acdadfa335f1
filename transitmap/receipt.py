"""What a rider is told of an upload: what it was, ride by ride, and what each line of the ledger paid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.review import by_ride

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class PointsLine:
    """One line of the ledger as its rider reads it."""

    rule: str
    millipoints: int
    text_es: str
    text_en: str


@dataclass(frozen=True)
class RideReceipt:
    """What one ride of an upload was and what it was worth.

    `dropped` counts fixes by reason. `route_id` is empty where no route was recognised (`reason` says why)
    or too few people support it to publish it, and then `route_name` is too; `stretch` is the names of the
    first and last stop and the metres between. `lines` are in the order of the ledger; there is one even
    where nothing was earned.
    """

    ride_id: str
    name: str
    n_kept: int
    dropped: dict[str, int]
    warnings: tuple[str, ...]
    mode: str
    reason: str
    route_id: str
    route_name: str
    stretch: dict[str, Any]
    confidence: float
    lines: tuple[PointsLine, ...]

    @property
    def millipoints(self) -> int:
        """What the ride earned in all."""
        return sum(line.millipoints for line in self.lines)


@dataclass(frozen=True)
class LeftOut:
    """A trace of a file, or a member of an archive, that gave nothing new; `sent_before` was there."""

    name: str
    reason: str
    detail: str
    upload_id: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of one upload. `reason` and `detail` say why where it was refused; then it has no rides.

    An archive has `members`, each with its own receipt, and waits as long as one of them does.
    """

    upload_id: str
    is_new: bool
    state: str
    reason: str
    detail: str
    rides: tuple[RideReceipt, ...]
    name: str = ""
    left_out: tuple[LeftOut, ...] = ()
    members: tuple[Receipt, ...] = ()

    @property
    def millipoints(self) -> int:
        """What all its rides earned."""
        return sum(ride.millipoints for ride in self.rides) + sum(one.millipoints for one in self.members)


def receipt_of(session: Session, upload: store.Upload, is_new: bool = False) -> Receipt:
    """The receipt of an upload as the database has it, today or in a year.

    As many questions for an archive of a thousand rides as for one.
    """
    members = store.members_of_uploads(session, upload.id)
    uploads = [upload.id, *(one.id for some in members.values() for one in some)]
    rides = store.rides_of_uploads(session, uploads)
    lines = by_ride(store.lines_of_rides(session, [row.id for row in rides]))
    told: dict[str, list[RideReceipt]] = {}
    for row in rides:
        told.setdefault(row.upload_id, []).append(_ride_receipt(row, lines.get(row.id, ())))
    return replace(_receipt(upload, members, told), is_new=is_new)


def _receipt(
    upload: store.Upload,
    members: Mapping[str, Sequence[store.Upload]],
    rides: Mapping[str, Sequence[RideReceipt]],
) -> Receipt:
    inside = tuple(_receipt(one, members, rides) for one in members.get(upload.id, ()))
    return Receipt(
        upload_id=upload.id,
        is_new=False,
        state=store.RECEIVED if any(one.state == store.RECEIVED for one in inside) else upload.state,
        reason=upload.reason,
        detail=upload.detail,
        rides=tuple(rides.get(upload.id, ())),
        name=upload.name,
        left_out=tuple(LeftOut(**one) for one in upload.refused),
        members=inside,
    )


def _ride_receipt(row: store.RideRow, ledger: Iterable[store.LedgerRow]) -> RideReceipt:
    return RideReceipt(
        ride_id=row.id,
        name=row.name,
        n_kept=row.n_fixes,
        dropped=dict(row.dropped),
        warnings=tuple(row.warnings),
        mode=row.mode,
        reason=row.reason,
        route_id=row.route_id,
        route_name=row.route_name,
        stretch=dict(row.stretch),
        confidence=row.confidence,
        lines=tuple(PointsLine(line.rule, line.millipoints, line.text_es, line.text_en) for line in ledger),
    )
