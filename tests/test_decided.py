"""Every decision about rules and prizes is a line of the ledger, and follows from the decision alone."""

from __future__ import annotations

import json
import zipfile

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.books.played import DAY_S, NOW_S, SLUG, play
from tests.test_store import feed_row
from transitmap import decided, erase, store
from transitmap.archive import Archive, pack_network
from transitmap.books.export import write_books
from transitmap.books.hold import hold_prizes
from transitmap.books.verify import verify_books
from transitmap.cli import main
from transitmap.config import Config
from transitmap.errors import ConfigError, PayoutRefused
from transitmap.points.rules import load_rules
from transitmap.replay import COMPARED, _compare_decided, replay
from transitmap.terrain import nothing_known

END_S = NOW_S + 18 * DAY_S
LATER_S = END_S + 14 * DAY_S
ZONE = "America/Mexico_City"
RULES = ("2027.1", 'version = "2027.1"')


@pytest.fixture
def played(session):
    """People of a campaign that is over; Fer and Hugo are staff."""
    people = play(session)
    people["Hugo"] = store.add_user(session, "Hugo", "", NOW_S, role="reviewer")
    return people


@pytest.fixture
def prize(session, played):
    campaign = store.campaign_by_slug(session, SLUG)
    return next(one for one in hold_prizes(session, campaign, "words") if one.user_id == played["Ana"].id)


def lines(session):
    return [row for row in store.ledger_rows(session) if row.kind == "decision"]


def decide_all(session, people, prize):
    proposal = store.add_proposal(session, 2, people["Ana"].id, RULES, "why", {}, NOW_S)
    decided.decide_rules(session, proposal, "adopted", people["Fer"], "most want it", END_S, ZONE)
    decided.decide_prize(session, store.approve_payout, prize.id, people["Fer"], "saw them", END_S, ZONE)
    decided.decide_prize(session, store.approve_payout, prize.id, people["Hugo"], "", END_S, ZONE)
    decided.decide_prize(session, store.pay_payout, prize.id, people["Fer"], "", LATER_S, ZONE)
    other = next(one for one in store.payouts_of_campaign(session, 2) if one.user_id == people["Dani"].id)
    decided.decide_prize(session, store.refuse_payout, other.id, people["Fer"], "not reached", LATER_S, ZONE)
    return other


def test_each_decision_is_a_line_of_no_points_in_both_languages(session, played, prize):
    before = store.sums_of_campaign(session, 2)
    other = decide_all(session, played, prize)
    fer, hugo = played["Fer"].id, played["Hugo"].id
    told = lines(session)
    assert [(row.rule, row.evidence["verdict"], row.evidence["by"]) for row in told] == [
        ("proposal", "adopted", fer),
        ("prize", "approved", fer),
        ("prize", "approved", hugo),
        ("prize", "paid", fer),
        ("prize", "refused", fer),
    ]
    assert {row.millipoints for row in told} | {row.verified_millipoints for row in told} == {0}
    assert [row.user_id for row in told] == [fer, *[played["Ana"].id] * 3, played["Dani"].id]
    amount = f"{prize.amount_centavos / 100:,.2f} MXN"
    assert (
        told[1].text_es
        == f"La persona revisora {fer} aprobó un premio de {amount}; deben aprobarlo dos personas."
    )
    assert told[3].text_en == f"Reviewer {fer} noted that a prize of {amount} was handed over."
    assert told[0].text_en == f"Organiser {fer} adopted the proposed rules “2027.1”."
    assert told[4].evidence["payout"] == other.id
    assert store.sums_of_campaign(session, 2) == before  # nobody comes to have points, nobody joins
    everything = json.dumps([[row.text_es, row.text_en, row.evidence] for row in told])
    assert not [
        word for word in ("Ana", "Fer", "saw them", "most want it", "not reached") if word in everything
    ]


def test_what_is_refused_writes_no_line(session, played, prize):
    decided.decide_prize(session, store.approve_payout, prize.id, played["Fer"], "", END_S, ZONE)
    refused = (
        (store.approve_payout, "Fer"),
        (store.pay_payout, "Hugo"),
        (store.refuse_payout, "Hugo"),
    )
    for decide, who in refused:
        with pytest.raises(PayoutRefused):
            decided.decide_prize(session, decide, prize.id, played[who], "", END_S, ZONE)
    assert len(lines(session)) == 1


def test_books_with_decisions_are_right_and_a_changed_one_is_found(engine: sa.Engine, tmp_path):
    with store.session(engine) as session:
        people = play(session)
        people["Hugo"] = store.add_user(session, "Hugo", "", NOW_S, role="reviewer")
        campaign = store.campaign_by_slug(session, SLUG)
        rows = hold_prizes(session, campaign, "words")
        decide_all(session, people, next(one for one in rows if one.user_id == people["Ana"].id))
    path = tmp_path / "books.zip"
    with store.session(engine, write=False) as session:
        write_books(session, path, LATER_S)
    assert verify_books(path).flaws == []
    with zipfile.ZipFile(path) as books:
        there = {name: books.read(name) for name in books.namelist()}
    assert there["ledger.jsonl"].count(b'"kind":"decision"') == 5
    there["ledger.jsonl"] = there["ledger.jsonl"].replace(b'"verdict":"paid"', b'"verdict":"void"')
    with zipfile.ZipFile(path, "w") as books:
        for name, body in there.items():
            books.writestr(name, body)
    assert "seal" in {flaw.code for flaw in verify_books(path).flaws}


