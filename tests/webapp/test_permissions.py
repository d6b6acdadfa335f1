"""Who may do what: a row for every route; a route without a row fails, and so does a row without a route."""

from __future__ import annotations

import io

import pytest

from tests.webapp.campaign import close_campaign
from tests.webapp.city import add_missions, publish
from tests.webapp.conftest import PASSWORD, form_token
from transitmap import store
from webapp import phone_keys
from webapp.rules import text_of

ANYONE = {"visitor": 200, "other": 200, "owner": 200}
RIDERS = {"visitor": 401, "other": 200, "owner": 200}
RIDERS_FAIL = {"visitor": 401, "other": 401, "owner": 401}  # without the password
RIDERS_ACT = {"visitor": 401, "other": 302, "owner": 302}
MINE = {"visitor": 401, "other": 404, "owner": 200}
PLANNERS_ACT = {"visitor": 401, "other": 403, "owner": 403, "reviewer": 403, "planner": 302, "organiser": 302}
ORGANISERS = {"visitor": 401, "other": 403, "owner": 403, "organiser": 200}
ORGANISERS_ACT = ORGANISERS | {"organiser": 302}
ORGANISERS_FAIL = ORGANISERS | {"organiser": 422}  # with an empty form
REVIEWERS = {"visitor": 401, "other": 403, "owner": 403, "reviewer": 200, "organiser": 200}
REVIEWERS_ACT = REVIEWERS | {"reviewer": 303, "organiser": 303}
RIDERS_ASK = {"visitor": 401, "other": 400, "owner": 400}  # without words
WHO = ("visitor", "other", "owner", *store.ROLES[1:])
"""A role that a row does not name may do what any other rider may, and no more."""
TABLE = {
    ("GET", "/"): ANYONE,
    ("GET", "/accounts/"): RIDERS,
    ("GET", "/accounts/log-in"): ANYONE,
    ("POST", "/accounts/log-in"): {"visitor": 422, "other": 422, "owner": 422},
    ("POST", "/accounts/log-out"): {"visitor": 302, "other": 302, "owner": 302},
    ("POST", "/accounts/privacy"): RIDERS_ACT,
    ("GET", "/accounts/sign-up"): ANYONE,
    ("POST", "/accounts/sign-up"): {"visitor": 422, "other": 422, "owner": 422},
    ("GET", "/api/v1/equity.geojson"): ANYONE,
    ("GET", "/api/v1/missions"): ANYONE,
    ("GET", "/api/v1/network.geojson"): ANYONE,
    ("GET", "/api/v1/openapi.json"): ANYONE,
    ("GET", "/api/v1/standings"): ANYONE,
    ("POST", "/api/v1/traces"): {"visitor": 401, "other": 422, "owner": 422},
    ("GET", "/cards/<int:user_id>-<key>"): ANYONE,
    ("GET", "/cards/<int:user_id>-<key>/picture.png"): ANYONE,
    ("POST", "/cards/"): RIDERS_ACT,
    ("POST", "/cards/withdraw"): RIDERS_ACT,
    ("GET", "/campaigns/"): ANYONE,
    ("POST", "/campaigns/"): ORGANISERS_FAIL,
    ("GET", "/campaigns/<slug>/"): ANYONE,
    ("GET", "/campaigns/<slug>/edit"): ORGANISERS,
    ("POST", "/campaigns/<slug>/edit"): ORGANISERS_FAIL,
    ("GET", "/campaigns/<slug>/prizes.toml"): ANYONE,
    ("GET", "/campaigns/<slug>/report"): ANYONE,
    ("GET", "/campaigns/<slug>/report.pdf"): ANYONE,
    ("GET", "/campaigns/<slug>/rules.toml"): ANYONE,
    ("GET", "/campaigns/<slug>/snapshot.jsonl"): ANYONE,
    ("POST", "/campaigns/<slug>/steps/<step>"): ORGANISERS_ACT,
    ("GET", "/campaigns/new"): ORGANISERS,
    ("GET", "/campaigns/new/inside"): ORGANISERS,
    ("GET", "/campaigns/public-key.pem"): ANYONE,
    ("GET", "/appeals/<ride_id>"): MINE,
    ("POST", "/appeals/<ride_id>"): {"visitor": 401, "other": 404, "owner": 303},
    ("GET", "/appeals/file/<sha256>"): RIDERS,
    ("POST", "/appeals/file/<sha256>"): {"visitor": 401, "other": 404, "owner": 404},
    ("GET", "/feeds/"): ANYONE,
    ("GET", "/feeds/<feed_id>/"): ANYONE,
    ("GET", "/feeds/<feed_id>/changes.geojson"): ANYONE,
    ("POST", "/feeds/<feed_id>/roll-back"): PLANNERS_ACT,
    ("POST", "/feeds/resume"): PLANNERS_ACT,
    ("GET", "/gtfs/<feed_id>/gtfs.zip"): ANYONE,
    ("GET", "/gtfs/evidence.csv"): ANYONE,
    ("GET", "/gtfs/evidence.geojson"): ANYONE,
    ("GET", "/gtfs/export/<file>"): ANYONE,
    ("GET", "/gtfs/gtfs-expanded.zip"): ANYONE,
    ("GET", "/gtfs/gtfs.zip"): ANYONE,
    ("GET", "/health"): ANYONE,
    ("GET", "/help/"): ANYONE,
    ("GET", "/missions/"): ANYONE,
    ("GET", "/missions/<int:mission_id>"): ANYONE,
    ("POST", "/missions/<int:mission_id>/leave"): RIDERS_ACT,
    ("POST", "/missions/<int:mission_id>/reserve"): RIDERS_ACT,
    ("POST", "/missions/routes/<route_id>/adopt"): RIDERS_ACT,
    ("POST", "/missions/routes/<route_id>/release"): RIDERS_ACT,
    ("GET", "/network/"): ANYONE,
    ("GET", "/network/routes/<route_id>"): ANYONE,
    ("GET", "/ogc/"): ANYONE,
    ("GET", "/ogc/api"): ANYONE,
    ("GET", "/ogc/collections"): ANYONE,
    ("GET", "/ogc/collections/<layer>"): ANYONE,
    ("GET", "/ogc/collections/<layer>/items"): ANYONE,
    ("GET", "/ogc/collections/<layer>/items/<feature_id>"): ANYONE,
    ("GET", "/ogc/conformance"): ANYONE,
    ("GET", "/privacy/"): ANYONE,
    ("POST", "/privacy/erase"): RIDERS_FAIL,
    ("GET", "/privacy/my-data.zip"): RIDERS,
    ("POST", "/privacy/prizes"): RIDERS_ACT,
    ("POST", "/privacy/trim"): {"visitor": 401, "other": 400, "owner": 400},
    ("GET", "/phones/"): ANYONE,
    ("POST", "/phones/"): RIDERS,
    ("GET", "/phones/<int:token_id>"): MINE,
    ("POST", "/phones/<int:token_id>/rename"): {"visitor": 401, "other": 404, "owner": 302},
    ("POST", "/phones/<int:token_id>/renew"): MINE,
    ("POST", "/phones/<int:token_id>/revoke"): {"visitor": 401, "other": 404, "owner": 302},
    ("GET", "/phones/apps/<app_key>"): ANYONE,
    ("GET", "/phones/setup/<carried>"): ANYONE,
    ("GET", "/phones/setup/<carried>.properties"): ANYONE,
    ("GET", "/record/"): ANYONE,
    ("GET", "/record/manifest.webmanifest"): ANYONE,
    ("GET", "/record/rider"): ANYONE,
    ("GET", "/record/sw.js"): ANYONE,
    ("GET", "/record/worth"): RIDERS,
    ("GET", "/review/"): REVIEWERS,
    ("GET", "/review/<int:finding_id>"): REVIEWERS,
    ("GET", "/review/detectors"): REVIEWERS,
    ("POST", "/review/<int:finding_id>"): REVIEWERS_ACT,
    ("POST", "/review/<int:finding_id>/person"): REVIEWERS_ACT,
    ("GET", "/review/<int:finding_id>/rides.geojson"): REVIEWERS,
    ("POST", "/review/<int:finding_id>/undo"): REVIEWERS_ACT,
    ("GET", "/review/appeals/<int:appeal_id>"): REVIEWERS,
    ("POST", "/review/appeals/<int:appeal_id>"): REVIEWERS_ACT,
    ("POST", "/review/riders/<int:user_id>/met"): REVIEWERS_ACT,
    ("GET", "/review/winners/"): REVIEWERS,
    ("GET", "/review/winners/campaigns/<slug>"): ORGANISERS,
    ("POST", "/review/winners/campaigns/<slug>"): ORGANISERS_ACT,
    ("POST", "/review/winners/campaigns/<slug>/approve"): REVIEWERS_ACT,
    ("POST", "/review/winners/<int:payout_id>/approve"): REVIEWERS_ACT,
    ("POST", "/review/winners/<int:payout_id>/pay"): REVIEWERS_ACT,
    ("POST", "/review/winners/<int:payout_id>/refuse"): REVIEWERS_ACT,
    ("GET", "/rules/"): ANYONE,
    ("GET", "/rules/campaigns/<slug>"): ANYONE,
    ("POST", "/rules/proposals"): ORGANISERS_FAIL,
    ("GET", "/rules/proposals/<int:proposal_id>"): ANYONE,
    ("POST", "/rules/proposals/<int:proposal_id>/comments"): RIDERS_ASK,
    ("POST", "/rules/proposals/<int:proposal_id>/comments/<int:comment_id>"): ORGANISERS_ACT,
    ("POST", "/rules/proposals/<int:proposal_id>/decide"): {**ORGANISERS, "organiser": 400},
    ("POST", "/rules/proposals/<int:proposal_id>/vote"): RIDERS_ASK,
    ("GET", "/rules/rules.toml"): ANYONE,
    ("GET", "/standings/"): ANYONE,
    ("GET", "/standings/<path:name>"): ANYONE,
    ("GET", "/static/<path:filename>"): ANYONE,
    ("GET", "/teams/"): ANYONE,
    ("POST", "/teams/"): {"visitor": 401, "other": 422, "owner": 422},
    ("GET", "/teams/<int:team_id>"): ANYONE,
    ("POST", "/teams/<int:team_id>/accept"): {"visitor": 401, "other": 404, "owner": 404},
    ("POST", "/teams/<int:team_id>/deny"): {"visitor": 401, "other": 404, "owner": 404},
    ("POST", "/teams/<int:team_id>/join"): RIDERS_ACT,
    ("POST", "/teams/<int:team_id>/leave"): RIDERS_ACT,
    ("GET", "/traces/"): ANYONE,
    ("POST", "/traces/"): {"visitor": 401, "other": 422, "owner": 422},
    ("GET", "/traces/<upload_id>"): MINE,
}
NO_COOKIE_OPENS = {"visitor": 401, "other": 401, "owner": 401}
PHONES = {
    (method, rule): NO_COOKIE_OPENS
    for rule, methods in {
        "/api/v1/overland/batches": "POST",
        "/api/v1/owntracks/points": "POST",
        "/api/v1/traccar/points": "POST",
        "/index.php/apps/phonetrack/<verb>/<token>/<device>": "GET POST",
        "/<path:prefix>/index.php/apps/phonetrack/<verb>/<token>/<device>": "GET POST",
        "/ingest/file": "POST",
        "/ingest/file/<token>": "POST",
        "/ingest/gpslogger": "GET POST",
        "/ingest/gpslogger/<token>": "GET POST",
        "/ingest/locus": "GET POST",
        "/ingest/locus/<token>": "GET POST",
        "/ingest/osmand": "GET POST",
        "/ingest/osmand/<token>": "GET POST",
        "/ingest/osmand/<token>/": "GET POST",
        "/ingest/overland": "POST",
        "/ingest/overland/<token>": "POST",
        "/ingest/owntracks": "POST",
        "/ingest/owntracks/<token>": "POST",
        "/ingest/recorder/<token>": "POST",
        "/ingest/ulogger/<token>/client/index.php": "POST",
    }.items()
    for method in methods.split()
}
"""Here a device's key alone counts, and that of `site` is none."""
TABLE |= PHONES | {("POST", "/ingest/recorder"): RIDERS}
FEED = "2026-11-22-0a1b2c3d"


