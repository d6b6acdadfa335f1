"""Text for people's spreadsheets: no cell that one would run. GTFS files are never written so."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def plain_cell(text: str) -> str:
    """The text, with an apostrophe where a spreadsheet would take it for a formula (OWASP ASVS 1.2.10)."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
