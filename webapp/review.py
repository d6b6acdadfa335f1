"""The review queue: what looks odd, side by side with what it resembles, and what people decide about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from transitmap import detectors as watched
from transitmap import review as engine
from transitmap import reviewers, ridden, store
from transitmap.archive import unpack_ride
from transitmap.errors import ReviewRefused
from transitmap.points.review import DISMISSED, OPEN, REASONS, UPHELD
from transitmap.ridden import Chart, Ridden
from webapp import auth, db, language, words
from webapp.errors import Problem

blueprint = Blueprint("review", __name__, url_prefix="/review")
MAX_NOTE = 1_000
N_SHOWN = 100
THIS, OTHER = "this", "other"
USUAL = {
    **dict.fromkeys(("copy", "copy_redated", "alike"), "same_recording"),
    "car": "by_car",
    "two_places": "two_places",
    "wrong_claim": "not_theirs",
}
"""What is chosen beforehand where a finding is right; of all others that no phone on board records so."""


@dataclass(frozen=True)
class Part:
    """One ride of an item: `which` of the two it is, when it was sent and how, and what was ridden."""

    which: str
    ride: store.RideRow
    received_s: float
    kind: str
    ridden: Ridden | None

    @property
    def median_interval_s(self) -> float:
        """Half of the intervals between fixes are shorter."""
        intervals = sorted(self.ridden.interval_s.tolist()) if self.ridden else []
        return intervals[len(intervals) // 2] if intervals else 0.0


@blueprint.get("/")
def index() -> str:
    """What waits for a look, in the order in which a look saves most, and how far reviewers agree."""
    user = must_review()
    waiting = engine.queue(db.session(), user, time.time())
    everybody, records = reviewers.agreement(db.session())
    return render_template(
        "review.html",
        waiting=waiting[:N_SHOWN],
        n_waiting=len(waiting),
        appeals=engine.appeals(db.session(), user),
        agreement=everybody,
        mine=next((one for one in records if one.user_id == user.id), None),
    )


@blueprint.get("/detectors")
def detectors() -> str:
    """What each detector found, what people said of it, and whether that is enough to let it withhold."""
    must_review()
    tally = watched.tally(db.session(), current_app.extensions["transitmap_rules"], time.time())
    return render_template("review_detectors.html", tally=tally, min_days=watched.MIN_DAYS)


@blueprint.get("/<int:finding_id>")
def item(finding_id: int) -> str:
    """One finding with its evidence, and the two ways to decide it."""
    user = must_review()
    finding, ride = must_find(finding_id)
    refusal = engine.why_not(db.session(), user, finding, ride)
    if refusal in ("own_ride", "own_team"):
        raise Problem(refusal)
    order = [one.finding.id for one in engine.queue(db.session(), user, time.time())]
    looks = engine.looks_of(db.session(), finding.id)
    parts = parts_of(finding, ride)
    return render_template(
        "review_item.html",
        finding=finding,
        ride=ride,
        parts=parts,
        evidence=evidence_rows(finding),
        charts=charts_of(parts),
        width=ridden.WIDTH,
        height=ridden.HEIGHT,
        refusal=refusal,
        reasons=reasons(),
        tie=engine.tie_of(db.session(), finding, ride),
        usual=USUAL.get(finding.code, "not_ridden"),
        mine=next((one for one in looks if one.user_id == user.id), None),
        looks=looks if finding.state != OPEN else [],
        asked=[one for one in store.appeals_of_rides(db.session(), [ride.id]) if one.text],
        before=neighbour(order, finding_id, -1),
        after=neighbour(order, finding_id, 1),
    )


@blueprint.get("/<int:finding_id>/rides.geojson")
def rides(finding_id: int) -> Response:
    """The ridden parts of both rides, at most `2 * MAX_VERTICES` points, for who may look at them."""
    user = must_review()
    finding, ride = must_find(finding_id)
    refusal = engine.why_not(db.session(), user, finding, ride)
    if refusal in ("own_ride", "own_team"):
        raise Problem(refusal)
    shown = [(part.which, part.ridden) for part in parts_of(finding, ride) if part.ridden]
    return jsonify(ridden.as_geojson(shown))


@blueprint.post("/<int:finding_id>")
def look(finding_id: int) -> Response:
    """What this reviewer says of a finding; on to the next one."""
    user = must_review()
    order = [one.finding.id for one in engine.queue(db.session(), user, time.time())]
    asked = request.form.get("reason", ""), request.form.get("note", "")[:MAX_NOTE]
    try:
        holds = engine.look(desk(), user, finding_id, *asked, time.time())
    except ReviewRefused as refused:
        return _refused(refused, url_for("review.item", finding_id=finding_id))
    told = {
        OPEN: _("Kept. Somebody else looks at it too, without knowing what you said."),
        UPHELD: _("Decided: this trip earns no points."),
        DISMISSED: _("Decided: this trip counts."),
    }
    flash(told[holds], "good")
    following = neighbour(order, finding_id, 1)
    after = {"finding_id": following} if following else {}
    return redirect(url_for("review.item" if following else "review.index", undo=finding_id, **after), 303)


@blueprint.post("/<int:finding_id>/undo")
def undo(finding_id: int) -> Response:
    """Takes this reviewer's own look back."""
    user, back = must_review(), url_for("review.item", finding_id=finding_id)
    kept = _("Taken back. The trip waits for a look again.")
    return _keep(lambda: engine.undo(desk(), user, finding_id, time.time()), back, kept)


