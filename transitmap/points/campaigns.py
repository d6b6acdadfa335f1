"""Which campaign a ride counts in, and which step of a campaign's life may be taken: open, freeze, close."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

OWN = 1
"""The installation's own campaign: always open, everywhere, without prizes."""
DRAFT, OPEN, FROZEN, CLOSED = STATES = ("draft", "open", "frozen", "closed")
STEPS = {"open": (DRAFT, OPEN), "freeze": (OPEN, FROZEN), "close": (FROZEN, CLOSED)}
"""What a step takes a campaign from, and to. There is no way back and none past a state."""
COMING, OVER = "coming", "over"


class Campaign(Protocol):
    """What is asked of a campaign; times are Unix seconds, an empty `area` is the whole earth."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def area(self) -> str:
        """South, west, north and east in degrees."""

    @property
    def opens_s(self) -> float | None:
        """When the first ride that counts may begin."""

    @property
    def closes_s(self) -> float | None:
        """When none may begin any more."""

    @property
    def state(self) -> str:
        """One of STATES."""

    @property
    def opened_s(self) -> float | None:
        """When somebody opened it."""

    @property
    def frozen_s(self) -> float | None:
        """When somebody froze it."""


def campaign_of(
    campaigns: Iterable[Campaign],
    started_s: float,
    lat_deg: float,
    lon_deg: float,
    at_s: float | None = None,
) -> int:
    """The campaign that a ride counts in by where it was and when it began: the open one that holds both.

    Of several the latest opened, of those opened at one moment the highest number; else OWN. Both ends of an
    area are in it, the end of the dates is not. `at_s` asks as of a moment when the ride was understood, by
    when campaigns were opened and frozen; without it their states decide.
    """
    holding = [
        (campaign.opened_s or 0.0, campaign.id)
        for campaign in campaigns
        if campaign.id != OWN
        and is_open(campaign, at_s)
        and is_in_dates(campaign, started_s)
        and is_in_area(campaign.area, lat_deg, lon_deg)
    ]
    return max(holding)[1] if holding else OWN


def phase(campaign: Campaign, now_s: float) -> str:
    """A campaign's state as riders meet it: an open one is COMING before its first day, OVER after its last.

    What was ridden in its days still counts while it is OVER: until somebody freezes it.
    """
    if campaign.state != OPEN or is_in_dates(campaign, now_s):
        return campaign.state
    return COMING if campaign.opens_s is not None and now_s < campaign.opens_s else OVER


def is_open(campaign: Campaign, at_s: float | None = None) -> bool:
    """Whether rides are paid in it, now or at a moment."""
    if at_s is None:
        return campaign.state == OPEN
    began = campaign.opened_s is not None and campaign.opened_s <= at_s
    return began and (campaign.frozen_s is None or at_s < campaign.frozen_s)


def is_in_dates(campaign: Campaign, time_s: float) -> bool:
    """Whether a moment lies in a campaign's dates; a date that is not set bounds nothing."""
    is_late_enough = campaign.opens_s is None or campaign.opens_s <= time_s
    return is_late_enough and (campaign.closes_s is None or time_s < campaign.closes_s)


def is_in_area(area: str, lat_deg: float, lon_deg: float) -> bool:
    """Whether a place lies in an area."""
    south, west, north, east = box_of(area)
    return south <= lat_deg <= north and west <= lon_deg <= east


def box_of(area: str) -> tuple[float, float, float, float]:
    """South, west, north and east of an area; of an empty one those of the earth."""
    south, west, north, east = map(float, (area or "-90,-180,90,180").split(","))
    return south, west, north, east


def refusal(campaign: Campaign, step: str, now_s: float, n_appeals: int = 0, n_unsettled: int = 0) -> str:
    """Why a step may not be taken now; empty where it may.

    `own`: the installation's own campaign has no end. `not_draft`, `not_open`, `not_frozen`: the step leads
    from another state. `over`: it would open after its last day. `appeals`: somebody waits for an answer that
    may change the board. `unsettled`: rides were paid in part only, and the rest waits for the next feed.
    """
    needed, _ = STEPS[step]
    if campaign.id == OWN:
        return "own"
    if campaign.state != needed:
        return f"not_{needed}"
    if step == "open" and campaign.closes_s is not None and campaign.closes_s <= now_s:
        return "over"
    if step == "close" and n_appeals:
        return "appeals"
    return "unsettled" if step == "close" and n_unsettled else ""
