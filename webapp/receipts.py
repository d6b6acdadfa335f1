"""One upload -> its receipt: what was kept and dropped, what each ride was, and why it earned points."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _

from transitmap import store
from transitmap.collect.intake import unpack
from transitmap.consent import consent
from transitmap.contribute import Receipt, contribute
from transitmap.errors import UploadRefused
from transitmap.model import Refusal
from webapp import db, privacy, published, words
from webapp.errors import Problem, problem_of
from webapp.standings import award_view

if TYPE_CHECKING:
    from transitmap.store import RideRow, Upload, User
    from webapp.atlas import Atlas, RouteView, StopView

log = logging.getLogger("transitmap.web")


@dataclass(frozen=True)
class RideView:
    """One ride of a receipt. `route` is None where the ride was not recognised; `sentence` then says why."""

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


@dataclass(frozen=True)
class Sent:
    """What became of one file: an upload with its rides, or a problem."""

    name: str
    state: str
    upload_id: str = ""
    again: bool = False
    rides: tuple[RideView, ...] = ()
    problem: Problem | None = field(default=None)

    @property
    def status(self) -> int:
        """201 for a new upload, 200 for one that was there, else the problem's status."""
        return self.problem.status if self.problem else 200 if self.again else 201

    @property
    def millipoints(self) -> int:
        """What all its rides earned."""
        return sum(ride.millipoints for ride in self.rides)


def send_all(user: User, files: Sequence[tuple[str, bytes]], trim: str = "") -> list[Sent]:
    """Contributes each file, and each member of an archive, by itself: a bad one costs no other.

    `trim` is what was chosen for their ends (`privacy.chosen_trim_m`).
    """
    trim_m = privacy.chosen_trim_m(user, trim)
    limits = current_app.extensions["transitmap_settings"].config.collect
    if user in db.session():
        db.session().expunge(user)  # the page names its reader, also after a file was rolled back
    items = (item for name, body in files for item in unpack(name, body, limits))
    return [_refused(item) if isinstance(item, Refusal) else _send(user, *item, trim_m) for item in items]


def _refused(item: Refusal) -> Sent:
    return Sent(store.clean_name(item.ride_id), store.REFUSED, problem=refusal(item.reason, item.detail))


def _send(user: User, name: str, body: bytes, trim_m: float | None) -> Sent:
    shown = store.clean_name(name)
    config = current_app.extensions["transitmap_settings"].config
    rules = current_app.extensions["transitmap_rules"]
    now_s, agreed = time.time(), consent().version
    place = db.session(), db.archive()
    try:
        told = contribute(*place, user, name, body, config, rules, now_s, agreed, trim_m)
    except UploadRefused as error:
        return Sent(shown, store.REFUSED, problem=problem_of(error))
    except (*store.TRY_AGAIN, OSError) as error:
        db.session().rollback()
        log.error("an upload was not kept: %s", type(error).__name__)
        return Sent(
            shown, store.REFUSED, problem=Problem("busy", _("This file did not get in; send it again."))
        )
    return _told(user, shown, told)


def _told(user: User, shown: str, told: Receipt) -> Sent:
    """The receipt of a file that is kept; without its rides where the database cannot tell them now."""
    if told.state == store.REFUSED:
        return Sent(shown, store.REFUSED, told.upload_id, problem=refusal(told.reason, told.detail))
    waits = Sent(shown, store.RECEIVED, told.upload_id, not told.is_new)
    if told.state == store.RECEIVED:
        return waits
    try:
        upload = store.upload_by_id(db.session(), told.upload_id, user.id)
        return (
            replace(waits, name=upload.name, state=told.state, rides=ride_views(upload)) if upload else waits
        )
    except (*store.TRY_AGAIN, OSError):
        db.session().rollback()
        return waits


def refusal(reason: str, detail: str) -> Problem:
    """The problem of an upload that was refused; the place in the file again as numbers."""
    place = re.search(r"\(line ([0-9]+), column ([0-9]+)\)$", detail)
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    return Problem(reason, detail, line=line, column=column)


def ride_views(upload: Upload) -> tuple[RideView, ...]:
    """The rides of an upload as its rider may see them."""
    atlas = published.latest_atlas()
    return tuple(_ride_view(ride, atlas) for ride in store.rides_of_upload(db.session(), upload.id))


def _ride_view(ride: RideRow, atlas: Atlas | None) -> RideView:
    awards = store.ledger_rows(db.session(), ride_id=ride.id)
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
        awards=tuple(award_view(award) for award in awards),
    )


def _sentence(ride: RideRow) -> str:
    """Why a ride has no route to show; one that is held back has its stretch and no name."""
    if ride.stretch and not ride.route_id:
        return str(_("Recognised, but too few riders have confirmed it to show it on the map yet."))
    return words.sentence(ride.reason or ride.mode)


def _stop(atlas: Atlas | None, stop_id: object) -> StopView | None:
    return atlas.stop(str(stop_id)) if atlas and stop_id else None
