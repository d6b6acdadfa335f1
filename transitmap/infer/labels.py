"""What riders call a line, reduced to what they mean: "Ruta 12 - Centro" and "12" are one name."""

from __future__ import annotations

import re
import unicodedata

_GENERIC = frozenset(
    [
        "autobus",
        "bus",
        "camion",
        "colectivo",
        "combi",
        "linea",
        "line",
        "micro",
        "microbus",
        "ramal",
        "route",
        "ruta",
        "track",
    ]
)
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}|\b20\d{2}[01]\d[0-3]\d(?:\D?\d{4,6})?\b|\d{1,2}:\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}"
)


def clean_label(text: str) -> str:
    """The line's code in a rider's label ("R-12 Centro" -> "12"), else its words without generic ones.

    Accents, case and punctuation do not matter. Dates and times are no line: phones name tracks by them.
    Empty where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", _DATE.sub(" ", text)).encode("ascii", "ignore").decode().casefold()
    words = [word for word in re.findall(r"[a-z0-9]+", plain) if word not in _GENERIC]
    codes = [word for word in words if any(c.isdigit() for c in word)]
    if codes:
        code = codes[0]
        return re.sub(r"^r(?=\d)", "", code).lstrip("0") or code
    return " ".join(words)
