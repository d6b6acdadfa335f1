"""One body, as a child process reads it: rides, or the members of an archive, and what gave nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from transitmap import pipeline
from transitmap.archive import pack_ride
from transitmap.collect.intake import Item, unpack
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.model import Refusal, Ride
from transitmap.sandbox import Part

LIVE = "live"


def read(
    upload_id: str, rider_id: str, kind: str, name: str, body: bytes, config: Config, received_s: float
) -> Iterator[Part]:
    """The parts of one upload: `ride` (packed), `member` of an archive (its body), `left_out` (why), and
    `marks`, which came without their ride (JSON: when, what).

    Rides are named after the upload and belong to the rider. Where no trace gave a ride, the first one's
    reason ends it.

    Raises:
        UploadRefused: nothing in it can be used.
    """
    if kind == LIVE:
        return _live(upload_id, rider_id, name, body, config, received_s)
    items = unpack(name, body, config.collect)
    first = next(items)
    if isinstance(first, Refusal) or first[1] is not body:
        return _members(name, chain([first], items))
    return _rides(upload_id, rider_id, pipeline.collect_file(name, body, config, received_s))


def _live(
    upload_id: str, rider_id: str, name: str, body: bytes, config: Config, received_s: float
) -> Iterator[Part]:
    """The parts of a bundle. Marks alone are no reason to refuse it: their ride may have come before."""
    marks = pipeline.collect_marks(name, body, config)
    try:
        yield from _rides(upload_id, rider_id, pipeline.collect_live(name, body, config, received_s))
    except UploadRefused:
        if not marks:
            raise
    if marks:
        yield {"marks": len(marks)}, json.dumps(marks).encode()


def _members(name: str, items: Iterable[Item]) -> Iterator[Part]:
    """What an archive holds, one body at a time."""
    refused: Refusal | None = None
    n_members = 0
    for item in items:
        if isinstance(item, Refusal):
            refused = refused or item
            yield _refused(item)
        else:
            n_members += 1
            yield {"member": item[0].removeprefix(f"{name}/")}, item[1]
    if not n_members and refused is not None:
        raise UploadRefused(refused.reason, refused.detail)


def _rides(upload_id: str, rider_id: str, collected: Sequence[Ride | Refusal]) -> Iterator[Part]:
    ordinal = 0
    for one in collected:
        if isinstance(one, Refusal):
            yield _refused(one)
        else:
            ordinal += 1
            ride = replace(one, ride_id=f"{upload_id}.{ordinal}", rider_id=rider_id)
            yield {"ride": ordinal}, pack_ride(ride)
    if not ordinal:
        refused = next(one for one in collected if isinstance(one, Refusal))
        raise UploadRefused(refused.reason, refused.detail)


def _refused(refusal: Refusal) -> Part:
    return {"left_out": {"name": refusal.ride_id, "reason": refusal.reason, "detail": refusal.detail}}, b""
