"""One upload -> its receipt: what was kept and dropped, what each ride was, and why it earned points."""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _

from transitmap import store
from transitmap.consent import consent
from transitmap.contribute import contribute, keep
from transitmap.errors import UploadRefused
from transitmap.receipt import LeftOut, Receipt, receipt_of
from transitmap.review import by_ride
from webapp import appeals, db, privacy, published, words
from webapp.errors import Problem, not_kept, problem_of
from webapp.standings import award_view

if TYPE_CHECKING:
    from transitmap.store import Campaign, LedgerRow, RideRow, Upload, User
    from webapp.atlas import Atlas, RouteView, StopView


READERS = threading.BoundedSemaphore(2)
"""So many requests of a process may read files at once: the other threads are there for phones and pages."""
TURN_S = 0.5
"""How long a request waits to be one of them; then its files are kept, and the worker reads them."""


@dataclass(frozen=True)
class RideView:
    """One ride of a receipt. `route` is None where the ride was not recognised; `sentence` then says why.

    `campaign` is the one that it counts in, None before it earned a line.
    """

    id: str
    started_s: float
    n_kept: int
    n_dropped: int
    distance_m: float
    dropped: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]
    mode: str
    reason: str
    sentence: str
    route: RouteView | None
    route_id: str
    route_name: str
    direction_id: int | None
    board: StopView | None
    alight: StopView | None
    confidence: float
    millipoints: int
    awards: tuple[dict[str, Any], ...]
    doubt: str = ""
    campaign: Campaign | None = None


