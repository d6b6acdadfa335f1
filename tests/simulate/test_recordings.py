import collections
import re

import gpxpy
import numpy as np
import pytest

from transitmap.collect.parse import parse
from transitmap.config import CollectConfig
from transitmap.geo import Plane
from transitmap.simulate.people import N_DIALECTS
from transitmap.simulate.phones import Recorded
from transitmap.simulate.recordings import HEADS, Waypoint, draw_label, write_gpx

FIXES = Recorded(np.array([1.772e9, 1.772e9 + 7]), np.array([[0.0, 0.0], [30.0, 40.0]]), np.array([4.0, 6.0]))
PLANE = Plane(22.9, -101.9)


@pytest.mark.parametrize("dialect", range(N_DIALECTS))
def test_both_readers_agree_on_every_dialect(dialect):
    taps = [Waypoint(1.772e9 + 3, 10.0, 20.0, "parada <1> & más")]
    body = write_gpx(FIXES, taps, "Ruta 12 & cía", dialect, True, PLANE)
    (ours,) = parse("ride.gpx", body, CollectConfig())
    found = gpxpy.parse(body.decode())
    points = found.tracks[0].segments[0].points
    assert found.tracks[0].name == "Ruta 12 & cía"
    assert found.waypoints[0].name == "parada <1> & más"
    assert [p.time.timestamp() for p in points] == ours.fixes.time_s.tolist() == FIXES.time_s.tolist()
    assert [p.latitude for p in points] == ours.fixes.lat_deg.tolist()
    assert (ours.label, ours.taps.name) == ("Ruta 12 & cía", ("parada <1> & más",))
    xy_m = PLANE.to_metres(np.array([p.latitude for p in points]), np.array([p.longitude for p in points]))
    assert np.abs(xy_m - FIXES.xy_m).max() < 0.15
    assert found.creator in HEADS[dialect]


def test_an_unlabelled_track_has_a_made_up_name():
    for dialect in range(N_DIALECTS):
        name = gpxpy.parse(write_gpx(FIXES, [], "", dialect, False, PLANE).decode()).tracks[0].name
        assert name
        assert not re.search("ruta|combi|camion", name.lower())


def test_labels_are_messy_and_sometimes_wrong(city):
    rng = np.random.default_rng(1)
    labels = [draw_label(city, 0, rng) for _ in range(6_000)]
    typed = [label for label in labels if label]
    number = city.routes.short_name[city.patterns[0].route_index]
    wrong = [label for label in typed if not re.search(rf"\b[rR]?-?{number}\b", label)]
    assert len(typed) / len(labels) == pytest.approx(city.config.label_share, abs=0.03)
    assert len(wrong) / len(typed) == pytest.approx(city.config.wrong_label_share, abs=0.015)
    assert len(collections.Counter(typed)) > 10
