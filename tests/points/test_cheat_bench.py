"""CheatBench, small: each attack A1 to A14 on a town of eighty honest riders, with the least that must hold.

What a program draws with care (A6) is told by no look at positions: it must earn nothing instead. A lie about
the clock is tried beside jumps and two places at once. The same bytes sent again (A1) are stopped before
anything is looked at (`tests/webapp/test_uploads.py`); here they come as another file.
"""

from __future__ import annotations

import pytest

from benchmarks import attacks, cheat_bench, cheat_rings
from transitmap.model import Voices

SEED, N_HONEST = 40, 80
SMALL = (60, 150, 600)
"""Route-directions, riders and rides of a campaign."""


@pytest.fixture(scope="module")
def bench():
    """A town, the court with its honest rides, what was found about those."""
    city, court, tallies, _ = next(cheat_bench.courts(N_HONEST, SEED))
    return city, court, tallies


def share(tallies, least_n: int) -> float:
    """The part of all that was tried that is withheld."""
    n = sum(tally.n for tally in tallies)
    assert n >= least_n
    return sum(tally.hard for tally in tallies) / n


def test_honest_riders_their_company_and_their_commutes_are_not_withheld(bench) -> None:
    tallies = bench[2]
    assert {"alone", "co-riders 0.95", "the same way each day"} <= set(tallies)
    assert share(tallies.values(), N_HONEST) == 0.0
    assert sum(tally.soft for tally in tallies.values()) <= 2


def test_a1_the_same_fixes_in_another_file(bench) -> None:
    name, tally = next(cheat_bench.at_once(bench[1], SEED, 8))
    assert name == "same day: same"
    assert share([tally], 8) == 1.0


def test_a2_a3_a4_a8_copies_on_other_days_by_oneself_and_by_others(bench) -> None:
    tallies = dict(cheat_bench.copies(bench[1], attacks.TRANSFORMS, SEED, 8))
    assert share(tallies.values(), 120) >= 0.97
    assert min(tally.hard / tally.n for tally in tallies.values()) >= 0.8


def test_a3_a_copy_behind_decoys_is_withheld_or_waits_for_a_person(bench) -> None:
    """Four rides of other accounts that share more marks with it are compared instead of the original; that
    they were at the very same places tells them."""
    ((_, tally),) = cheat_bench.masked(bench[1], SEED, 10)
    assert tally.n >= 8
    assert tally.hard + tally.soft == tally.n


def test_a3_the_nth_copy_earns_less_than_the_nth_rider_of_the_bus(bench) -> None:
    paid = cheat_bench.pays(bench[0], bench[1].network, SEED, 1)
    for ground in ("known line", "new ground"):
        honest = sum(paid[f"{ground}: honest co-riders"])
        assert max(paid[f"{ground}: same"]) == 0.0
        assert sum(paid[f"{ground}: half of the points"]) <= max(honest, 0.05)


def test_a5_drawn_traces(bench) -> None:
    tallies = [tally for _, tally in cheat_bench.drawings(bench[0], bench[1], attacks.STYLES, SEED, 5)]
    assert share(tallies, 55) >= 0.94


def test_a5_fixes_put_in_between_go_to_people(bench) -> None:
    """Who measures every half minute is paid a third; with lines between the fixes it was all."""
    for _, tally in cheat_bench.filled(bench[1], SEED, 10):
        assert tally.n >= 6
        assert tally.hard + tally.soft == tally.n


def test_a6_what_cannot_be_told_waits_for_somebody_else(bench) -> None:
    """A careful forgery is not withheld. On a route of its own nothing of it is verified, on whatever days,
    and a second account that confirms it is one group with the first."""
    tallies = [tally for _, tally in cheat_bench.drawings(bench[0], bench[1], attacks.FORGERIES, SEED, 3)]
    assert share(tallies, 6) < 0.5
    drives = [cheat_rings.Drive(1, day, range(100)) for day in range(5)]
    assert cheat_rings.settle_all(drives).verified == {1: 0}
    drives.append(cheat_rings.Drive(2, 6, range(100)))
    assert cheat_rings.settle_all(drives, met=()).pot == 0
    assert cheat_rings.settle_all(drives, heard=Voices()).pot > 0


def test_a7_cars_go_to_people_and_are_never_withheld(bench) -> None:
    tally, buses, cars = cheat_bench.cars(bench[0], bench[1], SEED, 24)
    assert tally.hard == 0
    assert tally.soft >= 4
    assert cheat_bench.auc(buses, cars) >= 0.9


def test_a9_accounts_that_send_copies_are_told_from_honest_riders() -> None:
    told = cheat_rings.copyists(24, list(attacks.TRANSFORMS.values()), 40, SEED)
    assert told.index >= 0.95
    assert told.merged == 0


def test_a9_the_nth_account_gains_nothing_and_what_is_linked_is_all_told() -> None:
    one, many = (cheat_rings.sybils(n, 1.0, "others' route", 0) for n in (1, 40))
    assert 0 < many.got <= one.got
    assert many.index == 1.0
    some = cheat_rings.sybils(40, 0.9, "others' route", 0)
    assert some.n_linked < 40
    assert some.index == pytest.approx(some.best)
    assert (some.merged, many.merged) == (0, 0)


def test_a9_the_best_index_that_links_allow() -> None:
    """Where nothing tells an unlinked account, 95 % linked are less than 0.95 among however many riders."""
    assert cheat_rings.best_index(100, 100, 200) == 1.0
    assert cheat_rings.best_index(100, 95, 10**6) == pytest.approx(0.9485, abs=1e-3)
    assert cheat_rings.best_index(100, 95, 200) < 0.945
    assert cheat_rings.best_index(100, 1, 200) == 0.0


def test_a10_a_ring_gets_little_of_the_pot() -> None:
    drives, base = cheat_rings.with_ring(*cheat_rings.town(1, *SMALL), 4, 0, "pairs")
    naive = cheat_rings.settle_all(drives, fake_from=base, heard=Voices())
    assert naive.faked > 0.015 * naive.pot
    assert cheat_rings.settle_all(drives, fake_from=base, met=()).faked == 0, "of people nobody met"
    paid = cheat_rings.settle_all(drives, fake_from=base)
    assert paid.faked <= 4 * cheat_rings.CONFIRM.trust_worth, "of four whom the staff knows"


def test_a11_a12_jumps_haste_two_places_mock_positions_and_clocks_ahead(bench) -> None:
    tallies = dict(cheat_bench.others(bench[1], SEED, 6))
    assert share(tallies.values(), 60) >= 0.97
    assert tallies["clock an hour ahead"].hard == tallies["clock an hour ahead"].n
    assert tallies["two places at once"].hard == tallies["two places at once"].n


def test_a13_vandals_who_are_one_voice_publish_nothing() -> None:
    invented, gone, patterns, n = cheat_rings.vandals(0.1, "one voice", 100, 30)
    assert n > 50
    assert (invented, gone, patterns) == (0, 0, 0)


def test_a14_followers_make_few_wait() -> None:
    """Who rides after others to be one group with them: a tenth more waits for one rider in fifty at most."""
    some, much, _ = cheat_rings.griefing(2, 11, SMALL)
    assert some <= 8
    assert much <= 2
