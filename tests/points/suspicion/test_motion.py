"""Motion: how much a receiver's error remembers, told by ranks, and what of few fixes is believed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.honest_riders import wander
from transitmap.model import Fixes
from transitmap.points.suspicion.examine import _forgetful
from transitmap.points.suspicion.motion import motion_of


def straight(off_m, every_s=5.0):
    """A vehicle on a straight road at 8 m/s, so far off its middle."""
    time_s = every_s * np.arange(len(off_m))
    fixes = Fixes(time_s, off_m / 111_195.0, 8.0 * time_s / 111_195.0, np.full(len(off_m), 5.0))
    return motion_of(fixes, 8.0 * time_s, off_m)


def test_white_noise_forgets_and_a_receiver_does_not():
    rng = np.random.default_rng(1)
    white = [straight(rng.normal(0.0, 3.0, 120)).memory for _ in range(40)]
    phone = [straight(3.0 * wander(120, 5.0, rng)[:, 0]).memory for _ in range(40)]
    assert max(white) < 0.4 < 0.5 < min(phone)
    assert np.mean(white) == pytest.approx(0.0, abs=0.06)


def test_spikes_make_no_phone_forgetful():
    rng = np.random.default_rng(2)
    off_m = 3.0 * wander(120, 5.0, rng)[:, 0]
    before = straight(off_m).memory
    off_m[[20, 60, 90]] += 28.0
    assert straight(off_m).memory > before - 0.15


def test_of_few_fixes_one_must_be_surer():
    limits = [_forgetful(n) for n in (20, 40, 60, 120, 1000)]
    assert limits == sorted(limits)
    assert limits[0] < 0.0
    assert limits[-2:] == [0.44, 0.44]


def test_a_line_without_any_error_has_no_memory_to_speak_of():
    assert np.isnan(straight(np.zeros(60)).memory)
