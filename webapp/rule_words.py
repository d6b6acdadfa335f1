"""The numbers of the rules -> what each is, and why it is there."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

GROUPS = {
    "pay": _("What is paid"),
    "confirm": _("When the rest is paid"),
    "fresh": _("Keeping the map fresh"),
    "mission": _("Missions"),
    "equity": _("Areas in need"),
    "label": _("Fares and remarks"),
    "review": _("Reviewers"),
    "segment": _("What a stretch is"),
    "quality": _("What a good recording is"),
    "suspicion": _("What looks odd"),
}
POINTS, SHARE, TIMES, METRES, SECONDS, DAYS, PLAIN = "points", "share", "times", "m", "s", "days", "plain"
FOUND = "found"
"""A list of what detectors find, told by what they say of a trip."""
WORDS = {
    "pay.points_per_km": (
        POINTS,
        _("A kilometre of a route, in a direction, that nobody had recorded"),
        _("With a perfect recording; a worse one is worth less."),
    ),
    "pay.observer_weights": (
        SHARE,
        _("What the first, the second and the third rider of a stretch get of that"),
        _("Each later one gets half of the one before. It counts on another day, from another account."),
    ),
    "pay.min_segment_m": (
        METRES,
        _("What one must ride of a stretch for it to count"),
        _("Less is not seen well enough. It pays nobody there on that day, so a noisy copy earns nothing."),
    ),
    "pay.max_points_per_day": (
        POINTS,
        _("The most that one rider can earn in a day"),
        _("What is ridden beyond that still helps the map."),
    ),
    "confirm.provisional": (
        SHARE,
        _("What is paid at once"),
        _("The rest comes when others confirm the trip. Only what is confirmed counts for prizes."),
    ),
    "confirm.voices": (
        PLAIN,
        _("Independent voices that confirm a stretch"),
        _("Other people, on other days; one of the staff is enough. An official feed confirms on trust."),
    ),
    "confirm.group_max": (
        PLAIN,
        _("People who confirm one another most, at most"),
        _(
            "Friends may ride together, but so many cannot confirm one another alone. "
            "A quarter of all riders at most."
        ),
    ),
    "confirm.min_outside": (
        SHARE,
        _("Of what is confirmed of somebody, others must confirm at least"),
        _("Others than those people, or a reviewer. What goes beyond waits."),
    ),
    "confirm.trust_points": (
        POINTS,
        _("Of each rider known in person, confirmed on trust"),
        _(
            "In each campaign, once somebody of the staff has met the rider: where only those people saw it, "
            "or only an official feed knows the route. The earlier trips first, counted before missions and "
            "areas in need. Half of what others confirmed, if more."
        ),
    ),
    "fresh.after_days": (
        DAYS,
        _("A stretch that nobody recorded for so long pays anybody again"),
        _("Routes change; a map that nobody looks after goes stale."),
    ),
    "fresh.full_days": (
        DAYS,
        _("A stretch that nobody recorded pays the most after"),
        _("In between it pays more with every day."),
    ),
    "fresh.full_share": (
        SHARE,
        _("The most that a stretch pays again"),
        _("Of what it paid the first rider."),
    ),
    "mission.max_bonus": (
        TIMES,
        _("A trip that does what a mission asks for is worth up to"),
        _("Missions ask for routes and times of day of which the map knows too little."),
    ),
    "equity.max_weight": (
        TIMES,
        _("A trip in an area in need is worth up to"),
        _("The organiser publishes which areas those are."),
    ),
    "label.points": (
        POINTS,
        _("A fare, a name or a remark that others confirm later"),
        _("An answer that differs from the others’ pays nothing."),
    ),
    "label.max_per_ride": (PLAIN, _("Answers paid for one trip, at most"), ""),
    "review.points": (
        POINTS,
        _("A reviewer’s decision that stood"),
        _("Reviewing is work on the map, too."),
    ),
    "review.max_per_day": (PLAIN, _("Decisions paid in a day, at most"), ""),
    "segment.length_m": (
        METRES,
        _("How long a stretch is"),
        _("Routes are cut in stretches, and every stretch is paid for itself."),
    ),
    "segment.near_m": (
        METRES,
        _("Lines of one route closer than this are the same street"),
        _("So that a street is not paid twice because two phones drew it a little apart."),
    ),
    "quality.full_interval_s": (
        SECONDS,
        _("A position this often is perfect"),
        _("With positions four times as seldom a stretch is worth half."),
    ),
    "quality.max_interval_s": (
        SECONDS,
        _("A longer gap between two positions counts nothing"),
        _("Nobody knows which way the vehicle went meanwhile."),
    ),
    "quality.full_accuracy_m": (
        METRES,
        _("A position this exact, or better, is perfect"),
        _("With one half as exact a stretch is worth half."),
    ),
    "quality.max_accuracy_m": (
        METRES,
        _("A less exact position counts nothing"),
        _("The phone itself says how exact it is."),
    ),
    "quality.unknown_accuracy": (
        SHARE,
        _("What a position counts when the phone does not say how exact it is"),
        _("Some apps do not write it down."),
    ),
    "suspicion.shadow": (
        FOUND,
        _("Noted alone, and withholds nothing"),
        _("For new detectors, until it is known how often they are right. A person may still decide."),
    ),
}
"""What each number of the rules means: how to say it, its name, and why it is there."""
