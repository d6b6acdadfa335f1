"""Ids, what an official feed calls the same things -> ids in which the official ones hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from transitmap.model import Claims, Ids, pattern_id_of, shape_id_of

KEPT = re.compile(r"\w[\w.:~@+|#*()-]*", re.ASCII)
"""Ids that may stand everywhere that ours stand: addresses, tables, the formulas of a spreadsheet."""
OWN = re.compile(r"([SRP])(\d{1,9})(-line)?")
"""What our own numbering may give, or may come to within a billion things."""


def claim_ids(ids: Ids, claims: Claims) -> Ids:
    """The ids with the official ones where there are such; two rows never get one id.

    A row that the official feed does not know keeps its id, but for one that a claim takes, or that looks
    like a number of ours and is in the official feed too: nobody could say whose it is. Such a row gets a
    new number, and so does what is gone and remembered. Numbers count on from beyond all that the official
    feed uses, so that none of ours, now or later, with or without that feed, is one of its. Ids that cannot
    stand in an address are not kept.
    """
    stop_id, gone_stop_id, next_stop = _claim(
        "S", ids.stop_id, ids.gone_stop_id, claims.stop_id, claims.all_stop_ids, ids.next_stop
    )
    route_id, gone_route_id, next_route = _claim(
        "R", ids.route_id, ids.gone_route_id, claims.route_id, claims.all_route_ids, ids.next_route
    )
    claimed = [pattern_id_of(one) if one else "" for one in claims.shape_id]
    known = {pattern_id_of(one) for one in claims.all_shape_ids} | claims.all_shape_ids
    pattern_id, gone_pattern_id, next_pattern = _claim(
        "P", ids.pattern_id, ids.gone_pattern_id, claimed, known, ids.next_pattern
    )
    return replace(
        ids,
        stop_id=stop_id,
        route_id=route_id,
        pattern_id=pattern_id,
        shape_id=tuple(shape_id_of(one) for one in pattern_id),
        gone_stop_id=gone_stop_id,
        gone_route_id=gone_route_id,
        gone_pattern_id=gone_pattern_id,
        next_stop=next_stop,
        next_route=next_route,
        next_pattern=next_pattern,
    )


def _claim(
    prefix: str,
    ids: tuple[str, ...],
    gone_ids: tuple[str, ...],
    claimed: Sequence[str],
    known: Collection[str],
    number: int,
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The claimed id for each row, else its own or the next number, also of what is gone; and the next."""
    numbers = (int(found[2]) for one in known if (found := OWN.fullmatch(one)) and found[1] == prefix)
    number = max([number, *(used + 1 for used in numbers)])
    claimed = [one if KEPT.fullmatch(one) else "" for one in (*claimed, *[""] * len(gone_ids))]
    taken, given = set(claimed), []
    for own, official in zip(ids + gone_ids, claimed, strict=True):
        if not official and (own in taken or (own in known and OWN.fullmatch(own))):
            official, number = f"{prefix}{number}", number + 1
        given.append(official or own)
    return tuple(given[: len(ids)]), tuple(given[len(ids) :]), number