def test_the_lines_follow_from_the_decisions_and_a_missing_one_is_found(session, played, prize):
    decide_all(session, played, prize)
    session.flush()
    recorded = {row.key: row for row in store.ledger_rows(session)}
    again = decided.lines_of_decisions(session)
    assert len(again) == 5
    assert set(again[0]) == set(COMPARED) | {"key"}
    assert _compare_decided(recorded, again) == []
    gone = {key: row for key, row in recorded.items() if key != again[2]["key"]}
    assert [one.what for one in _compare_decided(gone, again)] == [again[2]["key"]]
    (invented,) = _compare_decided(recorded, again[1:])
    assert (invented.what, invented.recomputed) == (again[0]["key"], None)


def test_a_replay_looks_at_them(session, tmp_path):
    """A decision that somebody wrote behind the ledger's back is found."""
    people = {name: store.add_user(session, name, "", NOW_S, role="organiser") for name in ("Fer", "Ana")}
    proposal = store.add_proposal(session, 1, people["Ana"].id, RULES, "why", {}, NOW_S)
    archive, config, rules = Archive(str(tmp_path / "archive")), Config(), load_rules()
    decided.decide_rules(session, proposal, "refused", people["Fer"], "no", END_S, ZONE)
    session.commit()
    assert replay(session, archive, config, rules) == []
    store.add_decision(session, store.PROPOSAL, proposal.id, "adopted", people["Fer"].id, END_S)
    (difference,) = replay(session, archive, config, rules)
    assert difference.recorded is None


# --- who is who ------------------------------------------------------------------------------------


def decide_on_people(session) -> dict[str, store.User]:
    """Rita becomes the first organiser, makes Omar a reviewer; he says what he knows of Ana and Beto."""
    people = {name: store.add_user(session, name, "", NOW_S) for name in ("Ana", "Beto", "Omar", "Rita")}
    number = {name: one.id for name, one in people.items()}
    decided.give_role(session, people["Rita"], "organiser", None, NOW_S, ZONE)
    decided.give_role(session, people["Omar"], "reviewer", number["Rita"], NOW_S, ZONE)
    decided.say_met(session, number["Ana"], True, number["Omar"], NOW_S, ZONE)
    decided.say_people(session, number["Beto"], number["Ana"], store.SAME, number["Omar"], NOW_S, ZONE)
    decided.say_people(session, number["Ana"], number["Beto"], store.TWO, number["Omar"], NOW_S, ZONE)
    decided.say_met(session, number["Ana"], False, number["Omar"], NOW_S, ZONE)
    return people


def test_who_is_one_person_who_was_met_and_who_may_what_is_a_line_of_each_account(session):
    people = decide_on_people(session)
    ana, beto, omar, rita = (people[name].id for name in ("Ana", "Beto", "Omar", "Rita"))
    told = lines(session)
    assert [(row.rule, row.user_id, row.evidence["verdict"], row.evidence["by"]) for row in told] == [
        ("role", rita, "organiser", rita),
        ("role", omar, "reviewer", rita),
        ("met", ana, "met", omar),
        ("person", ana, "same", omar),
        ("person", beto, "same", omar),
        ("person", ana, "two", omar),
        ("person", beto, "two", omar),
        ("met", ana, "not_met", omar),
    ]
    assert {(row.millipoints, row.verified_millipoints, row.ride_id) for row in told} == {(0, 0, None)}
    assert "cuando aún no había organización" in told[0].text_es
    assert (
        told[1].text_en == f"Organiser {rita} gave account {omar} the role of reviewer; before that: rider."
    )
    assert told[3].text_es == (
        f"La persona revisora {omar} dijo que las cuentas {ana} y {beto} son de una sola persona."
    )
    everything = json.dumps([[row.text_es, row.text_en, row.evidence] for row in told])
    assert not [name for name in people if name in everything]
    assert store.standings_rows(session, 0.0) == []


def test_an_organiser_who_lays_down_the_role_is_no_first_one(session):
    people = decide_on_people(session)
    decided.give_role(session, people["Rita"], "rider", people["Rita"].id, END_S, ZONE)
    assert lines(session)[-1].text_en.endswith("the role of rider; before that: organiser.")


