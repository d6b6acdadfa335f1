"""A campaign for the pages, taken as far through its life as a test asks."""

from __future__ import annotations

import time

from flask import Flask

from transitmap import store
from transitmap.campaigns import steps
from transitmap.campaigns.settings import check_settings
from transitmap.points.rules import published_text

ZONE = "America/Mexico_City"
DAY_S = 86_400.0
AREA = "19.35,-99.20,19.47,-99.08"


def told(**more: str) -> dict[str, str]:
    """What the form of a campaign says: it began ten days ago and ends in twenty."""
    first, last = (steps.local_date(time.time() + days * DAY_S, ZONE).isoformat() for days in (-10, 20))
    fields = {
        "slug": "rutas", "name_es": "Rutas que faltan", "name_en": "The missing routes", "first_day": first,
        "last_day": last, "area": AREA, "locale": "es_MX", "currency": "MXN", "budget": "170000.00",
    }  # fmt: skip
    return fields | more


def add_campaign(app: Flask, session, *to: str, **more: str) -> store.Campaign:
    """A draft, or what the steps `to` make of it, decided by an organiser who is there or made for it."""
    settings = check_settings(told(**more), ZONE, "", "", published_text())
    campaign = steps.make(session, settings, time.time())
    who = store.user_by_name(session, "organiser") or store.add_user(
        session, "organiser", "", 1.0, role="organiser"
    )
    archive = app.extensions["transitmap_archive"]
    for step in to:
        campaign = steps.take_step(session, archive, campaign, step, who, time.time(), ZONE, published_text())
    return campaign


def close_campaign(app: Flask, session) -> str:
    """The address of a campaign that is over."""
    return add_campaign(app, session, "open", "freeze", "close").slug