def test_every_route_has_a_row(app):
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(TABLE)


@pytest.fixture
def site(app, add_rider):
    """An owner with a token and an upload, another rider, a published city: the values of the routes."""
    owner_id = add_rider("dueña")
    add_rider("otro")
    for role in store.ROLES[1:]:
        add_rider(role, role)
    route_id = publish(app, FEED)
    with store.session(app.extensions["transitmap_engine"]) as session:
        owner = store.user_by_id(session, owner_id)
        token, _ = store.add_token(session, owner, "phone", 1.0)
        carried = phone_keys.write_link(app.secret_key, "number", "file")
        key = phone_keys.key_of(app.secret_key, "number")
        store.add_token(session, owner, "phone to set up", 1.0, app="gpslogger", plain=key)
        upload, _ = store.add_upload(session, owner_id, "0" * 64, "a.gpx", 5, 1.0)
        store.settle_upload(session, upload, store.REFUSED, "too_short", "1 fix, need 2")
        mission = add_missions(session)[0]
        team = store.add_team(session, store.OWN_CAMPAIGN, "Equipo", owner_id, 0, 1.0)
        ride_id, finding_id, appeal_id = doubt(session, owner_id)
        rules = "9", text_of(None)
        proposal = store.add_proposal(session, store.OWN_CAMPAIGN, owner_id, rules, "", {}, 1.0)
        comment = store.add_comment(session, proposal.id, owner_id, "no", 1.0)
        store.set_card(session, owner_id, "0a1b")
        return {
            "user_id": owner_id, "key": "0a1b",
            "mission_id": mission.id, "team_id": team.id,
            "ride_id": ride_id, "finding_id": finding_id, "appeal_id": appeal_id, "sha256": "0" * 64,
            "payout_id": won(session, owner_id),
            "proposal_id": proposal.id, "comment_id": comment.id,
            "token_id": token.id, "upload_id": upload.id, "route_id": route_id, "feed_id": FEED,
            "name": "dueña", "filename": "style.css", "file": "network.gpx", "layer": "stops",
            "slug": close_campaign(app, session), "step": "open",
            "feature_id": "S1", "app_key": "owntracks", "carried": carried,
            "token": "tm_wrong", "verb": "logPost", "device": "phone", "prefix": "cloud",
        }  # fmt: skip


