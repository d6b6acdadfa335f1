"""Sums of the ledger -> board: ranks, the part of it that a rider looks for first, and who rides nearby."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

MIN_NEAR_ROUTES, MIN_NEAR_RIDERS = 5, 10
"""A board of riders nearby spans at least so many routes and riders, or it would tell who rides which."""


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
        """Thousandths of a point, verified or not."""
        ...

    @property
    def verified_millipoints(self) -> int:
        """The part of it that others have confirmed."""
        ...

    @property
    def n_rides(self) -> int:
        """Rides behind the points."""
        ...


@dataclass(frozen=True)
class Place:
    """One line of a board: of a rider, or of a team by its id."""

    rank: int
    user_id: int
    name: str
    millipoints: int
    n_rides: int
    verified_millipoints: int = 0


@dataclass(frozen=True)
class Sum:
    """What one rider has."""

    user_id: int
    name: str
    millipoints: int
    verified_millipoints: int
    n_rides: int
    is_hidden: bool = False


def board(rows: Iterable[Row], viewer_id: int | None = None) -> tuple[Place, ...]:
    """Riders by points, most first. Any rows of one rider are added up.

    Equal points share a rank and the next rank is skipped (1, 2, 2, 4); among equals the older account
    stands first, which decides nothing but the order on the page. Riders who opted out take no place,
    except in their own view (`viewer_id`).
    """
    sums: dict[int, Sum] = {}
    for row in rows:
        if not row.is_hidden or row.user_id == viewer_id:
            sums[row.user_id] = _plus(sums.get(row.user_id), row)
    return ranked(sorted(sums.values(), key=lambda one: (-one.millipoints, one.user_id)))


def _plus(so_far: Sum | None, row: Row) -> Sum:
    so_far = so_far or Sum(row.user_id, row.name, 0, 0, 0)
    return Sum(
        row.user_id,
        row.name,
        so_far.millipoints + row.millipoints,
        so_far.verified_millipoints + row.verified_millipoints,
        so_far.n_rides + row.n_rides,
    )


def ranked(rows: Sequence[Row], n_better: int | None = 0, n_before: int = 0) -> tuple[Place, ...]:
    """Ranks of neighbouring rows of a board, which come in its order, from anywhere in it.

    `n_better` have more points than the first of them; `n_before` stand before it, its equals counted in.
    Where nobody counted (None) all ranks are 0.
    """
    places: list[Place] = []
    for row in rows:
        is_tied = bool(places) and places[-1].millipoints == row.millipoints
        rank = places[-1].rank if is_tied else 1 + (n_before + len(places) if places else n_better or 0)
        sums = row.millipoints, row.n_rides, row.verified_millipoints
        places.append(Place(0 if n_better is None else rank, row.user_id, row.name, *sums))
    return tuple(places)


def touching(cells: Mapping[str, Collection[tuple[int, int]]], mine: Collection[str]) -> frozenset[str]:
    """The routes that touch any of `mine`, these too: those with stops in the same cells of the city.

    None where they are fewer than MIN_NEAR_ROUTES: who rides one route must not learn who else does.
    """
    own = {cell for route_id in mine for cell in cells.get(route_id, ())}
    found = frozenset(route_id for route_id, theirs in cells.items() if not own.isdisjoint(theirs))
    return found if len(found) >= MIN_NEAR_ROUTES else frozenset()
