"""What to look at first, what holds after several looks, and what a ride's ledger adds up to afterwards."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.model import SHADOW
from transitmap.points.review import (
    DISMISSED,
    HARD,
    NOTHING,
    OPEN,
    REASONS,
    SOFT,
    UPHELD,
    URGENT_S,
    Amount,
    Held,
    Look,
    Looks,
    Suspect,
    agreement,
    correction,
    is_double,
    kind_of,
    n_needed,
    outcome,
    queue,
    right_permille,
    sentence,
    wilson,
)

KEY = b"k" * 32
COUNT = Looks(n_learning=0)


def suspect(finding_id, tier=SOFT, waiting=0, paid=0, code="too_smooth", made_s=0.0, asked_s=None):
    return Suspect(finding_id, code, tier, waiting, paid, made_s, asked_s)


def test_the_queue_begins_where_most_is_at_risk():
    many = [
        suspect(1, HARD, waiting=100_000),  # 10 % wrong: 10 points wait for nothing
        suspect(2, SOFT, waiting=9_000, paid=9_000),  # half wrong, half right: 9 points
        suspect(3, SOFT, waiting=30_000, paid=10_000),  # 20 points
    ]
    items = queue(many, {}, now_s=0.0)
    assert [(item.finding_id, item.millipoints_at_risk) for item in items] == [
        (3, 20_000),
        (1, 10_000),
        (2, 9_000),
    ]


def test_what_people_said_of_a_rule_moves_its_findings():
    one = suspect(1, HARD, waiting=100_000, code="copy")
    assert queue([one], {"copy": (0, 0)}, 0.0)[0].right_permille == 900
    (often_wrong,) = queue([one], {"copy": (0, 100)}, 0.0)
    assert (often_wrong.right_permille, often_wrong.millipoints_at_risk) == (450, 55_000)
    assert right_permille(SOFT, 990, 0) == 995


def test_whoever_asked_two_days_ago_goes_first():
    many = [suspect(1, waiting=10**9), suspect(2, waiting=1, asked_s=0.0)]
    assert [item.finding_id for item in queue(many, {}, URGENT_S - 1)] == [1, 2]
    assert [item.finding_id for item in queue(many, {}, URGENT_S)] == [2, 1]


def test_what_is_in_shadow_comes_after_all_others():
    many = [suspect(1, SHADOW, paid=10**9), suspect(2, SOFT), suspect(3, HARD, waiting=50)]
    assert [item.finding_id for item in queue(many, {}, 0.0)] == [3, 2, 1]


def test_equal_risk_goes_by_age_then_number():
    many = [suspect(3, made_s=5.0), suspect(2, made_s=5.0), suspect(9, made_s=1.0)]
    assert [item.finding_id for item in queue(many, {}, 0.0)] == [9, 2, 3]


@given(st.permutations([suspect(n, waiting=n % 4 * 1000, made_s=float(n % 3)) for n in range(12)]))
def test_the_order_of_asking_changes_no_queue(many):
    assert queue(many, {}, 0.0) == queue(sorted(many, key=lambda one: one.finding_id), {}, 0.0)


def test_a_fifth_of_the_findings_is_looked_at_twice_and_the_key_says_which():
    chosen = {n for n in range(10_000) if is_double(KEY, n, 200)}
    assert 1_900 < len(chosen) < 2_100
    assert chosen != {n for n in range(10_000) if is_double(b"other", n, 200)}
    assert not any(is_double(KEY, n, 0) for n in range(1_000))
    assert all(is_double(KEY, n, 1000) for n in range(1_000))


@pytest.mark.parametrize(
    ("verdicts", "double", "expected"),
    [
        ([], False, OPEN),
        ([UPHELD], False, UPHELD),
        ([UPHELD], True, OPEN),
        ([UPHELD, UPHELD], True, UPHELD),
        ([UPHELD, DISMISSED], True, OPEN),
        ([UPHELD, DISMISSED, DISMISSED], True, DISMISSED),
        ([DISMISSED, UPHELD, UPHELD], True, UPHELD),
    ],
)
def test_how_many_looks_decide(verdicts, double, expected):
    looks = [Look(user_id, verdict) for user_id, verdict in enumerate(verdicts, 1)]
    assert outcome(looks, double, COUNT) == expected


def test_a_newcomers_looks_are_looked_at_twice():
    count = Looks(n_learning=10)
    assert outcome([Look(1, UPHELD, n_before=9)], False, count) == OPEN
    assert outcome([Look(1, UPHELD, n_before=10)], False, count) == UPHELD
    assert n_needed([Look(1, UPHELD, 9), Look(2, DISMISSED, 99)], False, count) == 3


def test_agreement_against_fleiss_by_hand():
    # 20 both upheld, 5 and 5 split, 20 both dismissed: 0.8 agree, half by chance, kappa 0.6
    pairs = [(UPHELD, UPHELD)] * 20 + [(UPHELD, DISMISSED), (DISMISSED, UPHELD)] * 5
    pairs += [(DISMISSED, DISMISSED)] * 20
    found = agreement(pairs)
    assert (found.n, found.share) == (50, 0.8)
    assert found.kappa == pytest.approx(0.6)
    assert (found.low, found.high) == pytest.approx((0.6696, 0.8876), abs=1e-4)
    assert found.kappa_low < 0.6 < found.kappa_high
    assert found.kappa_high - found.kappa_low == pytest.approx(0.46, abs=0.05)


def test_agreement_that_says_nothing():
    assert agreement([]).share is None
    alike = agreement([(UPHELD, UPHELD)] * 30)
    assert (alike.share, alike.kappa, alike.kappa_low) == (1.0, None, None)
    assert alike.low == pytest.approx(0.8865, abs=1e-4)


def test_the_interval_of_kappa_holds_what_it_says():
    """Pairs whose true kappa is 0.5: the 95 % interval must hold it in about 95 of 100 samples."""
    drawn, held, n_runs = random.Random(7), 0, 400
    for _ in range(n_runs):
        pairs = []
        for _ in range(120):
            first = drawn.random() < 0.6
            # alike with probability 0.5, else drawn anew: kappa is 0.5 by construction
            second = first if drawn.random() < 0.5 else drawn.random() < 0.6
            pairs.append(tuple(UPHELD if one else DISMISSED for one in (first, second)))
        found = agreement(pairs)
        held += found.kappa_low <= 0.5 <= found.kappa_high
    assert 0.92 < held / n_runs < 0.98


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_stays_within_bounds(n_of, more):
    low, high = wilson(n_of, n_of + more)
    assert 0.0 <= low <= n_of / (n_of + more) <= high <= 1.0
    assert math.isfinite(low)


def line(kind, millipoints, verified=0):
    return {"kind": kind, "millipoints": millipoints, "verified_millipoints": verified}


def test_a_ride_upheld_is_worth_nothing_and_never_less():
    lines = [line("award", 250), line("confirmation", 600, 800)]
    taken = correction(lines, [Held(SOFT, UPHELD)])
    assert taken == Amount(-850, -800)
    assert kind_of(taken) == "reversal"
    lines.append(line("reversal", -850, -800))
    assert correction(lines, [Held(SOFT, UPHELD)]) == NOTHING


def test_what_was_withheld_is_paid_when_the_finding_is_dismissed():
    lines = [line("award", 0)]
    held = Amount(250, 0)
    assert correction(lines, [Held(HARD, OPEN, held)]) == NOTHING
    paid = correction(lines, [Held(HARD, DISMISSED, held)])
    assert (paid, kind_of(paid)) == (held, "release")
    assert correction(lines, [Held(HARD, DISMISSED, held), Held(HARD, OPEN, held)]) == NOTHING
    assert correction(lines, [Held(HARD, DISMISSED, held), Held(SOFT, UPHELD)]) == NOTHING


FINDINGS = st.lists(
    st.builds(Held, st.sampled_from([HARD, SOFT, SHADOW]), st.sampled_from([OPEN, UPHELD, DISMISSED])),
    max_size=4,
)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=4),
    st.integers(0, 10**9),
    st.lists(FINDINGS, min_size=1, max_size=8),
)
def test_however_often_people_decide_the_ride_is_worth_what_holds_last(paid, withheld, turns):
    """Decisions and their undoing in any order: the sum of a ride's lines forgets all but the last one."""
    lines = [line("award", *amount) for amount in paid]
    for findings in turns:
        findings = [
            Held(one.tier, one.state, Amount(withheld if one.tier == HARD else 0)) for one in findings
        ]
        change = correction(lines, findings)
        lines.append(line(kind_of(change), change.millipoints, change.verified))
        assert correction(lines, findings) == NOTHING
        assert sum(one["millipoints"] for one in lines) >= 0
        assert sum(one["verified_millipoints"] for one in lines) >= 0
    total = sum(one["millipoints"] for one in lines)
    by_rules = sum(amount for amount, _ in paid)
    if any(one.state == UPHELD for one in findings):
        assert total == 0
    elif any(one.tier == HARD for one in findings) and not any(
        one.tier == HARD and one.state == OPEN for one in findings
    ):
        assert total == by_rules + withheld
    else:
        assert total == by_rules


def test_every_reason_has_a_sentence_in_both_languages_and_names_nobody():
    for code, reason in REASONS.items():
        text_es, text_en = sentence("decision", reason.verdict, NOTHING, code, [7])
        assert "la persona revisora 7" in text_es
        assert reason.text_es in text_es
        assert "reviewer 7" in text_en
        assert reason.text_en in text_en
    assert "12.5" in sentence("reversal", "", Amount(-12_500), "by_car", [7])[0]
    assert "las personas revisoras 7, 9" in sentence("decision", OPEN, NOTHING, "", [7, 9])[0]