@pytest.mark.parametrize("gone", ["", "Ana", "Omar"])
def test_a_replay_finds_a_word_without_its_line_also_after_an_erasure(session, tmp_path, gone):
    people = decide_on_people(session)
    archive, config, rules = Archive(str(tmp_path / "archive")), Config(), load_rules()
    session.commit()
    if gone:
        erase.erase(session, archive, people[gone], config, END_S)
    assert len(decided.lines_of_decisions(session)) == 8
    assert replay(session, archive, config, rules) == []
    ana, beto = people["Ana"].id, people["Beto"].id
    store.add_decision(session, store.PERSON, beto, store.SAME, people["Omar"].id, END_S, str(ana))
    assert [one.recorded for one in replay(session, archive, config, rules)] == [None, None]
    forged = decided.met_line(store.decisions_since(session, store.MET, 0.0)[0])
    store.add_lines(session, [forged | {"key": "decision:99:1", "created_s": END_S, "day": 0}])
    assert [one.recomputed for one in replay(session, archive, config, rules)][-1] is None


# --- prizes at once --------------------------------------------------------------------------------


def test_all_that_waits_is_approved_but_for_ones_own(session, played, prize):
    """Fer approved of one before, and one is his own: he is a winner of nothing, Hugo's account is his."""
    campaign = store.campaign_by_slug(session, SLUG)
    waiting = [one for one in store.payouts_of_campaign(session, campaign.id) if one.state == "held"]
    decided.decide_prize(session, store.approve_payout, prize.id, played["Fer"], "", END_S, ZONE)
    decided.say_people(
        session, played["Ana"].id, played["Hugo"].id, store.SAME, played["Fer"].id, END_S, ZONE
    )
    theirs = [one for one in waiting if one.user_id == played["Ana"].id]
    assert theirs
    assert decided.approve_all(session, campaign, played["Fer"], END_S, ZONE) == len(waiting) - 1
    assert decided.approve_all(session, campaign, played["Fer"], END_S, ZONE) == 0
    assert decided.approve_all(session, campaign, played["Hugo"], END_S, ZONE) == len(waiting) - len(theirs)
    assert {one.state for one in theirs} == {"held"}
    approvals = [row for row in lines(session) if row.rule == decided.PRIZE]
    assert len(approvals) == 2 * len(waiting) - len(theirs)


# --- planted checks --------------------------------------------------------------------------------


def test_a_known_answer_is_planted_once_and_its_line_does_not_tell_it(session, tmp_path):
    rita = store.add_user(session, "Rita", "", NOW_S, role="reviewer")
    decided.plant_check(session, "fare", "R1", "750", rita.id, NOW_S, ZONE)
    decided.plant_check(session, "stop_name", "S1", "Metro Hidalgo", rita.id, NOW_S, ZONE)
    with pytest.raises(ConfigError, match="has an answer already"):
        decided.plant_check(session, "fare", "R1", "800", rita.id, END_S, ZONE)
    assert store.planted_checks(session) == [
        ("fare", "R1|||", "750", NOW_S),
        ("stop_name", "|S1||", "Metro Hidalgo", NOW_S),
    ]
    assert [(row.rule, row.user_id, row.evidence["by"]) for row in lines(session)] == [
        ("check", rita.id, rita.id)
    ] * 2
    everything = json.dumps([[row.text_es, row.text_en, row.evidence] for row in lines(session)])
    assert not [word for word in ("750", "R1", "Hidalgo", "S1", "Rita") if word in everything]
    session.commit()
    assert replay(session, Archive(str(tmp_path / "archive")), Config(), load_rules()) == []
    store.add_decision(session, decided.CHECK, 99, decided.PLANTED, rita.id, END_S)
    (difference,) = replay(session, Archive(str(tmp_path / "archive")), Config(), load_rules())
    assert difference.recorded is None


def test_the_command_line_plants_what_somebody_of_the_staff_knows_of_the_feed(tmp_path):
    url = f"sqlite:///{tmp_path / 'transitmap.db'}"
    store.upgrade(url)
    engine = store.open_engine(url)
    with store.session(engine) as session:
        for name, role in (("Rita", "reviewer"), ("Ana", "rider")):
            store.add_user(session, name, "", NOW_S, role=role)
        made = feed_row(1)
        made.ids = {"route_id": ["R1"], "stop_id": ["S1"]}
        made.network_sha256 = Archive(str(tmp_path)).put(pack_network(nothing_known(ZONE).network))
        store.add_feed(session, made)

    def plant(kind: str, about: str, answer: str, by: str = "Rita"):
        words = ["points", "plant", kind, about, answer, "--by", by]
        return CliRunner().invoke(main, [*words, "--database-url", url, "--archive-url", str(tmp_path)])

    for asked, said in (
        (("fare", "R9", "7.50"), "R9: no such id"),
        (("fare", "R1", "much"), "an amount like 7.50"),
        (("fare", "R1", "7.505"), "an amount like 7.50"),
        (("fare", "R1", "7.50", "Ana"), "must be of the staff"),
    ):
        refused = plant(*asked)
        assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    assert plant("fare", "R1", "7.50").exit_code == 0
    assert plant("fare", "R1", "8").exit_code != 0
    with store.session(engine, write=False) as session:
        assert [one[:3] for one in store.planted_checks(session)] == [("fare", "R1|||", "750")]
    engine.dispose()
