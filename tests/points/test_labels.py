"""Labels: what many say later is paid, an answer alone is not, and nothing is paid twice."""

import hashlib
import random as random_numbers
from collections import Counter
from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transitmap.errors import ConfigError
from transitmap.points.labels import (
    CROWDING,
    FARE,
    KINDS,
    ROUTE_NAME,
    STEP_FREE,
    STOP_NAME,
    Check,
    Label,
    agrees,
    consensus,
    lines,
    load_label_rules,
    weights,
)

RULES = load_label_rules(500, 6)
TEXT = resources.files("transitmap.points").joinpath("labels.toml").read_text(encoding="utf-8")


def said(*rows, kind=FARE, subject="7|0"):
    """(user_id, value) one after the other, a ride each."""
    return [
        Label(number, f"r{number}", user_id, kind, subject, str(value), float(number))
        for number, (user_id, value) in enumerate(rows, 1)
    ]


def paid(labels, checks=()):
    sums = Counter()
    for line in lines(labels, checks, RULES):
        sums[line.user_id] += line.millipoints
    return dict(sums)


kinds = st.sampled_from(KINDS)
rows = st.lists(
    st.tuples(
        st.integers(1, 6),
        kinds,
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["500", "600", "80000", "lleno", "Línea 7", ""]),
    ),
    max_size=60,
)


