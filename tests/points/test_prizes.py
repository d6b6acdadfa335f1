"""Prizes: never more than the budget, the same for everybody who asks, and nothing for a second account."""

import hashlib
import tomllib
from collections import Counter
from dataclasses import asdict, replace
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transitmap.errors import ConfigError
from transitmap.points.prizes import (
    DRAW,
    FIRST,
    STEPS,
    TEAM,
    Entrant,
    Prize,
    award_prizes,
    hold_until_s,
    load_prize_rules,
    number_of,
    seed_of,
    why_not,
)

RULES = load_prize_rules()
TEXT = resources.files("transitmap.points").joinpath("prizes.toml").read_text(encoding="utf-8")
PESOS = 100
BUDGET = 170_000 * PESOS
ALL = replace(RULES, least_millipoints=0, most_permille=1000)
"""Without the limits of a person, to see one rule at a time."""


def only(part, rules=ALL):
    """The rules with the whole budget in one part."""
    parts = dict.fromkeys(("first_permille", "teams_permille", "steps_permille", "draw_permille"), 0)
    return replace(rules, **(parts | {f"{part}_permille": 1000}))


def riders(*points, team_id=0):
    return [Entrant(number, 1000 * have, team_id) for number, have in enumerate(points, 1)]


def paid(found, award=None):
    sums = Counter()
    for prize in found.prizes:
        if award in (None, prize.award):
            sums[prize.user_id] += prize.amount_centavos
    return dict(sums)


