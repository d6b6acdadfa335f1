"""Rides driven by hand: a road, a speed, halts, a phone."""

import numpy as np

from transitmap import geo
from transitmap.model import Fixes, Ride, Taps

PLANE = geo.Plane(19.4, -99.1)
MORNING_S = 1_772_526_600.0  # Tuesday 2026-03-03 08:30 UTC
NO_TAPS = Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())


def ride_of(time_s, xy_m, ride_id="ride", label="", rider_id="", mode="", taps=NO_TAPS):
    """A ride from times and metres on PLANE."""
    lat_deg, lon_deg = PLANE.to_degrees(np.asarray(xy_m, dtype=float))
    fixes = Fixes(np.asarray(time_s, dtype=float), lat_deg, lon_deg, np.full(len(lat_deg), np.nan))
    return Ride(ride_id, fixes, taps, label, mode, rider_id)


def drive(road_m, start_s=MORNING_S, speed_m_s=8.0, halts=(), noise_m=0.0, seed=0, every_s=1.0):
    """Times and positions along a road; `halts` are (metres along, seconds)."""
    road_m = np.asarray(road_m, dtype=float)
    knot_m = geo.along_m(road_m)
    clock_s, where_m = [0.0], [0.0]
    for halt_m, dwell_s in sorted(halts):
        clock_s += [clock_s[-1] + (halt_m - where_m[-1]) / speed_m_s]
        clock_s += [clock_s[-1] + dwell_s]
        where_m += [halt_m, halt_m]
    clock_s.append(clock_s[-1] + (knot_m[-1] - where_m[-1]) / speed_m_s)
    where_m.append(knot_m[-1])
    time_s = np.arange(0.0, clock_s[-1], every_s)
    xy_m = geo.at(road_m, knot_m, np.interp(time_s, clock_s, where_m))
    rng = np.random.default_rng(seed)
    return start_s + time_s, xy_m + rng.normal(0.0, noise_m, xy_m.shape) if noise_m else xy_m


def bus(road_m, ride_id="bus", label="", rider_id="", taps=NO_TAPS, **driving):
    """A ride on a bus along a road."""
    return ride_of(*drive(road_m, **driving), ride_id=ride_id, label=label, rider_id=rider_id, taps=taps)


def after(*parts):
    """Several drives one after the other, as one: times of each follow the last, places follow on."""
    time_s, xy_m = parts[0]
    for next_s, next_m in parts[1:]:
        time_s = np.concatenate([time_s, next_s - next_s[0] + time_s[-1] + 1.0])
        xy_m = np.concatenate([xy_m, next_m - next_m[0] + xy_m[-1]])
    return time_s, xy_m
