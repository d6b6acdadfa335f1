"""The life of a campaign: made and changed as a draft, opened, frozen, closed with a signed snapshot."""

from __future__ import annotations

import datetime
import hashlib
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from transitmap import chain, store
from transitmap.archive import Archive
from transitmap.campaigns.settings import CampaignSettings, check_rules
from transitmap.campaigns.signing import SIGNING_KEY, public_pem, sign, signing_key
from transitmap.campaigns.snapshot import make_snapshot, write_file
from transitmap.errors import CampaignRefused
from transitmap.points.campaigns import DRAFT, STEPS, refusal
from transitmap.points.rules import whole
from transitmap.terms import city_day

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DONE = {"open": "opened_s", "freeze": "frozen_s", "close": "closed_s"}
"""The column that says when a step was taken."""
TOLD_OF_IT = (
    *("id", "slug", "name_es", "name_en", "area", "opens_s", "closes_s", "locale", "currency"),
    *("budget_centavos", "opened_s", "frozen_s"),
)
"""Columns of a campaign that its snapshot holds."""
APPEALS_S = 14 * 86_400.0
"""So long after the freeze an appeal keeps a campaign from closing: later ones are answered all the same."""
SENTENCES = {
    "open": (
        "Se abrió la campaña «{name}»: desde ahora no cambian sus reglas ni sus premios.",
        "The campaign “{name}” was opened: from now on neither its rules nor its prizes change.",
    ),
    "freeze": (
        "Se congeló la campaña «{name}»: ya no se pagan viajes nuevos; las revisiones siguen.",
        "The campaign “{name}” was frozen: new trips are paid no longer; reviews go on.",
    ),
    "close": (
        "Se cerró la campaña «{name}» con una tabla final firmada.",
        "The campaign “{name}” was closed with a signed final board.",
    ),
}
WHY_NOT = {
    "own": "the installation's own campaign is always open and has no end",
    "not_draft": "it was opened before; a campaign is opened once",
    "not_open": "only an open campaign is frozen",
    "not_frozen": "freeze it first: while rides are paid there is no final board",
    "over": "its last day has passed",
    "appeals": "riders wait for an answer to {n}",
    "unsettled": "{n} of its rides came after the last settlement: publish the next feed first",
    "taken": "another campaign has the address {slug}",
    "version": "another campaign has other rules under the version {version}",
    "changed": "only a draft can be changed",
}


def make(session: Session, settings: CampaignSettings, now_s: float) -> store.Campaign:
    """A new draft.

    Raises:
        CampaignRefused: `taken`, another campaign has its address; `version`, its rules go by another's name.
    """
    _check_version(session, settings)
    campaign = store.add_campaign(session, asdict(settings), now_s)
    if campaign is None:
        raise _refused("taken", slug=settings.slug)
    return campaign


def change(session: Session, campaign: store.Campaign, settings: CampaignSettings) -> None:
    """Other settings for a draft.

    Raises:
        CampaignRefused: as `make`; `changed`, it is no draft any more.
    """
    store.lock_ledger(session)
    campaign = store.refreshed_campaign(session, campaign.id)
    if campaign.state != DRAFT:
        raise _refused("changed")
    _check_version(session, settings, campaign.slug)
    if not store.change_campaign(session, campaign, asdict(settings)):
        raise _refused("taken", slug=settings.slug)


def _check_version(session: Session, settings: CampaignSettings, but_slug: str = "") -> None:
    """Two campaigns may share rules, and then their version; a version never means two things."""
    tables = whole(tomllib.loads(settings.rules_toml))
    for other in store.rules_by_version(session, settings.rules_version, but_slug):
        if whole(tomllib.loads(other)) != tables:
            raise _refused("version", version=settings.rules_version)


