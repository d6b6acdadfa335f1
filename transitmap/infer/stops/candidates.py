"""Profile of a street -> Candidates: places where vehicles may halt for people, and what speaks for each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.infer.stops.halts import medians
from transitmap.infer.stops.profile import Profile
from transitmap.infer.stops.streets import Street
from transitmap.model import FloatArray, IntArray

HOP_M = 300.0
"""Half the stops of most feeds are closer than that: what is usual around is counted for such a hop."""


class Candidates(NamedTuple):
    """Places on one street or many, in order: where, which way, and a column of `signs` for each name in
    SIGNS. The evidence are rows of the halts within `near_m`, ragged by `start`."""

    xy_m: FloatArray
    ahead: FloatArray
    signs: FloatArray
    n_passing: FloatArray
    start: IntArray
    evidence: IntArray


SIGNS = (
    *("passing", "seen", "share", "share_tight", "share_wide", "tight", "tight_wide", "before", "after"),
    *("at_once", "to_6_s", "to_14_s", "to_25_s", "longer", "spread", "skew"),
    *("ends", "ends_usual", "ends_n", "ends_tight", "ends_share", "taps", "taps_tight"),
    *("stay", "stay_tight", "sparse", "turn_ahead", "turn_behind"),
    *("jam_before", "jam_after", "jam", "rival_before", "rival_after"),
)
"""What speaks for or against a stop; `_signs` says how each is measured."""


def find_candidates(street: Street, profile: Profile, config: StopsConfig) -> Candidates:
    """The street's own bins where more happens than just before and after, with their signs."""
    rating = _rating(profile)
    best = np.max([_at(rating, k) for k in range(-3, 4)], axis=0)
    chosen = np.flatnonzero((rating >= best - 1e-12) & (rating >= config.min_rating) & _has_enough(profile))
    chosen = chosen[(chosen >= street.first) & (chosen < street.last)]
    chosen = chosen[np.diff(chosen, prepend=-9) > 2]
    return _settled(street, profile, chosen, _signs(profile, chosen), config)


def _rating(profile: Profile) -> FloatArray:
    """Halts, ends and taps a passing vehicle, and how much longer than usual vehicles stay; smoothed."""
    halts = np.convolve(np.pad(profile.n_lasting.sum(axis=0), 2), np.array([1, 2, 3, 2, 1]) / 3, mode="valid")
    rating = halts / (profile.n_seen + 1) + 0.5 * _around(profile.n_taps, 3) / (profile.n_tapping + 1)
    rating += 0.7 * _around(profile.n_ends, 4) / (profile.n_passing + 1)
    rating += 0.04 * np.maximum(_stay_s(profile), 0.0) * profile.n_sparse / (profile.n_passing + 1)
    return np.convolve(np.pad(rating, 1), [0.25, 0.5, 0.25], mode="valid")


def _has_enough(profile: Profile) -> FloatArray:
    """Where more than one vehicle did something: one alone tells nothing of the place."""
    stays = _around(profile.stay_s, 2) / 20.0 * (_stay_s(profile) > 0)
    said = _around(profile.n_ends, 4) + _around(profile.n_taps, 3)
    return np.asarray(_around(profile.n_lasting.sum(axis=0), 2) + said + stays >= 1.3)


def _stay_s(profile: Profile) -> FloatArray:
    """How much longer a vehicle stays within 12 m than it does around on average; phones that write rarely
    show it by where their fixes fall."""
    usual_s = _mean(profile.stay_s, 50) * 5
    return (_around(profile.stay_s, 2) - usual_s) / (profile.n_sparse + 1)


def _signs(profile: Profile, bins: IntArray) -> FloatArray:
    """(bins, signs), each finite. All are shares or ratios, so that busy and quiet streets compare."""
    signs = {
        **_halt_signs(profile),
        **_dwell_signs(profile),
        **_rider_signs(profile),
        **_place_signs(profile),
    }
    return np.column_stack([signs[name][bins] for name in SIGNS])


