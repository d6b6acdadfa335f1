"""What pages say of a file that is no trace: in the reader's language, and which file to pick instead."""

import pytest
from flask import render_template_string

from transitmap.collect.parse import EXPECTED, HINTS
from webapp import words


def test_every_hint_has_words_for_riders():
    assert set(words.HINTS) == set(HINTS)


@pytest.mark.parametrize("hint", sorted(HINTS))
def test_a_hint_is_told_in_spanish_and_english(app, hint):
    detail = f"{HINTS[hint]}; {EXPECTED}"
    told = {}
    for lang in ("es", "en"):
        with app.test_request_context(f"/?lang={lang}"):
            app.preprocess_request()
            told[lang] = words.told(detail)
    assert told["es"] != told["en"]
    assert detail not in told.values()


def test_any_other_detail_is_told_as_it_is(app):
    with app.test_request_context("/"):
        assert words.told("3 usable points, need 5") == "3 usable points, need 5"


@pytest.mark.parametrize("lang, summary", [("es", "Detalle técnico, en inglés"), ("en", "Technical detail")])
def test_what_is_only_said_in_english_is_folded_away_and_marked_as_such(app, lang, summary):
    with app.test_request_context(f"/?lang={lang}"):
        app.preprocess_request()
        told = {
            detail: render_template_string(
                '{% import "macros.html" as ui with context %}{{ ui.detail(detail) }}', detail=detail
            )
            for detail in ("3 usable points, need 5", f"{HINTS['pdf']}; {EXPECTED}", "")
        }
    plain, hint, nothing = told.values()
    assert f"<summary>{summary}</summary>" in plain
    assert '<p class="code" lang="en">3 usable points, need 5</p>' in plain
    assert "<details" not in hint
    assert not nothing.strip()


def test_the_help_page_says_every_refusal_and_every_no_where_links_lead(client):
    page = client.get("/help/").text
    for code, sentence in [*words.REFUSALS.items(), *words.REQUESTS.items()]:
        assert f'<li id="{code}">' in page, code
        assert str(sentence) == str(sentence).strip() != "", code
    assert 'href="/record/"' in page
    assert 'href="/phones/"' in page


def test_nothing_is_never_written_with_a_minus(app):
    with app.test_request_context("/"):
        assert render_template_string("{{ 12345.678 | number }} {{ -0.04 | decimal }}") == "12,346 0.0"