def take_step(
    session: Session,
    archive: Archive,
    campaign: store.Campaign,
    step: str,
    organiser: store.User,
    now_s: float,
    timezone: str,
    own_rules_toml: str,
    note: str = "",
) -> store.Campaign:
    """The campaign after it was opened, frozen or closed, with a line in the ledger that says who did so.

    The first time that anything is closed the signing key is made, and the session committed for it.

    Raises:
        CampaignRefused: the step may not be taken; nothing was changed.
        ConfigError: its rules measure otherwise than the installation does by now.
    """
    key = signing_key(session, archive) if step == "close" else b""
    store.lock_ledger(session)
    campaign = store.refreshed_campaign(session, campaign.id)
    n_appeals = n_awaited_appeals(session, campaign, now_s) if step == "close" else 0
    n_unsettled = store.n_unsettled_rides(session, campaign.id) if step == "close" else 0
    reason = refusal(campaign, step, now_s, n_appeals, n_unsettled)
    if reason:
        raise _refused(reason, n=n_appeals if reason == "appeals" else n_unsettled)
    if step == "open":
        check_rules(campaign.rules_toml, own_rules_toml)
    columns: dict[str, Any] = {"state": STEPS[step][1], DONE[step]: now_s}
    if step == "close":
        columns |= _signed(session, archive, campaign, now_s, key)
    store.change_campaign(session, campaign, columns)
    _tell(session, campaign, step, organiser, now_s, timezone, note)
    return campaign


def _signed(
    session: Session, archive: Archive, campaign: store.Campaign, now_s: float, key: bytes
) -> dict[str, str]:
    """The snapshot of this moment is in the archive; its name there, and its signature."""
    body = make_snapshot(_told(session, campaign, now_s), store.sums_of_campaign(session, campaign.id))
    return {"snapshot_sha256": archive.put(body), "signature": sign(body, key)}


def _told(session: Session, campaign: store.Campaign, now_s: float) -> dict[str, dict[str, Any]]:
    """What a snapshot says beside the board."""
    feed, settled = store.latest_feed(session), store.last_settlement(session)
    return {
        "campaign": {name: getattr(campaign, name) for name in TOLD_OF_IT} | {"closed_s": now_s},
        "rules": _sealed(campaign.rules_toml) | {"version": campaign.rules_version},
        "prizes": _sealed(campaign.prizes_toml),
        "feed": {"id": feed.id if feed else "", "sha256": feed.feed_sha256 if feed else ""},
        "ledger": {**asdict(store.ledger_part(session, campaign.id)), "genesis": chain.GENESIS},
        "waiting": {
            "settlement": settled.number if settled else 0,
            "open_findings": store.n_open_findings(session, campaign.id),
        },
    }


def _sealed(text: str) -> dict[str, str]:
    return {"toml": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _tell(
    session: Session,
    campaign: store.Campaign,
    step: str,
    organiser: store.User,
    now_s: float,
    timezone: str,
    note: str,
) -> None:
    """A line of 0 points that says who decided what; no name is in it, for names are erased."""
    spanish, english = SENTENCES[step]
    feed = store.latest_feed(session)
    line = {
        "key": f"campaign:{campaign.id}:{step}",
        "campaign_id": campaign.id,
        "kind": "decision",
        "user_id": organiser.id,
        "rule": f"campaign_{step}",
        "millipoints": 0,
        "rules_version": campaign.rules_version,
        "network_version": feed.id if feed else store.NO_NETWORK,
        "evidence": {"note": note, "snapshot_sha256": campaign.snapshot_sha256},
        "text_es": spanish.format(name=campaign.name_es),
        "text_en": english.format(name=campaign.name_en),
        "created_s": now_s,
        "day": city_day(now_s, timezone),
    }
    store.add_lines(session, [line])


def local_date(time_s: float, timezone: str) -> datetime.date:
    """The local day of a moment."""
    return datetime.datetime.fromtimestamp(time_s, ZoneInfo(timezone)).date()


def snapshot_file(session: Session, archive: Archive, campaign: store.Campaign) -> bytes:
    """The signed snapshot of a closed campaign as it is handed out.

    Raises:
        CampaignRefused: `not_closed`, there is none yet.
    """
    if not campaign.snapshot_sha256:
        raise CampaignRefused("not_closed", "a campaign has a snapshot once it is closed")
    return write_file(archive.get(campaign.snapshot_sha256), campaign.signature)


def public_key(session: Session, archive: Archive) -> bytes | None:
    """The public key of this installation as PEM; None before it signed anything."""
    sha256 = store.fact(session, SIGNING_KEY)
    return public_pem(archive.get(sha256)) if sha256 else None


def n_awaited_appeals(session: Session, campaign: store.Campaign, now_s: float) -> int:
    """The riders without an answer that a close waits for: who asked within `APPEALS_S` of the freeze."""
    return store.n_open_appeals(session, campaign.id, (campaign.frozen_s or now_s) + APPEALS_S)


def _refused(reason: str, **values: object) -> CampaignRefused:
    return CampaignRefused(reason, WHY_NOT[reason].format(**values))
