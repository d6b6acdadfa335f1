"""The story: departures, riders, journeys, vehicles, phones, and the files that people upload."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from transitmap.simulate.network import City
from transitmap.simulate.operation import Departures, plan_departures
from transitmap.simulate.pace import Run, run_vehicle
from transitmap.simulate.people import Journey, Riders, draw_riders, plan_journeys, wanted_halts
from transitmap.simulate.recordings import write_gpx
from transitmap.simulate.rides import Draft, TrueRide, record_ride
from transitmap.simulate.rubbish import record_junk


@dataclass(frozen=True)
class SimulatedRide:
    """One upload: its name, its GPX, whose it is, when it came (UTC seconds), and the truth about it."""

    ride: str
    gpx: bytes
    rider: str
    uploaded_at: float
    truth: TrueRide


@dataclass(frozen=True, eq=False)
class Dataset:
    """All uploads of a campaign in the order they came, and the vehicles (by departure row) behind them."""

    city: City
    first_day: datetime.date
    days: int
    departures: Departures
    runs: dict[int, Run]
    rides: tuple[SimulatedRide, ...]


def simulate_rides(
    city: City,
    seed: int,
    n_rides: int = 400,
    n_riders: int = 60,
    first_day: datetime.date = datetime.date(2026, 3, 2),
    days: int = 14,
) -> Dataset:
    """`n_rides` recordings by `n_riders` people in `days` days, junk included; the same seed, the same bytes.

    Raises:
        ValueError: no rides, riders or days are wanted.
    """
    if min(n_rides, n_riders, days) < 1:
        raise ValueError(f"{n_rides} rides by {n_riders} riders in {days} days: each must be at least 1")
    rng = np.random.default_rng([seed, 2])
    departures = plan_departures(city, first_day, days, rng)
    riders = draw_riders(city, departures, n_riders, rng)
    n_junk = int(round(city.config.junk_share * n_rides))
    journeys = plan_journeys(city, riders, departures, n_rides - n_junk, first_day, days, rng)
    runs = _run_vehicles(city, departures, journeys, seed)
    drafts = [
        record_ride(city, riders, departures, runs[journey.departure], journey, _rng(seed, 4, k))
        for k, journey in enumerate(journeys)
    ]
    for k in range(n_junk):
        drafts.append(record_junk(city, riders, drafts, first_day, days, _rng(seed, 5, k)))
    return Dataset(city, first_day, days, departures, runs, _name(city, riders, drafts))


def _rng(seed: int, stream: int, row: int) -> np.random.Generator:
    """A generator of its own for one run or recording, so that none depends on another."""
    return np.random.default_rng([seed, stream, row])


def _run_vehicles(
    city: City, departures: Departures, journeys: Sequence[Journey], seed: int
) -> dict[int, Run]:
    """The vehicles that somebody known rode, once each, however many rode it."""
    return {
        row: run_vehicle(
            city,
            int(departures.pattern_index[row]),
            (float(departures.departure_s[row]), float(departures.crowd[row])),
            wanted,
            _rng(seed, 3, row),
        )
        for row, wanted in sorted(wanted_halts(journeys).items())
    }


def _name(city: City, riders: Riders, drafts: Sequence[Draft]) -> tuple[SimulatedRide, ...]:
    """The uploads in order of arrival, named by it."""
    order = sorted(range(len(drafts)), key=lambda k: (drafts[k].uploaded_at, k))
    names = {k: f"ride-{place:05d}" for place, k in enumerate(order)}
    return tuple(
        SimulatedRide(
            names[k],
            write_gpx(draft.fixes, draft.taps, draft.label, draft.dialect, draft.tells_accuracy, city.plane),
            riders.pseudonym[draft.rider],
            draft.uploaded_at,
            replace(draft.truth, copy_of=names[draft.original]) if draft.original >= 0 else draft.truth,
        )
        for k, draft in ((k, drafts[k]) for k in order)
    )
