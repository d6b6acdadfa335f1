"""How much one person, device or network may do: token buckets and daily quotas, shared by all workers."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.config import QuotaConfig
from transitmap.store.tables import Bucket, Usage

DAY_S = 86_400
SLACK_S = 60.0
"""Workers' clocks differ by less; a clock that is further back was set back."""
KEPT_S = 2 * DAY_S
USAGE_KEPT_DAYS = 40

ADD_USAGE = sa.text(
    "INSERT INTO usage (user_id, day, n_uploads, n_messages, n_bytes, n_fixes)"
    " VALUES (:user_id, :day, :n_uploads, :n_messages, :n_bytes, :n_fixes)"
    " ON CONFLICT (user_id, day) DO UPDATE SET"
    " n_uploads = usage.n_uploads + excluded.n_uploads, n_messages = usage.n_messages + excluded.n_messages,"
    " n_bytes = usage.n_bytes + excluded.n_bytes, n_fixes = usage.n_fixes + excluded.n_fixes"
    " RETURNING n_uploads, n_messages, n_bytes, n_fixes"
)
_ADD_BUCKET = sa.text(
    "INSERT INTO buckets (key, level, updated_s) VALUES (:key, :level, :updated_s)"
    " ON CONFLICT (key) DO NOTHING"
)


def take(session: Session, key: str, rate_per_s: float, burst: float, now_s: float, n: float = 1.0) -> float:
    """0 where one more is allowed now, and `n` are counted; else the seconds until it will be.

    A bucket of `burst` tokens that fills at `rate_per_s`: whoever is refused pays nothing. `session` must
    be a writing one, and its commit is what counts: commit also where the request fails afterwards. A
    clock that was set back neither fills the bucket nor stops its filling.
    """
    session.execute(_ADD_BUCKET, {"key": key, "level": burst, "updated_s": now_s})
    question = sa.select(Bucket.level, Bucket.updated_s).where(Bucket.key == key).with_for_update()
    level, updated_s = session.execute(question).one()
    if now_s < updated_s - SLACK_S:
        updated_s = now_s
    level = min(burst, level + max(0.0, now_s - updated_s) * rate_per_s)
    is_allowed = level >= 1.0
    left = level - n if is_allowed else level
    values = {"level": left, "updated_s": max(now_s, updated_s)}
    session.execute(sa.update(Bucket).where(Bucket.key == key).values(values))
    return 0.0 if is_allowed else max(1.0 - level, 0.001) / rate_per_s


def may_unpack(session: Session, user_id: int, quota: QuotaConfig, now_s: float) -> bool:
    """Whether one more archive of this rider may be unpacked now; `count_unpacked` says what it was."""
    question = sa.select(Bucket.level, Bucket.updated_s).where(Bucket.key == _unpacking(user_id))
    found = session.execute(question).first()
    if not quota.max_unpacked_bytes or found is None:
        return True
    return bool(found.level + (now_s - found.updated_s) * quota.max_unpacked_bytes / DAY_S >= 1.0)


def count_unpacked(session: Session, user_id: int, n_bytes: int, quota: QuotaConfig, now_s: float) -> None:
    """Counts what an archive unpacked to: a day's bytes come back in a day."""
    if limit := quota.max_unpacked_bytes:
        take(session, _unpacking(user_id), limit / DAY_S, limit, now_s, n_bytes)


def _unpacking(user_id: int) -> str:
    return f"unpack:{user_id}"


def address_key(purpose: str, address: str, secret: str) -> str:
    """The bucket of a network (/24 of IPv4, /48 of IPv6) for a purpose: a keyed hash, never the address.

    What is no address at all shares one bucket.
    """
    try:
        place = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped:
            place = place.ipv4_mapped
        text = str(ipaddress.ip_network((place, 24 if place.version == 4 else 48), strict=False))
    except ValueError:
        text = "unknown"
    return f"{purpose}:{hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]}"


def day_of(now_s: float) -> int:
    """The UTC day, as `Usage` counts them."""
    return int(now_s // DAY_S)


def add_usage(
    session: Session,
    user_id: int,
    now_s: float,
    n_uploads: int = 0,
    n_messages: int = 0,
    n_bytes: int = 0,
    n_fixes: int = 0,
) -> None:
    """Adds to what a rider sent today; several workers may, at once."""
    session.execute(ADD_USAGE, usage_row(user_id, now_s, (n_uploads, n_messages, n_bytes, n_fixes)))


def usage_row(user_id: int, now_s: float, added: Sequence[int]) -> dict[str, int]:
    """What `ADD_USAGE` takes: `added` are uploads, messages, bytes and fixes."""
    names = ("n_uploads", "n_messages", "n_bytes", "n_fixes")
    return {"user_id": user_id, "day": day_of(now_s), **dict(zip(names, added, strict=True))}


def wait_beyond_s(total: Sequence[int], added: Sequence[int], quota: QuotaConfig, now_s: float) -> float:
    """0, or the seconds until the next day where it was enough before: the sums now, and what came last."""
    limits = (quota.max_uploads, quota.max_messages, quota.max_bytes, quota.max_fixes)
    sums = zip(total, added, limits, strict=True)
    return (
        _next_day_s(now_s) if any(n and limit and all_of - n >= limit for all_of, n, limit in sums) else 0.0
    )


def quota_wait_s(
    session: Session, user_id: int, quota: QuotaConfig, now_s: float, counted: str = "messages"
) -> float:
    """0 while this rider may send more today; else the seconds until the next day (UTC) begins.

    `counted` is `messages` or `uploads`: who sent all files of a day may still ride; bytes and fixes count
    for both.
    """
    names = (counted, "bytes", "fixes")
    question = sa.select(*(getattr(Usage, f"n_{name}") for name in names))
    used = session.execute(question.where(Usage.user_id == user_id, Usage.day == day_of(now_s))).first()
    return wait_s(used or (0, 0, 0), quota, now_s, counted)


def wait_s(used: Sequence[int], quota: QuotaConfig, now_s: float, counted: str) -> float:
    """As `quota_wait_s`, for who used so many of what is counted, bytes and fixes."""
    limits = [getattr(quota, f"max_{name}") for name in (counted, "bytes", "fixes")]
    if all(not limit or n < limit for n, limit in zip(used, limits, strict=True)):
        return 0.0
    return _next_day_s(now_s)


def _next_day_s(now_s: float) -> float:
    return (day_of(now_s) + 1) * DAY_S - now_s


def sweep_limits(session: Session, now_s: float) -> None:
    """Forgets buckets nobody used for two days and what was sent weeks ago; a clock set back starts anew."""
    session.execute(sa.delete(Bucket).where(Bucket.updated_s < now_s - KEPT_S))
    ahead = sa.update(Bucket).where(Bucket.updated_s > now_s + SLACK_S)
    session.execute(ahead.values(updated_s=now_s))
    session.execute(sa.delete(Usage).where(Usage.day < day_of(now_s) - USAGE_KEPT_DAYS))
