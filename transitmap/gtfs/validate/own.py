"""Tables -> notices of our own rules, for what the canonical rules do not see."""

from __future__ import annotations

import datetime

from transitmap.gtfs.validate.feed_view import Box, FeedView
from transitmap.gtfs.validate.rules import (
    distances,
    keys,
    people,
    places,
    rows,
    service,
    text,
    times,
    windows,
)
from transitmap.model import Notice, Tables

RULES = (
    *rows.RULES,
    *service.RULES,
    *text.RULES,
    *people.RULES,
    *keys.RULES,
    *times.RULES,
    *windows.RULES,
    *places.RULES,
    *distances.RULES,
)
SEVERITIES = ("error", "warning", "info")


def validate(tables: Tables, today: datetime.date | None = None, box: Box | None = None) -> list[Notice]:
    """What our own rules find, errors first, then by rule, file and line.

    A rule that needs what the tables lack says nothing: a broken key or an unreadable number is the canonical
    rules' business. `today` is the day the feed must be in service, `box` (south, west, north, east in
    degrees) where its stops must be; without one they must be within 200 km of each other's middle.
    """
    view = FeedView(tables, today, box)
    notices = [notice for rule in RULES for notice in rule(view)]
    return sorted(notices, key=lambda one: (SEVERITIES.index(one.severity), one.rule, one.file, one.row))
