import numpy as np
import pytest

from transitmap.simulate.phones import Phone, Track, at_times, record

STRAIGHT = Track(np.array([0.0, 600.0]), np.array([[2_000.0, 2_000.0], [8_000.0, 2_000.0]]))


def test_a_perfect_phone_would_tell_the_truth_but_for_white_noise():
    still = np.random.default_rng(0)
    fixes = record(STRAIGHT, Phone(5.0, 0.0, 0.0, 1.0, 0.0), still)
    off_m = np.hypot(*(fixes.xy_m - at_times(STRAIGHT, fixes.time_s)).T)
    assert np.median(off_m) < 2.0
    assert np.median(np.diff(fixes.time_s)) == 5.0


def test_errors_of_neighbouring_fixes_are_alike():
    phone = Phone(1.0, 0.0, 5.0, 1.0, 0.0)
    kept = []
    for seed in range(30):
        fixes = record(STRAIGHT, phone, np.random.default_rng(seed))
        error_m = fixes.xy_m[:, 1] - 2_000.0
        if np.abs(error_m).max() < 40:
            kept.append(np.corrcoef(error_m[:-1], error_m[1:])[0, 1])
    assert np.median(kept) > 0.85


def test_a_distance_filter_leaves_standing_out():
    east_m = np.array([0.0, 1_000.0, 1_000.0, 2_000.0])
    stop_and_go = Track(np.array([0.0, 100.0, 400.0, 500.0]), np.column_stack([east_m, 0 * east_m]))
    fixes = record(stop_and_go, Phone(1.0, 20.0, 1.0, 1.0, 0.0), np.random.default_rng(3))
    standing = (fixes.time_s > 110) & (fixes.time_s < 390)
    assert standing.sum() < 40 < (~standing).sum()


@pytest.mark.parametrize("seed", range(5))
def test_times_strictly_increase_and_two_fixes_are_the_least(seed):
    blink = Track(np.array([10.2, 10.4]), np.zeros((2, 2)))
    for track in (STRAIGHT, blink):
        fixes = record(track, Phone(30.0, 0.0, 5.0, 2.0, 1.0), np.random.default_rng(seed))
        assert len(fixes) >= 2
        assert (np.diff(fixes.time_s) > 0).all()
