"""The Spanish catalogue is complete, holds nothing else, and is what a page speaks first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import transitmap
from webapp import translate, words

PAGES = (
    "/",
    "/traces/",
    "/standings/",
    "/teams/",
    "/network/",
    "/feeds/",
    "/help/",
    "/accounts/sign-up",
    "/nowhere",
    "/phones/",
    "/privacy/",
    "/campaigns/",
    "/missions/",
    "/rules/",
)


def test_every_string_is_translated():
    catalogue = translate.read_catalogue()
    assert [message.id for message in translate.untranslated(catalogue)] == []


def test_catalogue_holds_exactly_the_strings_in_use():
    known = {message.id for message in translate.read_catalogue() if message.id}
    used = {message.id for message in translate.extract() if message.id}
    assert known == used


def test_placeholders_survive():
    for message in translate.read_catalogue():
        if message.id:
            told = [message.id] if isinstance(message.id, str) else list(message.id)
            said = [message.string] if isinstance(message.string, str) else list(message.string)
            for source, target in zip(told, said, strict=True):
                assert set(re.findall(r"%\(\w+\)s", source)) == set(re.findall(r"%\(\w+\)s", target)), source


@pytest.mark.parametrize("path", PAGES)
def test_spanish_is_first(client, path):
    page = client.get(path).text
    assert '<html lang="es-MX">' in page
    assert "Saltar al contenido" in page


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("", "en-GB,en;q=0.9", "en"),
        ("?lang=es", "en", "es-MX"),
        ("?lang=en", "es", "en"),
        ("?lang=xx", "fr", "es-MX"),
    ],
)
def test_language_is_asked_for_or_the_browsers(client, query, accept, expected):
    assert f'<html lang="{expected}">' in client.get(f"/{query}", headers={"Accept-Language": accept}).text


def test_the_choice_is_remembered(client):
    client.get("/?lang=en")
    assert '<html lang="en">' in client.get("/help/").text


def test_every_reason_why_a_phones_position_was_left_out_has_words():
    root = Path(transitmap.__file__).parent / "collect"
    paths = [*sorted((root / "clients").glob("*.py")), root / "hear.py", root / "gather.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    told = r'(?:why=|why = |Unreadable\(|nothing\(|_add\(dropped, )"([a-z_]+)"'
    reasons = set(re.findall(told, text)) | {"no_position", "out_of_range", "no_time", "bad_time"}
    assert len(reasons) > 10
    assert sorted(reasons - set(words.DROPPED)) == []


def test_every_refusal_of_collect_has_a_sentence():
    root = Path(transitmap.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "collect").rglob("*.py")))
    codes = set(re.findall(r'UploadRefused\(\s*"([a-z_]+)"', text))
    assert len(codes) > 10
    assert sorted(codes - set(words.REFUSALS)) == []
