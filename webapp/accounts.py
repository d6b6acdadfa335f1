"""Accounts: a pseudonym and a password, and whether the ranking shows me."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import Length, Regexp

from transitmap import passwords, store
from transitmap.errors import NameTaken
from webapp import auth, db, language, limits, privacy

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts")
MAX_NAME_CHARS = 40
NAME = r"^(?=.*\S)[^/\\<>&\"'@]+$"


class SignUpForm(FlaskForm):
    """What a new rider tells: nothing that names a person."""

    name = StringField(
        lazy_gettext("Pseudonym"),
        [
            Length(1, MAX_NAME_CHARS, lazy_gettext("Between 1 and 40 characters, please.")),
            Regexp(NAME, message=lazy_gettext("Without / \\ < > & @ or quotes, please.")),
        ],
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [Length(8, passwords.MAX_CHARS, lazy_gettext("Between 8 and 200 characters, please."))],
    )


class LogInForm(FlaskForm):
    """A name and its password."""

    name = StringField(lazy_gettext("Pseudonym"), [Length(1, 80)])
    password = PasswordField(lazy_gettext("Password"), [Length(1, passwords.MAX_CHARS)])


@blueprint.route("/sign-up", methods=("GET", "POST"))
def sign_up() -> str | Response | tuple[str, int]:
    """A form for a new account; logged in once it is made."""
    form = SignUpForm()
    if form.is_submitted():
        limits.take_network("sign_ups")
    if form.validate_on_submit() and _make(form):
        flash(_("Welcome! Your first trip can go out now."), "good")
        return redirect(url_for("traces.index"))
    page = render_template("sign_up.html", form=form, min_chars=passwords.MIN_CHARS)
    return page, 422 if form.errors else 200


def _make(form: SignUpForm) -> bool:
    if passwords.is_guessable(form.password.data or "", form.name.data or ""):
        form.password.errors = [_("Too easy to guess: take three or four words that nobody expects.")]
        return False
    hashed = passwords.hash_password(form.password.data or "")
    try:
        locale, trim_m = language.language(), privacy.draw_trim_m()
        name = form.name.data or ""
        user = store.add_user(db.session(), name, hashed, time.time(), locale=locale, trim_m=trim_m)
        user.prize_consent = privacy.prize_consent()
    except NameTaken:
        form.name.errors = [_("Somebody already has that name.")]
        return False
    db.commit()
    auth.open_session(user)
    return True


@blueprint.route("/log-in", methods=("GET", "POST"))
def log_in() -> str | Response | tuple[str, int]:
    """A form for a name and a password; then back to where the rider was."""
    form = LogInForm()
    if not form.validate_on_submit():
        return render_template("log_in.html", form=form, failed=False), 422 if form.errors else 200
    user = auth.user_with_password(form.name.data or "", form.password.data or "")
    if user is None:
        return render_template("log_in.html", form=form, failed=True), 401
    auth.open_session(user)
    return redirect(_safe(request.args.get("next", "")) or url_for("home.index"))


def _safe(path: str) -> str:
    """The path where it stays on this site, else nothing: browsers skip tabs and take \\ for /."""
    if not path.isprintable() or "\\" in path or not path.startswith("/") or path.startswith("//"):
        return ""
    try:
        place = urlsplit(path)
    except ValueError:
        return ""
    return "" if place.scheme or place.netloc else path


@blueprint.post("/log-out")
def log_out() -> Response:
    """Ends this browser's session."""
    auth.close_session()
    return redirect(url_for("home.index"))


@blueprint.get("/")
@login_required
def mine() -> str:
    """The way to my devices, and my privacy."""
    n_devices = store.n_live_tokens(db.session(), auth.must_me().id)
    return render_template("account.html", n_devices=n_devices)


@blueprint.post("/privacy")
@login_required
def choose_privacy() -> Response:
    """Whether the ranking shows me."""
    auth.must_me().is_hidden = request.form.get("is_hidden") == "1"
    db.commit()
    flash(_("Saved."), "good")
    return redirect(url_for("accounts.mine"))
