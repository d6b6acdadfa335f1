"""Proposed rules tried on all history: who would have gained and who would have lost."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.errors import ConfigError
from transitmap.points.rules import parse_rules
from transitmap.simulate_rules import preview

if TYPE_CHECKING:
    from sqlalchemy import Engine


def try_proposals(engine: Engine, archive: Archive, config: Config, now_s: float) -> int:
    """Tries what nobody has tried yet, as if the campaign had had those rules; how many.

    A replay takes minutes: it reads a snapshot that no writer waits for, and each result is a short
    transaction of its own. A proposal decided meanwhile keeps its preview all the same; one whose rules can
    no longer be read, because rules have got other numbers since, is told so.
    """
    with store.session(engine, write=False) as session:
        waiting = [(one.id, one.rules_toml, where) for one, where in store.proposals_to_try(session)]
    for proposal_id, toml, campaign_id in waiting:
        rows = _tried(engine, archive, config, toml, campaign_id)
        with store.session(engine) as session:
            store.keep_preview(session, proposal_id, rows, now_s)
    return len(waiting)


def _tried(
    engine: Engine, archive: Archive, config: Config, toml: str, campaign_id: int
) -> list[tuple[int, int, int]] | None:
    """(user_id, millipoints as they are, millipoints by those rules) of each rider; None if unreadable."""
    try:
        rules = parse_rules(tomllib.loads(toml))
    except ConfigError:
        return None
    with store.session(engine, write=False) as session:
        changes = preview(session, archive, config, rules, campaign_id)
    return [(one.user_id, one.before, one.after) for one in changes]
