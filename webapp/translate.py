"""Brings the Spanish catalogue up to date with code and templates: `python -m webapp.translate`."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
CATALOGUE = HERE / "translations" / "es_MX" / "LC_MESSAGES" / "messages.po"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None}


def main() -> int:
    """Write the catalogue, new strings added, unused ones dropped; 1 while strings lack a translation."""
    catalogue = read_catalogue() if CATALOGUE.exists() else Catalog(locale="es_MX", project="transitmap")
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    catalogue.header_comment = "# Spanish (Mexico) for transitmap, under the project's licence."
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as out:
        write_po(out, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)
    missing = untranslated(catalogue)
    sys.stderr.write(f"transitmap: {len(catalogue)} strings, {len(missing)} without a translation\n")
    return 1 if missing else 0


def extract() -> Catalog:
    """Every string that the pages can say, as it stands in code and templates."""
    found = Catalog(locale="es_MX", project="transitmap")
    rows = extract_from_dir(HERE, METHODS, {"templates/**.html": {"trimmed": "true"}}, KEYWORDS)
    for name, line, text, comments, context in rows:
        found.add(text, None, [(f"webapp/{name}", line)], auto_comments=comments, context=context)
    return found


def read_catalogue() -> Catalog:
    """The Spanish catalogue as it stands."""
    with CATALOGUE.open("rb") as lines:
        return read_po(lines, locale="es_MX")


def untranslated(catalogue: Catalog) -> list[Message]:
    """Strings without a translation, with a doubtful one, or with one for only some numbers."""
    return [one for one in catalogue if one.id and (one.fuzzy or not all(_texts(one)))]


def _texts(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, list | tuple) else [message.string or ""]


if __name__ == "__main__":
    raise SystemExit(main())
