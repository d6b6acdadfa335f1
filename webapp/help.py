"""How points come about, what is private, and what every refusal means."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask_babel import gettext as _

from transitmap.model import Rules
from webapp import words

blueprint = Blueprint("help", __name__, url_prefix="/help")


@blueprint.get("/")
def index() -> str:
    """Rules, privacy and refusals on one page."""
    rules: Rules = current_app.extensions["transitmap_rules"]
    return render_template(
        "help.html",
        rules=_explain(rules),
        rules_version=rules.version,
        refusals=words.REFUSALS,
        requests=words.REQUESTS,
        quota=current_app.extensions["transitmap_settings"].config.quota,
    )


def _explain(rules: Rules) -> list[tuple[str, str]]:
    """The published numbers in words."""
    later = ", ".join(f"{weight / 10:.0f} %" for weight in rules.observer_weights[1:])
    per_km = rules.millipoints_per_km / 1000
    new = _(
        "%(n)s points for each kilometre of a route and direction that nobody had recorded.", n=f"{per_km:g}"
    )
    more = _(
        "The next riders, on other days, get %(shares)s of that, and each later one half of the one before.",
        shares=later,
    )
    quality = _(
        "A position every %(n)s seconds or more often counts fully; a weak signal counts less.",
        n=f"{rules.full_interval_s:g}",
    )
    return [(_("New metres"), new), (_("Confirmed metres"), more), (_("Quality"), quality)]
