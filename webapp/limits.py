"""Who asks too often is told when to come again: buckets that all workers share, for people and networks."""

from __future__ import annotations

import hashlib
import hmac
import math
import time

from flask import current_app, request

from transitmap import store
from webapp import db
from webapp.errors import Problem

MINUTE_S = 60.0


def take_network(purpose: str) -> None:
    """One more from this network (/24 of IPv4, /48 of IPv6).

    Raises:
        Problem: `too_many_requests`.
    """
    address = request.remote_addr or ""
    _take(purpose, store.address_key(purpose, address, current_app.secret_key))


def take(purpose: str, who: str) -> None:
    """One more of somebody: of a rider's id or a name, which the database gets as a keyed hash.

    Raises:
        Problem: `too_many_requests`.
    """
    secret = str(current_app.secret_key).encode()
    _take(purpose, f"{purpose}:{hmac.new(secret, who.encode(), hashlib.sha256).hexdigest()[:32]}")


def _take(purpose: str, key: str) -> None:
    """Counted at once and in a transaction of its own: a request that fails afterwards has asked, too."""
    config = current_app.extensions["transitmap_settings"].config.limits
    a_minute: int = getattr(config, f"max_{purpose}")
    if not a_minute:
        return
    db.commit()  # this request must not wait for itself
    with store.session(db.engine()) as session:
        wait_s = store.take(session, key, a_minute / MINUTE_S, a_minute, time.time())
    if wait_s:
        raise Problem("too_many_requests", retry_after_s=math.ceil(wait_s))
