"""Decisions of people on real tables: who may decide what, and what the ledger says afterwards."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from importlib import resources

import pytest

from transitmap import review, reviewers, store
from transitmap.decided import say_people
from transitmap.errors import ReviewRefused
from transitmap.points.review import DISMISSED, OPEN, UPHELD, Looks
from transitmap.points.rules import load_rules, parse_rules

NOW_S = 1_790_000_000.0
DAY_S = 86_400.0
AT_ONCE = Looks(second_permille=0, n_learning=0, two_free=False)
TWICE = Looks(second_permille=1000, n_learning=0)
FULL = 100_000
"""What the rides of these tests are worth once they are confirmed: 25 points at once, 75 later."""


RULES = load_rules()


@pytest.fixture
def desk(session):
    """Where decisions are made, for a way of counting looks."""

    def of(count: Looks = AT_ONCE, rules=RULES) -> review.Desk:
        return review.Desk(session, rules, "America/Mexico_City", b"k" * 32, count)

    return of


@pytest.fixture
def people(session):
    """A rider, another, three reviewers and an organiser, by name."""
    roles = {"Ana": "rider", "Beto": "rider", "Rita": "reviewer", "Raúl": "reviewer", "Rosa": "reviewer"}
    roles["Olga"] = "organiser"
    return {name: store.add_user(session, name, "", NOW_S, role=role) for name, role in roles.items()}


@pytest.fixture
def add_ride(session, people):
    """A ride of somebody's, paid a quarter of FULL unless it was withheld; its id."""

    def add(name: str, paid: int = FULL // 4, **columns: object) -> str:
        number = store.next_ride_sequence(session)
        upload, _ = store.add_upload(session, people[name].id, f"{number:064d}", "a.gpx", 5, NOW_S)
        row = store.RideRow(
            sequence=number,
            id=f"{upload.id}.1",
            upload_id=upload.id,
            user_id=people[name].id,
            ordinal=1,
            name="a.gpx",
            n_fixes=100,
            dropped={},
            warnings=[],
            mode="bus",
            stretch={},
            started_s=NOW_S - 9_000,
            distance_m=9_000.0,
            packed_sha256="0" * 64,
        )
        store.add_rides(session, [row])
        store.add_lines(session, [line(row, "new_metres", "award", paid) | columns])
        return row.id

    return add


def line(ride, rule, kind, millipoints, verified=0):
    return {
        "key": f"{rule}:{ride.id}",
        "kind": kind,
        "ride_id": ride.id,
        "user_id": ride.user_id,
        "rule": rule,
        "millipoints": millipoints,
        "verified_millipoints": verified,
        "rules_version": "2026.1",
        "network_version": "",
        "evidence": {"full_millipoints": FULL},
        "text_es": "",
        "text_en": "",
        "created_s": NOW_S,
    }


@pytest.fixture
def doubt(session):
    """A finding about a ride; its id."""

    def add(ride_id: str, tier: str = "soft", code: str = "too_smooth", other: str = "") -> int:
        evidence = {"full_millipoints": FULL} if tier == "hard" else {}
        row = store.FindingRow(
            ride_id=ride_id,
            code=code,
            tier=tier,
            score=0.9,
            evidence=evidence,
            other_ride_id=other,
            made_s=NOW_S,
        )
        session.add(row)
        session.flush()
        return row.id

    return add


@pytest.fixture
def say(desk, people):
    """Somebody's look at a finding; what holds afterwards."""

    def look(name: str, finding_id: int, reason: str, count: Looks = AT_ONCE, now_s: float = NOW_S) -> str:
        return review.look(desk(count), people[name], finding_id, reason, "gracias", now_s)

    return look


def balance(session, user) -> tuple[int, int]:
    lines = store.ledger_rows(session, user_id=user.id)
    kept = session.get(store.Sum, (store.OWN_CAMPAIGN, 0, user.id))
    points = sum(one.millipoints for one in lines), sum(one.verified_millipoints for one in lines)
    assert (kept.millipoints, kept.verified_millipoints) == points
    return points


def kinds(session, ride_id):
    return [(one.kind, one.millipoints) for one in store.ledger_rows(session, ride_id=ride_id)]


def test_upheld_takes_back_all_that_was_paid_and_says_who(session, people, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    ride = store.ride_by_id(session, ride_id)
    store.add_lines(session, [line(ride, "confirmation", "confirmation", 60_000, 80_000)])
    assert say("Rita", doubt(ride_id), "by_car") == UPHELD
    assert balance(session, people["Ana"]) == (0, 0)
    assert kinds(session, ride_id)[2:] == [("decision", 0), ("reversal", -85_000)]
    decided = store.ledger_rows(session, ride_id=ride_id)[2]
    assert f"la persona revisora {people['Rita'].id}" in decided.text_es
    assert "Rita" not in decided.text_es + decided.text_en
    assert decided.evidence["reviewers"] == [people["Rita"].id]
    assert "gracias" not in str(decided.evidence)


def test_dismissed_pays_what_was_withheld(session, people, add_ride, doubt, say):
    ride_id = add_ride("Ana", paid=0)
    assert say("Rita", doubt(ride_id, "hard", "copy"), "own_ride") == DISMISSED
    assert kinds(session, ride_id) == [("award", 0), ("decision", 0), ("release", FULL // 4)]
    assert balance(session, people["Ana"]) == (FULL // 4, 0)


def test_what_was_withheld_is_released_by_the_rules_of_its_campaign(session, people, add_ride, doubt, say):
    """The installation pays a quarter at once, this campaign half."""
    held = resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")
    toml = re.sub(r"(?m)^version = .*$", 'version = "half"', held)
    toml = re.sub(r"(?m)^provisional = .*$", "provisional = 0.5", toml)
    half = parse_rules(tomllib.loads(toml))
    assert (RULES.provisional_permille, half.provisional_permille) == (250, 500)
    columns = {"slug": "half", "name_es": "M", "name_en": "H", "state": "open", "made_s": NOW_S}
    campaign = store.Campaign(**columns, rules_toml=toml, rules_version="half")
    session.add(campaign)
    session.flush()
    ride = add_ride("Ana", paid=0, campaign_id=campaign.id)
    say("Rita", doubt(ride, "hard"), "own_ride")
    assert store.sums_of_campaign(session, campaign.id)[0][:2] == (people["Ana"].id, FULL // 2)


def test_what_was_paid_already_is_not_paid_again_when_a_late_finding_falls(
    session, people, add_ride, doubt, say
):
    say("Rita", doubt(add_ride("Ana"), "hard", "copy"), "own_ride")
    assert balance(session, people["Ana"]) == (FULL // 4, 0)


def test_of_two_hard_findings_both_must_fall(session, people, add_ride, doubt, say):
    ride_id = add_ride("Ana", paid=0)
    first, second = doubt(ride_id, "hard", "copy"), doubt(ride_id, "hard", "two_places")
    say("Rita", first, "own_ride")
    assert balance(session, people["Ana"]) == (0, 0)
    say("Rita", second, "poor_signal")
    assert balance(session, people["Ana"]) == (FULL // 4, 0)


def test_undoing_is_one_more_decision_and_brings_everything_back(session, people, desk, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    finding_id = doubt(ride_id)
    say("Rita", finding_id, "by_car")
    review.undo(desk(AT_ONCE), people["Rita"], finding_id, NOW_S + 60)
    assert balance(session, people["Ana"]) == (FULL // 4, 0)
    finding, _ = store.finding_and_ride(session, finding_id)
    assert finding.state == OPEN
    assert [one.verdict for one in store.decisions_about(session, "finding", [finding_id])] == [UPHELD, OPEN]
    assert say("Rita", finding_id, "own_ride", now_s=NOW_S + 90) == DISMISSED
    assert balance(session, people["Ana"]) == (FULL // 4, 0)
    assert kinds(session, ride_id) == [
        ("award", 25_000), ("decision", 0), ("reversal", -25_000), ("decision", 0), ("release", 25_000),
        ("decision", 0),
    ]  # fmt: skip


def test_nobody_undoes_what_others_have_looked_at_or_what_is_old(session, people, desk, add_ride, doubt, say):
    finding_id = doubt(add_ride("Ana"))
    say("Rita", finding_id, "by_car", TWICE)
    say("Raúl", finding_id, "by_car", TWICE)
    for name, later_s, reason in (
        ("Rita", 60, "not_the_last"),
        ("Raúl", 2 * DAY_S, "too_late"),
        ("Rosa", 60, "nothing_to_undo"),
    ):
        with pytest.raises(ReviewRefused) as refused:
            review.undo(desk(TWICE), people[name], finding_id, NOW_S + later_s)
        assert refused.value.reason == reason


def test_where_two_must_look_the_first_look_changes_nothing(session, people, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    finding_id = doubt(ride_id)
    assert say("Rita", finding_id, "by_car", TWICE) == OPEN
    assert kinds(session, ride_id) == [("award", 25_000)]
    assert say("Raúl", finding_id, "own_ride", TWICE) == OPEN
    assert say("Rosa", finding_id, "not_ridden", TWICE) == UPHELD
    told = store.ledger_rows(session, ride_id=ride_id)[1]
    assert told.evidence["reviewers"] == [people[name].id for name in ("Rita", "Raúl", "Rosa")]
    assert told.evidence["reason"] == "not_ridden"


def test_a_newcomers_look_needs_another(session, people, add_ride, doubt, say):
    assert say("Rita", doubt(add_ride("Ana")), "by_car", Looks(second_permille=0, n_learning=1)) == OPEN
    assert say("Rita", doubt(add_ride("Ana")), "by_car", Looks(second_permille=0, n_learning=1)) == UPHELD


@pytest.mark.parametrize(
    ("name", "reason"), [("Ana", "not_a_reviewer"), ("Rita", "looked_before"), ("Raúl", "own_team")]
)
def test_who_may_not_look(session, people, add_ride, doubt, say, name, reason):
    team = store.Team(campaign_id=1, name="Azul", name_key="azul", made_by=people["Ana"].id, made_s=NOW_S)
    session.add(team)
    session.flush()
    for who in ("Ana", "Raúl"):
        session.add(
            store.Member(
                campaign_id=1, user_id=people[who].id, team_id=team.id, state="member", since_s=NOW_S
            )
        )
    finding_id = doubt(add_ride("Ana"))
    say("Rita", finding_id, "by_car", TWICE)
    with pytest.raises(ReviewRefused) as refused:
        say(name, finding_id, "by_car", TWICE)
    assert refused.value.reason == reason


def test_no_person_alone_frees_a_ride_that_was_withheld(add_ride, doubt, say):
    """A reviewer who favours a friend could free four of five copies. A soft finding takes one person."""
    count = dataclasses.replace(AT_ONCE, two_free=True)
    finding_id = doubt(add_ride("Ana", paid=0), "hard", "copy")
    assert say("Rita", finding_id, "own_ride", count) == OPEN
    assert say("Raúl", finding_id, "same_recording", count) == OPEN
    assert say("Rosa", finding_id, "same_recording", count) == UPHELD
    freed = doubt(add_ride("Ana", paid=0), "hard", "copy")
    assert say("Rita", freed, "own_ride", count) == OPEN
    assert say("Raúl", freed, "own_ride", count) == DISMISSED
    assert say("Rita", doubt(add_ride("Ana"), "hard"), "not_ridden", count) == UPHELD
    assert say("Rita", doubt(add_ride("Ana")), "own_ride", count) == DISMISSED


def test_nobody_judges_an_account_that_is_known_to_be_theirs(session, people, add_ride, doubt, say, desk):
    """Rita and the rider Ana are one person, and so are Rosa and Raúl: neither judges for the other."""
    finding_id = doubt(add_ride("Ana"), "hard", "copy")
    for one, other in (("Ana", "Rita"), ("Rosa", "Raúl")):
        pair, by = (people[one].id, people[other].id), people["Olga"].id
        say_people(session, *pair, store.SAME, by, NOW_S, "")
    with pytest.raises(ReviewRefused) as refused:
        say("Rita", finding_id, "own_ride")
    assert refused.value.reason == "own_ride"
    with pytest.raises(ReviewRefused) as refused:
        review.say_met(desk(), people["Rita"], people["Ana"], True, NOW_S)
    assert refused.value.reason == "own_ride"
    assert say("Rosa", finding_id, "own_ride", TWICE) == OPEN
    with pytest.raises(ReviewRefused) as refused:
        say("Raúl", finding_id, "own_ride", TWICE)
    assert refused.value.reason == "looked_before"
    assert say("Olga", finding_id, "own_ride", TWICE) == DISMISSED


def test_nobody_looks_at_their_own_ride_nor_at_a_copy_of_it(session, people, add_ride, doubt, say):
    own, copy = doubt(add_ride("Rita")), doubt(add_ride("Ana"), "hard", "copy", other=add_ride("Rita"))
    for finding_id in (own, copy):
        with pytest.raises(ReviewRefused) as refused:
            say("Rita", finding_id, "own_ride")
        assert refused.value.reason == "own_ride"
    assert [one.finding.id for one in review.queue(session, people["Rita"], NOW_S)] == []
    assert len(review.queue(session, people["Raúl"], NOW_S)) == 2


def test_what_is_settled_needs_no_more_looks(session, add_ride, doubt, say):
    finding_id = doubt(add_ride("Ana"))
    say("Rita", finding_id, "by_car")
    for name, finding, reason, why in (
        ("Raúl", finding_id, "by_car", "settled"),
        ("Raúl", 999, "by_car", "no_such_finding"),
        ("Raúl", doubt(add_ride("Ana")), "because", "no_reason"),
    ):
        with pytest.raises(ReviewRefused) as refused:
            say(name, finding, reason)
        assert refused.value.reason == why


def test_the_queue_tells_what_is_at_risk(session, people, add_ride, doubt):
    soft, hard = doubt(add_ride("Ana")), doubt(add_ride("Beto", paid=0), "hard", "copy")
    waiting = review.queue(session, people["Rita"], NOW_S)
    # soft: 75 points wait with probability 1/2, 25 are paid with 1/2; hard: 100 wait, 1 in 10 honest
    assert [(one.finding.id, one.item.millipoints_at_risk) for one in waiting] == [
        (soft, 50_000),
        (hard, 10_000),
    ]


def test_nobody_waits_for_what_is_in_shadow(session, people, add_ride, doubt, say):
    """Its rider has nothing to ask, and a look at it answers nobody, until a person upholds it."""
    ride_id = add_ride("Ana")
    noted, soft = doubt(ride_id, "shadow", "car"), doubt(add_ride("Beto"))
    ride = store.ride_by_id(session, ride_id)
    waiting = [one.item for one in review.queue(session, people["Rita"], NOW_S)]
    at_risk = [(one.finding_id, one.millipoints_at_risk) for one in waiting]
    assert at_risk == [(soft, 50_000), (noted, 12_500)]
    assert review.why_no_appeal(session, people["Ana"], ride) == "nothing_to_ask"
    assert store.doubts_of_rides(session, [ride_id]) == []
    assert say("Rita", noted, "by_car") == UPHELD
    assert kinds(session, ride_id)[1:] == [("decision", 0), ("reversal", -FULL // 4)]
    assert [one.id for one in store.doubts_of_rides(session, [ride_id])] == [noted]
    assert review.why_no_appeal(session, people["Ana"], ride) == ""


def test_a_finding_in_shadow_holds_up_no_answer(session, people, desk, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    soft, noted = doubt(ride_id), doubt(ride_id, "shadow", "car")
    ride = store.ride_by_id(session, ride_id)
    first = review.ask(session, people["Ana"], ride, "Iba en la combi.", NOW_S)
    say("Raúl", soft, "not_ridden")
    assert first.state == "refused"  # the look at what she was told of is the answer
    second = review.ask(session, people["Ana"], ride, "De verdad.", NOW_S)
    assert say("Rita", noted, "own_ride") == DISMISSED
    assert second.state == OPEN  # nobody was asked about that one
    assert review.why_not_answer(session, people["Rosa"], second, ride) == ""
    assert review.answer(desk(), people["Rosa"], second.id, "own_ride", "", NOW_S) == "accepted"
    assert balance(session, people["Ana"]) == (FULL // 4, 0)


def test_an_appeal_is_answered_by_somebody_else(session, people, desk, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    say("Rita", doubt(ride_id), "by_car")
    ride = store.ride_by_id(session, ride_id)
    appeal = review.ask(session, people["Ana"], ride, " Iba en la combi. ", NOW_S + 60)
    assert (appeal.text, appeal.state) == ("Iba en la combi.", OPEN)
    assert review.appeals(session, people["Rita"]) == []
    with pytest.raises(ReviewRefused) as refused:
        review.answer(desk(), people["Rita"], appeal.id, "own_ride", "", NOW_S + 90)
    assert refused.value.reason == "decided_before"
    assert [one.id for one, _ in review.appeals(session, people["Raúl"])] == [appeal.id]
    assert review.answer(desk(), people["Raúl"], appeal.id, "own_ride", "", NOW_S + 90) == "accepted"
    assert balance(session, people["Ana"]) == (FULL // 4, 0)
    assert [one.state for one in store.findings_of_rides(session, [ride_id])] == [DISMISSED]


def test_a_refused_appeal_changes_no_points_and_one_may_ask_twice(
    session, people, desk, add_ride, doubt, say
):
    ride_id = add_ride("Ana")
    ride = store.ride_by_id(session, ride_id)
    finding_id = doubt(ride_id)
    review.ask(session, people["Ana"], ride, "Fui en camión.", NOW_S)
    assert [one.appeal.text for one in review.queue(session, people["Rita"], NOW_S)] == ["Fui en camión."]
    with pytest.raises(ReviewRefused) as refused:
        review.ask(session, people["Ana"], ride, "Otra vez.", NOW_S)
    assert refused.value.reason == "asked_already"
    say("Rita", finding_id, "by_car")
    (first,) = store.appeals_of_rides(session, [ride_id])
    assert first.state == "refused"
    second = review.ask(session, people["Ana"], ride, "De verdad.", NOW_S + 60)
    n_lines = len(store.ledger_rows(session))
    assert review.answer(desk(), people["Raúl"], second.id, "by_car", "No.", NOW_S + 90) == "refused"
    assert len(store.ledger_rows(session)) == n_lines
    assert balance(session, people["Ana"]) == (0, 0)
    with pytest.raises(ReviewRefused) as refused:
        review.ask(session, people["Ana"], ride, "Otra.", NOW_S + 120)
    assert refused.value.reason == "asked_twice"


def test_undoing_opens_the_appeal_that_the_look_had_answered(session, people, desk, add_ride, doubt, say):
    ride_id = add_ride("Ana")
    finding_id = doubt(ride_id)
    appeal = review.ask(session, people["Ana"], store.ride_by_id(session, ride_id), "Fui.", NOW_S)
    say("Rita", finding_id, "by_car")
    assert appeal.state == "refused"
    review.undo(desk(AT_ONCE), people["Rita"], finding_id, NOW_S + 60)
    assert appeal.state == OPEN
    say("Raúl", finding_id, "own_ride", now_s=NOW_S + 90)
    assert appeal.state == "accepted"


def test_nobody_asks_about_a_ride_that_nobody_doubts(session, people, add_ride):
    ride = store.ride_by_id(session, add_ride("Ana"))
    assert review.why_no_appeal(session, people["Ana"], ride) == "nothing_to_ask"


def test_a_wrong_first_claim_is_put_right_in_one_transaction(session, people, desk, add_ride, doubt, say):
    """Beto sent Ana's trip before she did: his points go, hers come, and nothing between can be seen."""
    claimed = add_ride("Beto")
    hers = add_ride("Ana", paid=0)
    say("Rita", doubt(hers, "hard", "copy", other=claimed), "same_recording")
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((0, 0), (25_000, 0))
    appeal = review.ask(session, people["Ana"], store.ride_by_id(session, hers), "Es mío.", NOW_S)
    n_lines = len(store.ledger_rows(session))
    assert review.answer(desk(), people["Olga"], appeal.id, "first_recorded", "", NOW_S) == "accepted"
    session.rollback()  # all of it was committed, by one commit
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((25_000, 0), (0, 0))
    told = store.ledger_rows(session)[n_lines:]
    assert [one.kind for one in told] == ["decision", "release", "decision", "reversal"]
    assert {one.code: one.state for one in store.findings_of_rides(session, [claimed])} == {
        "wrong_claim": UPHELD
    }


def test_a_crash_in_between_leaves_neither_half(session, people, desk, add_ride, doubt, say, monkeypatch):
    claimed, hers = add_ride("Beto"), add_ride("Ana", paid=0)
    say("Rita", doubt(hers, "hard", "copy", other=claimed), "same_recording")
    appeal_id = review.ask(session, people["Ana"], store.ride_by_id(session, hers), "Es mío.", NOW_S).id
    monkeypatch.setattr(store, "add_wrong_claim", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        review.answer(desk(), people["Olga"], appeal_id, "first_recorded", "", NOW_S)
    session.rollback()
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((0, 0), (25_000, 0))
    assert store.appeal_by_id(session, appeal_id).state == OPEN


def test_whoever_has_no_ride_because_another_sent_the_same_file_gets_its_points(
    session, people, desk, add_ride, doubt, say
):
    claimed = add_ride("Beto")
    ride = store.ride_by_id(session, claimed)
    store.add_lines(session, [line(ride, "confirmation", "confirmation", 60_000, 80_000)])
    appeal = review.ask(session, people["Ana"], ride, "Ese archivo lo grabé yo.", NOW_S)
    review.answer(desk(), people["Rita"], appeal.id, "first_recorded", "", NOW_S)
    assert balance(session, people["Ana"]) == (85_000, 80_000)
    assert balance(session, people["Beto"]) == (0, 0)
    back = review.ask(session, people["Beto"], ride, "No es cierto.", NOW_S + 60)
    review.answer(desk(), people["Raúl"], back.id, "own_ride", "", NOW_S + 90)
    assert balance(session, people["Ana"]) == (0, 0)
    assert balance(session, people["Beto"]) == (85_000, 80_000)


def test_agreement_counts_blind_pairs_only(session, people, add_ride, doubt, say):
    for verdicts in (("by_car", "by_car"), ("by_car", "own_ride", "own_ride"), ("own_ride", "own_ride")):
        finding_id = doubt(add_ride("Ana"))
        for name, reason in zip(("Rita", "Raúl", "Rosa"), verdicts, strict=False):
            say(name, finding_id, reason, TWICE)
    say("Rita", doubt(add_ride("Ana")), "by_car")
    everybody, records = reviewers.agreement(session)
    assert (everybody.n, everybody.share) == (3, pytest.approx(2 / 3))
    assert {one.user_id: (one.n_looks, one.agreement.n) for one in records} == {
        people["Rita"].id: (4, 3),
        people["Raúl"].id: (3, 3),
        people["Rosa"].id: (1, 0),
    }


@pytest.fixture
def pay(session, desk):
    """Pays the looks that are due so many days later; how many."""

    def after(days: float, rules=RULES) -> int:
        store.lock_ledger(session)
        return reviewers.pay_reviewers(desk(rules=rules), NOW_S + days * DAY_S)

    return after


def test_a_look_is_paid_once_somebody_agreed_or_two_weeks_went_by(session, people, add_ride, doubt, say, pay):
    say("Rita", doubt(add_ride("Ana")), "by_car")
    twice = doubt(add_ride("Ana"))
    say("Rita", twice, "by_car", TWICE)
    say("Raúl", twice, "by_car", TWICE)
    assert pay(0.9) == 0
    assert pay(1.1) == 2  # both who agreed
    assert pay(13.9) == 0
    assert pay(14.1) == 1  # nobody challenged it
    assert pay(14.1) == 0
    assert balance(session, people["Rita"]) == (2 * RULES.review_millipoints, 0)


def test_a_look_that_did_not_hold_is_not_paid(session, people, add_ride, doubt, say, desk, pay):
    finding_id = doubt(add_ride("Ana"))
    for name, reason in (("Rita", "by_car"), ("Raúl", "own_ride"), ("Rosa", "own_ride")):
        say(name, finding_id, reason, TWICE)
    ride_id = add_ride("Ana")
    say("Rita", doubt(ride_id), "by_car")
    appeal = review.ask(session, people["Ana"], store.ride_by_id(session, ride_id), "No.", NOW_S)
    assert pay(15) == 2  # Raúl and Rosa; whoever is challenged waits
    review.answer(desk(), people["Raúl"], appeal.id, "own_ride", "", NOW_S + 15 * DAY_S)
    assert pay(16) == 0
    assert store.ledger_rows(session, user_id=people["Rita"].id) == []


def test_only_the_first_looks_of_a_day_are_paid(add_ride, doubt, say, pay):
    for hour in (0, 1, 2, 26):
        say("Rita", doubt(add_ride("Ana")), "by_car", now_s=NOW_S + hour * 3600)
    assert pay(20, dataclasses.replace(RULES, reviews_per_day=2)) == 3


def test_a_look_can_find_the_wrong_claim_too_and_be_taken_back(session, people, desk, add_ride, doubt, say):
    claimed, hers = add_ride("Beto"), add_ride("Ana", paid=0)
    finding_id = doubt(hers, "hard", "copy", other=claimed)
    assert say("Rita", finding_id, "first_recorded") == DISMISSED
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((25_000, 0), (0, 0))
    review.undo(desk(), people["Rita"], finding_id, NOW_S + 60)
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((0, 0), (25_000, 0))
    say("Rita", finding_id, "first_recorded", TWICE, now_s=NOW_S + 70)
    say("Raúl", finding_id, "own_ride", TWICE, now_s=NOW_S + 80)
    assert (balance(session, people["Ana"]), balance(session, people["Beto"])) == ((25_000, 0), (25_000, 0))


def test_of_somebody_erased_no_word_stays_and_no_number_comes_back(
    session, people, add_ride, doubt, say, desk
):
    """SQLite gives the number of a deleted finding to the next one: nothing was said of that yet."""
    ride_id = add_ride("Ana")
    finding_id = doubt(ride_id)
    say("Rita", finding_id, "by_car")
    appeal = review.ask(session, people["Ana"], store.ride_by_id(session, ride_id), "Fui.", NOW_S)
    review.answer(desk(), people["Raúl"], appeal.id, "by_car", "Ana, no.", NOW_S)
    store.lock_ledger(session)
    store.empty_user(session, people["Ana"], store.trail_of(session, people["Ana"]), NOW_S)
    session.commit()
    about = [*store.decisions_about(session, "finding", [finding_id]), *review.looks_of(session, finding_id)]
    assert about + store.decisions_about(session, "appeal", [appeal.id]) == []
    kept = [*store.decisions_since(session, "look", 0.0), *store.decisions_since(session, "appeal", 0.0)]
    assert [(one.user_id, one.note) for one in kept] == [(people["Rita"].id, ""), (people["Raúl"].id, "")]
    another = doubt(add_ride("Beto"))
    assert review.why_not(session, people["Rita"], *store.finding_and_ride(session, another)) == ""
    assert reviewers.pay_reviewers(desk(), NOW_S + 20 * DAY_S) == 0
