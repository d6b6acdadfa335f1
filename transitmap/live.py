"""What phones say while they ride: kept as it came, answered, and made an upload where a ride ends."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import numpy as np

from transitmap import store
from transitmap.archive import Archive, pack_message, unpack_message
from transitmap.collect import bundle, hear
from transitmap.config import CollectConfig, Config, LiveConfig
from transitmap.consent import consent
from transitmap.errors import DiskFailed
from transitmap.model import Heard, IntArray, Message

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

log = logging.getLogger("transitmap.live")

MAX_MESSAGES = 10_000
"""So many of one position each are read in some 2 s of `max_read_cpu_s`."""
MAX_KNOWN_UPLOADS = 50
"""So many earlier bundles of one time are looked at for fixes that come again."""
RECORDER = "recorder"
YEAR_S = 31_557_600.0
FINISHED_WITHIN_S = 60.0
"""Who said so long ago that a ride is over, and not all of it is here, waits as others do."""
Span = tuple[()] | tuple[float, float]


@dataclass(frozen=True)
class Taken:
    """What became of a message: kept (or kept before) where `refusal` is empty, else nothing of it is.

    `refusal` is `too_large`, or `too_many_requests` for `wait_s` more seconds.
    """

    heard: Heard
    is_new: bool
    refusal: str = ""
    wait_s: float = 0.0


def take(engine: Engine, device: store.Device, message: Message, config: Config) -> Taken:
    """Keeps one request of a phone; once this returns without a refusal it is on the disk.

    Content is never a reason to refuse: what cannot be understood is kept too, and counted for its owner.
    The same request again is the first one and counts once.

    Raises:
        store.TRY_AGAIN: the database could not keep it; nothing may be acknowledged.
    """
    heard = hear.hear(message)
    if heard.n_told > config.live.max_batch_fixes:
        refuse_batch(engine, device, message.received_s)
        return Taken(heard, False, "too_large")
    row = _row(device, message, heard, config.collect)
    is_new, wait_s = store.keep_message(engine, device, row, heard.dropped, config.quota)
    return Taken(heard, is_new, "too_many_requests" if wait_s else "", wait_s)


def refuse_batch(engine: Engine, device: store.Device, now_s: float) -> None:
    """Tells the owner of a device that a batch was too large to be taken: the phone goes on keeping it."""
    with store.session(engine) as session:
        store.count_heard(session, device.token_id, 0, 0, {"too_large": 1}, now_s)


def _key(message: Message) -> str:
    """What makes two requests of a device the same."""
    parts = [message.dialect, message.path, message.query]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace") + b"\n" + message.body).hexdigest()


def _row(device: store.Device, message: Message, heard: Heard, limits: CollectConfig) -> dict[str, Any]:
    """The row of a message. Its span leaves out times that no ride can have."""
    now_s = message.received_s
    time_s = np.concatenate([heard.fixes.time_s, heard.taps.time_s])
    oldest_s = now_s - (limits.max_past_years or 100.0) * YEAR_S
    time_s = time_s[(time_s >= oldest_s) & (time_s <= now_s + limits.max_future_s)]
    return {
        "token_id": device.token_id,
        "sha256": _key(message),
        "received_s": now_s,
        "dialect": message.dialect,
        "n_bytes": len(message.body) + len(message.query),
        "n_fixes": len(heard.fixes),
        "first_fix_s": float(time_s.min()) if len(time_s) else None,
        "last_fix_s": float(time_s.max()) if len(time_s) else None,
        "is_finish": bool(heard.finished),
        "packed": pack_message(message),
    }


def own_recorder(session: Session, user_id: int, now_s: float) -> store.Device:
    """The device that is a rider's browser; its row is made at the first use, and no token opens it."""
    device = store.device_of_app(session, user_id, RECORDER)
    if device is None:
        user = store.lock_user(session, user_id)
        device = store.device_of_app(session, user_id, RECORDER)
    if device is None:
        token, _ = store.add_token(session, user, RECORDER, now_s)
        token.app, token.consent = RECORDER, consent().version
        session.flush()
        device = store.Device(token.id, user_id, token.name, None)
    return device


