"""Whoever changes a word that riders agree to changes its version."""

from __future__ import annotations

from transitmap.consent import consent

FINGERPRINTS = {"2026-11-22": "6a2dba5dba58b75a709bbc91999b27be5b2109528f262aaebb04df32d964bd17"}


def test_words_and_version_change_together() -> None:
    assert FINGERPRINTS[consent().version] == consent().fingerprint


def test_all_is_said_in_both_languages() -> None:
    said = consent()
    for words in (said.sending, said.prizes, *said.kept, *said.published, *said.never):
        assert words.es.strip() and words.en.strip() and words.es != words.en
    assert said.sending.spoken("es_MX") == said.sending.spoken("es-MX") == said.sending.es
    assert said.sending.spoken("en") == said.sending.en
    assert len(said.version) <= 32
