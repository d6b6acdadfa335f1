"""What pages say of a file that is no trace: in the reader's language, and which file to pick instead."""

import pytest

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