# --- secrets -------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(
    r"(token|key|pass|password|passwd|pwd|secret|auth|user|username|ssid|wifi|cell)$", re.I
)
_OPAQUE = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9_.~+/=-]{20,}")
_NETWORKS = ("ssid", "bssid", "wifi")
_SECRETS = (*_NETWORKS, "password", "username", "token", "bearertoken")
_FILLED = {name: re.compile(rb'"%s"\s*:\s*"(?!")' % name.encode()) for name in _SECRETS}
_MEMBER = {
    name: re.compile(rb'("%s"\s*:\s*")(?:[^"\\]|\\.)+"' % name.encode(), re.IGNORECASE)  # 5 times slower
    for name in _SECRETS
}
_BATCHES = ("overland",)
"""Who sends so much at once, and never its own settings, that only networks are looked for."""


def without_secrets(message: Message, token: str) -> Message:
    """The message without its token, whatever else opens something, and networks of other people nearby.

    Parameters keep their names. On the OsmAnd route any long opaque value goes: its URL is typed by hand
    and may hold the key of a cloud.
    """
    is_form = message.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    body = message.body.replace(token.encode(), b"") if token else message.body
    if is_form:
        body = _without_values(body.decode("latin-1"), message.dialect).encode("latin-1")
    else:
        body = _without_members(body, _NETWORKS if message.dialect in _BATCHES else _SECRETS)
    query = message.query.replace(token, "") if token else message.query
    return replace(message, query=_without_values(query, message.dialect), body=body)


def _without_values(pairs: str, dialect: str) -> str:
    return "&".join(_without_value(pair, dialect) for pair in pairs.split("&"))


def _without_value(pair: str, dialect: str) -> str:
    name, _, value = pair.partition("=")
    is_secret = _SECRET_NAME.search(unquote_plus(name))
    is_opaque = dialect == "osmand" and _OPAQUE.fullmatch(unquote_plus(value))
    return f"{name}=" if is_secret or is_opaque else pair


def _without_members(body: bytes, names: Iterable[str]) -> bytes:
    """A JSON body with empty strings where names say that it holds a secret."""
    lower = body.lower()
    for name in names:
        if _FILLED[name].search(lower):
            body = _MEMBER[name].sub(rb'\1"', body)
    return body


# --- rides that ended ----------------------------------------------------------------------------


def seal(session: Session, archive: Archive, config: Config, now_s: float) -> list[str]:
    """The new uploads: one for what each device said until it fell silent, moved on or had said enough.

    What is sealed has its bytes in the archive and an upload's row in one and the same commit; whatever
    stops this, at any point, loses nothing and doubles nothing. `session` must be a writing one.

    Raises:
        store.TRY_AGAIN: the database is busy or gone; the rest waits for the next time.
    """
    sealed = []
    for token_id in store.waiting_devices(session):
        sealed += seal_finished(session, archive, config, token_id)
        headings = store.waiting_headings(session, token_id)
        session.commit()  # packing is slow and must keep no phone waiting
        bundles = ended(headings, config.live, now_s)
        sealed += _seal_each(session, archive, token_id, headings, bundles)
    store.sweep_messages(session, now_s - config.live.known_s)
    store.sweep_limits(session, now_s)
    session.commit()
    return sealed


def seal_finished(session: Session, archive: Archive, config: Config, token_id: int) -> list[str]:
    """The new uploads of a device that said that a ride is over: nobody waits for silence then.

    What of the ride is not here yet is waited for; what comes later still is a ride of its own.

    Raises:
        store.TRY_AGAIN: as `seal`.
    """
    headings = store.waiting_headings(session, token_id)
    if not any(one.is_finish for one in headings):
        return []
    ids = [one.id for one in headings]
    messages = [unpack_message(packed) for packed in store.packed_messages(session, ids)]
    session.commit()
    if len(messages) != len(ids):
        return []
    whole = [one for one, is_whole in zip(ids, hear.is_whole(messages), strict=True) if is_whole]
    bundles = _bundles(headings, whole, config.live)
    return _seal_each(session, archive, token_id, headings, bundles)


def _seal_each(
    session: Session,
    archive: Archive,
    token_id: int,
    headings: Sequence[store.Heading],
    bundles: Sequence[Sequence[int]],
) -> list[str]:
    """The new uploads. As in `work.understand_waiting`, nobody's messages stop another's."""
    sealed = []
    for ids in bundles:
        try:
            sealed += _seal_one(session, archive, token_id, ids, _span_s(headings, ids))
        except (DiskFailed, MemoryError, *store.TRY_AGAIN):
            raise
        except Exception as error:
            session.rollback()
            log.error("messages of a device go on waiting: %s", type(error).__name__)
    return sealed