def won(session, owner_id: int) -> int:
    """A prize of the owner's that waits for approval."""
    found = store.put_payouts(session, 1, [(owner_id, "first", 5_000, {"prize": {}, "list": "0" * 64})], 1.0)
    return found[0].id


def doubt(session, owner_id: int) -> tuple[str, int, int]:
    """A ride of the owner's that looks odd, what is odd about it, and what the owner says."""
    upload, _ = store.add_upload(session, owner_id, "1" * 64, "b.gpx", 5, 1.0)
    ride = store.RideRow(
        sequence=1, id="ride", upload_id=upload.id, user_id=owner_id, ordinal=1, name="b.gpx", n_fixes=9,
        dropped={}, warnings=[], mode="bus", stretch={}, started_s=1.0, distance_m=9.0,
        packed_sha256="2" * 64,
    )  # fmt: skip
    store.add_rides(session, [ride])
    finding = store.FindingRow(ride_id="ride", code="car", tier="soft", score=0.9, evidence={}, made_s=1.0)
    session.add(finding)
    appeal = store.add_appeal(session, owner_id, "ride", "I was on board.", 1.0)
    return ride.id, finding.id, appeal.id


@pytest.fixture
def browsers(app, site, log_in):
    roles = {role: log_in(role) for role in store.ROLES[1:]}
    return {"visitor": app.test_client(), "other": log_in("otro"), "owner": log_in("dueña"), **roles}


