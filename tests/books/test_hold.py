"""Prizes are held, approved by two people who do not win them, and paid after the days of review."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.books.played import DAY_S, NOW_S, SLUG, line, play
from tests.test_store import add_ride
from transitmap import decided, store
from transitmap.books.contest import award
from transitmap.books.export import contest_of, verified_of
from transitmap.books.hold import hold_prizes
from transitmap.cli import main
from transitmap.errors import ConfigError, PayoutRefused
from transitmap.model import Finding

END_S = NOW_S + 18 * DAY_S
LATER_S = END_S + 14 * DAY_S


@pytest.fixture
def played(engine: sa.Engine):
    """(session, people, campaign): Fer and Hugo are staff."""
    with store.session(engine) as session:
        people = play(session)
        people["Hugo"] = store.add_user(session, "Hugo", "", NOW_S, role="reviewer")
        campaign = store.campaign_by_slug(session, SLUG)
        assert campaign is not None
        yield session, people, campaign


def say_one(session, one_id: int, other_id: int, by_id: int) -> None:
    decided.say_people(session, one_id, other_id, store.SAME, by_id, END_S, "")


def reason(call, *words) -> str:
    with pytest.raises(PayoutRefused) as refused:
        call(*words)
    return refused.value.reason


def test_all_prizes_are_held_and_nobody_else_is_paid(played) -> None:
    session, people, campaign = played
    rows = hold_prizes(session, campaign, "words")
    contest = contest_of(session, campaign)
    found = award(contest, verified_of(session, contest))
    assert {(row.user_id, row.award): row.amount_centavos for row in rows} == {
        (one.user_id, one.award): one.amount_centavos for one in found.prizes if one.amount_centavos
    }
    assert {row.state for row in rows} == {"held"}
    assert {row.hold_until_s for row in rows} == {LATER_S}
    assert sum(row.amount_centavos for row in rows) <= campaign.budget_centavos
    assert not {row.user_id for row in rows} & {people[name].id for name in ("Eva", "Fer", "Gil")}


def test_to_hold_twice_changes_nothing(played) -> None:
    session, _, campaign = played
    first = [(row.id, row.amount_centavos) for row in hold_prizes(session, campaign, "words")]
    assert [(row.id, row.amount_centavos) for row in hold_prizes(session, campaign, "words")] == first
    with pytest.raises(ConfigError, match="other words were told already"):
        hold_prizes(session, campaign, "other words")


@pytest.mark.parametrize(
    "changes",
    [{"state": "open"}, {"state": "frozen"}, {"prizes_toml": ""}, {"budget_centavos": 0}, {"frozen_s": None}],
)
def test_a_campaign_that_goes_on_or_has_no_prizes_holds_none(engine: sa.Engine, changes) -> None:
    with store.session(engine) as session:
        play(session, **changes)
        campaign = store.campaign_by_slug(session, SLUG)
        with pytest.raises(ConfigError, match="must be closed"):
            hold_prizes(session, campaign, "words")


def test_two_people_approve_then_it_is_paid_when_the_hold_is_over(played) -> None:
    session, people, campaign = played
    row = hold_prizes(session, campaign, "words")[0]
    assert store.approve_payout(session, row.id, people["Fer"], END_S).state == "held"
    assert reason(store.approve_payout, session, row.id, people["Fer"], END_S) == "twice"
    assert reason(store.pay_payout, session, row.id, people["Fer"], LATER_S) == "state"
    assert store.approve_payout(session, row.id, people["Hugo"], END_S).state == "approved"
    assert reason(store.pay_payout, session, row.id, people["Fer"], LATER_S - 1) == "held"
    assert store.pay_payout(session, row.id, people["Fer"], LATER_S).state == "paid"
    assert reason(store.refuse_payout, session, row.id, people["Fer"], LATER_S, "no") == "state"
    told = session.execute(sa.text("SELECT verdict, user_id FROM decisions ORDER BY id")).all()
    fer, hugo = people["Fer"].id, people["Hugo"].id
    assert [tuple(one) for one in told] == [("approved", fer), ("approved", hugo), ("paid", fer)]


def test_riders_winners_and_their_other_accounts_approve_nothing(played) -> None:
    session, people, campaign = played
    row = next(one for one in hold_prizes(session, campaign, "words") if one.user_id == people["Ana"].id)
    assert reason(store.approve_payout, session, row.id, people["Beto"], END_S) == "role"
    people["Ana"].role = "reviewer"
    assert reason(store.approve_payout, session, row.id, people["Ana"], END_S) == "own"
    say_one(session, people["Hugo"].id, people["Ana"].id, people["Fer"].id)
    assert reason(store.approve_payout, session, row.id, people["Hugo"], END_S) == "own"
    assert reason(store.approve_payout, session, 10**6, people["Fer"], END_S) == "missing"


def test_two_accounts_of_one_person_approve_once(played) -> None:
    session, people, campaign = played
    row = hold_prizes(session, campaign, "words")[0]
    other = store.add_user(session, "Fer too", "", NOW_S, role="reviewer")
    decided.say_people(session, other.id, people["Fer"].id, store.SAME, people["Hugo"].id, END_S, "")
    assert store.approve_payout(session, row.id, people["Fer"], END_S).state == "held"
    assert reason(store.approve_payout, session, row.id, other, END_S) == "twice"


def test_a_refusal_needs_a_reason_and_one_person(played) -> None:
    session, people, campaign = played
    row = hold_prizes(session, campaign, "words")[0]
    assert reason(store.refuse_payout, session, row.id, people["Fer"], END_S, "  ") == "note"
    assert store.refuse_payout(session, row.id, people["Fer"], END_S, "no answer").state == "refused"
    assert hold_prizes(session, campaign, "words")[0].state == "refused"


def test_points_taken_back_let_approvals_go(played) -> None:
    """Two people approved an amount; another amount needs them again."""
    session, people, campaign = played
    row = next(one for one in hold_prizes(session, campaign, "words") if one.user_id == people["Dani"].id)
    store.approve_payout(session, row.id, people["Fer"], END_S)
    store.approve_payout(session, row.id, people["Hugo"], END_S)
    taken = line(90, people) | {
        "key": "back",
        "user_id": people["Dani"].id,
        "campaign_id": 2,
        "kind": "reversal",
    }
    store.add_lines(session, [taken | {"verified_millipoints": -1_000}])
    again = {one.id: one for one in hold_prizes(session, campaign, "words")}[row.id]
    assert (again.state, store.approvals(session, [again])[again.id]) == ("held", [])


def test_who_loses_all_is_owed_nothing_and_who_gets_it_back_is_held(played) -> None:
    session, people, campaign = played
    who = people["Dani"].id
    first = {(one.user_id, one.award): one.amount_centavos for one in hold_prizes(session, campaign, "words")}
    all_of_it = verified_of(session, contest_of(session, campaign))[who]
    back = line(90, people) | {
        "key": "back",
        "user_id": who,
        "campaign_id": 2,
        "verified_millipoints": -all_of_it,
    }
    store.add_lines(session, [back])
    mine = [one for one in hold_prizes(session, campaign, "words") if one.user_id == who]
    assert {(one.state, one.amount_centavos) for one in mine} == {("refused", 0)}
    store.add_lines(session, [back | {"key": "again", "verified_millipoints": all_of_it}])
    rows = hold_prizes(session, campaign, "words")
    assert {(one.user_id, one.award): one.amount_centavos for one in rows if one.amount_centavos} == first
    assert {one.state for one in rows if one.amount_centavos} == {"held"}


def test_accounts_of_one_person_are_paid_as_one(played) -> None:
    session, people, campaign = played
    ids = {name: people[name].id for name in ("Ana", "Beto", "Dani")}
    say_one(session, ids["Dani"], ids["Beto"], people["Fer"].id)
    say_one(session, ids["Beto"], ids["Ana"], people["Fer"].id)
    assert store.same_people(session) == {ids["Beto"]: ids["Ana"], ids["Dani"]: ids["Ana"]}
    paid = {row.user_id for row in hold_prizes(session, campaign, "words")}
    assert ids["Ana"] in paid
    assert not paid & {ids["Beto"], ids["Dani"]}


def test_the_command_line_asks_whose_decision_it_is(engine: sa.Engine, tmp_path) -> None:
    """And writes the same line as the page."""
    with store.session(engine) as session:
        people = play(session)
        numbers = {name: one.id for name, one in people.items()}
    url = engine.url.render_as_string(hide_password=False)
    words = ["prizes", "--hold", "--seed", "words", "--database-url", url, "--archive-url", str(tmp_path)]
    for more, said in (((), "needs --by"), (("--by", "Ana"), "Ana is a rider"), (("--by", "x"), "nobody")):
        refused = CliRunner().invoke(main, [*words, *more])
        assert (refused.exit_code, said in refused.output) == (2, True)
    assert CliRunner().invoke(main, [*words, "--by", "Fer"]).exit_code == 0
    with store.session(engine, write=False) as session:
        (line,) = [row for row in store.ledger_rows(session) if row.kind == "decision"]
        assert (line.rule, line.user_id) == ("prizes", numbers["Fer"])
        assert store.payouts_of_campaign(session, 2)


@pytest.mark.parametrize(
    ("code", "whose", "lag_s", "is_accused"),
    [
        ("copy", "Ana", 0.0, False),
        ("copy", "Ana", 86_400.0, True),
        ("copy", "Beto", 0.0, True),
        ("copy_redated", "Ana", 0.0, True),
    ],
)
def test_who_sends_a_recording_live_and_as_a_file_is_accused_of_nothing(
    played, code, whose, lag_s, is_accused
) -> None:
    session, people, campaign = played
    first, again = add_ride(session, people[whose], "7" * 64), add_ride(session, people["Ana"], "8" * 64)
    found = Finding(code, "hard", 1.0, {"lag_s": lag_s}, first.id, "", "")
    store.add_findings(session, again.id, [found], NOW_S)
    accused = {row.name for row in store.entrants(session, campaign.id) if row.has_open_finding}
    assert accused == ({"Gil", "Ana"} if is_accused else {"Gil"})
