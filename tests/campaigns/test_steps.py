"""The life of a campaign on both databases: from a draft to a signed end, steps out of turn refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.conftest import on_sqlite
from tests.points.hand import DAY_S, NOON_S
from tests.test_publish import CONFIG, NOW_S, ride_the_city
from tests.test_publish import make as publish_feed
from transitmap import chain, store
from transitmap.archive import Archive
from transitmap.campaigns import steps
from transitmap.campaigns.account import account_of, mapped_by, voice_of
from transitmap.campaigns.report import Outlook, write_html, write_pdf
from transitmap.campaigns.settings import CampaignSettings
from transitmap.campaigns.snapshot import verify_file
from transitmap.config import EquityConfig
from transitmap.errors import CampaignRefused, ConfigError
from transitmap.points.rules import published_text

ZONE = "America/Mexico_City"
RULES = published_text()
VERSION = RULES.split('version = "')[1].split('"')[0]
SETTINGS = CampaignSettings(
    "rutas", "Rutas que faltan", "The missing routes", "", NOON_S - DAY_S, NOON_S + 60 * DAY_S, "es_MX",
    "MXN", 17_000_000, VERSION, RULES, "",
)  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def organiser(session: Session) -> store.User:
    return store.add_user(session, "Organiza", "hash", NOW_S, role="organiser")


@pytest.fixture
def step(session: Session, archive: Archive, organiser: store.User):
    def take(campaign: store.Campaign, name: str, now_s: float = NOW_S, note: str = "") -> store.Campaign:
        return steps.take_step(session, archive, campaign, name, organiser, now_s, ZONE, RULES, note)

    return take


def count_in(session: Session, campaign: store.Campaign, rides: list[str], millipoints: int = 1_000) -> None:
    """Lines that say that rides count in a campaign."""
    rows = {ride.ride_id: ride.user_id for ride in store.counted_rides(session)}
    lines = [
        {"key": f"of-{campaign.id}:{ride}", "campaign_id": campaign.id, "kind": "award", "ride_id": ride,
         "user_id": rows[ride], "rule": "new_metres", "millipoints": millipoints, "verified_millipoints": 500,
         "rules_version": VERSION, "network_version": "", "evidence": {}, "text_es": "", "text_en": "",
         "created_s": NOW_S}
        for ride in rides
    ]  # fmt: skip
    store.lock_ledger(session)
    store.add_lines(session, lines)


def settle(session: Session, through: int) -> None:
    session.add(
        store.Settlement(
            number=1,
            network_version="",
            through_sequence=through,
            through_decision=0,
            made_s=NOW_S,
            n_lines=0,
            inputs={},
        )
    )
    session.flush()


def refused(call, *args, **more) -> str:
    with pytest.raises(CampaignRefused) as told:
        call(*args, **more)
    return told.value.reason


@pytest.mark.usefixtures("own_rules_only")
def test_from_a_draft_to_a_signed_end(session: Session, archive: Archive, step) -> None:
    ride_the_city(session, archive, range(3), 1)
    rides = [ride.ride_id for ride in store.counted_rides(session)]
    campaign = step(steps.make(session, SETTINGS, NOW_S), "open", note="as decided on Monday")
    count_in(session, campaign, rides[:8])
    step(campaign, "freeze", NOW_S + 1)
    settle(session, len(rides))
    assert steps.public_key(session, archive) is None
    campaign = step(campaign, "close", NOW_S + 2)
    key = steps.public_key(session, archive)
    assert key is not None
    told = verify_file(steps.snapshot_file(session, archive, campaign), key)
    sums = store.sums_of_campaign(session, campaign.id)
    assert [row[1:] for row in told["board"]["rows"]] == [
        list(row) for row in sorted(sums, key=lambda r: (-r[1], r[0]))
    ]
    assert sum(row[2] for row in told["board"]["rows"]) == 8_000 and len(sums) > 1
    assert told["campaign"]["slug"] == "rutas" and told["campaign"]["closed_s"] == int(NOW_S + 2)
    assert told["rules"]["toml"] == RULES
    lines = store.ledger_rows(session)
    assert [line.rule for line in lines if line.kind == "decision"] == [
        "campaign_open", "campaign_freeze", "campaign_close",
    ]  # fmt: skip
    closing = lines[-1]
    assert (closing.millipoints, closing.evidence["snapshot_sha256"]) == (0, campaign.snapshot_sha256)
    assert told["ledger"]["head_sha256"] == lines[-2].sha256
    assert told["ledger"]["n_lines"] == 8 + 2
    assert lines[-3].text_es != lines[-2].text_es and "Rutas que faltan" in closing.text_es


def test_the_board_holds_no_name_and_nobody_who_only_decided(
    session: Session, archive: Archive, step
) -> None:
    campaign = step(steps.make(session, SETTINGS, NOW_S), "open")
    campaign = step(step(campaign, "freeze"), "close")
    body = archive.get(campaign.snapshot_sha256)
    assert json.loads(body)["board"]["rows"] == []
    assert b"Organiza" not in body and hashlib.sha256(body).hexdigest() == campaign.snapshot_sha256


def test_steps_out_of_turn_are_refused_and_change_nothing(session: Session, archive: Archive, step) -> None:
    campaign = steps.make(session, SETTINGS, NOW_S)
    assert [refused(step, campaign, name) for name in ("freeze", "close")] == ["not_open", "not_frozen"]
    assert refused(step, campaign, "open", SETTINGS.closes_s) == "over"
    step(campaign, "open")
    assert [refused(step, campaign, name) for name in ("open", "close")] == ["not_draft", "not_frozen"]
    step(campaign, "freeze")
    step(campaign, "close")
    for name in ("open", "freeze", "close"):
        assert refused(step, campaign, name).startswith("not_")
    own = store.all_campaigns(session)[0]
    assert own.id == store.OWN_CAMPAIGN and [refused(step, own, name) for name in steps.DONE] == ["own"] * 3
    assert len([line for line in store.ledger_rows(session) if line.kind == "decision"]) == 3
    assert refused(steps.snapshot_file, session, archive, own) == "not_closed"


@pytest.mark.usefixtures("own_rules_only")
def test_a_campaign_closes_when_nothing_is_owed_to_anybody(session: Session, archive: Archive, step) -> None:
    ride_the_city(session, archive, range(1), 1)
    ride = store.counted_rides(session)[0]
    campaign = step(steps.make(session, SETTINGS, NOW_S), "open")
    count_in(session, campaign, [ride.ride_id])
    step(campaign, "freeze")
    assert refused(step, campaign, "close") == "unsettled"
    settle(session, 10)
    appeal = store.Appeal(user_id=ride.user_id, ride_id=ride.ride_id, text="?", made_s=NOW_S)
    finding = store.FindingRow(
        ride_id=ride.ride_id, code="smooth", tier="soft", score=1.0, evidence={}, made_s=NOW_S
    )
    session.add_all([appeal, finding])
    session.flush()
    assert refused(step, campaign, "close") == "appeals"
    appeal.made_s = (
        campaign.frozen_s + steps.APPEALS_S + 1.0
    )  # whoever asks for ever keeps nobody from a prize
    campaign = step(campaign, "close")
    assert appeal.state == "open"
    assert json.loads(archive.get(campaign.snapshot_sha256))["waiting"] == {
        "open_findings": 1,
        "settlement": 1,
    }


def test_a_draft_changes_and_nothing_else_does(session: Session, step) -> None:
    campaign = steps.make(session, SETTINGS, NOW_S)
    steps.change(session, campaign, replace(SETTINGS, slug="rutas-2", budget_centavos=5))
    assert (campaign.slug, campaign.budget_centavos) == ("rutas-2", 5)
    step(campaign, "open")
    assert refused(steps.change, session, campaign, SETTINGS) == "changed"
    assert campaign.slug == "rutas-2"


def test_an_address_and_a_version_of_rules_mean_one_thing(session: Session) -> None:
    steps.make(session, SETTINGS, NOW_S)
    assert refused(steps.make, session, SETTINGS, NOW_S) == "taken"
    other = steps.make(session, replace(SETTINGS, slug="otra"), NOW_S)
    assert refused(steps.change, session, other, SETTINGS) == "taken"
    mine = RULES.replace(VERSION, "mine").replace("points_per_km = 10.0", "points_per_km = 11.0")
    steps.make(session, replace(SETTINGS, slug="tercera", rules_version="mine", rules_toml=mine), NOW_S)
    odd = mine.replace("points_per_km = 11.0", "points_per_km = 12.0")
    clash = replace(SETTINGS, slug="cuarta", rules_version="mine", rules_toml=odd)
    assert refused(steps.make, session, clash, NOW_S) == "version"
    before = RULES[: RULES.index("[suspicion]")]  # rules from before there was a shadow are no others
    steps.make(session, replace(SETTINGS, slug="cuarta", rules_toml=before), NOW_S)
    clash = replace(SETTINGS, slug="quinta", rules_toml=RULES.replace("shadow = []", 'shadow = ["car"]'))
    assert refused(steps.make, session, clash, NOW_S) == "version"
    assert [one.slug for one in store.all_campaigns(session)][1:] == ["rutas", "otra", "tercera", "cuarta"]


def test_rules_that_measure_otherwise_by_now_are_not_opened(
    session: Session, archive: Archive, organiser
) -> None:
    campaign = steps.make(session, SETTINGS, NOW_S)
    newer = RULES.replace(VERSION, "newer").replace("length_m = 100.0", "length_m = 90.0")
    with pytest.raises(ConfigError, match="must measure"):
        steps.take_step(session, archive, campaign, "open", organiser, NOW_S, ZONE, newer)
    assert campaign.state == "draft"


def test_the_ledger_stays_sealed(session: Session, step) -> None:
    step(step(steps.make(session, SETTINGS, NOW_S), "open"), "freeze")
    before = chain.GENESIS
    for line in store.ledger_rows(session):
        told = {name: getattr(line, name) for name in chain.SEALED}
        assert line.sha256 == chain.seal(before, told)
        before = line.sha256


@on_sqlite
@pytest.mark.usefixtures("own_rules_only")
def test_the_account_tells_the_rides_that_count(
    session: Session, archive: Archive, step, tmp_path: Path
) -> None:
    ride_the_city(session, archive, range(4), 1)
    feed = publish_feed(session, archive)
    ride_the_city(session, archive, range(4, 5), 2)
    rides = store.counted_rides(session)
    campaign = step(steps.make(session, SETTINGS, NOW_S), "open")
    count_in(session, campaign, [ride.ride_id for ride in rides[8:18]])
    session.add(
        store.FindingRow(
            ride_id=rides[9].ride_id, code="copy", tier="hard", score=1.0, evidence={}, made_s=NOW_S
        )
    )
    session.flush()
    mapped = mapped_by(session, archive, campaign, ZONE)
    assert (mapped.n_rides, mapped.n_late) == (7, 2)  # eight are in the map, one of them is withheld
    assert mapped.n_riders == len({ride.user_id for ride in [rides[8], *rides[10:16]]})
    assert 0 < mapped.n_confirmed <= mapped.n_directions <= mapped.n_directions_of_map
    assert mapped.n_confirmed_new <= mapped.n_confirmed
    assert mapped.lines and all(line.headsign for line in mapped.lines)  # as the feed calls destinations
    account = account_of(session, archive, campaign, CONFIG, ZONE, "es_MX", NOW_S)
    assert (account.feed_version, account.millipoints, account.budget_centavos) == (
        feed.id,
        10_000,
        17_000_000,
    )
    assert account.there is None
    (tmp_path / "need.csv").write_text("lat,lon,weight\n19.4,-99.1,1.5\n0,0,1\n", encoding="utf-8")
    heeding = replace(CONFIG, equity=EquityConfig(str(tmp_path / "need.csv")))
    with_grid = account_of(session, archive, campaign, heeding, ZONE, "es_MX", NOW_S)
    need = with_grid.mapped.need
    assert need is not None
    assert (need.n_rides, with_grid.there) == (len(with_grid.mapped.rides_in_need), (7_000, 3_500))
    voice = voice_of(campaign, "es_MX", ZONE)
    assert "Informe provisional: Rutas que faltan" in write_html(account, voice).decode()
    assert write_pdf(account, voice).startswith(b"%PDF-1.7")


def test_before_the_first_feed_there_is_an_account_too(session: Session, archive: Archive, step) -> None:
    campaign = steps.make(session, SETTINGS, NOW_S)
    account = account_of(session, archive, campaign, CONFIG, ZONE, "en", NOW_S)
    assert (account.name, account.feed_version, account.mapped.n_rides) == ("The missing routes", "", 0)
    assert account.outlook is None
    forecasts = [
        {"share_permille": 600, "target_permille": target, "low": low, "high": None}
        for target, low in ((900, 70), (500, 0), (800, 40))
    ]
    store.set_fact(session, "coverage", json.dumps({"forecasts": forecasts}))
    own = account_of(session, archive, store.all_campaigns(session)[0], CONFIG, ZONE, "en", NOW_S)
    assert own.outlook == Outlook(600, 800, 40, None)
    assert b"Interim report" in write_html(own, voice_of(campaign, "en", ZONE))


def test_a_snapshot_is_no_orphan(session: Session, archive: Archive, step) -> None:
    campaign = step(step(step(steps.make(session, SETTINGS, NOW_S), "open"), "freeze"), "close")
    assert campaign.snapshot_sha256 in store.all_blobs(session)
    assert store.needed(session, {campaign.snapshot_sha256, "0" * 64}) == {campaign.snapshot_sha256}
    assert store.fact(session, steps.SIGNING_KEY) in store.all_blobs(session)