def _halt_signs(p: Profile) -> dict[str, FloatArray]:
    """How many of the vehicles halt, how closely in one place, and whether they also do before it, as in a
    queue, or after it."""
    halts, seen = p.n_lasting.sum(axis=0), p.n_seen + 1
    here = _around(halts, 3)
    return {
        "passing": np.log1p(p.n_passing),
        "seen": (p.n_seen + 0.2) / (p.n_passing + 1),
        "share": here / seen,
        "share_tight": _around(halts, 1) / seen,
        "share_wide": _around(halts, 8) / seen,
        "tight": (_around(halts, 1) + 0.5) / (_around(halts, 4) + 1.5),
        "tight_wide": (_around(halts, 2) + 0.5) / (_around(halts, 8) + 1.7),
        "before": (_sum(halts, -14, -4) + 0.2) / (here + 1),
        "after": (_sum(halts, 4, 14) + 0.2) / (here + 1),
    }


def _dwell_signs(p: Profile) -> dict[str, FloatArray]:
    """How long vehicles stand, and how their places spread and lean."""
    here = _around(p.n_lasting.sum(axis=0), 3) + 1
    names = ("at_once", "to_6_s", "to_14_s", "to_25_s", "longer")
    signs = {name: (_around(n, 3) + 0.2) / here for name, n in zip(names, p.n_lasting, strict=True)}
    n, mean, square, cube = _moments(p)
    variance = np.maximum(square - mean**2, 0.0)
    third = cube - 3 * mean * square + 2 * mean**3
    signs["spread"] = np.where(n > 1.5, np.sqrt(variance), 10.0)
    signs["skew"] = np.where(n > 2.5, np.clip(third / (variance**1.5 + 100.0), -2.0, 2.0), 0.0)
    return signs