@pytest.mark.parametrize("who", WHO)
def test_each_row_holds(site, browsers, app, who):
    client = browsers[who]
    token = form_token(client, "/accounts/sign-up")
    for (method, rule), expected in TABLE.items():
        if rule == "/accounts/log-out":
            continue  # would end the session: has its own test
        path = fill(rule, site)
        body = {"csrf_token": token, "file": (b"", "a.gpx")} if "traces" in rule else {"csrf_token": token}
        headers = {"X-CSRFToken": token}
        answer = client.open(
            path, method=method, data=with_file(body) if method == "POST" else None, headers=headers
        )
        assert answer.status_code == expected.get(who, expected["other"]), f"{who} {method} {path}"


def test_a_role_can_be_had_from_no_form(app, client):
    """Roles are given at the command line alone: a field more in a form changes nothing."""
    form = {"csrf_token": form_token(client, "/accounts/sign-up"), "name": "Ana", "password": PASSWORD}
    more = {"role": "organiser", "id": "1", "is_hidden": "1", "created_s": "0", "trim_m": "0"}
    assert client.post("/accounts/sign-up", data=form | more).status_code == 302
    form = {"csrf_token": form_token(client, "/accounts/"), "is_hidden": "0"}
    assert client.post("/accounts/privacy", data=more | form).status_code == 302
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        (ana,) = store.users(session)
    assert (ana.role, ana.is_hidden) == ("rider", False)
    assert ana.created_s > 1e9
    assert client.post("/feeds/resume", data=form).status_code == 403


def test_a_form_without_its_token_changes_nothing(site, browsers, app):
    for method, rule in TABLE.keys() - PHONES.keys():
        if method == "POST":
            body = {"file": (b"", "a.gpx")} if "traces" in rule else {}
            answer = browsers["owner"].post(fill(rule, site), data=with_file(body))
            assert answer.status_code == 400, rule
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert len(store.tokens_of_user(session, 1)) == 2


def fill(rule: str, values: dict[str, object]) -> str:
    for name, value in values.items():
        for kind in ("", "int:", "path:"):
            rule = rule.replace(f"<{kind}{name}>", str(value))
    return rule


def with_file(body: dict[str, object]) -> dict[str, object]:
    """The form with its files opened: a form can be sent once."""
    return {
        key: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
        for key, value in body.items()
    }
