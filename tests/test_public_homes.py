"""What is public leads to nobody's home: attacks on feeds and on riders' pages, with what they find."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.privacy_attacks import by_line, by_month, homes_found, linked_by_habit, linked_by_rides, town
from tests.points.hand import DAY_S, NOON_S, PLANE, bus_ride
from transitmap import pipeline
from transitmap.config import Config, FeedConfig
from transitmap.model import Ride

EAST = [(0.0, 0.0), (3000.0, 0.0)]
STOP_M = 375.0
SHARED, HOME = 5, 8
"""Most alight at the fifth stop; one rides on to the eighth, where it is home."""
STOP_ZONE_M = 60.0
CONFIG = Config(feed=FeedConfig(timezone="America/Mexico_City", min_riders=3))


def rides(n_home: int) -> list[Ride]:
    """Three days of five riders, `n_home` of whom ride on to the end."""
    found = []
    for day in range(3):
        for rider in range(5):
            last = HOME if rider < n_home else SHARED
            one = bus_ride(EAST, NOON_S + day * DAY_S + 600 * rider, seed=10 * day + rider, last=last)
            found.append(replace(one, ride_id=f"{day}.{rider}", rider_id=f"rider {rider}"))
    return found


def furthest_m(n_home: int) -> float:
    """How far east anything goes that the feed publishes: a stop, or a point of a shape."""
    network, trips = pipeline.infer_network(rides(n_home), CONFIG)
    feed = pipeline.make_feed(network, CONFIG, datetime.date(2025, 6, 20), trips=trips)
    places = []
    with zipfile.ZipFile(io.BytesIO(feed.zip_bytes)) as packed:
        for name, prefix in (("stops.txt", "stop"), ("shapes.txt", "shape_pt")):
            for row in csv.DictReader(io.TextIOWrapper(packed.open(name), "utf-8-sig")):
                places.append((float(row[f"{prefix}_lat"]), float(row[f"{prefix}_lon"])))
    lat, lon = np.array(places).T
    return float(PLANE.to_metres(lat, lon)[:, 0].max())


@pytest.mark.parametrize("n_home", [1, 2])
def test_no_stop_and_no_shape_goes_where_too_few_ride_on(n_home: int) -> None:
    assert furthest_m(n_home) <= SHARED * STOP_M + STOP_ZONE_M


def test_where_enough_ride_on_it_is_a_line() -> None:
    """Or the test above would say nothing."""
    assert furthest_m(3) >= HOME * STOP_M - STOP_ZONE_M


def test_what_others_see_of_a_rider_singles_out_nobody() -> None:
    """A line a ride would: four rides seen on the street and a name is a person."""
    told = town(7, 200, 15)
    assert linked_by_rides(told.rides, by_line, 7) > 0.9
    assert linked_by_rides(told.rides, by_month, 7) == 0.0
    assert linked_by_habit(told.rides, has_routes=False)[0] < linked_by_habit(told.rides, has_routes=True)[0]
    hits, chance, n = homes_found(told, False, 7)
    assert hits <= chance + 0.01 * n