entrants = st.lists(
    st.tuples(
        st.integers(-1000, 300_000),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=25,
).map(
    lambda rows: [
        Entrant(number, points, team, staff and number % 5 == 0, consent, False, finding)
        for number, (points, team, staff, consent, finding) in enumerate(rows, 1)
    ]
)
rules_of = st.builds(
    lambda parts, first, teams, full, team_full, step, prize, most, least: replace(
        RULES,
        first_permille=parts[0],
        teams_permille=parts[1],
        steps_permille=parts[2],
        draw_permille=1000 - sum(parts),
        first_shares=tuple(sorted(first, reverse=True)),
        team_shares=tuple(sorted(teams, reverse=True)),
        first_full_at_permille=full,
        team_full_at_permille=team_full,
        step_centavos=step,
        prize_centavos=prize,
        most_permille=most,
        least_millipoints=least,
    ),
    st.tuples(*[st.integers(0, 333)] * 3),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(1, 20_000),
    st.integers(50_000, 500_000),
    st.integers(1, 1000),
    st.integers(0, 500_000),
)
budgets = st.integers(0, 30_000_000)


# --- money ---------------------------------------------------------------------------------------


@given(entrants, budgets, rules_of, st.text(max_size=5))
@settings(max_examples=300, deadline=None)
def test_the_budget_and_the_limit_of_a_person_hold(those, budget, rules, seed):
    found = award_prizes(those, budget, rules, seed)
    assert 0 <= found.paid_centavos <= budget
    assert all(prize.amount_centavos >= 0 and prize.cut_centavos >= 0 for prize in found.prizes)
    assert max(paid(found).values(), default=0) <= budget * rules.most_permille // 1000
    takes_part = {one.user_id for one in those if not why_not(one, rules)}
    assert set(paid(found)) <= takes_part
    assert set(found.out) == {one.user_id for one in those} - takes_part


@given(entrants, budgets, rules_of, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_riders_means_nothing(those, budget, rules, random):
    again = list(those)
    random.shuffle(again)
    assert award_prizes(again, budget, rules, "s") == award_prizes(those, budget, rules, "s")


@given(entrants, budgets, rules_of)
@settings(max_examples=100, deadline=None)
def test_more_points_are_never_less_money_but_in_the_draw(those, budget, rules):
    rules = replace(rules, draw_permille=0, teams_permille=0)
    got = paid(award_prizes(those, budget, rules, ""))
    takes_part = [one for one in those if not why_not(one, rules)]
    order = sorted(takes_part, key=lambda one: (one.verified_millipoints, -one.user_id))
    amounts = [got.get(one.user_id, 0) for one in order]
    assert amounts == sorted(amounts)


# --- a second account ----------------------------------------------------------------------------

pieces = st.lists(st.integers(1, 900_000), min_size=1, max_size=8)


@given(entrants, pieces, budgets, rules_of, st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_splitting_pays_at_most_what_a_limit_had_cut(others, parts, budget, rules, team):
    """All but the draw: what one account of all points gets, and what its limits took, is never less than
    what several get, but for the centavos that cannot be divided."""
    others = [replace(one, user_id=one.user_id + 100) for one in others]
    rules = replace(rules, draw_permille=0)
    mine = set(range(1, len(parts) + 1))
    whole = award_prizes([*others, Entrant(1, sum(parts), team)], budget, rules, "")
    split = award_prizes(
        [*others, *(Entrant(number, part, team) for number, part in enumerate(parts, 1))], budget, rules, ""
    )
    one = sum(prize.amount_centavos + prize.cut_centavos for prize in whole.prizes if prize.user_id == 1)
    many = sum(prize.amount_centavos for prize in split.prizes if prize.user_id in mine)
    assert many <= one + 2 * len(parts) + 2


def test_whoever_splits_wins_as_often_in_the_draw():
    """Each ticket is as likely to win as any other: of 8,000 prizes of 400 seeds 30 points get 30 %, in one
    account or in three."""
    rules = replace(only("draw"), prize_centavos=BUDGET // 20)
    for parts in ([30_000], [15_000, 14_000, 1_000]):
        mine = [Entrant(number, part) for number, part in enumerate(parts, 1)]
        won = 0
        for seed in range(400):
            drawn = award_prizes([*mine, Entrant(9, 70_000)], BUDGET, rules, str(seed)).drawn
            assert len({(one.user_id, one.ticket) for one in drawn}) == len(drawn) == 20
            won += sum(one.user_id < 9 for one in drawn)
        assert abs(won - 2_400) < 4 * 41  # four standard deviations of the binomial


@given(
    st.lists(st.integers(20, 90), min_size=3, max_size=8),
    st.integers(0, 7),
    st.integers(0, 90),
    st.integers(1, 30),
)
@settings(max_examples=100, deadline=None)
def test_nothing_done_by_one_draws_anew_for_others(points, who, later, n_prizes):
    """Once the seed is known somebody leaves, joins or is corrected: of two others, whoever won before the
    other does so still, with the same tickets."""
    rules = replace(only("draw"), prize_centavos=BUDGET // n_prizes)
    who %= len(points)
    changed = [later if place == who else have for place, have in enumerate(points)]
    before, after = (
        [one for one in award_prizes(riders(*those), BUDGET, rules, "s").drawn if one.user_id != who + 1]
        for those in (points, changed)
    )
    short, long = sorted(([(one.user_id, one.ticket) for one in some] for some in (before, after)), key=len)
    assert long[: len(short)] == short


def test_accounts_known_to_be_one_person_are_one():
    known = [Entrant(3, 40_000), Entrant(7, 60_000, person_id=3), Entrant(9, 50_000)]
    merged = [Entrant(3, 100_000), Entrant(9, 50_000)]
    found = award_prizes(known, BUDGET, RULES, "s")
    assert found.prizes == award_prizes(merged, BUDGET, RULES, "s").prizes
    assert 7 not in paid(found)
    out = award_prizes([replace(known[0], has_open_finding=True), *known[1:]], BUDGET, RULES, "s").out
    assert out == {3: "open_finding", 7: "open_finding"}


# --- by hand -------------------------------------------------------------------------------------


def test_ranks_by_hand():
    """5 : 3 : 2 of 1,000 pesos, full at half of all points: the first has half, the second three tenths."""
    rules = replace(only("first"), first_full_at_permille=500)
    found = award_prizes(riders(20, 50, 30), 1_000 * PESOS, rules, "")
    assert paid(found) == {2: 500 * PESOS, 3: 180 * PESOS, 1: 80 * PESOS}
    (first,) = (prize for prize in found.prizes if prize.user_id == 2)
    assert first.evidence == {
        "rank": 1,
        "n_tied": 1,
        "full_centavos": 50_000,
        "millipoints": 50_000,
        "of_millipoints": 100_000,
    }


def test_equal_points_share_the_sum_of_their_ranks_prizes():
    rules = replace(only("first"), first_full_at_permille=1)
    got = paid(award_prizes(riders(40, 60, 40, 40), 1_000 * PESOS + 1, rules, ""))
    assert got == {2: 50_000, 1: 16_667, 3: 16_667, 4: 16_666}  # 3 + 2 + 0 tenths among three
    assert sum(got.values()) == 100_000


def test_who_holds_more_than_a_full_prize_needs_is_told_what_was_cut():
    rules = replace(only("first"), first_full_at_permille=250)
    found = award_prizes(riders(50, 50 - 1, 1), 1_000 * PESOS, rules, "")
    assert found.prizes[0] == Prize(1, FIRST, 50_000, 50_000, found.prizes[0].evidence)


def test_a_teams_prize_is_shared_by_what_its_members_brought():
    rules = replace(only("teams"), team_full_at_permille=1)
    red = [Entrant(1, 30_000, 5), Entrant(2, 10_000, 5)]
    blue = [Entrant(3, 25_000, 6), Entrant(4, 90_000)]
    got = paid(award_prizes([*red, *blue], 1_000 * PESOS, rules, ""))
    assert got == {1: 37_500, 2: 12_500, 3: 30_000}
    assert {prize.award for prize in award_prizes([*red, *blue], 1_000 * PESOS, rules, "").prizes} == {TEAM}


def test_a_team_has_nothing_of_what_was_verified_before_somebody_joined():
    """Ana joins the first team on the last day: she brings it nothing, and wins nothing of its prize."""
    rules = replace(only("teams"), team_full_at_permille=500)
    red = [Entrant(1, 30_000, 5), Entrant(2, 50_000, 5, before_millipoints=50_000)]
    assert paid(award_prizes([*red, Entrant(3, 20_000)], 1_000 * PESOS, rules, "")) == {1: 30_000}
    late = [Entrant(1, 30_000, 5), Entrant(2, 50_000, 5, before_millipoints=40_000)]
    assert paid(award_prizes([*late, Entrant(3, 20_000)], 1_000 * PESOS, rules, "")) == {1: 30_000, 2: 10_000}


def test_accounts_of_one_person_bring_what_those_in_the_team_brought():
    rules = replace(only("teams"), team_full_at_permille=1000)
    mine = [Entrant(1, 30_000, 5, before_millipoints=10_000), Entrant(2, 60_000, 6, person_id=1)]
    assert paid(award_prizes([*mine, Entrant(3, 10_000)], 1_000 * PESOS, rules, "")) == {1: 10_000}


def test_steps_are_whole():
    got = paid(award_prizes(riders(60, 39, 1), 1_000 * PESOS, only("steps"), ""))
    assert got == {1: 60_000, 2: 35_000}  # 390 pesos are 7 steps of 50, 10 pesos none


def test_the_draw_by_hand():
    """Sixty and forty tickets, each with a number of its own: the ten lowest win."""
    rules = replace(only("draw"), prize_centavos=100 * PESOS)
    found = award_prizes([Entrant(1, 60_999), Entrant(2, 40_000)], 1_000 * PESOS, rules, "seed")
    tickets = [(who, ticket) for who, n in ((1, 60), (2, 40)) for ticket in range(n)]
    digests = {one: hashlib.sha256(f"seed|{one[0]}|{one[1]}".encode()).hexdigest() for one in tickets}
    lowest = sorted(tickets, key=digests.__getitem__)[:10]
    assert [(one.user_id, one.ticket) for one in found.drawn] == lowest
    assert [one.number for one in found.drawn] == list(range(10))
    assert found.n_tickets == 100
    assert number_of("seed", 1, 59).hex() == digests[1, 59]
    assert paid(found, DRAW) == {i: 10_000 * n for i, n in Counter(who for who, _ in lowest).items()}


def test_a_ticket_wins_once():
    rules = replace(only("draw"), prize_centavos=BUDGET // 50)
    assert len(award_prizes(riders(3, 4), BUDGET, rules, "s").drawn) == 7


def test_the_draw_goes_by_points():
    """One rider holds 30 % of the tickets: of 20,000 draws by the seeds of 200 campaigns 30 % are his."""
    rules = replace(only("draw"), prize_centavos=BUDGET // 100)
    those, won, n = riders(30, 50, 20), 0, 0
    for number in range(200):
        found = award_prizes(those, BUDGET, rules, str(number))
        n += len(found.drawn)
        won += sum(one.user_id == 1 for one in found.drawn)
    assert n == 20_000
    assert abs(won - 6_000) < 4 * 65  # four standard deviations of the binomial


def test_what_one_person_may_get_is_filled_in_order():
    rules = replace(RULES, most_permille=50)
    found = award_prizes(riders(100), 1_000 * PESOS, rules, "")
    amounts = {prize.award: (prize.amount_centavos, prize.cut_centavos) for prize in found.prizes}
    assert amounts[FIRST] == (5_000, 95_000)  # full at 5 %, who has all would be at twenty times that
    assert amounts[STEPS] == (0, 50_000)
    assert sum(amount for amount, _ in amounts.values()) == 5_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_staff": True}, "staff"),
        ({"has_consent": False}, "no_consent"),
        ({"is_erased": True}, "erased"),
        ({"has_open_finding": True}, "open_finding"),
        ({"verified_millipoints": 19_999}, "too_few_points"),
        ({"verified_millipoints": -5}, "too_few_points"),
        ({}, ""),
    ],
)
def test_who_takes_no_part(change, reason):
    one = replace(Entrant(1, 20_000), **change)
    assert why_not(one, RULES) == reason
    found = award_prizes([one, Entrant(2, 20_000)], BUDGET, RULES, "")
    assert found.out == ({1: reason} if reason else {})
    assert (1 in paid(found)) == (not reason)


def test_nobody_and_nothing():
    assert award_prizes([], BUDGET, RULES, "").prizes == ()
    assert award_prizes(riders(50, 60), 0, RULES, "").prizes == ()
    assert award_prizes([Entrant(1, 0)], BUDGET, replace(RULES, least_millipoints=0), "").prizes == ()
    with pytest.raises(ValueError, match="twice"):
        award_prizes([Entrant(1, 5), Entrant(1, 6)], BUDGET, RULES, "")
    with pytest.raises(ValueError, match="budget"):
        award_prizes([], -1, RULES, "")


def test_money_is_held_for_a_fortnight():
    assert hold_until_s(1_000.0, RULES) == 1_000.0 + 14 * 86_400


# --- the seed ------------------------------------------------------------------------------------


def test_the_seed_follows_from_the_campaign_and_the_words_alone():
    text = "transitmap draw|centro|lotería 12345"
    assert seed_of("centro", "lotería 12345") == hashlib.sha256(text.encode()).hexdigest()
    assert len({seed_of("centro", "1"), seed_of("centro", "2"), seed_of("norte", "1")}) == 3


# --- the rules -----------------------------------------------------------------------------------


def test_the_published_rules():
    assert RULES.first_permille + RULES.teams_permille + RULES.steps_permille + RULES.draw_permille == 1000
    assert RULES.first_permille <= 100  # few large prizes, many small ones
    assert RULES.hold_days == 14
    assert load_prize_rules(TEXT) == RULES
    assert set(tomllib.loads(TEXT)) == {
        "version",
        "parts",
        "first",
        "teams",
        "steps",
        "draw",
        "person",
        "pay",
    }
    assert len(asdict(RULES)) == 15


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("first_permille = 100", "first_permille = 101", "parts"),
        ("first_permille = 100", "first_permille = -1", "parts.first_permille"),
        ("step_centavos = 5000", "step_centavos = 0", "steps.step_centavos"),
        ("step_centavos = 5000", "step_centavos = 50.5", "steps.step_centavos"),
        ("step_centavos = 5000", "step_centavos = true", "steps.step_centavos"),
        ("hold_days = 14", "hold_days = 13", "pay.hold_days"),
        ("hold_days = 14", "hold_dayz = 14", "pay"),
        ("shares = [5, 3, 2]", "shares = [3, 5]", "first.shares"),
        ("shares = [5, 3, 2]", "shares = []", "first.shares"),
        ("shares = [5, 3, 2]", "shares = [5, 0]", "first.shares"),
        ("shares = [5, 3, 2]", 'shares = ["5"]', "first.shares"),
        ('words_from = "', 'words_from = "" # "', "draw.words_from"),
        ('words_from = "', 'words_from = 7 # "', "draw.words_from"),
        ('version = "2026.2"', "version = 1", "version"),
        ("[pay]", "[bonus]\nx = 1\n[pay]", "prizes"),
        ("[pay]\n", "pay = 1\n[odd]\n", "prizes"),
        ("[parts]", "[parts", "prizes"),
    ],
)
def test_rules_that_make_no_sense_are_refused(old, new, name):
    assert old in TEXT
    with pytest.raises(ConfigError) as refused:
        load_prize_rules(TEXT.replace(old, new, 1))
    assert refused.value.name == name