@blueprint.post("/<int:finding_id>/person")
def person(finding_id: int) -> Response:
    """Whether the riders of both trips are one person, as this reviewer says."""
    user, back = must_review(), url_for("review.item", finding_id=finding_id)
    says = request.form.get("says", "")
    kept = _("Kept. It holds from the next trip on, and when the next map is published.")
    return _keep(lambda: engine.say_people(desk(), user, finding_id, says, time.time()), back, kept)


@blueprint.post("/riders/<int:user_id>/met")
def met(user_id: int) -> Response:
    """Whether this reviewer knows the person of an account."""
    user, rider = must_review(), store.user_by_id(db.session(), user_id)
    if rider is None or rider.erased_s is not None:
        raise Problem("not_found")
    is_met, back = request.form.get("met") == "yes", url_for("standings.rider", name=rider.name)
    kept = _("Kept. It holds when the next map is published.")
    return _keep(lambda: engine.say_met(desk(), user, rider, is_met, time.time()), back, kept)


@blueprint.get("/appeals/<int:appeal_id>")
def appeal(appeal_id: int) -> str:
    """One rider's request for a second look, with all that was decided about the ride."""
    user = must_review()
    asked, ride = must_find_appeal(appeal_id)
    refusal = engine.why_not_answer(db.session(), user, asked, ride)
    if refusal in ("own_ride", "own_team"):
        raise Problem(refusal)
    findings = store.findings_of_rides(db.session(), [ride.id])
    decided = store.decisions_about(db.session(), store.FINDING, [one.id for one in findings])
    parts = parts_of(findings[0], ride) if findings else [part_of(THIS, ride)]
    return render_template(
        "review_appeal.html",
        appeal=asked,
        ride=ride,
        findings=findings,
        decided=decided,
        usual=next((one.reason for one in reversed(decided) if one.verdict == UPHELD), ""),
        answers=store.decisions_about(db.session(), store.APPEAL, [asked.id]),
        linking=store.linking_findings(db.session(), asked.user_id),
        is_claim=asked.user_id != ride.user_id,
        parts=parts,
        refusal=refusal,
        reasons=reasons(),
    )


@blueprint.post("/appeals/<int:appeal_id>")
def answer(appeal_id: int) -> Response:
    """The answer to a rider."""
    user = must_review()
    told = request.form.get("reason", ""), request.form.get("note", "")[:MAX_NOTE]
    try:
        engine.answer(desk(), user, appeal_id, *told, time.time())
    except ReviewRefused as refused:
        return _refused(refused, url_for("review.appeal", appeal_id=appeal_id))
    flash(_("The rider has your answer."), "good")
    return redirect(url_for("review.index"), 303)


def _keep(act: Callable[[], None], back: str, kept: str) -> Response:
    """Back to the page with the word that it was `kept`, or with why not."""
    try:
        act()
    except ReviewRefused as refused:
        return _refused(refused, back)
    flash(kept, "good")
    return redirect(back, 303)


