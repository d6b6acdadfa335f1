"""The joints of the story: what a bad trace costs, what an empty town gives, what new rides are."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from tests.infer.roads import MORNING_S, PLANE, bus, drive, ride_of
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.model import Refusal
from transitmap.pipeline import collect_file, collect_upload, infer_network, make_feed, recognise

ROAD = np.array([(0, 0), (3000, 0), (3000, 3000), (6000, 3000)], dtype=float)
CONFIG = Config()
NOW_S = 1_790_000_000.0
POINT = '<trkpt lat="19.4" lon="-99.{}"><time>2026-03-03T08:00:0{}Z</time></trkpt>'
GOOD = "<trk><trkseg>" + "".join(POINT.format(100 + k, k) for k in range(5)) + "</trkseg></trk>"
ONE_POINT = "<trk><trkseg>" + POINT.format(1, 0) + "</trkseg></trk>"


def gpx(*tracks):
    return f'<gpx version="1.1" creator="hand">{"".join(tracks)}</gpx>'.encode()


def test_a_bad_trace_costs_no_other_trace_of_its_file():
    collected = collect_file("day.gpx", gpx(GOOD, ONE_POINT, GOOD), CONFIG, NOW_S)
    assert [one.ride_id for one in collected] == ["day.gpx", "day.gpx#2", "day.gpx#3"]
    assert [isinstance(one, Refusal) for one in collected] == [False, True, False]
    assert len(collect_upload("day.gpx", gpx(GOOD, ONE_POINT, GOOD), CONFIG, NOW_S)) == 2


def test_a_file_without_one_good_trace_is_refused():
    with pytest.raises(UploadRefused) as refused:
        collect_upload("day.gpx", gpx(ONE_POINT, ONE_POINT), CONFIG, NOW_S)
    assert refused.value.reason == "too_short"


def fleet(n, seed=0):
    return [
        bus(ROAD, f"{k}", label="Ruta 7", rider_id=f"r{k % 3}", noise_m=3, seed=seed + k) for k in range(n)
    ]


def test_nobody_s_rides_give_an_empty_network():
    network, trips = infer_network([], CONFIG)
    assert len(network.stops) == len(network.patterns) == len(network.routes) == len(trips) == 0
    feed = make_feed(network, CONFIG, datetime.date(2026, 3, 20))
    assert any(notice.severity == "error" for notice in feed.notices), "an empty feed must not pass"


def test_new_rides_are_recognised_and_change_nothing():
    network, _ = infer_network(fleet(6), CONFIG)
    before = network.stops.lat_deg.copy()
    walk = ride_of(*drive([(0, 0), (900, 0)], speed_m_s=1.3), ride_id="walk")
    part = bus([(1000, 0), (3000, 0), (3000, 2000)], "part", label="7", noise_m=3, seed=40)
    back = bus(ROAD[::-1], "back", noise_m=3, seed=41)
    trips = recognise(network, [part, walk, back], CONFIG)
    assert trips.pattern_index.tolist() == [0, -1, -1]
    assert trips.reason == ("", "walking", "no_pattern")
    assert abs(trips.first_m[0] - 1000) < 60 and abs(trips.last_m[0] - 5000) < 60
    assert np.array_equal(network.stops.lat_deg, before)


def test_a_name_that_one_person_gave_is_not_published():
    rides = [replace(ride, label="Casa Xoco" if ride.rider_id == "r0" else "") for ride in fleet(6)]
    on_files, _ = infer_network(rides, CONFIG)
    assert on_files.routes.short_name == ("CASA XOCO",)
    on_a_server, _ = infer_network(rides, replace(CONFIG, feed=replace(CONFIG.feed, min_riders=3)))
    assert on_a_server.routes.short_name == ("",)


def test_a_line_that_one_person_rode_to_its_end_is_cut_on_a_server():
    careful = replace(CONFIG, feed=replace(CONFIG.feed, min_riders=3))
    short = np.array([(0, 0), (3000, 0), (3000, 1000)], dtype=float)
    start_s = [MORNING_S + 600.0 * k for k in range(8)]
    rides = [bus(ROAD, f"a{k}", rider_id="a", noise_m=3, seed=k, start_s=start_s[k]) for k in range(4)]
    halts = [(1000, 20), (2500, 20), (3500, 20)]
    rides += [
        bus(short, who, rider_id=who, noise_m=3, seed=ord(who), halts=halts, start_s=start_s[4 + k])
        for k, who in enumerate("bcde")
    ]
    network, _ = infer_network(rides, careful)
    assert network.shapes.along_m.max() > 8500
    feed = make_feed(network, careful, datetime.date(2026, 3, 20))
    assert 0 < feed.network.shapes.along_m.max() < 4200


def test_evidence_counts_rides_riders_and_days():
    network, trips = infer_network(fleet(6), CONFIG)
    assert (network.patterns.n_rides[0], network.patterns.n_riders[0], network.patterns.n_days[0]) == (
        6,
        3,
        1,
    )
    assert network.routes.short_name == ("7",)
    assert (trips.pattern_index == 0).all()
    assert network.first_day == network.last_day == "2026-03-03"
    assert PLANE.lat_deg == pytest.approx(network.stops.lat_deg.mean(), abs=0.1)