def _span_s(headings: Sequence[store.Heading], ids: Sequence[int]) -> Span:
    """From the first fix of these messages to the last; empty without any."""
    chosen = set(ids)
    spans = [(one.first_fix_s, one.last_fix_s) for one in headings if one.id in chosen]
    known = [(first_s, last_s) for first_s, last_s in spans if first_s is not None and last_s is not None]
    return (min(first_s for first_s, _ in known), max(last_s for _, last_s in known)) if known else ()


def ended(headings: Sequence[store.Heading], config: LiveConfig, now_s: float) -> list[list[int]]:
    """The ids of the waiting messages that make a bundle each, in the order they came."""
    return _bundles(headings, _ended(headings, config, now_s), config)


def _bundles(headings: Sequence[store.Heading], ids: Sequence[int], config: LiveConfig) -> list[list[int]]:
    """These messages in bundles that can be read."""
    sizes = {one.id: one.n_bytes for one in headings}
    bundles: list[list[int]] = []
    n_bytes = 0
    for one in sorted(ids):
        n_bytes += sizes[one]
        if not bundles or n_bytes > config.max_waiting_bytes or len(bundles[-1]) == MAX_MESSAGES:
            bundles.append([])
            n_bytes = sizes[one]
        bundles[-1].append(one)
    return bundles


def _ended(headings: Sequence[store.Heading], config: LiveConfig, now_s: float) -> list[int]:
    """A clock that was set back makes no device wait: distance in time counts, not its sign."""
    if not headings:
        return []
    silent_s = min(abs(now_s - one.received_s) for one in headings)
    waited_s = max(abs(now_s - one.received_s) for one in headings)
    n_bytes = sum(one.n_bytes for one in headings)
    if n_bytes > config.max_waiting_bytes or waited_s > config.known_s:
        return [one.id for one in headings]
    if all(one.first_fix_s is None for one in headings):
        return []  # signs of life alone are no ride; they go with the next one
    if silent_s > config.silence_s or waited_s > config.max_wait_s:
        return [one.id for one in headings]
    return _left_behind(headings, config, now_s)


def _left_behind(headings: Sequence[store.Heading], config: LiveConfig, now_s: float) -> list[int]:
    """The messages before the last gap between fixes that is over, and over for long enough.

    Long enough: each came `silence_s` ago, so that a phone which sends its backlog in any order is not
    taken for one that rides again.
    """
    fixed = sorted(
        (one.first_fix_s, one.last_fix_s, one.received_s, one.id)
        for one in headings
        if one.first_fix_s is not None and one.last_fix_s is not None
    )
    reach_s = list(accumulate((last_s for _, last_s, _, _ in fixed), max))
    heard_s = list(accumulate((received_s for _, _, received_s, _ in fixed), max))
    gaps = [
        k
        for k in range(1, len(fixed))
        if fixed[k][0] - reach_s[k - 1] > config.silence_s and now_s - heard_s[k - 1] > config.silence_s
    ]
    if not gaps:
        return []
    before = {one[3] for one in fixed[: gaps[-1]]}
    last = max(before)
    return [one.id for one in headings if one.id in before or (one.first_fix_s is None and one.id <= last)]


def _seal_one(
    session: Session, archive: Archive, token_id: int, ids: Sequence[int], span_s: Span
) -> list[str]:
    """The id of the upload that these messages are now; none where another worker sealed some of them.

    Where this is stopped behind `put`, the next one finds the same messages, makes the same bytes of them
    and finds these in the archive.
    """
    token, user = store.owner_of_token(session, token_id)
    messages = [unpack_message(packed) for packed in store.packed_messages(session, ids)]
    earlier = store.overlapping_uploads(session, token, *span_s, MAX_KNOWN_UPLOADS) if span_s else []
    session.commit()
    if len(messages) != len(ids):
        return []
    body = bundle.pack_bundle(token.name, messages, _known_keys(archive, earlier))
    sha256 = archive.put(body)
    received_s = max(message.received_s for message in messages)
    upload, _ = store.add_upload(
        session, user.id, sha256, token.name, len(body), received_s, token.consent,
        kind="live", token_id=token.id, trim_m=user.trim_m,
    )  # fmt: skip
    if store.seal_messages(session, ids, upload.id) != len(ids):
        session.rollback()
        return []
    session.commit()
    return [upload.id]


def _known_keys(archive: Archive, earlier: Sequence[store.Upload]) -> IntArray:
    """The fixes that these bundles hold; one whose raw body is gone holds none that anybody could see."""
    keys = [np.zeros(0, dtype=np.int64)]
    for upload in earlier:
        if archive.has(upload.sha256):
            keys.append(bundle.bundle_keys(archive.get(upload.sha256)))
    return np.concatenate(keys)
