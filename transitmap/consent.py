"""The words riders agree to, in their languages, and which version of them holds."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Words:
    """One thing said in two languages."""

    es: str
    en: str

    def spoken(self, language: str) -> str:
        """In the language of a page (es_MX, es-MX, es; all others English)."""
        return self.es if language.startswith("es") else self.en


@dataclass(frozen=True)
class Consent:
    """What stands beside the buttons (`sending`, `prizes`), and the lists of what is done and what never.

    `version` names them all and is what uploads, keys and riders are marked with; `fingerprint` changes with
    any letter of them.
    """

    version: str
    sending: Words
    prizes: Words
    kept: tuple[Words, ...]
    published: tuple[Words, ...]
    never: tuple[Words, ...]
    fingerprint: str


@cache
def consent() -> Consent:
    """The words that hold now."""
    table = tomllib.loads(resources.files("transitmap").joinpath("consent.toml").read_text(encoding="utf-8"))
    words = json.dumps(table, sort_keys=True, ensure_ascii=False).encode()
    sending, prizes = (Words(**table[name]) for name in ("sending", "prizes"))
    kept, published, never = (
        tuple(Words(**row) for row in table[name]) for name in ("kept", "published", "never")
    )
    fingerprint = hashlib.sha256(words).hexdigest()
    return Consent(table["version"], sending, prizes, kept, published, never, fingerprint)
