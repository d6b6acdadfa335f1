import collections
import datetime

import gpxpy
import numpy as np
import pytest

from transitmap import geo
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides


@pytest.fixture(scope="module")
def parsed(dataset):
    """Times and places of every fifth ride, as gpxpy reads them (it is slow)."""
    found = {}
    for ride in dataset.rides[::5]:
        points = list(gpxpy.parse(ride.gpx.decode()).walk(only_points=True))
        xy_m = dataset.city.plane.to_metres(
            np.array([p.latitude for p in points]), np.array([p.longitude for p in points])
        )
        found[ride.ride] = (np.array([p.time.timestamp() for p in points]), xy_m)
    return found


def true_rides(dataset):
    return [ride for ride in dataset.rides if ride.truth.kind == "ride"]


def test_files_parse_in_time_order_and_were_uploaded_afterwards(dataset, parsed):
    for ride in dataset.rides[::5]:
        time_s, _ = parsed[ride.ride]
        assert (np.diff(time_s) > 0).all()
        assert ride.uploaded_at >= time_s[-1]
    assert len(dataset.rides) == 400
    assert [r.uploaded_at for r in dataset.rides] == sorted(r.uploaded_at for r in dataset.rides)


def test_boarding_comes_before_alighting(dataset):
    rides = true_rides(dataset)
    assert len(rides) > len(dataset.rides) / 2
    for ride in rides:
        truth = ride.truth
        assert truth.board_m < truth.alight_m
        assert truth.board_time_s < truth.alight_time_s
        assert truth.board_call == -1 or truth.alight_call == -1 or truth.board_call < truth.alight_call
        assert 5 < (truth.alight_m - truth.board_m) / (truth.alight_time_s - truth.board_time_s) * 3.6 < 50


def test_fixes_aboard_lie_on_the_line_with_the_noise_of_real_phones(dataset, parsed):
    """Chicago's shuttles: median 3.1 m across the line, 95 % within 14.3 m; simulators should give 3-4 m."""
    off_m = []
    for ride in (known for known in true_rides(dataset) if known.ride in parsed):
        time_s, xy_m = parsed[ride.ride]
        aboard = (time_s >= ride.truth.board_time_s) & (time_s <= ride.truth.alight_time_s)
        if aboard.sum() >= 5:
            line_m = dataset.city.patterns[ride.truth.pattern_index].line.xy_m[::3]
            off_m.append(np.abs(geo.project(xy_m[aboard], line_m)[1]))
    median_m, p95_m, p99_m = np.percentile(np.concatenate(off_m), [50, 95, 99])
    assert 2.6 < median_m < 4.2
    assert 10 < p95_m < 20
    assert p99_m > 22


def test_sampling_spans_phones_and_shuttles(dataset, parsed):
    step_s = [np.median(np.diff(time_s)) for time_s, _ in parsed.values()]
    assert min(step_s) == 1
    assert 2 <= np.median(step_s) <= 10
    assert max(step_s) >= 15


def test_dwells_of_the_vehicles_have_the_measured_quantiles(dataset):
    inner = slice(1, -1)
    runs = dataset.runs.values()
    dwell_s = np.concatenate([(run.depart_s - run.arrive_s)[inner][run.is_served[inner]] for run in runs])
    assert np.percentile(dwell_s, [25, 50, 75, 90]) == pytest.approx([2, 5, 10, 20], rel=0.12)


def test_stops_are_served_about_as_often_as_expected(dataset):
    served = np.concatenate([run.is_served for run in dataset.runs.values()])
    chance = np.concatenate([run.chance for run in dataset.runs.values()])
    assert served.mean() == pytest.approx(chance.mean(), abs=0.02)
    assert 0.4 < chance.mean() < 0.8


def test_most_patterns_are_known_by_three_riders(dataset):
    riders = collections.defaultdict(set)
    for ride in true_rides(dataset):
        riders[ride.truth.pattern_index].add(ride.rider)
    assert len(riders) == len(dataset.city.patterns)
    assert np.mean([len(known) >= 3 for known in riders.values()]) > 0.9


def test_junk_is_of_every_kind_and_copies_name_a_ride(dataset):
    kinds = collections.Counter(ride.truth.kind for ride in dataset.rides)
    assert kinds["ride"] == round(400 * (1 - dataset.city.config.junk_share))
    assert {"car", "walk", "still", "copy"} <= set(kinds)
    names = {ride.ride: ride for ride in dataset.rides}
    for copy in (ride for ride in dataset.rides if ride.truth.kind == "copy"):
        assert names[copy.truth.copy_of].truth.kind == "ride"
        assert names[copy.truth.copy_of].uploaded_at < copy.uploaded_at


def test_nobody_sits_in_two_vehicles_at_once(dataset):
    by_rider = collections.defaultdict(list)
    for ride in true_rides(dataset):
        by_rider[ride.rider].append((ride.truth.board_time_s, ride.truth.alight_time_s))
    # A rider with one ride says nothing of two vehicles at once.
    assert sum(len(spans) > 1 for spans in by_rider.values()) > len(by_rider) / 2
    for spans in by_rider.values():
        spans.sort()
        assert all(before[1] < after[0] for before, after in zip(spans, spans[1:], strict=False))


def test_some_phones_mark_stops(dataset):
    taps = [ride for ride in true_rides(dataset) if b"<wpt" in ride.gpx]
    assert 0 < len(taps) < 0.5 * len(dataset.rides)


def test_same_seed_same_bytes_other_seed_others(city):
    few = [simulate_rides(city, seed, 12, 5, days=2) for seed in (3, 3, 4)]
    files = [[(r.ride, r.gpx, r.rider, r.uploaded_at) for r in data.rides] for data in few]
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_campaign_rides_from_terminal_to_terminal():
    city = simulate_city(3, SimulateConfig(width_m=4_500, height_m=4_000, n_routes=2, mode="campaign"))
    data = simulate_rides(city, 3, 30, 6, datetime.date(2026, 3, 8), 1)
    for ride in true_rides(data):
        calls = city.patterns[ride.truth.pattern_index].call_m
        assert (ride.truth.board_call, ride.truth.alight_call) == (0, len(calls) - 1)
    assert len({ride.truth.pattern_index for ride in true_rides(data)}) >= 4


def test_nothing_of_nothing_is_refused(city):
    with pytest.raises(ValueError, match="0 rides"):
        simulate_rides(city, 1, 0)
