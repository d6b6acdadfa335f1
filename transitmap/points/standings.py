"""Ledger rows -> board: the sum by rider, ranked; and the part of it that a rider looks for first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Row(Protocol):
    """A row of the ledger, or a sum of such rows, with its rider's name."""

    @property
    def user_id(self) -> int:
        """The rider."""
        ...

    @property
    def name(self) -> str:
        """The pseudonym."""
        ...

    @property
    def is_hidden(self) -> bool:
        """Whether the rider opted out of boards."""
        ...

    @property
    def millipoints(self) -> int:
        """Thousandths of a point."""
        ...

    @property
    def n_rides(self) -> int:
        """Rides behind the points."""
        ...


@dataclass(frozen=True)
class Place:
    """One line of a board. `n_tied` counts the riders who share the rank, this one included."""

    rank: int
    user_id: int
    name: str
    millipoints: int
    n_rides: int
    n_tied: int = 1


def board(rows: Iterable[Row], viewer_id: int | None = None) -> tuple[Place, ...]:
    """Riders by points, most first. Any rows of one rider are added up.

    Equal points share a rank and the next rank is skipped (1, 2, 2, 4); among equals the older account
    stands first, which decides nothing but the order on the page. Riders who opted out take no place,
    except in their own view (`viewer_id`).
    """
    sums: dict[int, tuple[str, int, int]] = {}
    for row in rows:
        if not row.is_hidden or row.user_id == viewer_id:
            _, points, n_rides = sums.get(row.user_id, ("", 0, 0))
            sums[row.user_id] = row.name, points + row.millipoints, n_rides + row.n_rides
    order = sorted(sums, key=lambda user_id: (-sums[user_id][1], user_id))
    return _ranked([(user_id, *sums[user_id]) for user_id in order])


def _ranked(ordered: list[tuple[int, str, int, int]]) -> tuple[Place, ...]:
    first: dict[int, int] = {}
    tied: dict[int, int] = {}
    for position, (_, _, points, _) in enumerate(ordered, 1):
        first.setdefault(points, position)
        tied[points] = tied.get(points, 0) + 1
    return tuple(
        Place(first[points], user_id, name, points, n_rides, tied[points])
        for user_id, name, points, n_rides in ordered
    )


def near(places: Sequence[Place], user_id: int, n_each_side: int = 2) -> tuple[Place, ...]:
    """This rider's line with up to `n_each_side` lines above and below; empty without a line."""
    mine = next((index for index, place in enumerate(places) if place.user_id == user_id), None)
    if mine is None:
        return ()
    return tuple(places[max(0, mine - n_each_side) : mine + n_each_side + 1])
