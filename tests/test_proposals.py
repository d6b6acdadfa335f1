"""Proposed rules: one vote a rider, decided once, and no open game changes its rules."""

from __future__ import annotations

from importlib import resources

import pytest

from transitmap import store
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.proposals import try_proposals
from transitmap.simulate_rules import Change

NOW_S = 1_790_000_000.0
RULES = ("2027.1", 'version = "2027.1"')


@pytest.fixture
def riders(session):
    return [store.add_user(session, name, "hash", NOW_S).id for name in ("Ana", "Beto", "Caro")]


@pytest.fixture
def propose(session, riders):
    def make(campaign_id=store.OWN_CAMPAIGN, preview=None):
        return store.add_proposal(session, campaign_id, riders[0], RULES, "why", preview or {}, NOW_S)

    return make


def campaign(session, state):
    made = store.Campaign(slug=state, name_es=state, name_en=state, made_s=NOW_S, state=state)
    session.add(made)
    session.flush()
    return made


def test_a_rider_has_one_vote_and_may_change_it(session, riders, propose):
    proposal = propose()
    for who, vote in ((0, 1), (1, -1), (2, 1), (0, 0), (0, -1)):
        store.cast_vote(session, proposal.id, riders[who], vote, NOW_S)
    assert store.votes_on(session, proposal.id, riders[2]) == store.Tally(1, 2, 0, 1)
    assert store.votes_on(session, proposal.id).mine is None
    with pytest.raises(ValueError, match="vote 2"):
        store.cast_vote(session, proposal.id, riders[0], 2, NOW_S)


def test_comments_are_read_in_order_and_hide_without_going(session, riders, propose):
    proposal, other = propose(), propose()
    first = store.add_comment(session, proposal.id, riders[1], "too low", NOW_S)
    store.add_comment(session, proposal.id, riders[2], "fine", NOW_S + 1)
    store.user_by_id(session, riders[2]).is_hidden = True
    assert not store.hide_comment(session, other.id, first.id, True)
    assert store.hide_comment(session, proposal.id, first.id, True)
    session.flush()
    said = store.comments_on(session, proposal.id)
    assert [(one.name, one.text, one.is_hidden) for one in said] == [
        ("Beto", "too low", True),
        ("", "fine", False),
    ]


@pytest.mark.parametrize("state", ["draft", "open", "frozen", "closed"])
def test_only_a_draft_gets_adopted_rules(session, riders, propose, state):
    made = campaign(session, state)
    proposal = propose(made.id)
    store.decide_proposal(session, proposal, "adopted", riders[0], "most want it", NOW_S)
    assert (made.rules_version == "2027.1") == (state == "draft")
    assert (made.rules_toml == RULES[1]) == (state == "draft")
    assert store.decision_on(session, proposal.id).note == "most want it"


def test_a_decision_is_for_ever(session, riders, propose):
    made = campaign(session, "draft")
    proposal = propose(made.id)
    assert store.decision_on(session, proposal.id) is None
    store.decide_proposal(session, proposal, "refused", riders[0], "too late", NOW_S)
    assert made.rules_toml == ""
    with pytest.raises(ValueError, match="is refused"):
        store.decide_proposal(session, proposal, "adopted", riders[0], "after all", NOW_S)


def test_a_preview_counts_all_and_keeps_the_ends(session, propose, monkeypatch):
    monkeypatch.setattr("transitmap.store.proposals.MAX_ROWS", 2)
    proposal = propose()
    assert store.proposals_to_try(session) == [(proposal, store.OWN_CAMPAIGN)]
    rows = [(1, 500, 900), (2, 700, 700), (3, 900, 100), (4, 10, 20)]
    store.keep_preview(session, proposal.id, rows, NOW_S)
    session.expire_all()
    found = store.proposal_by_id(session, proposal.id).preview
    assert found["rows"] == [[1, 500, 900], [3, 900, 100]]
    assert [found[key] for key in ("n_riders", "n_gain", "n_lose", "before", "after")] == [
        4,
        2,
        1,
        2110,
        1720,
    ]
    assert store.proposals_to_try(session) == []


@pytest.mark.parametrize("state", ["draft", "open"])
def test_rules_of_a_draft_are_tried_on_what_was_ridden_so_far(session, propose, state):
    made = campaign(session, state)
    proposal = propose(made.id)
    expected = store.OWN_CAMPAIGN if state == "draft" else made.id
    assert store.proposals_to_try(session) == [(proposal, expected)]


def test_each_open_proposal_is_tried_once_by_its_own_rules(engine, tmp_path, monkeypatch):
    toml = resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")
    with store.session(engine) as session:
        who = store.add_user(session, "Ana", "hash", NOW_S).id
        for points in (5, 20):
            rules = str(points), toml.replace("points_per_km = 10.0", f"points_per_km = {points}")
            store.add_proposal(session, store.OWN_CAMPAIGN, who, rules, "", {}, NOW_S)
        store.add_proposal(session, store.OWN_CAMPAIGN, who, RULES, "of another year", {}, NOW_S)
        decided = store.add_proposal(session, store.OWN_CAMPAIGN, who, RULES, "", {}, NOW_S)
        store.decide_proposal(session, decided, "refused", who, "no", NOW_S)

    def preview(session, archive, config, rules, campaign_id):
        assert campaign_id == store.OWN_CAMPAIGN
        yield Change(who, "Ana", 10_000, rules.millipoints_per_km, 0, 0)

    monkeypatch.setattr("transitmap.proposals.preview", preview)
    archive = Archive(str(tmp_path / "archive"))
    assert try_proposals(engine, archive, Config(), NOW_S) == 3
    assert try_proposals(engine, archive, Config(), NOW_S) == 0
    with store.session(engine, write=False) as session:
        found = [one.preview for one, _ in store.all_proposals(session)]
    assert [one.get("rows") for one in found] == [None, None, [[who, 10_000, 20_000]], [[who, 10_000, 5_000]]]
    assert [one.get("is_failed") for one in found] == [None, True, None, None]
