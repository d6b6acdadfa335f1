"""The versions of the feed as people read them: what changed, what was found, how long it holds, and back."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app

from transitmap import store, versions
from transitmap.errors import FeedInvalid, RollbackRefused
from transitmap.gtfs import diff
from transitmap.gtfs.evidence import describe, read_held_back
from transitmap.gtfs.validate.words import explain
from webapp import auth, db, language, words
from webapp.errors import Problem

PLANNERS = ("planner", "organiser")
SEVERITIES = ("error", "warning", "info")
MAX_EXAMPLES = 5
MAX_SENTENCES = 300


@dataclass(frozen=True)
class Finding:
    """All notices of one rule: how grave, what they mean, what to do, and the first few places."""

    rule: str
    severity: str
    meaning: str
    remedy: str
    n: int
    examples: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ChangeLog:
    """What changed with one version. `sentences` are the first MAX_SENTENCES of `n`."""

    summary: Sequence[str]
    sentences: Sequence[str]
    n: int


def findings(notices: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The notices by rule, errors first."""
    rules: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for notice in notices:
        rules.setdefault((notice["severity"], notice["rule"]), []).append(notice)
    ranked = sorted(rules, key=lambda one: (SEVERITIES.index(one[0]), one[1]))
    return [
        Finding(rule, severity, *explain(rule, language.language()), len(some), some[:MAX_EXAMPLES])
        for severity, rule in ranked
        if (some := rules[severity, rule])
    ]


def held_back(feed: store.FeedVersion) -> list[str]:
    """What too few people support to be in a version, in numbers: never where it is."""
    table = db.archive().get(feed.evidence_sha256).decode()
    return [describe(held, language.language()) for held in read_held_back(table)]


def summary(feed: store.FeedVersion) -> str:
    """What changed with a version, in numbers; empty for the first and for one of long ago."""
    return " · ".join(diff.summary(feed.change_counts, language.language()))


def change_log(feed: store.FeedVersion) -> ChangeLog | None:
    """What changed with a version; None where nobody asked, as with the first."""
    found = versions.changes_of(db.archive(), feed)
    if found is None:
        return None
    lang, told = language.language(), found.changes[:MAX_SENTENCES]
    sentences = [diff.sentence(change, lang) for change in told]
    return ChangeLog(list(diff.summary(found.counts(), lang)), sentences, len(found.changes))


def changes_on_a_map(feed: store.FeedVersion) -> dict[str, Any]:
    """What changed with a version as GeoJSON; without a feature where nobody asked."""
    found = versions.changes_of(db.archive(), feed)
    return diff.as_geojson(found or diff.Difference((), {}, True), language.language())


def shelf_life(zip_bytes: bytes) -> versions.ShelfLife:
    """How long the feed that holds goes on to."""
    today = datetime.datetime.now(datetime.UTC).date()
    return versions.shelf_life(zip_bytes, today, store.last_ride_s(db.session()))


def refusals(feed: store.FeedVersion | None) -> list[tuple[store.FeedRefusal, list[Finding]]]:
    """For planners, what was refused since the last version came out; nothing for anybody else."""
    if not may_plan():
        return []
    since = store.refusals(db.session(), feed.made_s if feed else 0.0)
    return [(one, findings(one.notices)) for one in since]


def may_plan() -> bool:
    """Whether whoever asks may decide what is published."""
    user = auth.me()
    return user is not None and user.role in PLANNERS


def must_plan() -> store.User:
    """The planner whose request this is.

    Raises:
        Problem: `auth_required` or `not_allowed`.
    """
    user = auth.must_me()
    if user.role not in PLANNERS:
        raise Problem("not_allowed")
    return user


def must_find(feed_id: str) -> store.FeedVersion:
    """The version of that id.

    Raises:
        Problem: `not_found`.
    """
    feed = store.feed_by_id(db.session(), feed_id)
    if feed is None or feed.is_withdrawn:
        raise Problem("not_found")
    return feed


def bring_back(feed_id: str, note: str) -> str:
    """Makes an earlier version hold again; empty where it does now, else why it cannot."""
    planner, now = must_plan(), datetime.datetime.now(datetime.UTC)
    config = current_app.extensions["transitmap_settings"].config
    note = f"{note.strip()} ({planner.name})" if note.strip() else planner.name
    try:
        versions.roll_back(
            db.session(), db.archive(), config, must_find(feed_id).id, now.date(), now.timestamp(), note
        )
    except RollbackRefused as refused:
        return str(words.ROLLBACKS[refused.reason])
    except FeedInvalid as invalid:
        meaning, _ = explain(invalid.notices[0].rule, language.language())
        return str(words.ROLLBACKS["invalid"]) % {"meaning": meaning}
    return ""
