"""A hand-made network of two lines: a trunk with a branch and its way back, and a loop nobody named."""

import datetime

import numpy as np

from transitmap.config import FeedConfig
from transitmap.geo import Plane, along_m, heading_deg
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.feed import build_tables
from transitmap.model import Headways, HopWitnesses, Network, Patterns, Routes, Shapes, Stops

CENTRE = Plane(19.53, -96.92)
TODAY = datetime.date(2026, 11, 22)
TRUNK = [(0, 0), (1500, 0), (3000, 100)]
BRANCH = [(0, 0), (1500, 0), (1500, 1600)]
BACK = [(3000, 112), (1500, 12), (0, 12)]
LOOP = [(0, -500), (900, -500), (900, -1400), (0, -1400), (0, -500)]
LINES = [TRUNK, BRANCH, BACK, LOOP]
CALLS_M = [
    [20, 700, 1480, 2985],
    [20, 700, 1480, 2300, 3080],
    [15, 1500, 2300, 2980],
    [0, 800, 1700, 2600, 3590],
]
SPEED_M_S = 6.0
LAST_DAY = (datetime.date(2026, 11, 20) - datetime.date(1970, 1, 1)).days
NAMES = {0: "MERCADO JÁUREGUI", 3: "Central camionera", 5: "Parada 5", 8: '"El Árbol", esquina'}


def small_city(**changes):
    """The network; `changes` replace whole tables."""
    xy, heading, chains, along = _stops()
    lat_deg, lon_deg = CENTRE.to_degrees(xy)
    n = len(xy)
    stops = Stops(
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        heading_deg=heading,
        spread_m=np.full(n, 6.5),
        n_rides=np.arange(n) + 4,
        n_riders=np.full(n, 4),
        n_days=np.full(n, 3),
        confidence=np.full(n, 0.9),
        name=tuple(NAMES.get(i, "") for i in range(n)),
        last_day=np.full(n, LAST_DAY - 1),
    )
    tables = {
        "stops": stops,
        "routes": Routes(("Ruta 12", ""), ("12 - Centro Y Norte", ""), np.array([0.9, np.nan])),
        "patterns": _patterns(chains, along),
        "shapes": _shapes(),
        "headways": _headways(),
        "hop_witnesses": _hop_witnesses(chains),
    }
    days = {"timezone": "America/Mexico_City", "first_day": "2026-10-01", "last_day": "2026-11-20"}
    return Network(**{**tables, **days, **changes})


def small_feed(network=None, **settings):
    """The tables of the network (the small city without one)."""
    network = network or small_city()
    return build_tables(network, carry_ids(network, None), FeedConfig(**settings), TODAY)


def _stops():
    """Stops 8 m to the right of the lines; trunk and branch share theirs, the loop ends where it began."""
    xy, heading, chains, along = [], [], [], []
    for line, calls in zip(LINES, CALLS_M, strict=True):
        points = np.array(line, dtype=float)
        total, chain = along_m(points), []
        for where in calls:
            here = np.array([[np.interp(where, total, points[:, 0]), np.interp(where, total, points[:, 1])]])
            k = min(int(np.searchsorted(total, where, side="right")) - 1, len(line) - 2)
            way = (points[k + 1] - points[k]) / np.hypot(*(points[k + 1] - points[k]))
            place = here[0] + 8.0 * np.array([way[1], -way[0]])
            known = [i for i, one in enumerate(xy) if np.hypot(*(one - place)) < 15]
            if not known:
                known = [len(xy)]
                xy.append(place)
                heading.append(float(heading_deg(way[None, :])[0]))
            chain.append(known[0])
        chains.append(chain)
        along.append([float(one) for one in calls])
    return np.array(xy), np.array(heading), chains, along


def _patterns(chains, along):
    n_calls = [len(chain) for chain in chains]
    run = [np.array(one) / SPEED_M_S - one[0] / SPEED_M_S for one in along]
    return Patterns(
        route_index=np.array([0, 0, 0, 1]),
        direction_id=np.array([0, 0, 1, 0]),
        n_rides=np.array([40, 12, 30, 9]),
        n_riders=np.array([8, 5, 7, 3]),
        n_days=np.array([10, 6, 9, 4]),
        confidence=np.array([0.95, 0.8, 0.9, 0.7]),
        headsign=("", "To 12 Norte", "hacia MERCADO", ""),
        call_start=np.concatenate([[0], np.cumsum(n_calls)]),
        stop_index=np.concatenate([np.array(chain) for chain in chains]),
        along_m=np.concatenate([np.array(one) for one in along]),
        run_s=np.concatenate(run),
        run_spread_s=np.concatenate([np.full(n, 30.0) for n in n_calls]),
        call_n_riders=np.repeat([8, 5, 7, 3], n_calls),
        last_day=LAST_DAY - np.arange(4),
    )


def _hop_witnesses(chains):
    """Who rode from call to call: of every pattern's riders one gets off before the last stop."""
    rows, first = [], 0
    for chain, n_riders in zip(chains, [8, 5, 7, 3], strict=True):
        for k in range(len(chain) - 1):
            n = n_riders - (k == len(chain) - 2)
            rows.append((first + k, first + k + 1, n, n + 2, n, 3, LAST_DAY))
        first += len(chain)
    return HopWitnesses(*(np.array(column) for column in zip(*rows, strict=True)))


def _shapes():
    points = [np.array(line, dtype=float) for line in LINES]
    lat_deg, lon_deg = CENTRE.to_degrees(np.concatenate(points))
    return Shapes(
        point_start=np.concatenate([[0], np.cumsum([len(one) for one in points])]),
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        along_m=np.concatenate([along_m(one) for one in points]),
    )


def _headways():
    rows = [
        # pattern, day type, start, end, headway, low, high, vehicles, bound
        (0, 0, 6 * 3600, 9 * 3600, 480.0, 420.0, 560.0, 18, False),
        (0, 0, 9 * 3600, 22 * 3600, 720.4, 600.0, 900.0, 30, False),
        (0, 1, 7 * 3600, 20 * 3600, 1200.0, 900.0, 1800.0, 4, True),
        (1, 0, 6 * 3600, 22 * 3600, 1500.0, 1200.0, 1900.0, 9, False),
        (2, 0, 6 * 3600, 24 * 3600 + 1800, 600.0, 500.0, 700.0, 25, False),
        (2, 2, 8 * 3600, 18 * 3600, 1800.0, np.nan, 3600.0, 1, True),
        (3, 0, 7 * 3600, 21 * 3600, 900.0, 700.0, 1300.0, 8, False),
    ]
    columns = list(zip(*rows, strict=True))
    counts = np.full(len(rows), 4), np.full(len(rows), 3), np.full(len(rows), LAST_DAY)
    return Headways(*(np.array(column) for column in columns), *counts)
