"""Detectors in shadow: what they find is noted and costs nobody anything, until a person upholds it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, NOON_S, bus_ride, gpx_of
from tests.test_publish import CONFIG, EAST, NORTH, NOW_S, RULES, TODAY
from transitmap import review, store
from transitmap.archive import Archive
from transitmap.campaigns import steps
from transitmap.campaigns.settings import CampaignSettings
from transitmap.contribute import contribute
from transitmap.examined import WAITS, is_withheld, tiered
from transitmap.model import DETECTORS, SHADOW, Finding, Rules
from transitmap.points.review import DISMISSED, OPEN, UPHELD, Looks
from transitmap.points.rules import published_text
from transitmap.points.suspicion import examine
from transitmap.points.suspicion.sentences import SENTENCES
from transitmap.publish import publish
from transitmap.receipt import RideReceipt
from transitmap.replay import replay
from transitmap.simulate_rules import preview
from webapp.words import DOUBTS

pytestmark = pytest.mark.usefixtures("own_rules_only")

ZONE = CONFIG.feed.timezone
COPIES = published_text().replace('version = "', 'version = "shadow-of-')
COPIES = COPIES.replace("shadow = []", 'shadow = ["copy", "copy_redated"]')
IN_SHADOW = dataclasses.replace(RULES, shadow=("two_places",))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def send(
    session: Session, archive: Archive, who: str, ride, by_s: float = 0.0, rules: Rules = RULES
) -> RideReceipt:
    """What becomes of a ride moved in time."""
    user = store.user_by_name(session, who) or store.add_user(session, who, "hash", NOW_S)
    fixes = dataclasses.replace(ride.fixes, time_s=ride.fixes.time_s + by_s)
    body = gpx_of(dataclasses.replace(ride, fixes=fixes))
    return contribute(session, archive, user, f"{who}{by_s}.gpx", body, CONFIG, rules, NOW_S).rides[0]


def desk(session: Session, rules: Rules = RULES) -> review.Desk:
    return review.Desk(session, rules, ZONE, b"k" * 32, Looks(0, 0, two_free=False))


# --- tiers -----------------------------------------------------------------------------------------


FOUND = st.lists(
    st.sampled_from(sorted(DETECTORS)).map(lambda code: Finding(code, DETECTORS[code], 0.5, {}, "", "", ""))
)


@given(FOUND, st.lists(st.sampled_from(sorted(DETECTORS))))
def test_rules_change_the_tier_of_what_is_in_shadow_and_nothing_else(found, shadow):
    kept = tiered(found, dataclasses.replace(RULES, shadow=tuple(shadow)))
    assert [dataclasses.replace(one, tier=DETECTORS[one.code]) for one in kept] == found
    assert {one.code for one in kept if one.tier == SHADOW} == {one.code for one in found} & set(shadow)
    hard = [one for one in found if one.tier == "hard" and one.code not in shadow]
    assert is_withheld(kept) == bool(hard)


def test_each_detector_has_one_tier_and_words():
    """Read from the code that finds: a code right before HARD or SOFT."""
    tree = ast.parse(inspect.getsource(examine))
    rows = [node.args if isinstance(node, ast.Call) else node.elts for node in ast.walk(tree)
            if isinstance(node, ast.Call | ast.Tuple)]  # fmt: skip
    said = {
        (one.value, tier.id)
        for row in rows
        for one, tier in zip(row, row[1:], strict=False)
        if isinstance(one, ast.Constant) and isinstance(tier, ast.Name) and tier.id in ("HARD", "SOFT")
    }
    assert said == {(code, tier.upper()) for code, tier in DETECTORS.items()}
    assert set(SENTENCES) - {WAITS} == set(DETECTORS) <= set(DOUBTS)


# --- a campaign with copies in shadow --------------------------------------------------------------


@pytest.fixture
def campaign(session: Session, archive: Archive) -> store.Campaign:
    """From the fifth day on, where nobody is withheld for a copy."""
    version = COPIES.split('version = "')[1].split('"')[0]
    names = "rutas", "Rutas", "Routes", "", NOON_S + 4.5 * DAY_S, NOON_S + 60 * DAY_S, "es_MX", "MXN", 0
    made = steps.make(session, CampaignSettings(*names, version, COPIES, ""), NOW_S)
    who = store.add_user(session, "Organiza", "hash", NOW_S, role="organiser")
    return steps.take_step(session, archive, made, "open", who, NOW_S, ZONE, published_text())


def riders(session: Session) -> dict[str, int]:
    return {user.name: user.id for user in store.users(session)}


def test_a_copy_in_shadow_is_paid_and_one_out_of_it_is_withheld(
    session: Session, archive: Archive, campaign: store.Campaign
) -> None:
    """Both in one installation, before and under other rules: a replay agrees with both."""
    for day in range(2):
        send(session, archive, f"rider {day}", bus_ride(EAST, NOON_S + day * DAY_S, day))
    first = bus_ride(NORTH, NOON_S, 9)
    whole = send(session, archive, "ana", first).millipoints
    held = send(session, archive, "thief", first, 2 * DAY_S + 300.0)
    noted = send(session, archive, "other", first, 7 * DAY_S + 300.0)
    assert ([line.rule for line in held.lines], held.millipoints) == (["withheld"], 0)
    assert noted.millipoints == pytest.approx(0.8 * whole, rel=0.02)  # the second who saw it
    tiers = {one.ride_id: (one.code, one.tier) for one in store.findings(session)}
    assert tiers == {held.ride_id: ("copy", "hard"), noted.ride_id: ("copy", SHADOW)}
    ids = riders(session)
    assert store.bound_riders(session) == [(ids["thief"], ids["ana"])]
    assert store.linking_findings(session, ids["other"]) == []
    assert store.n_open_findings(session, campaign.id) == 0
    assert store.people_decided(session)["withheld"] == [held.ride_id]
    assert store.people_decided(session)["held"] == []
    assert replay(session, archive, CONFIG, RULES) == []
    publish(session, archive, CONFIG, TODAY, NOW_S, RULES)
    assert sums(session)[ids["other"]] == (noted.millipoints, 0)  # nobody else confirms it
    send(session, archive, "late", first, 9 * DAY_S)
    assert replay(session, archive, CONFIG, RULES) == []


def test_a_person_upholds_what_was_noted_and_takes_it_back(
    session: Session, archive: Archive, campaign: store.Campaign
) -> None:
    rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")
    first = bus_ride(NORTH, NOON_S, 9)
    send(session, archive, "ana", first)
    noted = send(session, archive, "other", first, 7 * DAY_S + 300.0)
    (finding,) = store.findings(session, noted.ride_id)
    ana, other = riders(session)["ana"], riders(session)["other"]

    def paid() -> int:
        return sum(line.millipoints for line in store.ledger_rows(session, ride_id=noted.ride_id))

    before = paid()
    assert before > 0
    assert review.look(desk(session), rita, finding.id, "same_recording", "", NOW_S) == UPHELD
    assert (paid(), store.bound_riders(session)) == (0, [(other, ana)])
    assert store.people_decided(session)["withheld"] == [noted.ride_id]
    assert replay(session, archive, CONFIG, RULES) == []
    review.undo(desk(session), rita, finding.id, NOW_S)
    assert (paid(), store.bound_riders(session), finding.state) == (before, [], OPEN)
    assert review.look(desk(session), rita, finding.id, "own_ride", "", NOW_S) == DISMISSED
    assert (paid(), store.bound_riders(session)) == (before, [])
    assert replay(session, archive, CONFIG, RULES) == []


def test_a_replay_finds_a_tier_that_the_rules_do_not_give(
    session: Session, archive: Archive, campaign: store.Campaign
) -> None:
    first = bus_ride(NORTH, NOON_S, 9)
    send(session, archive, "ana", first)
    send(session, archive, "other", first, 7 * DAY_S + 300.0)
    store.findings(session)[0].tier = "soft"
    session.flush()
    (difference,) = replay(session, archive, CONFIG, RULES)
    assert difference.what == "findings"


def test_a_wrong_claim_is_no_finding_of_the_replay(session: Session, archive: Archive) -> None:
    """People found it, so it follows from no ride."""
    rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")
    first = bus_ride(NORTH, NOON_S, 9)
    send(session, archive, "ana", first)
    held = send(session, archive, "other", first, 7 * DAY_S + 300.0)
    (finding,) = store.findings(session, held.ride_id)
    review.look(desk(session), rita, finding.id, "first_recorded", "", NOW_S)
    assert {one.code for one in store.findings(session)} == {"copy", store.WRONG_CLAIM}
    assert replay(session, archive, CONFIG, RULES) == []


# --- other rules on the same history ---------------------------------------------------------------


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Callable[..., Iterator[tuple[Session, Archive]]]:
    """The same rides played by some rules: one account is in two places at once, and somebody decides."""

    @contextmanager
    def play(name: str, rules: Rules, reason: str) -> Iterator[tuple[Session, Archive]]:
        shutil.copyfile(sqlite_template, tmp_path / f"{name}.db")
        engine, archive = store.open_engine(f"sqlite:///{tmp_path / name}.db"), Archive(tmp_path / name)
        with store.session(engine) as session:
            rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")
            for day in range(2):
                send(session, archive, f"rider {day}", bus_ride(EAST, NOON_S + day * DAY_S, day), 0.0, rules)
            send(session, archive, "eva", bus_ride(NORTH, NOON_S + 6 * DAY_S, 5), 0.0, rules)
            twice = send(session, archive, "eva", bus_ride(EAST, NOON_S + 6 * DAY_S, 6), 0.0, rules)
            publish(session, archive, CONFIG, TODAY, NOW_S, rules)
            for finding in store.findings(session, twice.ride_id) if reason else ():
                review.look(desk(session, rules), rita, finding.id, reason, "", NOW_S)
            send(session, archive, "last", bus_ride(EAST, NOON_S + 9 * DAY_S, 9), 0.0, rules)
            publish(session, archive, CONFIG, TODAY, NOW_S, rules)
            yield session, archive
        engine.dispose()

    return play


def sums(session: Session) -> dict[int, tuple[int, int]]:
    """Points and verified ones by rider."""
    found: dict[int, tuple[int, int]] = {}
    for row in store.ledger_rows(session):
        points, verified = found.get(row.user_id, (0, 0))
        found[row.user_id] = points + row.millipoints, verified + row.verified_millipoints
    return found


@pytest.mark.parametrize("reason", ["", "own_ride", "two_places"])
def test_what_would_have_been_is_what_is_where_it_was(world, reason: str) -> None:
    """Rules tried on a history that was played by others give what those give who played by them."""
    with (
        world("held", RULES, reason) as (one, one_archive),
        world("noted", IN_SHADOW, reason) as (two, archive),
    ):
        assert replay(two, archive, CONFIG, IN_SHADOW) == []
        for session, blobs, rules, wanted in ((one, one_archive, IN_SHADOW, two), (two, archive, RULES, one)):
            changes = preview(session, blobs, CONFIG, rules)
            assert {who.user_id: (who.before, who.before_verified) for who in changes} == sums(session)
            assert {who.user_id: (who.after, who.after_verified) for who in changes} == sums(wanted)
        eva = riders(one)["eva"]
        assert (sums(one)[eva] == sums(two)[eva]) == (reason != "")