@dataclass(frozen=True)
class Sent:
    """What became of one file: an upload with its rides, or a problem. An archive has `members`.

    `left_out` are traces or members that gave nothing.
    """

    name: str
    state: str
    upload_id: str = ""
    again: bool = False
    own_rides: tuple[RideView, ...] = ()
    problem: Problem | None = field(default=None)
    members: tuple[Sent, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sha256: str = ""

    @property
    def status(self) -> int:
        """201 for a new upload, 202 where it waits, 200 for one that was there, else the problem's status."""
        if self.problem:
            return self.problem.status
        return 200 if self.again else 202 if self.state == store.RECEIVED else 201

    @property
    def rides(self) -> tuple[RideView, ...]:
        """Its rides, those of its members too."""
        return (*self.own_rides, *(ride for member in self.members for ride in member.own_rides))

    @property
    def millipoints(self) -> int:
        """What all its rides earned."""
        return sum(ride.millipoints for ride in self.rides)


def check_quota(user_id: int) -> None:
    """Nothing, while this rider may send files today.

    Raises:
        Problem: `too_many_requests`.
    """
    quota = current_app.extensions["transitmap_settings"].config.quota
    _refuse_for(store.quota_wait_s(db.session(), user_id, quota, time.time(), "uploads"))


def check_used(sender: store.Sender) -> None:
    """As `check_quota`, by what is known of a device's rider."""
    quota = current_app.extensions["transitmap_settings"].config.quota
    _refuse_for(store.wait_s(sender.used, quota, time.time(), "uploads"))


def _refuse_for(wait_s: float) -> None:
    if wait_s:
        raise Problem("too_many_requests", retry_after_s=math.ceil(wait_s))


def send_all(
    user: User, files: Sequence[tuple[str, bytes]], waits: bool = False, trim: str = ""
) -> list[Sent]:
    """Contributes each file by itself: a bad one costs no other. With `waits` they are only kept now.

    So they are where others are being read already, or this took as long as somebody waits (`max_inline_s`).
    `trim` is what was chosen for their ends (`privacy.chosen_trim_m`).
    """
    trim_m = privacy.chosen_trim_m(user, trim)
    if user in db.session():
        db.session().expunge(user)  # the page names its reader, also after a file was rolled back
    until_s = time.monotonic() + current_app.extensions["transitmap_settings"].config.collect.max_inline_s
    is_reading = not waits and READERS.acquire(timeout=TURN_S)
    try:
        return [
            _send(user, name, body, not is_reading or time.monotonic() >= until_s, trim_m)
            for name, body in files
        ]
    finally:
        if is_reading:
            READERS.release()


def keep_all(sender: store.Sender, files: Sequence[tuple[str, bytes]]) -> list[Sent]:
    """Keeps each file by itself, to be understood later; one that is settled already is told."""
    return [_keep(sender, name, body) for name, body in files]


def _keep(sender: store.Sender, name: str, body: bytes) -> Sent:
    config = current_app.extensions["transitmap_settings"].config
    told = db.engine(), db.archive(), sender, name, body, config, time.time(), consent().version
    try:
        kept = keep(*told)
        if kept.state == store.RECEIVED:
            return Sent(store.clean_name(name), kept.state, kept.id, not kept.is_new)
        upload = store.upload_by_id(db.session(), kept.id, sender.user_id)
        return replace(sent_of(upload), again=True) if upload else _not_kept(name, Problem("not_found"))
    except UploadRefused as error:
        return _not_kept(name, problem_of(error))
    except (*store.TRY_AGAIN, OSError) as error:
        return _not_kept(name, not_kept(error))


def _not_kept(name: str, problem: Problem) -> Sent:
    return Sent(store.clean_name(name), store.REFUSED, problem=problem)


def _send(user: User, name: str, body: bytes, waits: bool, trim_m: float | None) -> Sent:
    shown = store.clean_name(name)
    config = current_app.extensions["transitmap_settings"].config
    rules = current_app.extensions["transitmap_rules"]
    now_s, agreed = time.time(), consent().version
    place = db.session(), db.archive()
    try:
        told = contribute(*place, user, name, body, config, rules, now_s, agreed, trim_m, waits)
    except UploadRefused as error:
        return Sent(shown, store.REFUSED, problem=problem_of(error), sha256=_claimed(error, body))
    except (*store.TRY_AGAIN, OSError) as error:
        db.session().rollback()
        problem = not_kept(error)
        problem.detail = _("This file did not get in; send it again.")
        return Sent(shown, store.REFUSED, problem=problem)
    try:
        return _told(told)
    except (*store.TRY_AGAIN, OSError):
        db.session().rollback()
        return Sent(told.name, store.RECEIVED, told.upload_id, not told.is_new)


def _claimed(error: UploadRefused, body: bytes) -> str:
    """The SHA-256 of a file that another rider sent first, by which its owner can ask for a second look."""
    return hashlib.sha256(body).hexdigest() if error.reason == "already_contributed" else ""


def sent_of(upload: Upload) -> Sent:
    """What became of an upload, as the database has it."""
    return _told(receipt_of(db.session(), upload))


def _told(told: Receipt) -> Sent:
    """The receipt of a file that is kept, with its rides as their rider may see them."""
    views = ride_views([one.upload_id for one in _with_rides(told)])
    return _told_with(told, views)


def _with_rides(told: Receipt) -> list[Receipt]:
    """Those of a receipt and its members that have rides to show."""
    inside = [one for member in told.members for one in _with_rides(member)]
    return [told, *inside] if told.rides and told.state != store.REFUSED else inside


def _told_with(told: Receipt, views: Mapping[str, tuple[RideView, ...]]) -> Sent:
    sent = Sent(told.name, told.state, told.upload_id, not told.is_new, left_out=told.left_out)
    if told.state == store.REFUSED:
        return replace(sent, problem=refusal(told.reason, told.detail))
    members = tuple(_told_with(member, views) for member in told.members)
    return replace(sent, own_rides=views.get(told.upload_id, ()), members=members)


def refusal(reason: str, detail: str) -> Problem:
    """The problem of an upload that was refused; the place in the file again as numbers."""
    place = re.search(r"\(line ([0-9]+), column ([0-9]+)\)$", detail)
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    return Problem(reason, detail, line=line, column=column)


def ride_views(upload_ids: Sequence[str]) -> dict[str, tuple[RideView, ...]]:
    """The rides of uploads as their rider may see them; as many questions for a thousand as for one."""
    if not upload_ids:
        return {}
    session, atlas = db.session(), published.latest_atlas()
    campaigns = {one.id: one for one in db.once(store.board_campaigns)}
    rides = store.rides_of_uploads(session, upload_ids)
    ride_ids = [ride.id for ride in rides]
    lines, doubts = by_ride(store.lines_of_rides(session, ride_ids)), appeals.states_of(ride_ids)
    views: dict[str, tuple[RideView, ...]] = {}
    for ride in rides:
        view = _ride_view(ride, lines.get(ride.id, ()), doubts.get(ride.id, ""), atlas, campaigns)
        views[ride.upload_id] = (*views.get(ride.upload_id, ()), view)
    return views


def _ride_view(
    ride: RideRow,
    awards: Sequence[LedgerRow],
    doubt: str,
    atlas: Atlas | None,
    campaigns: Mapping[int, Campaign],
) -> RideView:
    stops = [_stop(atlas, ride.stretch.get(key)) for key in ("board_stop_id", "alight_stop_id")]
    return RideView(
        id=ride.id,
        started_s=ride.started_s,
        n_kept=ride.n_fixes,
        n_dropped=sum(ride.dropped.values()),
        distance_m=ride.distance_m,
        dropped=tuple(sorted(ride.dropped.items(), key=lambda item: -item[1])),
        warnings=tuple(ride.warnings),
        mode=ride.mode,
        reason=ride.reason,
        sentence=_sentence(ride),
        route=atlas.route(ride.route_id) if atlas else None,
        route_id=ride.route_id,
        route_name=ride.route_name if ride.route_id else "",
        direction_id=ride.direction_id,
        board=stops[0],
        alight=stops[1],
        confidence=ride.confidence,
        millipoints=sum(award.millipoints for award in awards),
        awards=tuple(award_view(award, campaigns) for award in awards),
        doubt=doubt,
        campaign=campaigns.get(awards[0].campaign_id) if awards and len(campaigns) > 1 else None,
    )


def _sentence(ride: RideRow) -> str:
    """Why a ride has no route to show; one that is held back has its stretch and no name."""
    if ride.stretch and not ride.route_id:
        return str(_("Recognised, but too few riders have confirmed it to show it on the map yet."))
    return words.sentence(ride.reason or ride.mode)


def _stop(atlas: Atlas | None, stop_id: object) -> StopView | None:
    return atlas.stop(str(stop_id)) if atlas and stop_id else None