def _refused(refused: ReviewRefused, back: str) -> Response:
    """The same page with the reason, where a person can do something about it.

    Raises:
        Problem: there is no such thing, or it is not theirs to decide.
    """
    if refused.reason in ("no_such_finding", "no_such_appeal"):
        raise Problem("not_found") from refused
    if refused.reason in ("own_ride", "own_team"):
        raise Problem(refused.reason) from refused
    flash(words.sentence(refused.reason), "bad")
    return redirect(back, 303)


def must_review() -> store.User:
    """The reviewer whose request this is.

    Raises:
        Problem: `auth_required` or `reviewers_only`.
    """
    user = auth.must_me()
    if user.role not in engine.REVIEWERS:
        raise Problem("reviewers_only")
    return user


def must_find(finding_id: int) -> tuple[store.FindingRow, store.RideRow]:
    """The finding of that number and its ride.

    Raises:
        Problem: `not_found`.
    """
    found = store.finding_and_ride(db.session(), finding_id)
    if found is None:
        raise Problem("not_found")
    return found


def must_find_appeal(appeal_id: int) -> tuple[store.Appeal, store.RideRow]:
    """The appeal of that number and its ride.

    Raises:
        Problem: `not_found`.
    """
    asked = store.appeal_by_id(db.session(), appeal_id)
    ride = store.ride_by_id(db.session(), asked.ride_id) if asked else None
    if asked is None or ride is None:
        raise Problem("not_found")
    return asked, ride


def desk() -> engine.Desk:
    """Where this application decides."""
    config = current_app.extensions["transitmap_settings"].config
    return engine.desk_of(db.session(), db.archive(), config, current_app.extensions["transitmap_rules"])


def parts_of(finding: store.FindingRow, ride: store.RideRow) -> list[Part]:
    """The ride, and the one it resembles where there is one."""
    other = store.ride_by_id(db.session(), finding.other_ride_id) if finding.other_ride_id else None
    return [part_of(THIS, ride), *([part_of(OTHER, other)] if other else [])]


def part_of(which: str, ride: store.RideRow) -> Part:
    """What a reviewer may see of a ride: only what was ridden."""
    upload = store.upload_by_id(db.session(), ride.upload_id, None)
    config = current_app.extensions["transitmap_settings"].config
    packed = db.archive().get(ride.packed_sha256) if db.archive().has(ride.packed_sha256) else b""
    shown = ridden.ridden(unpack_ride(packed), config.legs) if packed else None
    received_s, kind = (upload.received_s, upload.kind) if upload else (ride.started_s, "file")
    return Part(which, ride, received_s, kind, shown)


def charts_of(parts: list[Part]) -> list[tuple[str, str, Chart]]:
    """Speeds and intervals of both rides, each chart with its title and what its scale counts."""
    shown = [(part.which, part.ridden) for part in parts if part.ridden]
    if not shown:
        return []
    return [
        (_("Speed, km/h"), _("minutes since boarding"), ridden.speed_chart(shown)),
        (
            _("Seconds between positions"),
            _("share of the positions in per cent"),
            ridden.interval_chart(shown),
        ),
    ]


def reasons() -> dict[str, list[tuple[str, str]]]:
    """The menu of reasons by verdict, in the reader's language."""
    is_spanish = language.language() == "es_MX"
    menu: dict[str, list[tuple[str, str]]] = {DISMISSED: [], UPHELD: []}
    for code, reason in REASONS.items():
        text = reason.text_es if is_spanish else reason.text_en
        menu[reason.verdict].append((code, text[:1].upper() + text[1:]))
    return menu


def reason_text(code: str) -> str:
    """One reason in the reader's language; empty for none."""
    told = REASONS.get(code)
    return "" if told is None else told.text_es if language.language() == "es_MX" else told.text_en


def neighbour(order: list[int], finding_id: int, step: int) -> int | None:
    """The finding after or before this one in the queue; the first where this one is not in it."""
    if finding_id not in order:
        return order[0] if order and step > 0 else None
    place = order.index(finding_id) + step
    return order[place] if 0 <= place < len(order) else None


def evidence_rows(finding: store.FindingRow) -> list[tuple[str, Any]]:
    """The numbers that a finding rests on, each with what it counts."""
    return [
        (str(words.EVIDENCE[name]), format_decimal(float(f"{value:.4g}")))
        for name, value in finding.evidence.items()
        if name in words.EVIDENCE
    ]