def _moments(
    p: Profile, half: int = 7, bin_m: float = 5.0
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Halts within `half` bins of each bin, and the mean, mean square and mean cube of their places."""
    off_m = np.asarray(np.arange(-half, half + 1) * bin_m, dtype=np.float64)
    halts = p.n_lasting.sum(axis=0)

    def spread(values: FloatArray, weight: FloatArray) -> FloatArray:
        return np.convolve(np.pad(values, half), weight[::-1], mode="valid")

    one = np.ones(2 * half + 1)
    n = spread(halts, one)
    sums = (
        spread(halts, off_m) + spread(p.shift_m[0], one),
        spread(halts, off_m**2) + 2 * spread(p.shift_m[0], off_m) + spread(p.shift_m[1], one),
        spread(halts, off_m**3)
        + 3 * spread(p.shift_m[0], off_m**2)
        + 3 * spread(p.shift_m[1], off_m)
        + spread(p.shift_m[2], one),
    )
    mean, square, cube = (total / np.maximum(n, 1e-9) for total in sums)
    return n, mean, square, cube


def _rider_signs(p: Profile) -> dict[str, FloatArray]:
    """How many get on, off or tap here, against what is usual on a hop of `HOP_M` around; all are 0 where
    nobody said anything."""
    ends, taps = _around(p.n_ends, 4), _around(p.n_taps, 3)
    usual = _usual(p.n_ends)
    tappers = np.maximum(p.n_tapping, taps)
    served, passed = np.log(0.4 / 0.02), np.log(0.6 / 0.98)
    return {
        "ends": _log_ratio(ends, usual),
        "ends_usual": np.log1p(usual),
        "ends_n": np.log1p(ends),
        "ends_tight": np.where(_around(p.n_ends, 20) > 0, (ends + 0.2) / (_around(p.n_ends, 20) + 1), 0.2),
        "ends_share": ends / (p.n_passing + 1),
        "taps": np.clip(taps * served + (tappers - taps) * passed, -4.0, 6.0),
        "taps_tight": (taps + 0.1) / (_around(p.n_taps, 10) + 0.5),
    }


def _usual(n_ends: FloatArray, half: int = 160) -> FloatArray:
    """Ends on a hop of `HOP_M` around each bin, where the place of most ends (100 m) counts for one.

    Where everybody rides from terminal to terminal, the terminal says nothing of the stops beside it.
    """
    from scipy.ndimage import maximum_filter1d

    most = maximum_filter1d(_around(n_ends, 10), 2 * half + 1, mode="constant")
    total = np.maximum(_around(n_ends, half) - most, 0.0) + np.minimum(most, 1.0)
    return np.asarray(total / _around(np.ones(len(n_ends)), half) * HOP_M / 5)


def _log_ratio(n: FloatArray, usual: FloatArray) -> FloatArray:
    """Logarithm of how much likelier `n` ends are at a stop than elsewhere.

    A stop has the usual number of a hop, but stops differ much (negative binomial of shape 0.7); elsewhere a
    twentieth of it, from bad cuts and hails.
    """
    shape, stray = 0.7, 0.05 * usual + 0.02
    at_stop = n * np.log(usual / (usual + shape) + 1e-9) - shape * np.log1p(usual / shape)
    at_stop += _log_rising(n, shape)
    return np.clip(at_stop - n * np.log(stray) + stray, -4.0, 8.0)


def _log_rising(n: FloatArray, shape: float) -> FloatArray:
    """Logarithm of shape (shape + 1) ... (shape + n - 1)."""
    from scipy.special import gammaln

    return np.asarray(gammaln(n + shape) - gammaln(shape))


def _place_signs(p: Profile) -> dict[str, FloatArray]:
    """Whether vehicles stay longer here, turn here, or halt as much around: in a jam, at a better place."""
    halts, seen = p.n_lasting.sum(axis=0), p.n_seen + 1
    stays = _around(p.stay_s, 2) + 4
    kernel = np.convolve(np.pad(halts, 2), np.array([1, 2, 3, 2, 1]) / 3, mode="valid") / seen
    return {
        "stay": _stay_s(p),
        "stay_tight": stays / (_mean(p.stay_s, 10) * 5 + 4),
        "sparse": np.log1p(p.n_sparse),
        "turn_ahead": np.abs(_at(p.turn_rad, 10) - p.turn_rad),
        "turn_behind": np.abs(p.turn_rad - _at(p.turn_rad, -10)),
        "jam_before": _sum(halts, -40, -6) / 35 * 7 / seen,
        "jam_after": _sum(halts, 6, 40) / 35 * 7 / seen,
        "jam": _mean(halts, 160) * 7 / seen,
        "rival_before": np.max([_at(kernel, k) for k in range(-24, -5, 2)], axis=0) - kernel,
        "rival_after": np.max([_at(kernel, k) for k in range(6, 25, 2)], axis=0) - kernel,
    }


def _around(values: FloatArray, half: int) -> FloatArray:
    return _sum(values, -half, half)


def _sum(values: FloatArray, first: int, last: int) -> FloatArray:
    """Sum of the values from `first` to `last` bins after each bin, as far as there are any."""
    n = len(values)
    total = np.concatenate([[0.0], np.cumsum(values)])
    k = np.arange(n)
    return np.asarray(total[np.clip(k + last + 1, 0, n)] - total[np.clip(k + first, 0, n)])


def _mean(values: FloatArray, half: int) -> FloatArray:
    """Mean of the values within `half` bins, of those there are."""
    return _around(values, half) / _around(np.ones(len(values)), half)


def _at(values: FloatArray, shift: int) -> FloatArray:
    """The value so many bins further; beyond the ends, that of the end."""
    return values[np.clip(np.arange(len(values)) + shift, 0, len(values) - 1)]


def _settled(
    street: Street, profile: Profile, bins: IntArray, signs: FloatArray, config: StopsConfig
) -> Candidates:
    """The candidates at the median of their evidence, along the street and to its side."""
    where_m = geo.along_m(street.line_m)
    bin_m = np.asarray((bins + 0.5) * config.bin_m, dtype=np.float64)
    first = np.searchsorted(profile.evidence_m, bin_m - config.near_m)
    last = np.searchsorted(profile.evidence_m, bin_m + config.near_m)
    place_m, side_m = bin_m.copy(), np.zeros(len(bins))
    has = np.flatnonzero(last > first)
    group = np.repeat(np.arange(len(has)), (last - first)[has])
    rows = np.concatenate([np.arange(first[k], last[k]) for k in has] or [first[:0]])
    place_m[has] = medians(group, profile.evidence_m[rows], len(has))
    side_m[has] = medians(group, profile.side_m[rows], len(has))
    ahead = geo.at(street.line_m, where_m, place_m + 10.0) - geo.at(street.line_m, where_m, place_m - 10.0)
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    left = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    evidence = [profile.evidence[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    return Candidates(
        xy_m=geo.at(street.line_m, where_m, place_m) + side_m[:, None] * left,
        ahead=ahead,
        signs=signs,
        n_passing=profile.n_passing[bins],
        start=np.concatenate([[0], np.cumsum(last - first)]).astype(np.int64),
        evidence=np.concatenate([*evidence, np.zeros(0, dtype=np.int64)]),
    )