def labels_of(those):
    """Three labels a ride."""
    return [
        Label(n // 3, f"r{n // 3}-{user}", user, kind, subject, value, float(n // 3))
        for n, (user, kind, subject, value) in enumerate(those)
    ]


checks_of = st.lists(
    st.builds(Check, st.just(FARE), st.sampled_from("abc"), st.sampled_from(["500", "600"]), st.just(5.0)),
    max_size=2,
)


# --- consensus -----------------------------------------------------------------------------------


def test_a_slip_of_a_finger_moves_nothing():
    """800 pesos among fares of about 5.50: it is left out."""
    found = consensus(FARE, [("550", 1), ("600", 1), ("80000", 1), ("500", 1), ("550", 1)], RULES)
    assert found is not None
    assert (found.value, found.n_agreeing) == ("550", 4)


def test_a_long_way_may_really_cost_63_pesos():
    found = consensus(FARE, [("6300", 1), ("6500", 1), ("6000", 1)], RULES)
    assert found is not None
    assert (found.value, found.n_agreeing) == ("6300", 3)


@given(
    st.lists(st.integers(100, 5_000), min_size=3, max_size=15), st.lists(st.integers(0, 10**8), max_size=5)
)
def test_fewer_wrong_than_right_never_move_a_fare_beyond_what_was_said(right, wrong):
    near = [1_000 + value % 50 for value in right]
    wrong = wrong[: (2 * len(near)) // 3]
    found = consensus(FARE, [(str(value), 1000) for value in near + wrong], RULES)
    assert found is not None
    assert min(near) <= int(found.value) <= max(near) or any(abs(int(found.value) - v) <= 105 for v in near)


def test_no_agreement_is_no_consensus():
    assert consensus(FARE, [("500", 1), ("900", 1), ("1500", 1)], RULES) is None
    assert consensus(CROWDING, [("lleno", 1), ("asientos", 1)], RULES) is None
    assert consensus(CROWDING, [], RULES) is None


def test_weight_counts():
    found = consensus(STEP_FREE, [("rampa", 2000), ("sin rampa", 1000)], RULES)
    assert found is not None
    assert (found.value, found.n_agreeing) == ("rampa", 1)
    assert consensus(STEP_FREE, [("rampa", 1000), ("sin rampa", 1000)], RULES) is None


def test_names_agree_but_for_case_accents_and_points():
    assert agrees(STOP_NAME, "Metro  HIDALGO", "metro hidalgo.", RULES)
    assert not agrees(STOP_NAME, "Hidalgo", "Juárez", RULES)
    found = consensus(ROUTE_NAME, [("linea 7", 1), ("Línea 7", 1), ("Línea 7", 1)], RULES)
    assert found is not None
    assert found.value == "Línea 7"


@pytest.mark.parametrize(("one", "other", "same"), [(500, 550, True), (500, 556, False), (6300, 7000, True)])
def test_fares_that_are_near_agree(one, other, same):
    assert agrees(FARE, str(one), str(other), RULES) is same
    assert agrees(FARE, str(other), str(one), RULES) is same


# --- what is paid --------------------------------------------------------------------------------


def test_whom_two_others_agree_with_later_is_paid():
    """Half of what the first gets: where nothing is known, half might be guessed."""
    (line,) = lines(said((1, 600), (2, 600), (3, 600)), (), RULES)
    assert (line.user_id, line.rule, line.millipoints, line.ride_id) == (1, "label_fare", 500, "r1")
    assert line.key == f"label|1|fare|{hashlib.sha256(b'7|0').hexdigest()[:32]}"
    assert (
        line.text_es == "La tarifa que dijiste coincide con lo que 2 personas dijeron después: 0.50 puntos."
    )
    assert line.text_en == "The fare you told agrees with what 2 people said later: 0.50 points."
    assert line.evidence["value"] == "600"


def test_the_last_to_say_it_wait_and_a_wrong_one_gets_nothing():
    assert paid(said((1, 600), (2, 600))) == {}
    assert paid(said((1, 80000), (2, 600), (3, 600))) == {}
    assert paid(said((1, 600), (2, 80000), (3, 600), (4, 600))) == {1: 500}


def test_the_first_three_who_are_right_are_paid():
    got = paid(said(*((user, 600) for user in range(1, 9))))
    assert got == {1: 500, 2: 400, 3: 200}


def test_one_voice_counts_once():
    """Neither what somebody says again nor what his other accounts say confirms anything."""
    assert paid(said((1, 600), (2, 600), (2, 600), (1, 600))) == {}
    ring = [replace(label, voice_id=1) for label in said(*((user, 600) for user in range(1, 9)))]
    assert paid(ring) == {}


def test_a_planted_check_is_paid_at_once_and_gives_weight():
    check = Check(FARE, "7|0", "600", 0.0)
    labels = said((1, 600), (2, 900))
    (line,) = lines(labels, [check], RULES)
    assert (line.user_id, line.millipoints) == (1, 500)
    assert line.text_es.startswith("La tarifa que dijiste coincide con lo que ya se sabía")
    assert weights(labels, [check], RULES) == {1: 1500, 2: 500}


def test_a_check_that_was_planted_later_changes_nothing_said_before():
    labels = said((1, 900), (2, 900), (3, 900))
    assert lines(labels, [Check(FARE, "7|0", "600", 99.0)], RULES) == lines(labels, (), RULES) != ()


def test_who_knew_the_checks_outweighs_two_who_did_not():
    planted = [Check(FARE, f"check{n}", "600", 0.0) for n in range(4)]
    taught = [Label(n, f"t{n}", 9, FARE, f"check{n}", "600", 1.0) for n in range(4)]
    taught += [Label(4, "t4", user, FARE, "check0", "100", 1.0) for user in (2, 3)]
    labels = [
        replace(one, sequence=one.sequence + 10) for one in said((1, 700), (9, 700), (2, 300), (3, 700))
    ]
    assert 1 in paid([*taught, *labels], planted)


def test_so_many_labels_of_a_ride_are_paid():
    many = [
        Label(user, f"r{user}", user, FARE, f"{subject}|0", str(100 + 211 * subject), float(user))
        for user in (1, 2, 3)
        for subject in range(40)
    ]
    found = lines(many, (), RULES)
    assert Counter(line.ride_id for line in found) == {"r1": 6}


@given(rows, checks_of, st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_more_labels_change_no_line_that_is_there(those, checks, n):
    """So it does not matter when a settlement is made, and nothing is paid twice."""
    labels = labels_of(those)
    cut = labels[: 3 * (n // 3)]
    before, after = lines(cut, checks, RULES), lines(labels, checks, RULES)
    assert after[: len(before)] == before
    assert len({line.key for line in after}) == len(after)
    assert all(line.millipoints > 0 for line in after)


@given(rows, checks_of, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_in_which_labels_are_given_means_nothing(those, checks, random):
    labels = labels_of(those)
    again = list(labels)
    random.shuffle(again)
    assert lines(again, checks, RULES) == lines(labels, checks, RULES)


@given(rows, checks_of)
@settings(max_examples=50, deadline=None)
def test_a_ride_never_earns_more_than_the_rules_say(those, checks):
    sums = Counter()
    for line in lines(labels_of(those), checks, RULES):
        sums[line.ride_id] += 1
        assert line.millipoints <= RULES.millipoints[line.evidence["kind"]]
    assert max(sums.values(), default=0) <= RULES.labels_per_ride


# --- those who say the same always ----------------------------------------------------------------

TRUTHS = ("asientos", "de pie", "lleno")


def town(answers, n_subjects, seed=1):
    """Subjects of three answers (half of them the last); `answers` say what a rider answers to a truth.

    Four honest riders of nine in ten right answers say something about each, after rider 1.
    """
    random = random_numbers.Random(seed)
    labels = []
    for number in range(n_subjects):
        truth = random.choices(TRUTHS, (1, 1, 2))[0]
        told = [answers(truth, random)] + [
            truth if random.random() < 0.9 else random.choice(TRUTHS) for _ in range(4)
        ]
        labels += [
            Label(10 * number + user, f"{number}-{user}", user, CROWDING, str(number), value, float(number))
            for user, value in enumerate(told, 1)
        ]
    return [line.millipoints for line in lines(labels, (), RULES) if line.user_id == 1]


def test_the_same_answer_everywhere_pays_less_and_less():
    """An honest rider's pay grows with what he says; of who says "lleno" always, and guesses half, hardly."""
    honest = [sum(town(lambda truth, random: truth, n)) for n in (250, 1000)]
    constant = [sum(sum(town(lambda *_: "lleno", n, seed)) for seed in range(5)) / 5 for n in (250, 1000)]
    guessed = [
        sum(sum(town(lambda _, random: random.choice(TRUTHS), n, seed)) for seed in range(5)) / 5
        for n in (250, 1000)
    ]
    assert honest[1] > 3.8 * honest[0]
    assert constant[1] < 0.06 * honest[1]
    assert guessed[1] < 0.06 * honest[1]


# --- the rules -----------------------------------------------------------------------------------


def test_labels_that_make_no_sense_are_passed_over():
    odd = said((1, "600"), (2, "lots"), (3, "٦٠٠"), (4, "600"), (5, "600")) + said((6, "x"), kind="smell")
    assert paid(odd) == {1: 500}


def test_the_published_rules():
    assert load_label_rules(500, 6, TEXT) == RULES
    assert RULES.least_later == 2
    assert RULES.millipoints[CROWDING] < RULES.millipoints[FARE]


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("least_later = 2", "least_later = 1", "consensus.least_later"),
        ("least_later = 2", "least_later = 2.5", "consensus.least_later"),
        ("majority = 0.6", "majority = 0.5", "consensus.majority"),
        ("fare = 2.0", 'fare = "2"', "worth.fare"),
        ("fare = 2.0", "fares = 2.0", "worth"),
        ("wrong = -0.5", "wrong = 0.5", "weight.wrong"),
        ("places = [1.0, 0.8, 0.4]", "places = [0.4, 1.0]", "worth.places"),
        ("places = [1.0, 0.8, 0.4]", "places = 1", "worth.places"),
        ("[weight]", "[heft]", "labels"),
        ("[weight]\n", "weight = 1\n[odd]\n", "labels"),
        ("[worth]", "[worth", "labels"),
    ],
)
def test_rules_that_make_no_sense_are_refused(old, new, name):
    assert old in TEXT
    with pytest.raises(ConfigError) as refused:
        load_label_rules(500, 6, TEXT.replace(old, new, 1))
    assert refused.value.name == name
