"""Motion: how much a receiver's error remembers, told by ranks, and what of few fixes is believed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.honest_riders import wander
from transitmap.model import Fixes
from transitmap.points.suspicion.examine import PUSH_M_S2, _forgetful
from transitmap.points.suspicion.motion import motion_of


def straight(off_m, every_s=5.0):
    """A vehicle on a straight road at 8 m/s, so far off its middle."""
    time_s = every_s * np.arange(len(off_m))
    return driven(time_s, 8.0 * time_s, off_m)


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


@pytest.mark.parametrize(("n", "most"), [(45, 2), (60, 2), (90, 1), (200, 0)])
def test_a_receiver_that_forgets_in_ten_seconds_is_believed(n, most):
    """Measured every five seconds its neighbours' errors correlate by 0.6; a real phone had 0.34 of 84."""
    rng, found = np.random.default_rng(n), []
    for _ in range(300):
        error_m = np.zeros(n)
        for k in range(1, n):
            error_m[k] = 0.6 * error_m[k - 1] + 0.8 * rng.normal()
        found.append(straight(3.0 * error_m))
    assert sum(one.memory < _forgetful(one.n_across) for one in found) <= most


def test_a_phone_whose_fixes_jump_about_is_not_too_fast_and_what_is_played_fast_is():
    off_m = 3.0 * wander(300, 2.0, np.random.default_rng(3))[:, 0]
    jumpy_m = off_m.copy()
    jumpy_m[10::25] += 60.0
    time_s, along_m = 2.0 * np.arange(300), 5_000.0 / 600.0 * 2.0 * np.arange(300)
    along_m += 60.0 * np.sin(time_s / 15.0)
    assert driven(time_s, along_m, jumpy_m).push_m_s2 < PUSH_M_S2 / 2
    assert driven(time_s / 8.0, along_m, off_m).push_m_s2 > PUSH_M_S2


def driven(time_s, along_m, off_m):
    """A vehicle on a straight road that was there then."""
    fixes = Fixes(time_s, off_m / 111_195.0, along_m / 111_195.0, np.full(len(off_m), 5.0))
    return motion_of(fixes, along_m, off_m)


def test_of_few_fixes_one_must_be_surer():
    limits = [_forgetful(n) for n in (20, 40, 60, 120, 1000)]
    assert limits == sorted(limits)
    assert limits[0] < 0.0
    assert limits[-2] < limits[-1] == 0.3


def test_a_line_without_any_error_has_no_memory_to_speak_of():
    assert np.isnan(straight(np.zeros(60)).memory)
