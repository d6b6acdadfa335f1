"""The rules in words, and proposals: nothing of a number twice, no vote without a rider, no secret reason."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.machine import WAIT_MS, needs_browser
from tests.webapp.conftest import PASSWORD, form_token, serving
from transitmap import store
from transitmap.points.rules import parse_rules
from webapp import rules
from webapp.rule_words import GROUPS, WORDS

HELD = rules.text_of(None)
OTHER = HELD.replace('version = "', 'version = "9.').replace("points_per_km = 10.0", "points_per_km = 12.5")


@pytest.fixture
def people(app, add_rider, log_in):
    """Browsers of a rider, another and an organiser."""
    for name, role in (("Ana", "rider"), ("Beto", "rider"), ("Oli", "organiser")):
        add_rider(name, role)
    return {name: log_in(name) for name in ("Ana", "Beto", "Oli")}


@pytest.fixture
def send(people):
    """Sends a form of the pages of rules."""

    def post(who, path, **fields):
        token = form_token(people[who], "/accounts/")
        return people[who].post(f"/rules/{path}", data={"csrf_token": token, **fields})

    return post


@pytest.fixture
def proposed(send):
    answer = send("Oli", "proposals", toml=OTHER, note="More for new routes")
    assert answer.status_code == 302
    return answer.location.rsplit("/", 1)[-1]


def test_every_number_has_words_and_no_words_lack_a_number():
    found = rules.flat(tomllib.loads(HELD))
    assert set(found) == set(WORDS)
    assert {key.split(".")[0] for key in found} == set(GROUPS)


def test_the_page_says_the_numbers_of_the_file(client):
    held = parse_rules(tomllib.loads(HELD))
    page, english = client.get("/rules/").text, client.get("/rules/?lang=en").text
    assert f"{held.millipoints_per_km / 1000:g} puntos" in page
    assert f"{held.millipoints_per_km / 1000:g} points" in english
    assert "100 %, 80 %, 40 %" in page
    assert held.version in page
    assert page.count('<dd class="num">') == len(WORDS)
    assert tomllib.loads(client.get("/rules/rules.toml").text) == tomllib.loads(HELD)


def test_what_is_in_shadow_is_told_in_words_and_older_rules_have_none(app, client):
    with app.test_request_context():
        older = HELD[: HELD.index("[suspicion]")]
        (name, (line,)) = rules.in_words(older, HELD.replace("shadow = []", 'shadow = ["car", "old"]'))[-1]
    assert (name, line.value, line.is_changed) == ("Lo que se ve extraño", "nada", True)
    assert line.other.startswith("Este viaje parece de auto")
    assert client.get("/rules/").text.count("Solo se anota, y no retiene nada") == 1


def test_a_proposal_is_shown_number_by_number(proposed, client):
    page = client.get(f"/rules/proposals/{proposed}").text
    changed = re.search(r'<dl class="rules pairs">(.*?)</dl>', page, re.DOTALL)[1]
    assert changed.count("<dt>") == 1
    assert "10 puntos" in changed and "12.5 puntos" in changed
    assert "More for new routes" in page
    assert "se puede votar" in client.get("/rules/").text


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ("version = ", "no es TOML"),
        (HELD, "otra versión"),
        (OTHER.replace("length_m = 100.0", "length_m = 50.0"), "no cómo se miden"),
        (OTHER.replace("min_segment_m = 20.0", "min_segment_m = 10.0"), "no cómo se miden"),
        (OTHER.replace("points_per_km = 12.5", "points_per_km = -1.0"), "no pueden valer"),
        (OTHER + "\n[secret]\nbonus = 2\n", "no pueden valer"),
        ("#" * 20_001, "demasiado largo"),
    ],
)
def test_rules_that_cannot_hold_are_not_proposed(send, app, toml, why):
    answer = send("Oli", "proposals", toml=toml, note="because")
    assert answer.status_code == 422
    assert why in answer.text
    assert "because" in answer.text  # nothing written is lost
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.all_proposals(session) == []


def test_votes_can_be_changed_until_the_decision(send, people, proposed):
    path = f"proposals/{proposed}"
    for who, choice in (("Ana", "for"), ("Beto", "for"), ("Ana", "against")):
        assert send(who, f"{path}/vote", vote=choice).status_code == 302
    page = people["Ana"].get(f"/rules/{path}").text
    assert re.search(r'value="against" aria-pressed="true"', page)
    assert re.findall(r"<dd>(\d+)</dd>", page)[-3:] == ["1", "1", "0"]
    assert send("Ana", f"{path}/vote", vote="twice").status_code == 400
    assert send("Oli", f"{path}/decide", verdict="adopted", reason="").status_code == 302
    assert send("Ana", f"{path}/vote", vote="for").status_code == 302
    assert send("Oli", f"{path}/decide", verdict="adopted", reason="Both agree now").status_code == 302
    assert "Both agree now" in people["Beto"].get(f"/rules/{path}").text
    for late in (f"{path}/vote", f"{path}/comments", f"{path}/decide"):
        answer = send("Oli", late, vote="for", text="x", verdict="refused", reason="x")
        assert answer.status_code == 409, late


def test_comments_are_text_and_can_be_hidden(send, people, proposed, client):
    path = f"proposals/{proposed}"
    assert send("Ana", f"{path}/comments", text="<b>too</b> much").status_code == 302
    assert "&lt;b&gt;too&lt;/b&gt; much" in client.get(f"/rules/{path}").text
    assert send("Ana", f"{path}/comments/1", is_hidden="1").status_code == 403
    assert send("Oli", f"{path}/comments/1", is_hidden="1").status_code == 302
    assert "too&lt;" not in client.get(f"/rules/{path}").text
    assert "too&lt;" in people["Oli"].get(f"/rules/{path}").text
    assert send("Ana", f"{path}/comments", text=" ").status_code == 400
    assert send("Ana", f"{path}/comments", text="x" * 2_001).status_code == 400


def test_who_would_gain_and_lose_is_told_without_those_who_hide(app, people, proposed, client):
    with store.session(app.extensions["transitmap_engine"]) as session:
        ids = [store.user_by_name(session, name).id for name in ("Ana", "Beto", "Oli")]
        rows = list(zip(ids, (10_000, 8_000, 0), (12_500, 7_000, 0), strict=True))
        store.keep_preview(session, int(proposed), rows, 1.0)
        store.user_by_name(session, "Beto").is_hidden = True
    seen, own = (one.get(f"/rules/proposals/{proposed}").text for one in (client, people["Beto"]))
    assert "Ana" in seen and "12.5" in seen
    assert "Beto" not in seen.split("</header>")[1]
    assert "Tú: 8.0 puntos ahora, 7.0 con la propuesta" in own
    assert re.findall(r"<dd>(\d+)</dd>", seen)[:3] == ["1", "1", "1"]


def test_a_campaign_shows_its_own_rules_and_a_draft_only_to_those_who_organise(app, people, client):
    with store.session(app.extensions["transitmap_engine"]) as session:
        for slug, state in (("later", "draft"), ("now", "open")):
            names = {"slug": slug, "name_es": slug, "name_en": slug}
            session.add(store.Campaign(**names, made_s=1.0, state=state, rules_version="9", rules_toml=OTHER))
    assert "12.5 puntos" in client.get("/rules/campaigns/now").text
    assert client.get("/rules/campaigns/later").status_code == 404
    assert people["Oli"].get("/rules/campaigns/later").status_code == 200


def test_rules_adopted_for_a_draft_become_its_rules(app, send):
    with store.session(app.extensions["transitmap_engine"]) as session:
        for slug, state in (("later", "draft"), ("now", "open")):
            session.add(store.Campaign(slug=slug, name_es=slug, name_en=slug, made_s=1.0, state=state))
    for slug in ("later", "now"):
        path = send("Oli", "proposals", toml=OTHER, campaign=slug).location.removeprefix("/rules/")
        assert send("Oli", f"{path}/decide", verdict="adopted", reason="yes").status_code == 302
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        own = {one.slug: one.rules_toml for one in store.campaigns_with_rules(session)}
    assert own == {"later": OTHER}


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_javascript_a_rider_votes_on_a_narrow_phone(app, proposed, send, chromium, scheme):
    from axe_playwright_python.sync_playwright import Axe

    send("Beto", f"proposals/{proposed}/comments", text="palabra" * 40)
    with store.session(app.extensions["transitmap_engine"]) as session:
        rows = [(store.user_by_name(session, name).id, 9_000, 9_500) for name in ("Ana", "Beto")]
        store.keep_preview(session, int(proposed), rows, 1.0)
    with serving(app) as port:
        narrow = {"width": 320, "height": 640}
        page = chromium.new_context(
            base_url=f"http://127.0.0.1:{port}", locale="es-MX", viewport=narrow, color_scheme=scheme,
            java_script_enabled=False,
        ).new_page()  # fmt: skip
        page.set_default_timeout(WAIT_MS)
        page.goto(f"/rules/proposals/{proposed}")
        page.get_by_role("link", name="Entra para votar").click()
        page.get_by_label("Seudónimo").fill("Ana")
        page.get_by_label("Contraseña").fill(PASSWORD)
        page.locator("main button").click()
        page.get_by_role("button", name="A favor", exact=True).click()
        page.get_by_text("Tu voto cuenta").wait_for()
        assert page.locator("#votes ~ dl dd").all_inner_texts() == ["1", "0", "0"]
        state = page.context.storage_state()
        seen = chromium.new_context(
            base_url=f"http://127.0.0.1:{port}", viewport=narrow, color_scheme=scheme, bypass_csp=True,
            storage_state=state,
        ).new_page()  # fmt: skip
        seen.set_default_timeout(WAIT_MS)
        seen.goto(f"/rules/proposals/{proposed}")
        seen.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert seen.evaluate("document.documentElement.scrollWidth") <= narrow["width"]
        found = Axe().run(seen).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
