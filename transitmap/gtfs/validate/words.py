"""A rule -> what its notices mean and what to do about them, in Spanish or English."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

WORDS_FILE = "words.toml"
UNKNOWN = {
    "es": (
        "Una regla de GTFS no se cumple.",
        "Busca su nombre en gtfs-validator.mobilitydata.org/rules.html, donde está explicada.",
    ),
    "en": (
        "A rule of GTFS does not hold.",
        "Look its name up at gtfs-validator.mobilitydata.org/rules.html, where it is explained.",
    ),
}
SECOND = re.compile(r"[A-Z]{3}_\d{3}")  # how gtfs-analyzer numbers its rules
GRAVE = {
    "es": (
        "Otro validador, gtfs-analyzer, encuentra una falla grave.",
        "Su mensaje, en inglés, dice dónde está; si no lo explica, avisa a quien mantiene el programa.",
    ),
    "en": (
        "Another validator, gtfs-analyzer, finds a grave fault.",
        "Its message says where; if that does not explain it, tell whoever maintains the program.",
    ),
}


def explain(rule: str, lang: str) -> tuple[str, str]:
    """What a notice of this rule means, and what to do; `lang` es gives Spanish, any other English.

    A canonical rule that nobody has put into words yet is said to be one, and where it is explained.
    """
    lang = "es" if lang[:2].lower() == "es" else "en"
    return known_words().get(rule, GRAVE if SECOND.fullmatch(rule) else UNKNOWN)[lang]


@cache
def known_words() -> dict[str, dict[str, tuple[str, str]]]:
    """Both sentences of every rule that has some, by language."""
    text = resources.files(__package__).joinpath(WORDS_FILE).read_text(encoding="utf-8")
    return {
        rule: {lang: (one[lang][0], one[lang][1]) for lang in ("es", "en")}
        for one in tomllib.loads(text)["words"]
        for rule in one["rules"]
    }
